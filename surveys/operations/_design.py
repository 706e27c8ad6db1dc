"""Design surveys: draft, revise, start and end them. What answers have fixed cannot be changed any more."""

import datetime
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Claim
from incentives_site.shared.audit import acting
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import (
    AnswerSet,
    BankQuestion,
    Department,
    Feedback,
    Invitation,
    Mode,
    OpenAnswer,
    Survey,
    SurveyQuestion,
    SurveyStatus,
    Wave,
)
from ..rules import questions as question_rules
from ..rules import schedules
from ..rules.visibility import LARGEST_K, SMALLEST_K, is_allowed, may_become
from ._open_wave import question_from, questions_of

FIELDS = frozenset(
    {"title", "introduction", "languages", "mode", "k", "is_live", "is_one_page", "audience", "every", "anchor_on", "opens_at"}
    | {"time_zone", "open_days", "reminds", "rotates", "campaign", "incentive"}
    | {"hides_uniform", "hides_few_changes"}
)
# No longer than from one wave to the next, or they would overlap.
LONGEST_OPEN = {"weekly": 7, "fortnightly": 14, "monthly": 28, "quarterly": 60, "thirteen_weeks": 60, "": 60}
QUESTION_FIELDS = ("key", "kind", "texts", "options", "scale", "is_required", "has_comment", "branch")
MOMENT = datetime.timedelta(microseconds=1)


class NotNow(Problem):
    code = "survey-status"
    title = gettext_lazy("This cannot be done with the survey as it is")
    kind = Kind.CONFLICT


class CannotStart(Problem):
    code = "survey-not-ready"
    title = gettext_lazy("The survey cannot be started yet")
    kind = Kind.CONFLICT


def draft(
    *, kind: str, questions: Sequence[Mapping[str, Any]], fields: Mapping[str, Any], by: str, now: datetime.datetime
) -> Survey:
    """A survey nobody is asked yet. ``questions`` as ``revise_questions`` takes them, ``fields`` as ``revise``.

    Raises ``Invalid``.
    """
    survey = Survey(kind=kind, created_by=by, created_at=now)
    with transaction.atomic(), acting(by=by, why="draft survey"):
        _check_fields(survey, fields)
        for name, value in fields.items():
            setattr(survey, name, value)
        survey.save()
        _write_questions(survey, questions)
    return survey


def revise(*, survey: Survey, fields: Mapping[str, Any], by: str) -> Survey:
    """Change what ``FIELDS`` names. Raises ``Invalid``, also for what answers have fixed, and ``NotNow`` once it has ended."""
    with transaction.atomic(), acting(by=by, why="revise survey"):
        survey = _locked(survey)
        _check_fields(survey, fields)
        for name, value in fields.items():
            setattr(survey, name, value)
        survey.save(update_fields=list(fields))
    return survey


def revise_questions(*, survey: Survey, questions: Sequence[Mapping[str, Any]], by: str) -> None:
    """These questions in this order instead of those before; a wave that is open keeps its own.

    Raises ``Invalid``: more than ten, what the rules refuse, and another scale for a question that was answered.
    """
    with transaction.atomic(), acting(by=by, why="revise questions"):
        survey = _locked(survey)
        if has_answers(survey):
            scales = {row.key: row.scale for row in survey.questions.all()}
            changed = [
                number
                for number, item in enumerate(questions)
                if item["kind"] == question_rules.Kind.ENPS and scales.get(item["key"], item["scale"]) != item["scale"]
            ]
            if changed:
                sentence = _("It was answered on this scale. Add another question, or make a new survey, for the other one.")
                raise Invalid(errors=[FieldError(f"/questions/{n}/scale", "scale-is-fixed", sentence) for n in changed])
        SurveyQuestion.objects.filter(survey=survey).delete()
        _write_questions(survey, questions)


