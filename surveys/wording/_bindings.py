"""Changes of confirmed accounts in words: the same sentence in the audit log, on the person's own page and in e-mails."""

from django.utils.translation import gettext as _

from ..models import BindingEvent, Change


def change_in_words(event: BindingEvent) -> str:
    """One line of the audit log as a sentence or two."""
    said = {"account": event.account_address, "old": event.old, "new": event.new}
    return _SENTENCES[Change(event.kind)]() % said


# Functions, since each is translated when it is read. (The catalogue is collected from calls of ``_`` with a literal.)
_SENTENCES = {
    Change.NOTED: lambda: _("The address %(new)s was noted when the first one-on-one was arranged."),
    Change.ASKED: lambda: _("The account %(account)s asked for a confirmation link. It goes to %(new)s."),
    Change.REFUSED: lambda: _("A confirmation link was opened by %(account)s and refused (%(new)s)."),
    Change.CONFIRMED: lambda: _("The account %(account)s was confirmed from %(new)s."),
    Change.MOVED: lambda: _("The account %(old)s was replaced by %(new)s."),
    Change.DIRECTORY_ADDRESS: lambda: _(
        "The address in the directory changed from %(old)s to %(new)s. The confirmed account stays the same, and so does the "
        "address that confirms changes."
    ),
    Change.DIRECTORY_KEY: lambda: _("The key in the directory changed from %(old)s to %(new)s. The account stays the same."),
    Change.LEFT: lambda: _("The entry in the directory was deactivated."),
    Change.RETURNED: lambda: _("The entry in the directory was reactivated. The confirmed account stays the same."),
    Change.ACCOUNT_ADDRESS: lambda: _(
        "The address of the account changed from %(old)s to %(new)s. The account is on hold until it is confirmed again."
    ),
    Change.FURTHER_ADDRESS: lambda: _(
        "The sign-in address %(new)s was added to the account %(account)s. The account is on hold until it is confirmed again."
    ),
    Change.PASSWORD: lambda: _(
        "Someone other than the owner set the password of the account %(account)s. Its one-on-ones are closed until the other "
        "participant agrees."
    ),
    Change.SECOND_FACTOR: lambda: _(
        "Someone other than the owner changed the second factor of the account %(account)s. Its one-on-ones are closed until the "
        "other participant agrees."
    ),
    Change.ACCOUNT_OFF: lambda: _("The account %(account)s was deactivated."),
    Change.ACCOUNT_ON: lambda: _(
        "The account %(account)s was reactivated. Its one-on-ones are closed until the other participant agrees."
    ),
    Change.ACCOUNT_DELETED: lambda: _("The account %(account)s was deleted."),
    Change.OUTSIDE: lambda: _(
        "How the account %(account)s signs in was changed outside the product. Its one-on-ones are closed until the other "
        "participant agrees."
    ),
    Change.TAMPERED: lambda: _(
        "The database has an entry for the account %(account)s that does not match the audit log. The entry opens nothing."
    ),
    Change.AGREED: lambda: _("The other participant of a one-on-one agreed that the account %(account)s opens it."),
    Change.DECLINED: lambda: _("The other participant of a one-on-one declined to open it to the account %(account)s."),
}
