"""Batches of codes as a marketer meets them, in a real browser and without JavaScript."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from campaigns import operations
from campaigns.models import BatchState, CodeBatch, CodeFile, Incentive
from campaigns.tests.factories import IncentiveFactory

from .test_frame import assert_sound, open_as

pytestmark = pytest.mark.django_db(transaction=True)


def person(role: str) -> Any:
    user = get_user_model().objects.create_user(f"{role}@example.com", "x")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


@pytest.fixture
def marketer() -> Any:
    return person("marketer")


@pytest.fixture
def incentive() -> Incentive:
    return IncentiveFactory(claim="code", name="Ten off", campaign__name="Summer")


def address(name: str, incentive: Incentive, *more: object) -> str:
    return reverse(f"campaigns:{name}", args=[incentive.campaign.public_id, incentive.public_id, *more])


def order(incentive: Incentive, **changes: Any) -> CodeBatch:
    terms: dict[str, Any] = {"count": 30, "pattern": "SUMMER-####-####-##", "by": "user:1", "now": timezone.now()} | changes
    return operations.order_codes(incentive=incentive, **terms)


def half_made(incentive: Incentive, state: str = BatchState.RUNNING) -> CodeBatch:
    """As a worker would have left it: in tests all of it is made at once."""
    with transaction.atomic():
        batch = order(incentive, name="Half made")
        operations.pause_batch(batch=batch, by="user:1")
    CodeBatch.objects.filter(pk=batch.pk).update(state=state, made=12)
    batch.refresh_from_db()
    return batch


TYPED = {"count": "25", "pattern": "fall-####-####-##", "alphabet": "34679ACDEFGHJKMNPQRTVWXY", "uses_per_code": "1"}


class TestWithoutJavaScript:
    def test_made_looked_at_and_exported(self, client: Client, marketer: Any, incentive: Incentive) -> None:
        client.force_login(marketer)
        assert b"No unique codes yet" in client.get(address("codes", incentive)).content
        shown = client.post(address("codes-new", incentive), {**TYPED, "intent": "preview"})
        assert shown.content.count(b"FALL-") >= 5
        assert not CodeBatch.objects.exists()
        made = client.post(address("codes-new", incentive), {**TYPED, "has_check": "on", "intent": "make"}, follow=True)
        assert b"25 of 25" in made.content
        batch = CodeBatch.objects.get()
        assert (batch.has_check, batch.created_by) == (True, f"user:{marketer.pk}")
        file = client.post(address("code-batch-export", incentive, batch.public_id))
        rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
        assert len({row["code"] for row in rows}) == 25
        batch.refresh_from_db()
        assert batch.exports == 1
        campaign = client.get(reverse("campaigns:detail", args=[incentive.campaign.public_id])).content
        assert b"25 unique codes in 1 batch" in campaign

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"pattern": "FALL-####", "count": "1000000"}, "too easy to guess"),
            ({"pattern": "FALL"}, "with # for each character"),
            ({"alphabet": "ABC"}, "different letters"),
            ({"count": "0"}, "greater than or equal to 1"),
            ({"expires": "2001-01-01T00:00"}, "already have expired"),
        ],
    )
    def test_what_cannot_be_made_is_said_beside_its_field(
        self, client: Client, marketer: Any, incentive: Incentive, change: dict[str, str], sentence: str
    ) -> None:
        client.force_login(marketer)
        response = client.post(address("codes-new", incentive), {**TYPED, **change, "intent": "make"})
        assert response.status_code == 422
        assert sentence in response.content.decode()
        assert not CodeBatch.objects.exists()

    def test_paused_resumed_given_up(self, client: Client, marketer: Any, incentive: Incentive) -> None:
        client.force_login(marketer)
        batch = half_made(incentive)
        assert b"12 of 30" in client.get(address("code-batch", incentive, batch.public_id)).content
        paused = client.post(address("code-batch-pause", incentive, batch.public_id), follow=True)
        assert b"Resume" in paused.content
        refused = client.post(address("code-batch-export", incentive, batch.public_id))
        assert refused.status_code == 409
        assert b"exported when all of them are there" in refused.content
        client.post(address("code-batch-cancel", incentive, batch.public_id))
        batch.refresh_from_db()
        assert batch.state == BatchState.CANCELLED
        again = client.post(address("code-batch-resume", incentive, batch.public_id))
        assert again.status_code == 409

    def test_analysts_look_and_change_nothing(self, client: Client, incentive: Incentive) -> None:
        batch = order(incentive)
        client.force_login(person("analyst"))
        shown = client.get(address("code-batch", incentive, batch.public_id))
        assert b"30 of 30" in shown.content
        assert b"Export" not in shown.content.replace(b"Exports", b"")
        assert client.post(address("code-batch-export", incentive, batch.public_id)).status_code == 403
        assert b"Make codes" not in client.get(address("codes", incentive)).content

    def test_a_batch_belongs_to_its_incentive(self, client: Client, marketer: Any, incentive: Incentive) -> None:
        client.force_login(marketer)
        other = IncentiveFactory(claim="code")
        assert client.get(address("code-batch", other, order(incentive).public_id)).status_code == 404


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_pages_are_sound(
    new_page: Any, live_server: Any, marketer: Any, incentive: Incentive, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)

    def look(path: str) -> None:
        page.goto(live_server.url + path)
        assert_sound(page)

    look(address("codes", incentive))
    look(address("codes-new", incentive))
    look(address("codes-import", incentive))
    paused = half_made(incentive, BatchState.PAUSED)
    order(incentive)
    body = b"\n".join([b"WELCOME-0001", *[b"AB"] * 60])
    imported = operations.order_import(
        incentive=incentive, file=io.BytesIO(body), size=len(body), by="user:1", now=timezone.now()
    )
    half = order(incentive, count=1)
    CodeBatch.objects.filter(pk=half.pk).update(is_imported=True, state=BatchState.RUNNING)
    CodeFile.objects.create(batch=half, size=1, lines=7, position=3)
    look(address("codes", incentive))
    for batch in (paused, half, imported, CodeBatch.objects.get(state="done", is_imported=False)):
        look(address("code-batch", incentive, batch.public_id))
    look(reverse("campaigns:detail", args=[incentive.campaign.public_id]))


def test_examples_follow_what_is_typed_and_progress_moves_by_itself(
    page: Any, live_server: Any, marketer: Any, incentive: Incentive
) -> None:
    open_as(page, marketer, live_server.url)
    page.goto(live_server.url + address("codes-new", incentive))
    page.fill("#id_pattern", "winter-####-####")
    page.wait_for_selector("#examples code:has-text('WINTER-')")
    expect(page.locator("#examples code")).to_have_count(5)
    page.fill("#id_pattern", "winter-##")
    page.wait_for_selector("#examples >> text=too easy to guess")
    batch = half_made(incentive)
    page.goto(live_server.url + address("code-batch", incentive, batch.public_id))
    page.wait_for_selector("text=12 of 30")
    CodeBatch.objects.filter(pk=batch.pk).update(made=21)
    page.wait_for_selector("text=21 of 30")
    CodeBatch.objects.filter(pk=batch.pk).update(made=30, state=BatchState.DONE)
    page.wait_for_selector("text=Export as CSV")
    with page.expect_download() as download:
        page.click("text=Export as CSV")
    assert download.value.suggested_filename == f"codes-{batch.public_id}.csv"