def start(*, survey: Survey, by: str, now: datetime.datetime) -> Survey:
    """From now on its waves open by themselves. Raises ``CannotStart`` with what is missing, ``NotNow`` unless it is a draft."""
    with transaction.atomic(), acting(by=by, why="start survey"):
        survey = _locked(survey)
        if survey.status != SurveyStatus.DRAFT:
            raise NotNow(_("It was started before."))
        if missing := obstacles(survey=survey):
            raise CannotStart(errors=missing)
        since = now
        if opens_at_once(survey, now=now) and survey.anchor_on and survey.opens_at:
            since = schedules.at(survey.anchor_on, survey.opens_at, survey.time_zone)
        survey.status, survey.looked_at = SurveyStatus.RUNNING, since - MOMENT
        survey.save(update_fields=["status", "looked_at"])
    return survey


def opens_at_once(survey: Survey, *, now: datetime.datetime) -> bool:
    """Whether its first wave opens as soon as it is started: it has no date, or its first date is today and the hour is over."""
    if not survey.anchor_on or not survey.opens_at:
        return True
    first = schedules.first_dates(recurrence_of(survey), 1)[0]
    today = now.astimezone(zoneinfo.ZoneInfo(survey.time_zone)).date()
    return first == today == survey.anchor_on and schedules.at(first, survey.opens_at, survey.time_zone) <= now


def end(*, survey: Survey, by: str) -> Survey:
    """No further wave opens; one that is open goes on to its end. Raises ``NotNow`` unless it is running."""
    with transaction.atomic(), acting(by=by, why="end survey"):
        if Survey.objects.filter(pk=survey.pk, status=SurveyStatus.RUNNING).update(status=SurveyStatus.ENDED) != 1:
            raise NotNow(_("It is not running."))
    survey.refresh_from_db()
    return survey


def obstacles(*, survey: Survey) -> list[FieldError]:
    """Why it cannot be started, in sentences; empty when nothing is in the way."""
    found = []
    asked = [question_from(item) for item in questions_of(survey)]
    for fault in question_rules.faults_of(asked):
        found.append(FieldError(fault.pointer, fault.code, _fault_in_words(fault.code)))
    for number, item in enumerate(questions_of(survey)):
        if not any(str(text).strip() for text in item["texts"].values()):
            found.append(FieldError(f"/questions/{number}/texts", "no-text", _("A question has no words yet.")))
    if not any(str(text).strip() for text in survey.title.values()):
        found.append(FieldError("/title", "no-title", _("It has no title yet.")))
    return found


def has_answers(survey: Survey) -> bool:
    """Whether anybody has answered: mode, k (downwards) and scales are fixed then."""
    return (
        Invitation.objects.filter(wave__survey=survey, is_used=True).exists()
        or AnswerSet.objects.filter(wave__survey=survey).exists()
        or Wave.objects.filter(survey=survey, results__answered__gt=0).exists()
        or Feedback.objects.filter(survey=survey, answered_at__isnull=False).exists()
        or OpenAnswer.objects.filter(survey=survey).exists()
    )


def recurrence_of(survey: Survey) -> schedules.Recurrence:
    """By which its waves come: for one without ``every`` the first date alone counts."""
    if survey.anchor_on is None:
        raise ValueError("a survey without a date")
    return schedules.recurrence(schedules.Every(survey.every or "quarterly"), survey.anchor_on)


def _locked(survey: Survey) -> Survey:
    survey = Survey.objects.select_for_update(of=("self",)).get(pk=survey.pk)
    if survey.status == SurveyStatus.ENDED:
        raise NotNow(_("It has ended. Copy it to ask again."))
    return survey


