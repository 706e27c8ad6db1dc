"""What the generated company and the shops' customers say now: an open pulse, a comment with a reply, one-on-ones, feedback.

All generated, and the same for everybody; made by the operations that make anything else.
"""

import datetime
import random
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from campaigns.models import Campaign, Incentive, Status
from campaigns.models import Claim as HowClaimed
from customers.models import Customer
from incentives_site.accounts.roles import Role
from surveys import operations, sealing
from surveys.models import Comment, Employee, Feedback, Invitation, OneOnOne, Survey, Wave
from surveys.rules.ready_made import CUSTOMERS, LANGUAGES, READY_MADE, said

from .company import BY
from .people import address

OPENED_BEFORE, RESTED = datetime.timedelta(days=4), datetime.timedelta(days=5)
REVIEWS = (
    (10, "Found everything, and the voucher worked at the till without a question."),
    (9, "Friendly people. I will be back for the coffee."),
    (8, "Good, but the app took a while to show my points."),
    (3, "The queue was long and only one till was open."),
    (6, "Fine, though two things on my list were sold out."),
    (9, "Quick, and the return was no trouble at all."),
)
AGENDA = ("How the new rota works for you", "Training in spring: which course?", "Opening hours over the holidays")


def load(now: datetime.datetime) -> bool:
    """Whether it was made now. The company and the campaigns must be there."""
    ours = Survey.objects.filter(created_by=BY)
    if not ours.exists() or ours.filter(kind="pulse").exclude(status="draft").exists():
        return False
    chance = random.Random(321)  # noqa: S311  (a demonstration that is the same everywhere)
    with transaction.atomic():
        _open_pulse(chance, now)
        _reply()
        _one_on_ones(now)
        _feedback(chance, now)
    return True


def _open_pulse(chance: random.Random, now: datetime.datetime) -> None:
    """One wave that has closed, and one that is open; nobody was asked twice in five days (``SURVEY_REST_DAYS``)."""
    template = READY_MADE["change"]
    last = Wave.objects.filter(survey__created_by=BY).order_by("-opens_at").values_list("opens_at", flat=True)[0]
    closed = max(last + RESTED, now - datetime.timedelta(days=46))
    survey = operations.draft(
        kind=template.kind,
        questions=template.asked(),
        fields={"title": said(template.title), "languages": list(LANGUAGES), "time_zone": "Europe/Berlin"},
        by=BY,
        now=closed,
    )
    operations.start(survey=survey, by=BY, now=closed)
    for opens, days, share in ((closed, 3, 0.7), (now - OPENED_BEFORE, 14, 0.4)):
        Survey.objects.filter(pk=survey.pk).update(open_days=days)
        survey.refresh_from_db()
        wave = operations.open_wave(survey=survey, opens_at=opens, now=opens)
        _answers(wave, share, chance)
        Invitation.objects.filter(wave=wave).update(is_sent=True)
        Invitation.objects.filter(wave=wave, is_used=False).update(reminders=1)
        operations.close_wave(wave=wave, now=now)
    Survey.objects.filter(pk=survey.pk).update(looked_at=now)


def _answers(wave: Wave, share: float, chance: random.Random) -> None:
    invited = list(Invitation.objects.filter(wave=wave).order_by("employee__key"))
    for invitation in chance.sample(invited, int(len(invited) * share)):
        values = {item["key"]: _said(item, chance) for item in wave.questions}
        operations.answer(
            token=sealing.invitation_token(invitation.pk),
            values={key: value for key, value in values.items() if value is not None},
            comments={},
            now=wave.opens_at,
        )


def _said(item: dict[str, Any], chance: random.Random) -> object:
    if item["kind"] == "agreement":
        return min(5, max(1, round(chance.gauss(3.4, 1))))
    return chance.choice(item["options"])["key"] if item["kind"] == "single" else None


