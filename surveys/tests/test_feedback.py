"""Customer feedback: asked once, answered once, promised and kept once."""

import datetime as dt
import re
import threading
import uuid
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaigns.models import Grant
from campaigns.queries import wallet_url
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers import operations as customer_operations
from customers.models import Customer, Event
from customers.rules.consent import How
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from incentives_site.shared.problems import Invalid
from redemptions.models import AppliedIncentive, Redemption
from surveys import operations, queries
from surveys.models import Claim, Feedback, OpenAnswer, ReviewState, Survey
from surveys.tests.factories import SurveyFactory

pytestmark = pytest.mark.django_db

ASKED: list[dict[str, Any]] = [
    {"key": "nps", "kind": "nps", "texts": {"en": "Would you recommend our shop?"}},
    {"key": "found", "kind": "yes_no", "texts": {"en": "Did you find everything?"}},
]


@pytest.fixture
def survey() -> Survey:
    campaign = CampaignFactory(live=True)
    incentive = IncentiveFactory(campaign=campaign, claim="grant", name="Five off")
    return SurveyFactory(kind="feedback", campaign=campaign, incentive=incentive, asked=ASKED, mode="named")


def asked(survey: Survey, **fields: Any) -> Feedback:
    return operations.ask(
        survey=survey, customer=fields.pop("customer", None) or CustomerFactory(), occasion="o1", now=NOON, **fields
    )[0]


def give(feedback: Feedback, values: dict[str, Any] | None = None, **fields: Any) -> Feedback:
    given = {"nps": 9} if values is None else values
    channel = operations.channel_for(feedback.survey)
    return operations.give_feedback(feedback=feedback, values=given, channel=channel, now=fields.pop("now", NOON), **fields)


def test_a_customer_is_asked_once_on_an_occasion(survey: Survey) -> None:
    feedback = asked(survey)
    again, is_new = operations.ask(survey=survey, customer=feedback.customer, occasion="o1", now=NOON)
    assert (again, is_new) == (feedback, False)


def test_an_answer_stands_on_the_timeline_and_what_was_promised_is_granted(survey: Survey) -> None:
    feedback = give(asked(survey), {"nps": 3, "found": "no"}, review="The queue was long")
    event = Event.objects.get(type=EventType.ANSWERED)
    assert (event.customer, event.properties["score"]) == (feedback.customer, 3)
    grant = Grant.objects.get()
    assert (grant.customer, grant.reason, grant.incentive) == (feedback.customer, "survey", survey.incentive)
    assert (feedback.score, feedback.review_state) == (3, ReviewState.WAITING)
    with pytest.raises(operations.FeedbackGiven):
        give(feedback)
    assert Grant.objects.count() == 1


@pytest.mark.parametrize("values", [{}, {"nps": 11}, {"nps": "x"}, {"found": "maybe"}, {"other": 1}])
def test_what_is_no_answer_is_refused_and_nothing_kept(survey: Survey, values: dict[str, Any]) -> None:
    feedback = asked(survey)
    with pytest.raises(Invalid):
        give(feedback, values)
    assert not Grant.objects.exists()
    assert give(feedback).score == 9


def test_an_answer_counts_also_when_the_campaign_has_ended(survey: Survey) -> None:
    feedback = asked(survey)
    type(survey.campaign).objects.update(status="ended")
    assert give(feedback).answered_at == NOON
    assert not Grant.objects.exists()


def test_after_ninety_days_nothing_is_asked_any_more(survey: Survey) -> None:
    with pytest.raises(operations.NotAsked):
        give(asked(survey), now=NOON + dt.timedelta(days=91))
    with pytest.raises(operations.NotAsked):
        asked(SurveyFactory())  # a survey of employees


@pytest.mark.django_db(transaction=True)
def test_answered_twice_at_once_is_answered_and_granted_once(survey: Survey) -> None:
    feedback, results, barrier = asked(survey), list[str](), threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait(10)
            give(Feedback.objects.select_related("survey__incentive", "customer").get(pk=feedback.pk))
            results.append("given")
        except operations.FeedbackGiven:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["given", "refused", "refused", "refused"]
    assert Grant.objects.count() == 1


