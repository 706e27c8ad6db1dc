"""What an event of a source says about consent (``docs/consent.md``, From events): decisions from plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .channels import ChannelKind
from .consent import ALL, Purpose, Topic

# Segment's names for what providers of e-mail tell; the last one is what mail programs do with "this is spam".
NAMES: Mapping[str, bool] = {"Subscribed": True, "Unsubscribed": False, "Email Marked as Spam": False}
MAIL = (ChannelKind.EMAIL, ChannelKind.MAIL)
PUSH = (ChannelKind.APP,)
# How marketing tools call it: Braze's two, Customer.io's, and ours.
WORDS: Mapping[str, bool] = {"opted_in": True, "unsubscribed": False}
SUBSCRIBE = {"email_subscribe": MAIL, "push_subscribe": PUSH}
UNSUBSCRIBED, MARKETING_CONSENT = "unsubscribed", "marketing_consent"
TRAITS = frozenset({*SUBSCRIBE, UNSUBSCRIBED, MARKETING_CONSENT})
LONGEST_WORDING = 100


@dataclass(frozen=True, slots=True)
class Heard:
    """One statement: ``reason`` says what it was heard from."""

    topic: Topic
    is_given: bool
    reason: str
    wording: str = ""


def heard_in_event(name: str, properties: Mapping[str, Any], *, channels: Mapping[str, str], own: str) -> list[Heard]:
    """What a tracked event says. ``channels`` are kinds by key, ``own`` the key of the source's channel.

    Whoever leaves is let go also where nobody knows of what: then of everything. Whoever comes has to say of what.
    """
    is_given = NAMES.get(name)
    if is_given is None:
        return []
    purpose = Purpose(said) if (said := properties.get("purpose")) in list(Purpose) else Purpose.MARKETING
    wording = properties.get("wording")
    words = wording if isinstance(wording, str) and wording.isprintable() and len(wording) <= LONGEST_WORDING else ""
    wanted = properties.get("channel")
    if wanted in ("*", "all"):
        where = [ALL]
    elif isinstance(wanted, str) and wanted in channels:
        where = [wanted]
    elif wanted and is_given:
        where = []  # of a channel that nobody knows
    else:
        where = [own] if channels.get(own) in MAIL else _of_kinds(channels, MAIL)
    return [Heard(Topic(one, purpose), is_given, name, words) for one in where or ([] if is_given else [ALL])]


def heard_in_traits(before: Mapping[str, Any], after: Mapping[str, Any], *, channels: Mapping[str, str]) -> list[Heard]:
    """What traits say that are not what they were. An unchanged trait says nothing: clients send theirs with every sign-in, and
    what the customer has said elsewhere since must not be undone by that.
    """
    return [
        Heard(Topic(where), is_given, f"trait {name}")
        for name in sorted(TRAITS)
        if name in after and after[name] != before.get(name)
        for where, is_given in _heard(name, after[name], before.get(name), channels)
    ]


def _heard(name: str, value: Any, before: Any, channels: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    if name in SUBSCRIBE:
        if isinstance(value, str) and (is_given := WORDS.get(value.lower())) is not None:
            found = _of_kinds(channels, SUBSCRIBE[name])
            yield from ((key, is_given) for key in found or ([] if is_given or name != "email_subscribe" else [ALL]))
    elif name == UNSUBSCRIBED:
        if value is True:  # False says that nobody left, not that somebody agreed
            yield ALL, False
    elif isinstance(value, bool):
        yield ALL, value
    elif isinstance(value, dict):
        was = before if isinstance(before, dict) else {}
        yield from (
            (key, is_given)
            for key, is_given in value.items()
            if key in channels and isinstance(is_given, bool) and was.get(key) is not is_given
        )


def _of_kinds(channels: Mapping[str, str], kinds: tuple[str, ...]) -> list[str]:
    """Those of the first of the kinds that there are any of."""
    for kind in kinds:
        if found := sorted(key for key, one in channels.items() if one == kind):
            return found
    return []
