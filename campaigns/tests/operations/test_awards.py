"""Awards: what may be saved of them, and incentives that give one another."""

import itertools
import threading
from typing import Any

import pytest
from django.db import connection

from campaigns import operations
from campaigns.models import Campaign, Incentive
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from incentives_site.shared.problems import Invalid

POINTS = {"type": "points", "per": 100, "points": 1}


def gives(incentive: Incentive | str) -> dict[str, Any]:
    return {"type": "grant", "incentive": str(getattr(incentive, "public_id", incentive))}


def refusal(**terms: Any) -> dict[str, str]:
    """What is refused of a new incentive, by pointer."""
    campaign = terms.pop("campaign", None) or CampaignFactory(channels=[])
    with pytest.raises(Invalid) as problem:
        operations.add_incentive(campaign=campaign, by="test", key="new", **{"name": "New", **terms})
    return {error.pointer: error.code for error in problem.value.errors}


def held(**values: Any) -> Incentive:
    return IncentiveFactory(granted=True, campaign=CampaignFactory(channels=[]), **values)


@pytest.mark.django_db
class TestWhatIsSaved:
    def test_an_incentive_may_only_give_awards(self) -> None:
        campaign = CampaignFactory(channels=[])
        row = operations.add_incentive(campaign=campaign, by="test", key="a", name="Points", awards=[POINTS])
        row.refresh_from_db()
        assert (row.effect, row.awards) == ({}, [POINTS])

    def test_what_is_not_named_stays(self) -> None:
        row = operations.add_incentive(
            campaign=CampaignFactory(channels=[]), by="test", key="a", name="A", awards=[POINTS], total_uses=5, priority=3
        )
        operations.revise_incentive(incentive=row, by="test", name="B")
        row.refresh_from_db()
        assert (row.name, row.awards, row.priority, row.limits.get().maximum) == ("B", [POINTS], 3, 5)

    @pytest.mark.parametrize(
        ("award", "pointer", "code"),
        [
            ({"type": "luck"}, "/awards/0/type", "unknown-award"),
            ({"type": "points", "points": 0}, "/awards/0/points", "out-of-range"),
            ({"type": "points", "points": 1, "per": 0}, "/awards/0/per", "out-of-range"),
            ({"type": "points", "points": 1, "multiplier_fact": "luck"}, "/awards/0/multiplier_fact", "unknown-fact"),
            ({"type": "credit"}, "/awards/0", "one-of"),
            ({"type": "credit", "amount": 0}, "/awards/0/amount", "out-of-range"),
            ({"type": "credit", "percent": "0"}, "/awards/0/percent", "out-of-range"),
            ({"type": "credit", "percent": "1e1"}, "/awards/0/percent", "bad-percentage"),
            ({"type": "contest_entry"}, "/awards/0/contest", "not-a-text"),
            ({"type": "access", "key": " "}, "/awards/0/key", "not-a-text"),
            ({"type": "grant", "incentive": "nobody"}, "/awards/0/incentive", "incentive-unknown"),
            ({"type": "grant", "colour": "red", "incentive": "x"}, "/awards/0/colour", "unknown-field"),
        ],
    )
    def test_a_wrong_award_is_refused_by_pointer(self, award: Any, pointer: str, code: str) -> None:
        assert refusal(awards=[award])[pointer] == code
        assert not Incentive.objects.exists()

    def test_nothing_at_all_is_refused(self) -> None:
        assert refusal(effect={}, awards=[]) == {"/effect/type": "unknown-effect"}

    def test_the_same_award_twice_is_refused(self) -> None:
        assert refusal(awards=[POINTS, POINTS]) == {"/awards/1": "repeated"}

    def test_what_is_not_kept_in_a_wallet_cannot_be_given(self) -> None:
        assert refusal(awards=[gives(IncentiveFactory())]) == {"/awards/0/incentive": "not-grantable"}