def test_the_page_asks_thanks_and_keeps_what_was_typed(survey: Survey) -> None:
    feedback = asked(survey)
    url = operations.feedback_url(feedback)
    client = Client()
    page = client.get(url)
    assert page.status_code == 200
    assert b"Five off" in page.content
    assert not Event.objects.filter(type=EventType.ANSWERED).exists()
    refused = client.post(url, {"q-nps": "9", "review": "x" * 5_001})
    assert refused.status_code == 422
    assert b"x" * 5_001 in refused.content
    assert client.post(url, {"q-nps": "9", "review": "<b>good</b>"}).status_code == 302
    assert b"Thank you" in client.get(url).content
    assert b"is in your wallet" in client.get(url).content
    assert client.post(url, {"q-nps": "1"}).status_code in {200, 302}
    feedback.refresh_from_db()
    assert feedback.score == 9
    assert client.get(url[:-2] + "x/").status_code == 404


def test_reviews_are_looked_at_before_they_are_shown(survey: Survey) -> None:
    feedback = give(asked(survey), review="<script>")
    user = User.objects.create_user("m@shop.test")
    user.groups.add(Group.objects.get(name=Role.MARKETER.value))
    client = Client()
    client.force_login(user)
    assert b"&lt;script&gt;" in client.get("/surveys/reviews/").content
    assert client.post(f"/surveys/reviews/{feedback.public_id}/", {"show": "yes"}).status_code == 302
    feedback.refresh_from_db()
    assert (feedback.review_state, feedback.moderated_by) == (ReviewState.SHOWN, f"user:{user.pk}")
    assert not operations.moderate(feedback=feedback, is_shown=True, by="x")


def test_a_campaign_knows_its_score(survey: Survey) -> None:
    for score in (10, 9, 8, 0):
        give(asked(survey), {"nps": score})
    asked(survey)
    assert survey.campaign is not None
    (summary,) = queries.feedback_of_campaign(survey.campaign.pk, today=NOON.date())
    assert (summary.asked, summary.answered, summary.shown) == (5, 4, 25)
    assert summary.bounds is not None
    assert summary.bounds[0] < 25 < summary.bounds[1]
    somebody = Client()
    somebody.force_login(in_role(Role.ANALYST))
    with time_machine.travel(NOON, tick=False):
        page = somebody.get(f"/campaigns/{survey.campaign.public_id}/")
    assert b"NPS 25" in page.content
    assert b"4 answered of 5 asked" in page.content


def test_a_customer_counts_once_with_the_latest_of_ninety_days(survey: Survey) -> None:
    ann = CustomerFactory()
    for days, score, occasion in ((200, 0, "a"), (80, 2, "b"), (1, 10, "c")):
        then = NOON - dt.timedelta(days=days)
        feedback, _new = operations.ask(survey=survey, customer=ann, occasion=occasion, now=then)
        give(feedback, {"nps": score}, now=then)
    summary = queries.feedback_summary(survey, today=NOON.date())
    assert (summary.answered, summary.shown) == (3, 100)
    assert queries.feedback_summary(survey, today=NOON.date() + dt.timedelta(days=100)).nps is None


def test_satisfaction_is_a_mean_with_its_margin() -> None:
    survey = SurveyFactory(kind="feedback", mode="named", asked=[{"key": "csat", "kind": "csat"}])
    for score in (5, 4, 5):
        give(asked(survey), {"csat": score})
    mean = queries.feedback_summary(survey, today=NOON.date()).mean
    assert mean is not None
    assert mean.low is not None
    assert mean.high is not None
    assert (mean.answered, round(mean.value, 2)) == (3, 4.67)
    assert 1 < mean.low < mean.value < mean.high <= 5


# --- Without saying who ---------------------------------------------------------------------------------------------------


