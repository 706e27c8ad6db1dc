"""An operator's own sentences for the refusals of an incentive: what may be saved."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from customers.rules.faults import escape

from ..rules.candidates import Reason
from ..rules.language import Reader
from ..wording.decisions import ANY

LONGEST = 200
MOST_LANGUAGES = 100


def check_sentences(data: Any, reader: Reader, pointer: str = "/sentences") -> None:
    """``{reason or "any": {language: text}}``; faults go to ``reader``."""
    if not isinstance(data, dict):
        reader.fault(pointer, "not-an-object", _("An object of reasons is expected."))
        return
    if len(data) > len(Reason) + 1:
        reader.fault(pointer, "too-many", _("There are not so many reasons."))
        return
    languages = {code for code, _name in settings.LANGUAGES}
    for reason, texts in data.items():
        here = f"{pointer}/{escape(str(reason)[:60])}"
        if reason != ANY and reason not in set(Reason):
            reader.fault(here, "unknown-value", _("This is not a reason for a refusal."))
            continue
        if not isinstance(texts, dict) or not texts:
            reader.fault(here, "not-an-object", _("An object of languages with their sentences is expected."))
            continue
        if len(texts) > MOST_LANGUAGES:
            reader.fault(here, "too-many", _("There are not so many languages."))
            continue
        for language, text in texts.items():
            at = f"{here}/{escape(str(language)[:60])}"
            if language not in languages:
                reader.fault(at, "unknown-language", _("This language is not offered here."))
            else:
                _check_text(text, at, reader)


def _check_text(text: Any, pointer: str, reader: Reader) -> None:
    if not isinstance(text, str) or not text.strip():
        reader.fault(pointer, "not-a-text", _("A sentence is expected."))
    elif len(text) > LONGEST or not text.replace("\n", "").isprintable():
        reader.fault(pointer, "bad-text", _("At most 200 characters that can be printed."))
