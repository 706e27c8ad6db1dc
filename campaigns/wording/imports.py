"""Imports of codes in words: why nothing of a file was imported."""

from django.utils.translation import gettext as _


def why_import_failed(code: str) -> str:
    """The sentence for the ``failure`` of an imported batch, and what to do about it."""
    sentences = {
        "not-csv": _("The file is not CSV in UTF-8. Save it as “CSV UTF-8”, with one code per line."),
        "nothing-to-import": _("None of the lines could be imported."),
        "unreadable": _("The stored file can no longer be read. Send it again."),
        "unexpected": _("An unexpected error occurred, and nothing was imported. The server log has the details."),
    }
    return sentences.get(code, code)