@pytest.fixture
def openly() -> Survey:
    campaign = CampaignFactory(live=True)
    incentive = IncentiveFactory(campaign=campaign, claim="grant", name="Five off")
    return SurveyFactory(kind="feedback", campaign=campaign, incentive=incentive, asked=ASKED, mode="anonymous")


def code_of(survey: Survey, score: int = 9) -> str:
    return operations.give_openly(survey=survey, values={"nps": score}, today=NOON.date())


def claimed(code: str, card: Any, **fields: Any) -> str:
    return operations.claim(code=code, kind=card.kind, value=card.value, now=fields.pop("now", NOON))


def test_a_code_is_claimed_once_and_a_customer_gets_it_once(openly: Survey) -> None:
    ann, bo = IdentityFactory(), IdentityFactory()
    code = code_of(openly)
    assert claimed(code.lower().replace("-", " "), ann) == "Five off"
    assert Grant.objects.get().customer == ann.customer
    with pytest.raises(operations.ClaimUsed):
        claimed(code, bo)
    second = code_of(openly)
    with pytest.raises(operations.ClaimUsed):
        claimed(second, ann)
    assert claimed(second, bo) == "Five off", "what was refused stays good"
    assert Grant.objects.count() == 2


def test_nothing_joins_an_answer_and_a_code(openly: Survey) -> None:
    """A code is stored nowhere before it is used, and an answer knows its week and nothing else."""
    code_of(openly, 3)
    assert not Claim.objects.exists()
    row = OpenAnswer.objects.get()
    assert (row.week.weekday(), row.score) == (0, 3)
    assert {field.name for field in OpenAnswer._meta.fields} == {"id", "survey", "week", "values", "score"}
    assert len({code_of(openly, 3) for _n in range(20)}) == 20
    claimed(code_of(openly), IdentityFactory())
    assert {field.name for field in Claim._meta.fields} == {"id", "survey", "digest"}
    assert not Event.objects.filter(type=EventType.ANSWERED).exists()


@pytest.mark.parametrize("code", ["", "x", "A" * 21, "1" * 80, "ÄÖÜ", "\x00"])
def test_what_was_not_given_is_no_code(openly: Survey, code: str) -> None:
    with pytest.raises(operations.ClaimUnknown):
        claimed(code, IdentityFactory())


def test_a_code_of_another_survey_or_a_changed_one_is_none(openly: Survey) -> None:
    code = code_of(openly)
    changed = ("B" if code[0] == "A" else "A") + code[1:]
    with pytest.raises(operations.ClaimUnknown):
        claimed(changed, IdentityFactory())
    type(openly).objects.filter(pk=openly.pk).update(incentive=None)
    with pytest.raises(operations.ClaimUnknown):
        claimed(code, IdentityFactory())


def test_an_address_nobody_has_leaves_the_code_good_and_is_not_asked_for_ever(openly: Survey) -> None:
    code = code_of(openly)
    for _n in range(20):
        with pytest.raises(Invalid):
            operations.claim(code=code, kind="email", value="nobody@example.com", now=NOON)
    with pytest.raises(operations.ClaimUnknown):
        claimed(code, IdentityFactory())
    assert claimed(code, IdentityFactory(), now=NOON + dt.timedelta(hours=1)) == "Five off"


def test_when_the_campaign_is_over_there_is_nothing_to_claim(openly: Survey) -> None:
    code = code_of(openly)
    type(openly.campaign).objects.update(status="ended")
    with pytest.raises(operations.NothingToClaim):
        claimed(code, IdentityFactory())
    assert not Claim.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_code_that_several_bring_at_once_is_good_once(openly: Survey) -> None:
    code, cards = code_of(openly), [IdentityFactory() for _n in range(4)]
    results, barrier = list[str](), threading.Barrier(4)

    def work(card: Any) -> None:
        try:
            barrier.wait(10)
            results.append(claimed(code, card))
        except operations.ClaimUsed:
            results.append("used")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[card]) for card in cards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["Five off", "used", "used", "used"]


