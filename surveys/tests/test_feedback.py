"""Customer feedback: asked once, answered once, promised and kept once."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from campaigns.models import Grant
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers import operations as customer_operations
from customers.models import Event
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from incentives_site.shared.problems import Invalid
from surveys import operations, queries
from surveys.models import Feedback, ReviewState, Survey
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
    (summary,) = queries.feedback_of_campaign(survey.campaign.pk)
    assert (summary.asked, summary.answered) == (5, 4)
    assert summary.nps is not None
    assert summary.nps.index == 25


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
