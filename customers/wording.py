"""Sentences for what was decided about who somebody is, and for events that were not taken."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .rules.protocol import Refusal
from .rules.resolution import Dropped

KINDS: dict[str, str | Promise] = {
    "user_id": gettext_lazy("account"),
    "account": gettext_lazy("account"),
    "loyalty_card": gettext_lazy("loyalty card"),
    "email": gettext_lazy("e-mail address"),
    "phone": gettext_lazy("phone number"),
    "device_id": gettext_lazy("device"),
    "anonymous_id": gettext_lazy("cookie"),
}


def kind_in_words(kind: str) -> str:
    """What people call this kind of identifier."""
    if kind in KINDS:
        return str(KINDS[kind])
    if kind.startswith("external:"):
        return _("number at %(source)s") % {"source": kind.partition(":")[2]}
    return kind.replace("_", " ")


def why_not_used(reason: str, kind: str) -> str:
    """Why an identifier of an event was left out."""
    words = {
        Dropped.LIMIT: _("A customer has only so many of this kind, and this one had as many already."),
        Dropped.MERGE_BREAKS_LIMIT: _(
            "It belongs to somebody else, and the two cannot be one person: together they would have more of a kind than one"
            " person may have, such as two accounts."
        ),
        Dropped.MERGE_BUDGET: _("One of the two was merged too often already to be merged by an event."),
        Dropped.SPLIT_BEFORE: _("It belongs to a customer whom somebody took apart from this one."),
        Dropped.OUTRANKED: _("It belongs to somebody else, and something that says more about who it is spoke against it."),
    }
    known = {item.value: sentence for item, sentence in words.items()}
    return known.get(reason, reason)


def why_refused(reason: str) -> str:
    """Why an event of a source was not taken, for who looks after the source."""
    words = {
        Refusal.NOT_AN_OBJECT: _("An event is a JSON object."),
        Refusal.UNKNOWN_TYPE: _("The type is none of track, identify, page, screen, group, alias."),
        Refusal.TOO_LARGE: _("It has more than 32 KiB."),
        Refusal.TOO_DEEP: _("It is more than 32 levels deep."),
        Refusal.NOT_A_NUMBER: _("NaN and Infinity are not numbers of JSON."),
        Refusal.BAD_TEXT: _("A text contains a null character or half a character."),
        Refusal.BAD_MESSAGE_ID: _("Its messageId is not a text of at most 100 characters."),
        Refusal.NO_NAME: _("A track event needs a name of at most 200 characters in “event”."),
        Refusal.BAD_FIELD: _("context, properties and traits have to be objects."),
        Refusal.NO_IDENTITY: _("Nothing says whom it is about: userId or anonymousId is needed; null, 0 or guest is nobody."),
        Refusal.IN_THE_FUTURE: _("It lies more than a day in the future."),
        Refusal.BEFORE_1970: _("It lies before 1970."),
        Refusal.NOT_PROCESSED: _("It could not be processed; the log of the server says why."),
    }
    known = {item.value: sentence for item, sentence in words.items()}
    return known.get(reason, reason)
