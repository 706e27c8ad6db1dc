"""Who is meant by the identifiers of an event: worked cases, and what holds whatever comes in whatever order."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.rules.faults import Misunderstood
from customers.rules.identities import STANDARD, IdentityRule, normalise, rule_of
from customers.rules.resolution import Apart, Dropped, Identifier, Profile, broken_limits, resolve

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
CASES = {case["id"]: case for case in json.loads((Path(__file__).parent / "cases" / "profiles.json").read_text())}


class Company:
    """Profiles in memory: what ``customers.operations.resolve_all`` does in the database."""

    def __init__(self) -> None:
        self.profiles: dict[int, Profile] = {}
        self.apart: Apart = frozenset()
        self.made = 0

    def owners(self) -> dict[Identifier, Profile]:
        return {identifier: profile for profile in self.profiles.values() for identifier in profile.identifiers}

    def hears(self, *identifiers: Identifier, at: dt.datetime = NOON) -> tuple[int, dict[Identifier, Dropped]]:
        outcome = resolve(identifiers, self.owners(), at=at, apart=self.apart)
        if not outcome.profiles:
            self.made += 1
            self.profiles[self.made] = Profile(self.made, at)
        keys = list(outcome.profiles) or [self.made]
        survivor = self.profiles[keys[0]]
        for key in keys[1:]:
            other = self.profiles.pop(key)
            survivor.identifiers |= other.identifiers
            survivor.merges += other.merges + 1
            survivor.first_seen_at = min(survivor.first_seen_at, other.first_seen_at)
        for identifier in outcome.attach:
            survivor.identifiers[identifier] = at
        return survivor.key, dict(outcome.dropped)


def user(name: str) -> Identifier:
    return ("user_id", name)


def cookie(name: str) -> Identifier:
    return ("anonymous_id", name)


def mail(name: str) -> Identifier:
    return ("email", f"{name}@shop.test")


def _known(name: str) -> Identifier:
    return cookie(name) if "anon" in name else user(name)


@pytest.mark.parametrize("turned", [False, True])
def test_two_links_that_race_for_a_cookie_leave_two_customers(turned: bool) -> None:
    case = CASES["identity-017"]
    company = Company()
    for name in case["given"]["pre_existing"]:
        company.hears(user(name))
    links = [item["link"] for item in case["given"]["concurrent"]]
    for link in reversed(links) if turned else links:
        company.hears(_known(link["known"]), _known(link["other"]))
    assert len(company.profiles) == case["expect"]["profiles"]
    assert [any(kind == "user_id" for kind, _value in p.identifiers) for p in company.profiles.values()] == [True, True]


def test_an_alias_of_a_cookie_is_one_customer() -> None:
    case = CASES["identity-019"]
    company = Company()
    company.hears(_known(case["given"]["alias"]["from"]))
    company.hears(user(case["given"]["alias"]["to"]), _known(case["given"]["alias"]["from"]))
    assert len(company.profiles) == case["expect"]["profiles"]


def test_who_has_a_user_id_is_not_swallowed_by_a_link() -> None:
    case = CASES["identity-027"]
    company = Company()
    merged = []
    for step in case["given"]["steps"]:
        _key, dropped = company.hears(_known(step["link"]["known"]), _known(step["link"]["other"]))
        merged.append(not dropped)
    assert merged == case["expect"]["merged"]
    assert len(company.profiles) == case["expect"]["profiles"]


def test_who_becomes_one_was_first_seen_when_the_first_was() -> None:
    case = CASES["identity-029"]
    first, second = (dt.datetime.fromisoformat(text) for text in case["given"]["first_seen"])
    company = Company()
    company.hears(user("a"), at=first)
    company.hears(cookie("b"), at=second)
    key, _dropped = company.hears(user("a"), cookie("b"), at=first)
    assert company.profiles[key].first_seen_at == dt.datetime.fromisoformat(case["expect"]["first_seen"])


def test_two_who_log_in_on_one_browser_are_two() -> None:
    case = CASES["identity-030"]
    company = Company()
    ann, _ = company.hears(cookie("browser"), user("A"))
    bob, dropped = company.hears(cookie("browser"), user("B"))
    assert len(company.profiles) == case["expect"]["profiles"]
    assert ann != bob
    assert dropped == {cookie("browser"): Dropped.OUTRANKED}


def test_a_family_address_does_not_glue_two_user_ids() -> None:
    company = Company()
    company.hears(user("A"), mail("family"))
    company.hears(user("B"))
    key, dropped = company.hears(user("B"), mail("family"))
    assert dropped == {mail("family"): Dropped.MERGE_BREAKS_LIMIT}
    assert user("B") in company.profiles[key].identifiers


def test_what_happened_before_signing_up_is_theirs() -> None:
    company = Company()
    visitor, _ = company.hears(cookie("phone"))
    assert company.hears(user("A"), cookie("phone"))[0] == visitor
    company.hears(cookie("laptop"))
    assert company.hears(user("A"), cookie("laptop"))[0] == visitor
    assert len(company.profiles) == 1


def test_the_sixth_address_is_not_attached_but_the_event_finds_its_customer() -> None:
    company = Company()
    for n in range(5):
        company.hears(user("A"), mail(f"m{n}"))
    key, dropped = company.hears(user("A"), mail("m5"), cookie("c"))
    assert dropped == {mail("m5"): Dropped.LIMIT}
    assert cookie("c") in company.profiles[key].identifiers


def test_a_sixth_cookie_fits_after_a_week() -> None:
    company = Company()
    for n in range(5):
        company.hears(user("A"), cookie(f"c{n}"))
    assert company.hears(user("A"), cookie("c5"))[1] == {cookie("c5"): Dropped.LIMIT}
    assert company.hears(user("A"), cookie("c5"), at=NOON + dt.timedelta(days=8))[1] == {}


def test_who_was_taken_apart_is_not_joined_again() -> None:
    company = Company()
    one, _ = company.hears(cookie("a"))
    two, _ = company.hears(mail("b"))
    company.apart = frozenset({frozenset({one, two})})
    key, dropped = company.hears(cookie("a"), mail("b"))
    assert key == two
    assert dropped == {cookie("a"): Dropped.SPLIT_BEFORE}


def test_a_customer_takes_in_a_hundred_others_at_most() -> None:
    one, two = Profile(1, NOON, {user("A"): NOON}, merges=100), Profile(2, NOON, {cookie("c"): NOON})
    outcome = resolve([user("A"), cookie("c")], {user("A"): one, cookie("c"): two}, at=NOON)
    assert outcome.profiles == (1,)
    assert outcome.dropped == ((cookie("c"), Dropped.MERGE_BUDGET),)


def test_a_customer_has_a_thousand_identifiers_at_most() -> None:
    rules = {**STANDARD, "device_id": IdentityRule(5_000, 6)}
    full = Profile(1, NOON, {("device_id", str(n)): NOON for n in range(1_000)})
    outcome = resolve([("device_id", "1"), ("device_id", "new")], {("device_id", "1"): full}, at=NOON, rules=rules)
    assert outcome.attach == ()
    assert outcome.dropped == ((("device_id", "new"), Dropped.LIMIT),)


IDENTIFIERS = st.one_of(
    st.tuples(st.just("user_id"), st.sampled_from("ABC")),
    st.tuples(st.just("loyalty_card"), st.sampled_from("12")),
    st.tuples(st.just("email"), st.sampled_from([f"{c}@x.test" for c in "abcdefg"])),
    st.tuples(st.just("anonymous_id"), st.sampled_from("pqrstuvw")),
    st.tuples(st.just("external:crm"), st.sampled_from("xy")),
)
EVENTS = st.lists(st.tuples(st.lists(IDENTIFIERS, min_size=1, max_size=4), st.integers(0, 20)), max_size=40)


@given(events=EVENTS)
def test_whatever_comes_the_limits_are_kept_and_an_identifier_has_one_owner(events: Any) -> None:
    company = Company()
    for identifiers, day in events:
        at = NOON + dt.timedelta(days=day)
        before = {known: {kind for kind, _value in profile.identifiers} for known, profile in company.profiles.items()}
        key, dropped = company.hears(*identifiers, at=at)
        mine = company.profiles[key].identifiers
        # Each identifier is the customer's now, or was dropped and is not attached by this event.
        assert all(item in mine or item in dropped for item in identifiers)
        assert any(item in mine for item in identifiers)
        named = [item for profile in company.profiles.values() for item in profile.identifiers]
        assert len(named) == len(set(named))
        for profile in company.profiles.values():
            lasting = [k for k, _value in profile.identifiers if rule_of(k).window_days is None]
            assert all(lasting.count(kind) <= rule_of(kind).limit for kind in lasting)
        # Of a kind with a window, whoever looks back from another day may count more: what is attached now fits now.
        attached = {kind for (kind, _value), seen in mine.items() if seen == at and kind not in before.get(key, ())}
        assert not attached & set(broken_limits([company.profiles[key]], at=at))


@given(events=EVENTS, data=st.data())
def test_the_order_in_which_identifiers_are_said_changes_nothing(events: Any, data: st.DataObject) -> None:
    company, other = Company(), Company()
    for identifiers, day in events:
        at = NOON + dt.timedelta(days=day)
        turned = data.draw(st.permutations(identifiers))
        assert company.hears(*identifiers, at=at) == other.hears(*turned, at=at)
    assert company.profiles == other.profiles


@given(events=EVENTS)
def test_saying_it_again_changes_nothing(events: Any) -> None:
    company = Company()
    for identifiers, day in events:
        at = NOON + dt.timedelta(days=day)
        first = company.hears(*identifiers, at=at)
        before = {key: dict(profile.identifiers) for key, profile in company.profiles.items()}
        assert company.hears(*identifiers, at=at)[0] == first[0]
        assert {key: dict(profile.identifiers) for key, profile in company.profiles.items()} == before


@pytest.mark.parametrize(
    ("kind", "said", "written"),
    [
        ("email", "  Ann@Shop.Test ", "ann@shop.test"),
        ("phone", "+49 (0)89 / 1234-567", "+49891234567"),
        ("phone", "089 1234567", "+49891234567"),
        ("loyalty_card", "ab-12 34", "AB1234"),
        ("user_id", 4711, "4711"),
        ("anonymous_id", " c1 ", "c1"),
        ("user_id", "true-believer", "true-believer"),
        ("email", "nulla@shop.test", "nulla@shop.test"),
    ],
)
def test_values_are_written_in_one_way(kind: str, said: object, written: str) -> None:
    assert normalise(kind, said, region="DE") == (kind, written)


def test_a_number_dialled_with_two_zeros_is_that_with_a_plus() -> None:
    assert normalise("phone", "0049 89 1234567") == normalise("phone", "+49 89 1234567") == ("phone", "+49891234567")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        *((kind, value) for kind in ("user_id", "anonymous_id", "email") for value in ("", "0", "000-000", "-1", "NULL", "None")),
        ("user_id", "undefined"),
        ("user_id", "Guest"),
        *(
            ("user_id", value)
            for value in ("TRUE", "false", "'null'", '"undefined"', "distinct_id", "{{user.id}}", "${id}", "%%ID%%")
        ),
        ("phone", "1111111"),
        ("phone", "+1 234 567 890"),
        ("phone", "0000"),
        ("email", "unknown@shop.test"),
        ("email", "test@example.com"),
        ("email", "noreply@shop.test"),
        ("email", "not an address"),
        ("phone", "123"),
        ("user_id", True),
        ("user_id", 1.5),
        ("user_id", "a\x00b"),
        ("user_id", "\ud800"),
        ("user_id", "x" * 321),
        ("user_id", 10**4000),
        ("User Id", "x"),
        ("store_card", "demo-17"),
    ],
)
def test_junk_identifies_nobody(kind: str, said: object) -> None:
    rules = {**STANDARD, "store_card": IdentityRule(5, 8, junk=("demo-*", "*x*y*z"))}
    with pytest.raises(Misunderstood):
        normalise(kind, said, rules=rules)
