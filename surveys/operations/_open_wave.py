"""Open a wave: freeze the questions, and invite whom the survey is for."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from .. import ballot_keys, sealing
from ..models import BankQuestion, Employee, Invitation, Survey, SurveyStatus, Wave, WaveState
from ..rules import questions as question_rules
from ..rules import schedules
from ..rules.directory import tenure_band
from ..rules.visibility import may_be_live
from ._announce import announce_opened

log = structlog.get_logger(__name__)
AT_ONCE = 2_000


class CannotOpen(Problem):
    code = "cannot-open"
    title = gettext_lazy("The survey cannot be opened")
    kind = Kind.CONFLICT


def open_wave(*, survey: Survey, opens_at: datetime.datetime, now: datetime.datetime) -> Wave:
    """One round, from ``opens_at`` (its instant by the schedule, so that it is opened once) until its window ends.

    Returns the one that is there when this instant was opened before. Raises ``CannotOpen`` while another wave of the survey is
    open, and ``Invalid`` for a survey that asks nothing it could.
    """
    known = Wave.objects.filter(survey=survey, opens_at=opens_at).first()
    if known is not None:
        return known
    asked = questions_of(survey)
    if faults := question_rules.faults_of([question_from(item) for item in asked]):
        raise Invalid(errors=[FieldError(fault.pointer, fault.code, fault.detail) for fault in faults])
    closes_at = schedules.closes(opens_at, survey.open_days, survey.time_zone)
    try:
        with transaction.atomic():
            locked = Survey.objects.select_for_update(of=("self",)).get(pk=survey.pk)
            if locked.status != SurveyStatus.RUNNING:
                raise CannotOpen(_("It is not running."))
            if Wave.objects.filter(survey=survey, state=WaveState.OPEN).exists():
                raise CannotOpen(_("Its last wave is still open."))
            windows = list(Wave.objects.filter(survey=survey, closes_at__gt=opens_at).values_list("opens_at", "closes_at"))
            if schedules.overlaps(opens_at, closes_at, windows):
                raise CannotOpen(_("Another of its waves is open in these days."))
            number = 1 + (Wave.objects.filter(survey=survey).order_by("-number").values_list("number", flat=True).first() or 0)
            wave = Wave(
                survey=survey,
                number=number,
                opens_at=opens_at,
                closes_at=closes_at,
                mails_from=schedules.mails_from(now, opens_at, survey.opens_at, survey.time_zone),
                mode=survey.mode,
                k=survey.k,
                hides_uniform=survey.hides_uniform,
                hides_few_changes=survey.hides_few_changes,
                questions=asked,
                incentive=locked.incentive,
            )
            wave.sealed_key = _new_key(wave)
            wave.save()
            wave.invited = _invite(wave, survey, now.date())
            if not wave.invited:
                raise CannotOpen(_("Nobody would be invited: everybody it is for is inactive, or was asked only a few days ago."))
            wave.is_live = locked.is_live and may_be_live(wave.invited)
            wave.save(update_fields=["invited", "is_live"])
            announce_opened(wave, now)
    except IntegrityError:
        return Wave.objects.get(survey=survey, opens_at=opens_at)
    return wave


def _new_key(wave: Wave) -> bytes:
    """Its public key. Where the wave is not opened after all, the daily purge removes the file of the private one."""
    try:
        return ballot_keys.create(wave.public_id)
    except OSError as error:
        log.error("survey_key_not_written", reason=type(error).__name__)
        raise CannotOpen(
            _("The key of its ballots cannot be written. Ask an administrator to look at SURVEY_KEYS_DIR.")
        ) from error


def questions_of(survey: Survey) -> list[dict[str, Any]]:
    """The survey's own questions, and those whose turn it is in the bank: the same for all, or they would tell who is who."""
    own = [
        {
            "key": row.key,
            "kind": row.kind,
            "texts": row.texts,
            "options": row.options,
            "scale": row.scale,
            "is_required": row.is_required,
            "has_comment": row.has_comment,
            "branch": row.branch,
        }
        for row in survey.questions.all()
    ]
    if not survey.rotates:
        return own
    bank = {row.key: row for row in BankQuestion.objects.filter(is_active=True)}
    seen: dict[str, int] = {}
    for asked in Wave.objects.filter(survey=survey).values_list("questions", flat=True):
        for item in asked:
            if item.get("theme"):
                seen[item["key"]] = seen.get(item["key"], 0) + 1
    room = max(0, question_rules.MOST_QUESTIONS - len(own))
    turn = question_rules.rotate(list(bank), seen, min(survey.rotates, room))
    return own + [
        {"key": key, "kind": bank[key].kind, "texts": bank[key].texts, "options": bank[key].options, "theme": bank[key].theme}
        for key in turn
    ]


def bank_turns(survey: Survey) -> dict[str, int]:
    """How large the bank is, how many of it each wave asks, and after how many waves everybody has seen all."""
    size = BankQuestion.objects.filter(is_active=True).count()
    each = max(0, min(survey.rotates, question_rules.MOST_QUESTIONS - survey.questions.count(), size))
    return {"size": size, "each": each, "waves": schedules.surveys_before_a_repeat(size, each)}


def question_from(item: dict[str, Any]) -> question_rules.Question:
    """A question as it was frozen, for the rules."""
    branch = item.get("branch") or {}
    return question_rules.Question(
        key=item["key"],
        kind=question_rules.Kind(item["kind"]),
        is_required=bool(item.get("is_required")),
        has_comment=bool(item.get("has_comment")),
        options=tuple(option["key"] for option in item.get("options") or ()),
        scale=item.get("scale") or "0-10",
        branch=question_rules.Branch(branch["key"], tuple(branch["values"])) if branch else None,
    )


def _invite(wave: Wave, survey: Survey, today: datetime.date) -> int:
    people = _rested(Employee.objects.filter(is_active=True), wave).select_related("department", "manager").order_by("pk")
    rows: list[Invitation] = []
    for employee in people.iterator(chunk_size=AT_ONCE):
        if survey.audience and not set(survey.audience) & set(employee.department.path):
            continue
        key = uuid.uuid4()
        rows.append(
            Invitation(
                id=key,
                wave=wave,
                employee=employee,
                digest=sealing.token_digest(sealing.invitation_token(key)),
                groups=groups_of(employee, today),
            )
        )
    Invitation.objects.bulk_create(rows, batch_size=AT_ONCE)
    return len(rows)


def _rested(people: QuerySet[Employee], wave: Wave) -> QuerySet[Employee]:
    """Those who were not invited to any survey in the days before (``SURVEY_REST_DAYS``)."""
    if not settings.SURVEY_REST_DAYS:
        return people
    since = wave.opens_at - datetime.timedelta(days=settings.SURVEY_REST_DAYS)
    invited = Invitation.objects.filter(wave__opens_at__gt=since).exclude(wave=wave)
    return people.exclude(pk__in=invited.values("employee"))


def groups_of(employee: Employee, today: datetime.date) -> dict[str, str | Sequence[str]]:
    """What results may be divided by, coarse: no date, no address."""
    return {
        "department": list(employee.department.path),
        "manager": employee.manager.key if employee.manager else "",
        "location": employee.location,
        "tenure": tenure_band(employee.started_on, today),
        "language": employee.language,
    }
