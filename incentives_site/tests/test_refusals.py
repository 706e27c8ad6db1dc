"""Whatever is refused reads as a sentence where people read it: at the till and in the preview, in a real browser."""

import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone

from campaigns import sealing
from campaigns.models import Campaign, Code, Incentive, Measure, Status
from campaigns.rules.candidates import Reason
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory, LimitFactory, StackGroupFactory
from customers.tests.factories import ChannelFactory, StoreFactory

from .test_frame import assert_sound, open_as

pytestmark = pytest.mark.django_db(transaction=True)

NEAR = {"all": [{"fact": "basket.initial_total", "op": ">=", "value": 50_000}]}
FAR = {"all": [{"fact": "channel.key", "op": "==", "value": "moon"}]}
TEA = {"type": "percent_off", "percent": "5", "target": {"scope": "lines", "include": {"categories": ["TEA"]}}}
DEARER = {"type": "fixed_price", "amount": 90_000}
TWENTY = {"type": "percent_off", "percent": "20"}


def person(role: str, **more: Any) -> Any:
    user = get_user_model().objects.create_user(f"{role}@example.com", "x", first_name="Mara", last_name="Lind", **more)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def by_code(word: str, *, campaign: dict[str, Any] | None = None, **values: Any) -> Incentive:
    row = IncentiveFactory(
        key=word.lower(), name=f"{word.capitalize()} incentive", claim="code",
        campaign=CampaignFactory(**{"live": True, "name": word, **(campaign or {})}), **values,
    )  # fmt: skip
    Code.objects.create(incentive=row, digest=sealing.digest(word), sealed=sealing.seal(word))
    return row


@pytest.fixture
def codes() -> dict[str, Reason]:
    """A code for each reason that one sale can meet, and the reason."""
    now, day = timezone.now(), datetime.timedelta(days=1)
    by_code("PAUSED", campaign={"status": Status.PAUSED})
    by_code("LATER", campaign={"starts_at": now + day})
    by_code("OVER", campaign={"starts_at": now - 3 * day, "ends_at": now - day})
    by_code("WEBONLY", campaign={"channels": [ChannelFactory(web=True)]})
    by_code("EUROS", campaign={"currency": "EUR"})
    by_code("MEMBERS", campaign={"audience": {"all": [{"fact": "customer.tier", "op": "==", "value": "gold"}]}})
    LimitFactory(incentive=by_code("GONE"), maximum=0)
    LimitFactory(incentive=None, campaign=by_code("SPENT").campaign, measure=Measure.DISCOUNT, maximum=0)
    by_code("NEARLY", conditions=NEAR)
    by_code("MOON", conditions=FAR, sentences={"any": {"en": "Only on the moon."}})
    by_code("TEATIME", effect=TEA)
    by_code("DEARER", effect=DEARER)
    first = StackGroupFactory(key="first", name="First", pick="first", rank=1)
    best = StackGroupFactory(key="best", name="Best", pick="best_for_customer", rank=2)
    two = StackGroupFactory(key="one", name="One", limit=1, rank=3)
    for group, leader, follower in ((first, "ALPHA", "BETA"), (best, "GAMMA", "DELTA"), (two, "ETA", "THETA")):
        by_code(leader, stack_group=group, effect=TWENTY, priority=5)
        by_code(follower, stack_group=group)
    used = GrantFactory(state="used", incentive__name="Used up")
    Code.objects.create(incentive=used.incentive, grant=used, digest=sealing.digest("USEDUP"), sealed=sealing.seal("USEDUP"))
    return {
        "PAUSED": Reason.NOT_LIVE, "LATER": Reason.OUTSIDE_SCHEDULE, "OVER": Reason.CODE_EXPIRED,
        "WEBONLY": Reason.WRONG_CHANNEL, "EUROS": Reason.WRONG_CURRENCY, "MEMBERS": Reason.NOT_ELIGIBLE,
        "GONE": Reason.LIMIT_REACHED, "SPENT": Reason.BUDGET_EXHAUSTED, "NEARLY": Reason.CONDITION_NOT_MET,
        "MOON": Reason.CONDITION_NOT_MET, "TEATIME": Reason.NO_MATCHING_LINES, "DEARER": Reason.NO_EFFECT,
        "USEDUP": Reason.CODE_USED, "NOPE": Reason.CODE_UNKNOWN, "ALPHA": None, "BETA": Reason.NOT_FIRST, "GAMMA": None,
        "DELTA": Reason.LOST_TO_BETTER, "ETA": None, "THETA": Reason.GROUP_LIMIT,
    }  # type: ignore[dict-item]  # fmt: skip


def assert_sentences(said: dict[str, str]) -> None:
    for code, text in said.items():
        assert text[0].isupper() or text.startswith("“"), (code, text)
        assert text.endswith("."), (code, text)
        assert "“”" not in text, (code, text)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_till_says_why(new_page: Any, live_server: Any, codes: dict[str, Reason], scheme: str, width: int) -> None:
    store = StoreFactory()
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, person("store", store_keys=[store.key]), live_server.url)
    page.goto(f"{live_server.url}/till/")
    page.fill("[name=line-0-article]", "Coffee")
    page.fill("[name=line-0-price]", "100.00")
    for code in codes:
        page.fill("[name=code]", code)
        page.keyboard.press("Enter")
        page.wait_for_selector(f"text={code}")
        page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
    found = page.eval_on_selector_all(
        ".app-refused",
        "rows => rows.map(row => [row.dataset.code, row.querySelector('.text-secondary:last-child').innerText])",
    )
    expected = {reason.value for reason in codes.values() if reason}
    assert {code for code, _text in found} == expected
    assert_sentences(dict(found))
    assert "Only on the moon." in {text for _code, text in found}
    assert_sound(page)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_preview_says_why(new_page: Any, live_server: Any, codes: dict[str, Reason], scheme: str, width: int) -> None:
    campaign: Campaign = IncentiveFactory(campaign=CampaignFactory(name="Draft"), name="Mine").campaign
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, person("marketer"), live_server.url)
    page.goto(f"{live_server.url}/campaigns/{campaign.public_id}/preview/")
    for name, value in {"sku": "Coffee", "quantity": "1", "price": "100"}.items():
        page.fill(f"[name=line-1-{name}]", value)
    page.fill("[name=codes]", ", ".join(codes))
    page.click("button:has-text('Calculate')")
    page.wait_for_selector("#decision-1")
    found = page.eval_on_selector_all(
        ".preview-item:not(.is-applied)",
        "rows => rows.map(row => [row.querySelector('strong').innerText, row.querySelector('.preview-why').innerText])",
    )
    assert len(found) == sum(reason is not None for reason in codes.values())
    assert_sentences(dict(found))
    assert_sound(page)