def _check_fields(survey: Survey, fields: Mapping[str, Any]) -> None:
    if unknown := set(fields) - FIELDS:
        raise ValueError(f"no fields of a survey: {unknown}")
    errors: list[FieldError] = []

    def refuse(name: str, code: str, sentence: str) -> None:
        errors.append(FieldError(f"/{name}", code, sentence))

    answered = survey.pk is not None and has_answers(survey)
    if "mode" in fields:
        if fields["mode"] not in Mode.values:
            refuse("mode", "unknown-mode", _("Choose one of the modes."))
        elif answered and fields["mode"] != survey.mode:
            refuse("mode", "mode-is-fixed", _("It was answered under the promise of its mode, which stays."))
    if "k" in fields:
        if not is_allowed(fields["k"]):
            refuse("k", "unknown-k", _("From %(least)s to %(most)s.") % {"least": SMALLEST_K, "most": LARGEST_K})
        elif survey.pk is not None and not may_become(fields["k"], now=survey.k, has_answers=answered):
            refuse("k", "k-is-fixed", _("It was answered under the promise of this size: it can be raised, not lowered."))
    if fields.get("time_zone", "UTC") not in zoneinfo.available_timezones():
        refuse("time_zone", "unknown-zone", _("Choose a time zone from the list, such as Europe/Rome."))
    every = fields.get("every", survey.every)
    if every and every not in [one.value for one in schedules.Every]:
        refuse("every", "unknown-interval", _("Choose how often."))
    elif every and not (fields.get("anchor_on", survey.anchor_on) and fields.get("opens_at", survey.opens_at)):
        refuse("anchor_on", "no-first-date", _("A schedule needs its first date and an hour."))
    longest = LONGEST_OPEN.get(every, 60)
    if not 1 <= fields.get("open_days", survey.open_days) <= longest:
        refuse("open_days", "open-too-long", _("From 1 to %(most)s days, so that waves never overlap.") % {"most": longest})
    offered = {code for code, _name in settings.LANGUAGES}
    if "languages" in fields and (not fields["languages"] or not set(fields["languages"]) <= offered):
        refuse("languages", "unknown-language", _("Choose at least one of the languages."))
    if fields.get("audience"):
        known = set(Department.objects.filter(key__in=fields["audience"]).values_list("key", flat=True))
        if set(fields["audience"]) - known:
            refuse("audience", "unknown-department", _("A department is not in the directory any more."))
    if fields.get("incentive") and fields["incentive"].claim != Claim.GRANT:
        refuse("incentive", "not-in-wallets", _("Choose an incentive that is kept in wallets: it is given to each."))
    if errors:
        raise Invalid(errors=errors)


def _write_questions(survey: Survey, questions: Sequence[Mapping[str, Any]]) -> None:
    asked = [question_from(dict(item)) for item in questions]
    errors = [
        FieldError(fault.pointer, fault.code, _fault_in_words(fault.code))
        for fault in question_rules.faults_of(asked)
        if fault.code not in {"no-questions", "options"}  # a draft may lack what a start needs
    ]
    if errors:
        raise Invalid(errors=errors)
    SurveyQuestion.objects.bulk_create(
        SurveyQuestion(survey=survey, position=position, **{name: item[name] for name in QUESTION_FIELDS if name in item})
        for position, item in enumerate(questions)
    )


def _fault_in_words(code: str) -> str:
    return {
        "no-questions": _("It asks nothing yet."),
        "too-many-questions": _("A survey has at most %(most)s questions.") % {"most": question_rules.MOST_QUESTIONS},
        "repeated": _("Two questions have the same key."),
        "options": _("A choice needs from 2 to %(most)s different options.") % {"most": question_rules.MOST_OPTIONS},
        "unknown-scale": _("Choose 0 to 10, or 1 to 10."),
        "unknown-question": _("A question can only follow one that stands before it."),
        "too-deep": _("A question that follows another cannot be followed again."),
    }[code]


def own_questions(survey: Survey) -> list[dict[str, Any]]:
    """Its own questions as ``revise_questions`` takes them."""
    return [{name: getattr(row, name) for name in QUESTION_FIELDS} for row in survey.questions.all()]


def copy(*, survey: Survey, by: str, now: datetime.datetime) -> Survey:
    """A draft like it."""
    fields = {name: getattr(survey, name) for name in FIELDS}
    return draft(kind=survey.kind, questions=own_questions(survey), fields=fields, by=by, now=now)


def keep_in_bank(*, key: str, theme: str, question: Mapping[str, Any]) -> BankQuestion:
    """Into the bank that pulse surveys draw from; one of this key is replaced."""
    row, _new = BankQuestion.objects.update_or_create(
        key=key,
        defaults={"theme": theme, **{name: question[name] for name in ("kind", "texts", "options") if name in question}},
    )
    return row
