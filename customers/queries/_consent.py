"""Consent as it is read: what holds for a customer, its history, who may be addressed, the links to the preference page."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import NotFound

from ..models import Channel, Consent, Customer
from ..rules.consent import ALL, IncentiveKind, Purpose, Topic, Wishes, from_data
from ._links import Opened, link_token, opened_by
from ._reading import CustomerUnknown

SALT = "customers.preferences"
UNSUBSCRIBE_SALT = "customers.unsubscribe"


class PreferencesUnknown(NotFound):
    code = "preferences-unknown"
    title = _("This link does not open anybody's preferences")


def wishes_of(customer: Customer) -> Wishes:
    """What holds now, as kept beside the customer: no query."""
    return from_data(customer.consent)


def consent_as_data(customer: Customer) -> dict[str, Any]:
    """What holds, as partners read it: the latest statement of each topic, the newest first. No query."""
    wishes = wishes_of(customer)
    said = sorted(wishes.said.values(), key=lambda one: (one.at, str(one.topic)), reverse=True)
    return {
        "opted_out": wishes.has_opted_out,
        "opted_out_at": wishes.opted_out_at,
        "statements": [
            {
                "channel": None if one.topic.channel == ALL else one.topic.channel,
                "purpose": one.topic.purpose.value,
                "kind": None if one.topic.kind == ALL else one.topic.kind,
                "given": one.is_given,
                "at": one.at,
            }
            for one in said
        ],
    }


def consent_history(customer: Customer) -> QuerySet[Consent]:
    """The customer's lines of the ledger, the latest statement first."""
    return Consent.objects.filter(customer=customer).select_related("channel").order_by("-said_at", "-pk")


def who_may_be_addressed(found: QuerySet[Customer]) -> QuerySet[Customer]:
    """Those of ``found`` who have not opted out of everything."""
    return found.exclude(consent__has_key="opted_out")


def channels_to_choose(wishes: Wishes) -> list[Channel]:
    """Those in which messages can be sent, and those about which the customer has said something."""
    named = {topic.channel for topic in wishes.said} - {ALL}
    return list(Channel.objects.filter(Q(can_message=True, is_active=True) | Q(key__in=named)).order_by("name", "pk"))


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the preference page and the API show and change; ``channels`` and ``kinds``: wanted or not."""

    opted_out: bool
    channels: dict[str, bool]
    kinds: dict[str, bool]
    research: bool
    per_week: int | None
    paused_until: str | None
    language: str


def preferences_of(customer: Customer) -> Preferences:
    """One query, for the channels. A channel that asks first is wanted only when that was said."""
    wishes = wishes_of(customer)
    return Preferences(
        opted_out=wishes.has_opted_out,
        channels={channel.key: _is_wanted(wishes, channel) for channel in channels_to_choose(wishes)},
        kinds={kind.value: not wishes.refuses_kind(ALL, Purpose.MARKETING, kind) for kind in IncentiveKind},
        research=not wishes.refuses_channel(ALL, Purpose.RESEARCH),
        per_week=wishes.per_week,
        paused_until=wishes.paused_until.isoformat() if wishes.paused_until else None,
        language=customer.language,
    )


def _is_wanted(wishes: Wishes, channel: Channel) -> bool:
    own = wishes.said.get(Topic(channel.key))
    if own is not None:
        return own.is_given
    everything = wishes.said.get(Topic())
    return not channel.asks_first or (everything is not None and everything.is_given)


# --- Links ------------------------------------------------------------------------------------------------------------------


def preferences_url(customer: Customer) -> str:
    """The full address of the customer's preference page: whoever has it may change them, so it is never logged."""
    return settings.BASE_URL + reverse("preferences", args=[link_token(customer, salt=SALT)])


def unsubscribe_url(customer: Customer, channel: Channel) -> str:
    """What belongs into the header ``List-Unsubscribe`` of a message in ``channel`` (RFC 8058)."""
    return settings.BASE_URL + reverse("unsubscribe", args=[link_token(customer, salt=UNSUBSCRIBE_SALT, channel=channel.key)])


def unsubscribe_urls(customer: Customer) -> dict[str, str]:
    """``unsubscribe_url`` of each channel in which the customer may be written to, by the channel's key."""
    return {channel.key: unsubscribe_url(customer, channel) for channel in channels_to_choose(wishes_of(customer))}


def opened_preferences(token: str) -> Opened:
    """Whose preferences a signed link opens. Raises ``PreferencesUnknown`` for a forged one."""
    try:
        return opened_by(token, salt=SALT)
    except CustomerUnknown:
        raise PreferencesUnknown(_("Ask for a new link where you got this one.")) from None


def opened_unsubscribe(token: str) -> tuple[Opened, Channel | None]:
    """Whom a link out of a message unsubscribes, and from which channel it came (``None``: from everything).

    It works for ever, also after a merge: a message that was sent once can always be refused. Raises ``PreferencesUnknown``.
    """
    try:
        opened = opened_by(token, salt=UNSUBSCRIBE_SALT)
    except CustomerUnknown:
        opened = opened_preferences(token)  # in messages that were sent before these links had a salt of their own
    return opened, Channel.objects.filter(key=opened.channel).first() if opened.channel else None
