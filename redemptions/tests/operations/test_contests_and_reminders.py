"""Contests are drawn once from what was committed to; points that end soon are told once."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.models import LoyaltyProgramme
from campaigns.tests.factories import IncentiveFactory
from customers.models import Event
from customers.tests.factories import NOON, CustomerFactory
from incentives_site.accounts.models import User
from incentives_site.shared.problems import Invalid
from redemptions import operations
from redemptions.models import ContestDraw
from redemptions.rules.drawing import commitment_to, digest_of, drawn
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
BY = {"by": "user:1", "now": NOON}


def entered(*counts: int) -> dict[str, int]:
    """Customers with so many entries each, by public id."""
    found = {}
    for number, count in enumerate(counts):
        IncentiveFactory(
            effect={},
            awards=[{"type": "contest_entry", "contest": "car", "entries": count}],
            conditions={"all": [{"fact": "customer.number", "op": "==", "value": number}]},
        )
        customer = CustomerFactory(facts={"number": number})
        operations.redeem(
            request_for(100, customer=customer), source="till", order_key=str(number), placed_at=None, by="x", now=NOON
        )
        found[str(customer.public_id)] = count
    return found


def test_a_draw_is_announced_then_drawn_once_with_all_that_repeats_it() -> None:
    entries = entered(3, 1, 2)
    announced = operations.announce_draw(contest="car", winners=2, **BY)
    assert (announced.seed, announced.winners) == ("", [])
    with pytest.raises(operations.DrawAnnounced):
        operations.announce_draw(contest="car", winners=2, **BY)
    draw = operations.draw_contest(contest="car", **BY)
    assert draw.pk == announced.pk
    assert commitment_to(draw.seed) == announced.commitment
    assert (draw.entries, draw.entries_digest) == (entries, digest_of(entries))
    assert draw.winners == drawn(draw.seed, entries, 2)
    with pytest.raises(operations.DrawNotAnnounced):
        operations.draw_contest(contest="car", **BY)
    assert operations.announce_draw(contest="car", winners=1, seed="dice", **BY).commitment == commitment_to("dice")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(Invalid):
        operations.announce_draw(contest="", winners=0, **BY)
    operations.announce_draw(contest="car", winners=1, **BY)
    with pytest.raises(operations.NobodyEntered):
        operations.draw_contest(contest="car", **BY)
    assert ContestDraw.objects.get().drawn_at is None


def test_an_operator_announces_and_draws_in_the_back_office(client: Client) -> None:
    entered(1)
    client.force_login(User.objects.create_superuser("operator@example.com"))
    assert client.post(reverse("admin:redemptions_contestdraw_add"), {"contest": "car", "winners_wanted": "1"}).status_code == 302
    again = client.post(reverse("admin:redemptions_contestdraw_add"), {"contest": "car", "winners_wanted": "1"})
    assert "announced already" in again.content.decode()
    draw = ContestDraw.objects.get()
    page = client.get(reverse("admin:redemptions_contestdraw_change", args=[draw.pk]))
    assert draw.commitment in page.content.decode()
    client.post(reverse("admin:redemptions_contestdraw_changelist"), {"action": "draw", "_selected_action": [draw.pk]})
    draw.refresh_from_db()
    assert len(draw.winners) == 1


def test_points_that_end_soon_are_told_once() -> None:
    LoyaltyProgramme.objects.create(name="Club", reminder_days=14)
    customer = CustomerFactory()
    for days, key in ((14, "soon"), (15, "later"), (-1, "over")):
        end = (NOON + days * DAY).date()
        operations.earn(
            customer=customer,
            unit="points",
            amount=100 + days,
            key=key,
            by="x",
            now=NOON,
            last_usable_on=end,
        )
    operations.earn(customer=customer, unit="USD", amount=5, key="credit", by="x", now=NOON, last_usable_on=NOON.date())
    assert (operations.remind_of_ending(now=NOON), operations.remind_of_ending(now=NOON)) == (1, 0)
    event = Event.objects.get(customer=customer, name="points end soon")
    assert event.properties == {"points": 114, "last_usable_on": "2026-12-05"}
    assert operations.remind_of_ending(now=NOON + DAY) == 1


def test_without_a_programme_there_are_no_reminders() -> None:
    operations.earn(customer=CustomerFactory(), unit="points", amount=1, key="p", by="x", now=NOON, last_usable_on=NOON.date())
    assert operations.remind_of_ending(now=NOON) == 0


def test_a_seed_that_cannot_be_opened_any_more_draws_nobody(settings: Any) -> None:
    entered(1)
    operations.announce_draw(contest="car", winners=1, **BY)
    settings.CODES_KEY = "another-key-of-at-least-thirty-two-characters"
    with pytest.raises(operations.SeedLost):
        operations.draw_contest(contest="car", **BY)
    assert ContestDraw.objects.get().drawn_at is None