def without_token(page: Any) -> str:
    return re.sub(r"[A-Za-z0-9]{64}|nonce=\S+", "", page.content.decode())


def test_the_pages_of_whoever_answers_openly(openly: Survey) -> None:
    client = Client()
    url = operations.open_url(openly)
    assert b"kept without anything" in client.get(url).content
    refused = client.post(url, {"q-nps": "77"})
    assert refused.status_code == 422
    assert b"from 0 to 10" in refused.content
    page = client.post(url, {"q-nps": "9"})
    code = page.context["code"]
    assert code.encode() in page.content
    card = IdentityFactory(kind="email", value="ann@example.com")
    with time_machine.travel(NOON, tick=False):
        assert client.post("/feedback/claim/", {"code": "x", "who": "ann@example.com"}).status_code == 422
        stranger = client.post("/feedback/claim/", {"code": code, "who": "nobody@example.com"})
        given = client.post("/feedback/claim/", {"code": code, "who": "ann@example.com"})
        again = client.post("/feedback/claim/", {"code": code, "who": "nobody@example.com"})
        assert b"in their wallet" in given.content
        assert without_token(stranger) == without_token(given) == without_token(again), "or it tells who is a customer"
    assert Grant.objects.get().customer == card.customer
    assert client.get(url[:-2] + "x/").status_code == 404
    operations.end(survey=openly, by="x")
    assert client.get(url).status_code == 409


def test_whoever_is_asked_by_name_does_not_answer_a_survey_that_promises_not_to_ask(openly: Survey) -> None:
    with pytest.raises(operations.NotAsked):
        asked(openly)


# --- Marketers --------------------------------------------------------------------------------------------------------------


def in_role(role: Role) -> User:
    user = User.objects.create_user(f"{role}@shop.test")
    user.groups.add(Group.objects.get(name=role.value))
    return user


def test_a_marketer_begins_a_survey_of_customers_on_one_page() -> None:
    campaign = CampaignFactory(live=True)
    incentive = IncentiveFactory(campaign=campaign, claim="grant")
    other = IncentiveFactory(campaign=CampaignFactory(live=True), claim="grant")
    client = Client()
    client.force_login(in_role(Role.MARKETER))
    sent = {"campaign": campaign.pk, "asks": "csat", "mode": "anonymous", "incentive": other.pk}
    assert client.post("/surveys/feedback/new/", sent).status_code == 422
    assert not Survey.objects.exists()
    assert client.post("/surveys/feedback/new/", {**sent, "incentive": incentive.pk}).status_code == 302
    survey = Survey.objects.get()
    assert (survey.status, survey.campaign, survey.incentive, survey.mode) == ("running", campaign, incentive, "anonymous")
    assert operations.open_url(survey) in client.get(f"/surveys/feedback/{survey.public_id}/poster/").content.decode()
    code_of_csat = operations.give_openly(survey=survey, values={"csat": 5}, today=timezone.localdate())
    assert code_of_csat
    assert b"1 answer" in client.get("/surveys/feedback/").content
    assert client.post(f"/surveys/feedback/{survey.public_id}/end/").status_code == 302
    assert Survey.objects.get().status == "ended"


def test_two_who_become_one_keep_what_both_said(survey: Survey) -> None:
    one, other = CustomerFactory(first_seen_at=NOON), CustomerFactory(first_seen_at=NOON + dt.timedelta(days=1))
    for customer in (one, other):
        give(asked(survey, customer=customer))
    record = customer_operations.merge(one=one, other=other, by="ann", reason="Same person", now=NOON)
    assert Feedback.objects.filter(customer=one).count() == 2
    customer_operations.split(merge=record, by="ann", reason="Twins", now=NOON)
    assert sorted(Feedback.objects.values_list("customer", "occasion")) == [(one.pk, "o1"), (other.pk, "o1")]


