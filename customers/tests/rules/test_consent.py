"""Consent: the latest statement of a topic, the stricter of several, and what a merge makes of two."""

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.rules.consent import (
    ALL,
    EVERYTHING,
    NOTHING_SAID,
    IncentiveKind,
    Purpose,
    Statement,
    Topic,
    Why,
    Wishes,
    as_data,
    from_data,
    stricter,
)

NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
TODAY = NOON.date()


def said(*statements: tuple[Topic, bool]) -> Wishes:
    return NOTHING_SAID.with_statements(
        Statement(topic, is_given, NOON + datetime.timedelta(minutes=n)) for n, (topic, is_given) in enumerate(statements)
    )


MAIL = Topic("mail")
CONTESTS = Topic(kind=IncentiveKind.CONTESTS)


@pytest.mark.parametrize(
    ("wishes", "asked", "expected"),
    [
        (said(), {}, (True, Why.NEVER_SAID)),
        (said(), {"asks_first": True}, (False, Why.NOT_ASKED)),
        (said((MAIL, True)), {"asks_first": True}, (True, Why.GIVEN)),
        (said((EVERYTHING, True)), {"asks_first": True}, (True, Why.GIVEN)),
        (said((Topic("sms"), True)), {"asks_first": True}, (False, Why.NOT_ASKED)),
        (said((MAIL, True), (MAIL, False)), {}, (False, Why.CHANNEL_REFUSED)),
        (said((MAIL, False), (MAIL, True)), {}, (True, Why.GIVEN)),
        (said((MAIL, False), (EVERYTHING, True)), {}, (False, Why.CHANNEL_REFUSED)),
        (said((MAIL, True), (EVERYTHING, False)), {}, (False, Why.OPTED_OUT)),
        (said((EVERYTHING, False), (MAIL, True)), {}, (False, Why.OPTED_OUT)),
        (said((EVERYTHING, False)), {"purpose": Purpose.SERVICE}, (True, Why.NEVER_SAID)),
        (said((EVERYTHING, False)), {"purpose": Purpose.RESEARCH}, (True, Why.NEVER_SAID)),
        (said((CONTESTS, False)), {"kinds": ["contests"]}, (False, Why.KIND_REFUSED)),
        (said((CONTESTS, False)), {"kinds": ["contests", "points"]}, (True, Why.NEVER_SAID)),
        (said((CONTESTS, False)), {}, (True, Why.NEVER_SAID)),
        (said((Topic("sms", kind="contests"), False)), {"kinds": ["contests"]}, (True, Why.NEVER_SAID)),
        (Wishes(paused_until=TODAY + datetime.timedelta(1)), {"today": TODAY}, (False, Why.PAUSED)),
        (Wishes(paused_until=TODAY), {"today": TODAY}, (True, Why.NEVER_SAID)),
        (Wishes(paused_until=TODAY + datetime.timedelta(1)), {}, (True, Why.NEVER_SAID)),
        (
            Wishes(paused_until=TODAY + datetime.timedelta(1)),
            {"today": TODAY, "purpose": Purpose.SERVICE},
            (True, Why.NEVER_SAID),
        ),
    ],
)
def test_may_we(wishes: Wishes, asked: dict[str, object], expected: tuple[bool, Why]) -> None:
    answer = wishes.may(**{"channel": "mail", **asked})  # type: ignore[arg-type]
    assert (answer.allowed, answer.why) == expected


TOPICS = st.builds(
    Topic,
    st.sampled_from([ALL, "mail", "sms"]),
    st.sampled_from(list(Purpose)),
    st.sampled_from([ALL, *IncentiveKind]),
)
STATEMENTS = st.lists(
    st.builds(Statement, TOPICS, st.booleans(), st.integers(0, 5).map(lambda n: NOON + datetime.timedelta(minutes=n))), max_size=8
)
WISHES = st.builds(
    lambda statements, number, days: Wishes(
        NOTHING_SAID.with_statements(statements).said, number, TODAY + datetime.timedelta(days) if days else None
    ),
    STATEMENTS,
    st.none() | st.integers(0, 5),
    st.none() | st.integers(1, 9),
)
QUESTIONS = [
    {"channel": channel, "purpose": purpose, "kinds": kinds, "today": today, "asks_first": asks_first}
    for channel, purpose, kinds, today, asks_first in itertools.product(
        ["mail", "sms"], Purpose, [[], ["points"], ["points", "contests"]], [None, TODAY], [False, True]
    )
]


@given(STATEMENTS, st.randoms())
def test_the_order_in_which_statements_arrive_does_not_matter(statements: list[Statement], random: object) -> None:
    shuffled = list(statements)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (NOTHING_SAID.with_statements(these) for these in (statements, shuffled))
    assert one == other
    assert NOTHING_SAID.with_statements(statements[:3]).with_statements(statements[3:]) == one


@given(WISHES)
def test_what_is_kept_says_the_same(wishes: Wishes) -> None:
    assert from_data(as_data(wishes)) == wishes
    assert ("opted_out" in as_data(wishes)) is wishes.has_opted_out


@given(WISHES, WISHES)
def test_a_merge_refuses_what_either_refused(first: Wishes, second: Wishes) -> None:
    both = stricter(first, second)
    assert both == stricter(second, first)
    assert stricter(first, first) == first
    for question in QUESTIONS:
        if {first.may(**question).why, second.may(**question).why} & {  # type: ignore[arg-type]
            Why.OPTED_OUT,
            Why.CHANNEL_REFUSED,
            Why.KIND_REFUSED,
            Why.PAUSED,
        }:
            assert not both.may(**question).allowed  # type: ignore[arg-type]


@given(WISHES)
def test_leaving_everything_beats_everything_said_of_marketing(wishes: Wishes) -> None:
    left = wishes.with_statements([Statement(EVERYTHING, False, NOON + datetime.timedelta(days=1))])
    for question in QUESTIONS:
        answer = left.may(**question)  # type: ignore[arg-type]
        assert question["purpose"] is not Purpose.MARKETING or answer.why is Why.OPTED_OUT
