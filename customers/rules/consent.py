"""Consent: what a customer has agreed to and refused, and what follows from it (``docs/consent.md``).

A statement is about a *topic*: a channel, a purpose and a kind of incentive, where ``ALL`` stands for every channel or kind. Of
one topic the latest statement holds. Of several topics that cover a question the stricter holds: a refusal stands until the
same topic is given again, whatever is said of wider or narrower ones.
"""

import datetime
import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ALL = "*"


class Purpose(enum.StrEnum):
    MARKETING = "marketing"
    SERVICE = "service"
    RESEARCH = "research"


class IncentiveKind(enum.StrEnum):
    """What an incentive gives, as customers choose it."""

    DISCOUNTS = "discounts"
    POINTS = "points"
    CREDIT = "credit"
    CONTESTS = "contests"
    ACCESS = "access"


class How(enum.StrEnum):
    """By which way a statement reached us."""

    PREFERENCE_PAGE = "preference_page"
    ONE_CLICK = "one_click"
    API = "api"
    IMPORT = "import"
    STAFF = "staff"
    EVENT = "event"
    MERGE = "merge"  # said by nobody: keeps a refusal that the merge would have overruled


class Why(enum.StrEnum):
    """What an answer rests on."""

    GIVEN = "given"
    NEVER_SAID = "never-said"
    NOT_ASKED = "not-asked"
    OPTED_OUT = "opted-out"
    CHANNEL_REFUSED = "channel-refused"
    KIND_REFUSED = "kind-refused"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Topic:
    channel: str = ALL
    purpose: Purpose = Purpose.MARKETING
    kind: str = ALL

    def __str__(self) -> str:
        return f"{self.channel}/{self.purpose}/{self.kind}"

    @classmethod
    def read(cls, text: str) -> "Topic":
        channel, purpose, kind = text.split("/")
        return cls(channel, Purpose(purpose), kind)


# What leaving everything refuses, and what stands for it wherever one asks quickly.
EVERYTHING = Topic()


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of the ledger: ``is_given`` or withdrawn, at an instant."""

    topic: Topic
    is_given: bool
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Answer:
    allowed: bool
    why: Why


@dataclass(frozen=True, slots=True)
class Wishes:
    """What holds for one customer now: the latest statement of each topic, and how much may reach it.

    ``per_week`` is how many messages a week are wanted at most, over all channels; ``None``: no wish. Until ``paused_until``
    (a day on the customer's calendar, not included) no marketing messages are wanted.
    """

    said: Mapping[Topic, Statement] = field(default_factory=dict)
    per_week: int | None = None
    paused_until: datetime.date | None = None

    @property
    def has_opted_out(self) -> bool:
        return self._refuses(EVERYTHING)

    @property
    def opted_out_at(self) -> datetime.datetime | None:
        return self.said[EVERYTHING].at if self.has_opted_out else None

    def _refuses(self, topic: Topic) -> bool:
        return topic in self.said and not self.said[topic].is_given

    def refuses_channel(self, channel: str, purpose: Purpose) -> bool:
        return any(self._refuses(Topic(one, purpose)) for one in (ALL, channel))

    def refuses_kind(self, channel: str, purpose: Purpose, kind: str) -> bool:
        """For itself, whatever is said of all kinds."""
        return any(self._refuses(Topic(one, purpose, kind)) for one in (ALL, channel))

    def may(
        self,
        *,
        channel: str,
        purpose: Purpose = Purpose.MARKETING,
        kinds: Collection[str] = (),
        today: datetime.date | None = None,
        asks_first: bool = False,
    ) -> Answer:
        """May the customer be addressed in ``channel`` for ``purpose``, with something of these ``kinds``?

        What has several kinds is refused when all of them are. ``asks_first``: where nothing was said the answer is no. With
        ``today`` (on the customer's calendar) a pause counts as well; it is about marketing alone.
        """
        if self._refuses(Topic(ALL, purpose)):
            return Answer(False, Why.OPTED_OUT)
        if self.refuses_channel(channel, purpose):
            return Answer(False, Why.CHANNEL_REFUSED)
        if kinds and all(self.refuses_kind(channel, purpose, kind) for kind in kinds):
            return Answer(False, Why.KIND_REFUSED)
        is_given = self._is_given(channel, purpose, kinds)
        if asks_first and not is_given:
            return Answer(False, Why.NOT_ASKED)
        if purpose is Purpose.MARKETING and today is not None and self.paused_until is not None and today < self.paused_until:
            return Answer(False, Why.PAUSED)
        return Answer(True, Why.GIVEN if is_given else Why.NEVER_SAID)

    def _is_given(self, channel: str, purpose: Purpose, kinds: Collection[str]) -> bool:
        covering = [Topic(where, purpose, what) for where in (ALL, channel) for what in (ALL, *kinds)]
        return any(topic in self.said and self.said[topic].is_given for topic in covering)

    def with_statements(self, statements: Iterable[Statement]) -> "Wishes":
        """After these, in whatever order they come: the later holds, and of two of the same instant the refusal."""
        said = dict(self.said)
        for statement in statements:
            held = said.get(statement.topic)
            if held is None or (statement.at, not statement.is_given) >= (held.at, not held.is_given):
                said[statement.topic] = statement
        return Wishes(said, self.per_week, self.paused_until)


NOTHING_SAID = Wishes()


def stricter(first: Wishes, second: Wishes) -> Wishes:
    """What holds when two customers turn out to be one: what either refused stays refused; the lower number, the longer pause."""
    said = dict(first.said)
    for topic, statement in second.said.items():
        held = said.get(topic)
        if held is None or (not statement.is_given, statement.at) > (not held.is_given, held.at):
            said[topic] = statement
    numbers = [wishes.per_week for wishes in (first, second) if wishes.per_week is not None]
    pauses = [wishes.paused_until for wishes in (first, second) if wishes.paused_until is not None]
    return Wishes(said, min(numbers, default=None), max(pauses, default=None))


def as_data(wishes: Wishes) -> dict[str, Any]:
    """As kept beside the customer: small, and ``opted_out`` on top so that SQL can ask for it. Nothing said is ``{}``."""
    data: dict[str, Any] = {}
    if wishes.opted_out_at is not None:
        data["opted_out"] = wishes.opted_out_at.isoformat()
    if wishes.said:
        data["said"] = {
            str(topic): [statement.is_given, statement.at.isoformat()]
            for topic, statement in sorted(wishes.said.items(), key=lambda pair: str(pair[0]))
        }
    if wishes.per_week is not None:
        data["per_week"] = wishes.per_week
    if wishes.paused_until is not None:
        data["paused_until"] = wishes.paused_until.isoformat()
    return data


def from_data(data: Mapping[str, Any]) -> Wishes:
    if not data:
        return NOTHING_SAID
    said = {}
    for text, (is_given, at) in data.get("said", {}).items():
        topic = Topic.read(text)
        said[topic] = Statement(topic, is_given, datetime.datetime.fromisoformat(at))
    pause = data.get("paused_until")
    return Wishes(said, data.get("per_week"), datetime.date.fromisoformat(pause) if pause else None)