def test_a_partner_sends_what_was_answered_in_its_own_form(survey: Survey) -> None:
    channel = operations.channel_for(survey)
    assert channel is not None
    client = PartnerClient(partner_key(scopes=["surveys"], channels=(channel.key,))[1])
    card = IdentityFactory()
    body = {"customer": {"identity": {"kind": card.kind, "value": card.value}}, "occasion": "visit 7", "answers": {"nps": 10}}
    path = f"surveys/{survey.public_id}/answers"
    first = client.post(path, body, key="a")
    assert (first.status_code, first.json()["score"]) == (201, 10)
    assert client.post(path, body, key="a").headers["Idempotent-Replayed"] == "true"
    assert (client.post(path, body, key="b").status_code, Grant.objects.count()) == (409, 1)
    assert client.post(path, {**body, "occasion": "x", "answers": {"nps": 11}}, key="c").status_code == 422
    assert client.post("surveys/nothing/answers", body, key="d").status_code == 404


def test_a_partner_asks_with_a_link_of_the_customers_own(survey: Survey, client: Client) -> None:
    partner = PartnerClient(partner_key(scopes=["surveys"])[1])
    card = IdentityFactory()
    body = {"customer": {"identity": {"kind": card.kind, "value": card.value}}, "occasion": "order 7", "order": "A-7"}
    path = f"surveys/{survey.public_id}/requests"
    first = partner.post(path, body, key="a")
    assert (first.status_code, first.json()["is_new"], first.json()["is_answered"]) == (201, True, False)
    page = client.get(first.json()["url"].removeprefix(settings.BASE_URL))
    assert "Would you recommend our shop?" in page.content.decode()
    give(Feedback.objects.get())
    again = partner.post(path, body, key="b").json()
    assert (again["url"], again["is_new"], again["is_answered"]) == (first.json()["url"], False, True)
    assert Feedback.objects.get().order_key == "A-7"
    assert partner.post(path, {**body, "customer": {"id": str(uuid.uuid4())}}, key="c").status_code == 404
    assert partner.post(f"surveys/{SurveyFactory().public_id}/requests", body, key="d").status_code == 409
    assert PartnerClient(partner_key(scopes=["events"])[1]).post(path, body, key="e").status_code == 403


def used(survey: Survey, *, hours_ago: int = 1, **customer: Any) -> Customer:
    """Somebody redeemed something of the survey's campaign."""
    somebody = CustomerFactory(**customer)
    at = NOON - dt.timedelta(hours=hours_ago)
    redemption = Redemption.objects.create(
        source="test",
        order_key=f"order-{somebody.pk}",
        customer=somebody,
        channel=operations.channel_for(survey),
        currency="USD",
        basket={},
        decision={},
        initial=1_000,
        discount=100,
        payable=900,
        placed_at=at,
        redeemed_at=at,
        actor="test",
    )
    AppliedIncentive.objects.create(
        redemption=redemption, position=0, incentive=survey.incentive, campaign=survey.campaign, amount=100
    )
    return somebody


def test_who_used_something_is_asked_once_and_finds_it_in_the_wallet(survey: Survey, client: Client) -> None:
    ann, late = used(survey), used(survey, hours_ago=60)
    gone = used(survey, erased_at=NOON)
    quiet = used(survey)
    customer_operations.opt_out(customer=quiet, how=How.PREFERENCE_PAGE, by="customer", now=NOON)
    assert operations.ask_redeemers(now=NOON) == 1
    feedback = Feedback.objects.get()
    assert (feedback.customer, feedback.order_key) == (ann, f"order-{ann.pk}")
    assert operations.ask_redeemers(now=NOON + dt.timedelta(hours=1)) == 0
    with time_machine.travel(NOON + dt.timedelta(hours=2)):
        page = client.get(wallet_url(ann).removeprefix(settings.BASE_URL)).content.decode()
        assert "How are we doing?" in page
        assert "For answering you get “Five off”" in page
        give(feedback, now=NOON + dt.timedelta(hours=2))
        assert "How are we doing?" not in client.get(wallet_url(ann).removeprefix(settings.BASE_URL)).content.decode()
    assert not Feedback.objects.filter(customer__in=[late, gone, quiet]).exists()