def _reply() -> None:
    """HR asks back under one comment of the newest wave, and its author, whom nobody knows, has answered."""
    wave = Wave.objects.filter(survey__created_by=BY, survey__kind="enps", state="published").order_by("-opens_at").first()
    comment = Comment.objects.filter(wave=wave, text__startswith="The rota").order_by("id").first()
    if comment is None:
        return
    Comment.objects.filter(pk=comment.pk).update(thread_digest=sealing.thread_digest(sealing.new_thread_key(), 0))
    comment.refresh_from_db()
    operations.reply(comment=comment, text="Thank you. How many days before would you need it?", by=BY)
    operations.reply(comment=comment, text="Two weeks would be enough to plan around school.", is_author=True)


def _one_on_ones(now: datetime.datetime) -> None:
    manager = Employee.objects.filter(email=address(Role.MANAGER)).first()
    if manager is None or OneOnOne.objects.filter(manager=manager).exists():
        return
    today = now.date()
    for number, member in enumerate(Employee.objects.filter(manager=manager).order_by("key")[:2]):
        first = today - datetime.timedelta(days=28 - number)
        series = operations.arrange(
            manager=manager,
            member=member,
            rhythm="fortnightly",
            first_on=first,
            starts_at=datetime.time(10),
            time_zone="Europe/Berlin",
        )
        mine = operations.seat_of(public_id=series.public_id, employee=manager)
        theirs = operations.seat_of(public_id=series.public_id, employee=member)
        for day in (first, first + datetime.timedelta(days=14)):
            operations.note_held(seat=mine, day=day)
        for place, text in enumerate(AGENDA):
            operations.write(seat=theirs if place % 2 else mine, kind="agenda", text=text, today=today)
        operations.write(
            seat=mine,
            kind="action",
            text="Ask for a seat in the course",
            owner="manager",
            due_on=today + datetime.timedelta(days=10),
            today=today,
        )
        operations.write(seat=mine, kind="private", text="Did very well with the new team.", today=today)


def _feedback(chance: random.Random, now: datetime.datetime) -> None:
    """Two surveys of a live campaign: of customers by name, and of whoever scans a poster."""
    campaign = Campaign.objects.filter(source="demo", status=Status.LIVE, incentives__claim=HowClaimed.GRANT).first()
    if campaign is None:
        return
    incentive = Incentive.objects.filter(campaign=campaign, claim=HowClaimed.GRANT).first()
    named, openly = (_begun(key, mode, campaign, incentive, now) for key, mode in (("nps", "named"), ("csat", "anonymous")))
    asked = [_asked(named, customer, number, now) for number, customer in enumerate(_customers()[:60])]
    texts = list(REVIEWS)
    for feedback in chance.sample(asked, 41):
        score, review = texts.pop() if texts else (min(10, max(0, round(chance.gauss(7.9, 2)))), "")
        operations.give_feedback(
            feedback=feedback,
            values={"nps": score},
            review=review,
            channel=operations.channel_for(named),
            now=feedback.asked_at + datetime.timedelta(hours=chance.randrange(1, 20)),
        )
    for feedback in Feedback.objects.filter(survey=named).exclude(review="").order_by("id")[:2]:
        operations.moderate(feedback=feedback, is_shown=True, by=BY)
    for _n in range(34):
        operations.give_openly(survey=openly, values={"csat": min(5, max(1, round(chance.gauss(4.2, 0.8))))}, today=now.date())


def _begun(key: str, mode: str, campaign: Campaign, incentive: Incentive | None, now: datetime.datetime) -> Survey:
    template = CUSTOMERS[key]
    fields = {
        "title": said(template.title),
        "languages": list(LANGUAGES),
        "campaign": campaign,
        "incentive": incentive,
        "mode": mode,
    }
    survey = operations.draft(kind="feedback", questions=template.asked(), fields=fields, by=BY, now=now)
    return operations.start(survey=survey, by=BY, now=now)


def _asked(survey: Survey, customer: Customer, number: int, now: datetime.datetime) -> Feedback:
    asked_at = now - datetime.timedelta(days=2 + number % 20)
    return operations.ask(survey=survey, customer=customer, occasion=f"visit {number + 1}", now=asked_at)[0]


def _customers() -> QuerySet[Customer]:
    return Customer.objects.filter(facts__orders__gte=10).order_by("-facts__orders", "pk")