@pytest.mark.django_db
class TestGiving:
    def test_keys_of_the_same_campaign_name_incentives_too(self) -> None:
        campaign = CampaignFactory(channels=[])
        first, second = operations.add_incentives(
            campaign=campaign,
            by="test",
            several=[
                ("first", {"name": "First", "awards": [gives("second")]}),
                ("second", {"name": "Second", "claim": "grant", "effect": {"type": "percent_off", "percent": "5"}}),
            ],
        )
        first.refresh_from_db()
        assert first.awards == [gives(second)]

    def test_an_incentive_cannot_give_itself(self) -> None:
        row = held(name="Ouroboros")
        with pytest.raises(Invalid) as problem:
            operations.revise_incentive(incentive=row, by="test", awards=[gives(row)])
        (error,) = problem.value.errors
        assert (error.pointer, error.code) == ("/awards/0/incentive", "circular")
        assert "“Ouroboros” would give itself" in str(error.detail)

    def test_a_circle_over_several_is_named(self) -> None:
        a, b, c = held(name="A"), held(name="B"), held(name="C")
        operations.revise_incentive(incentive=a, by="test", awards=[gives(b)])
        operations.revise_incentive(incentive=b, by="test", awards=[POINTS, gives(c)])
        with pytest.raises(Invalid) as problem:
            operations.revise_incentive(incentive=c, by="test", awards=[POINTS, gives(a)])
        (error,) = problem.value.errors
        assert (error.pointer, error.code) == ("/awards/1/incentive", "circular")
        assert "“C” → “A” → “B” → “C”" in str(error.detail)
        c.refresh_from_db()
        assert c.awards == []

    def test_a_circle_within_a_new_campaign_stores_nothing(self) -> None:
        campaign = CampaignFactory(channels=[])
        effect = {"type": "percent_off", "percent": "5"}
        with pytest.raises(Invalid) as problem:
            operations.add_incentives(
                campaign=campaign,
                by="test",
                several=[
                    ("a", {"name": "A", "claim": "grant", "effect": effect, "awards": [gives("b")]}),
                    ("b", {"name": "B", "claim": "grant", "effect": effect, "awards": [gives("a")]}),
                ],
            )
        assert [error.pointer for error in problem.value.errors] == ["/incentives/1/awards/0/incentive"]
        assert not campaign.incentives.exists()

    def test_two_ways_to_the_same_are_no_circle(self) -> None:
        a, b, c, d = held(), held(), held(), held()
        for giver, given in ((a, [b, c]), (b, [d]), (c, [d])):
            operations.revise_incentive(incentive=giver, by="test", awards=[gives(row) for row in given])
        a.refresh_from_db()
        assert len(a.awards) == 2

    def test_what_others_give_stays_and_stays_in_wallets(self) -> None:
        a, b = held(name="A"), held()
        operations.revise_incentive(incentive=a, by="test", awards=[gives(b)])
        with pytest.raises(operations.GivenByOthers):
            operations.remove_incentive(incentive=b, by="test")
        with pytest.raises(Invalid) as problem:
            operations.revise_incentive(incentive=b, by="test", claim="automatic")
        assert [(error.pointer, error.code) for error in problem.value.errors] == [("/claim", "given-by-others")]

    def test_a_circle_is_found_among_ten_thousand_incentives(self) -> None:
        campaign, group = CampaignFactory(channels=[]), IncentiveFactory().stack_group
        rows = [Incentive(campaign=campaign, key=f"k{i}", name=f"N{i}", claim="grant", stack_group=group) for i in range(10_000)]
        for row, following in itertools.pairwise(rows):
            row.awards = [gives(following)]
        Incentive.objects.bulk_create(rows)
        last = Incentive.objects.get(key="k9999", campaign=campaign)
        with pytest.raises(Invalid) as problem:
            operations.revise_incentive(incentive=last, by="test", awards=[gives(rows[0])])
        assert problem.value.errors[0].code == "circular"


@pytest.mark.django_db(transaction=True)
def test_two_saves_at_once_cannot_close_a_circle() -> None:
    a, b = held(), held()
    ready, outcomes = threading.Barrier(2), []

    def save(giver: Incentive, given: Incentive) -> None:
        try:
            ready.wait()
            operations.revise_incentive(incentive=giver, by="test", awards=[gives(given)])
            outcomes.append("saved")
        except Invalid as problem:
            outcomes.append(problem.errors[0].code)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["circular", "saved"]


@pytest.mark.django_db
def test_an_ended_campaign_is_not_told_to_be_paused() -> None:
    ended: Campaign = CampaignFactory(status="ended")
    with pytest.raises(operations.WrongStatus) as problem:
        operations.add_incentive(campaign=ended, by="test", key="a", name="A", awards=[POINTS])
    assert "It has ended" in str(problem.value.detail)
