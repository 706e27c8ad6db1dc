"""A company of 320 people in 14 departments and eight quarters of eNPS: generated, said to be so, and the same for everybody.

People come in through the operation for the directory; waves are opened and closed by theirs. Only the answers are put in at
once, sealed as if each had been sent.
"""

import datetime
import random
import uuid

from dateutil.relativedelta import relativedelta
from django.db import transaction

from incentives_site.accounts.roles import Role
from surveys import operations, sealing
from surveys.models import Ballot, Invitation, Survey, SurveyStatus, Wave
from surveys.rules.ready_made import BANK, LANGUAGES, READY_MADE, said

from .people import address

BY = "demo"
PEOPLE = 320
QUARTERS = 8
# Department → how many, how content (the middle of their scores), as generated.
DEPARTMENTS = {
    "Nordwind": (4, 8.4),
    "Nordwind/Shops": (12, 8.0),
    "Nordwind/Shops/North": (48, 7.6),
    "Nordwind/Shops/South": (44, 8.2),
    "Nordwind/Shops/City": (39, 6.6),
    "Nordwind/Logistics": (46, 6.9),
    "Nordwind/Logistics/Returns": (9, 6.1),
    "Nordwind/Technology": (34, 8.1),
    "Nordwind/Technology/Data": (11, 8.6),
    "Nordwind/Marketing": (21, 8.3),
    "Nordwind/Finance": (16, 7.7),
    "Nordwind/People": (9, 8.5),
    "Nordwind/Service": (23, 7.1),
    "Nordwind/Legal": (4, 7.9),
}
FIRST = [
    "Ada",
    "Bo",
    "Cem",
    "Dina",
    "Eva",
    "Finn",
    "Gia",
    "Hugo",
    "Ines",
    "Jan",
    "Kira",
    "Liam",
    "Mei",
    "Nils",
    "Ola",
    "Pia",
    "Quinn",
    "Rosa",
    "Sami",
    "Tara",
    "Uma",
    "Vito",
    "Wim",
    "Xenia",
    "Yara",
    "Zoe",
]
LAST = [
    "Adams",
    "Berg",
    "Costa",
    "Diaz",
    "Ek",
    "Fabri",
    "Gomez",
    "Hahn",
    "Ivanov",
    "Jung",
    "Khan",
    "Lee",
    "Moreau",
    "Novak",
    "Ong",
    "Pinto",
    "Rossi",
    "Silva",
    "Tan",
    "Ueda",
    "Vogel",
    "Wolf",
]
PLACES = ("Berlin", "Milan", "Kuala Lumpur", "Madrid")
SAID = (
    "Good people, and time to do things well.",
    "The rota comes too late to plan a week.",
    "I would like to learn more than I do now.",
    "Decisions are explained now. That is better than last year.",
    "Tools are slow, and we wait for answers.",
    "My team helps when it matters.",
)


def load(now: datetime.datetime) -> bool:
    """Whether it was made now."""
    if Survey.objects.filter(created_by=BY).exists():
        return False
    chance = random.Random(320)  # noqa: S311  (a demonstration that is the same everywhere)
    with transaction.atomic():
        operations.bring_in_employees(rows=_people(chance, now), by=BY)
        for theme, items in BANK.items():
            for item in items:
                operations.keep_in_bank(key=item.key, theme=theme, question=item.as_question())
        _enps(chance, now)
        pulse = READY_MADE["wellbeing"]
        operations.draft(
            kind=pulse.kind,
            questions=pulse.asked(),
            fields={"title": said(pulse.title), "languages": list(LANGUAGES), "time_zone": "Europe/Berlin"},
            by=BY,
            now=now,
        )
    return True


def _people(chance: random.Random, now: datetime.datetime) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    heads: dict[str, str] = {}
    for department, (count, _middle) in DEPARTMENTS.items():
        above = heads.get(department.rpartition("/")[0], "")
        for number in range(count):
            key = f"n{len(rows) + 1:03}"
            is_head = number == 0
            if is_head:
                heads[department] = key
            place = chance.choice(PLACES)
            rows.append(
                {
                    "key": key,
                    "name": f"{chance.choice(FIRST)} {chance.choice(LAST)}",
                    "email": f"{key}@nordwind.example",
                    "department": department,
                    "manager": above if is_head else heads[department],
                    "location": place,
                    "language": {"Berlin": "de", "Milan": "it", "Kuala Lumpur": "ms", "Madrid": "es"}[place],
                    "started_on": str(now.date() - datetime.timedelta(days=chance.randint(30, 5_000))),
                }
            )
    # Those who sign in to the demonstration work there: one leads a department, one works for HR.
    for department, role in (("Nordwind/Shops/South", Role.MANAGER), ("Nordwind/People", Role.HR)):
        row = next(row for row in rows if row["key"] == heads[department])
        row["email"] = address(role)
    return rows


def _enps(chance: random.Random, now: datetime.datetime) -> None:
    template = READY_MADE["enps"]
    first = (now - relativedelta(months=3 * QUARTERS)).date().replace(day=1)
    survey = operations.draft(
        kind=template.kind,
        questions=template.asked(),
        fields={
            "title": said(template.title),
            "languages": list(LANGUAGES),
            "every": "quarterly",
            "anchor_on": first,
            "opens_at": datetime.time(9),
            "time_zone": "Europe/Berlin",
            "open_days": 14,
            "reminds": False,
        },
        by=BY,
        now=now,
    )
    Survey.objects.filter(pk=survey.pk).update(status=SurveyStatus.RUNNING, looked_at=now)
    survey.refresh_from_db()
    begins = datetime.datetime.combine(first, datetime.time(8), tzinfo=datetime.UTC)
    for quarter in range(QUARTERS):
        opens = operations.next_openings(survey, now=begins, count=QUARTERS)[quarter] if quarter else begins
        if opens + datetime.timedelta(days=14) > now:
            break
        wave = operations.open_wave(survey=survey, opens_at=opens, now=opens)
        _answers(wave, chance, quarter)
        operations.close_wave(wave=wave, now=wave.closes_at)


def _answers(wave: Wave, chance: random.Random, quarter: int) -> None:
    middles = {operations.key_of_department(way.split("/")): middle for way, (_n, middle) in DEPARTMENTS.items()}
    ballots, used = [], []
    for invitation in Invitation.objects.filter(wave=wave).order_by("employee__key"):
        if chance.random() > 0.74 + 0.01 * quarter:
            continue
        middle = middles[invitation.groups["department"][-1]] + 0.09 * quarter - (0.5 if quarter == 3 else 0)
        score = min(10, max(0, round(chance.gauss(middle, 1.7))))
        comments = {"score": chance.choice(SAID)} if chance.random() < 0.18 else {}
        ballot = {"values": {"score": score}, "comments": comments, "groups": invitation.groups, "threads": {}}
        ballots.append(Ballot(id=uuid.uuid4(), wave=wave, sealed=sealing.seal_ballot(wave.sealed_key or b"", ballot)))
        used.append(invitation.pk)
    chance.shuffle(ballots)
    Ballot.objects.bulk_create(ballots)
    Invitation.objects.filter(wave=wave).update(is_sent=True)
    Invitation.objects.filter(pk__in=used).update(is_used=True)
