"""What the clock does: close waves whose window is over, open those that are due, send invitations and reminders.

Everything finds by itself what is due and may run twice. After a week without beat a wave whose window still goes on opens late;
one whose window is over is not opened any more.
"""

import datetime
import secrets
import zoneinfo
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from incentives_site.shared.problems import Problem

from .. import sealing
from ..ballot_keys import KeyLost
from ..models import Invitation, Survey, SurveyKind, SurveyStatus, Wave, WaveState
from ..rules import schedules
from ..rules.visibility import step_of_live
from ..wording import in_language, live_in_a_sentence, mode_in_a_sentence, reward_in_a_sentence
from ._close_wave import close_wave
from ._design import recurrence_of
from ._open_wave import open_wave

log = structlog.get_logger(__name__)
AT_ONCE = 50  # messages of one transaction
_CHANCE = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Advanced:
    closed: int
    opened: int


def advance_surveys(*, now: datetime.datetime) -> Advanced:
    """Close, then open, what is due."""
    due = Wave.objects.filter(state=WaveState.OPEN, closes_at__lte=now).order_by("closes_at")
    closed = sum(_close(wave, now) for wave in due)
    running = Survey.objects.filter(status=SurveyStatus.RUNNING).exclude(kind=SurveyKind.FEEDBACK).order_by("pk")
    opened = sum(open_due(survey=survey, now=now) for survey in running)
    return Advanced(closed, opened)


def _close(wave: Wave, now: datetime.datetime) -> bool:
    """A wave whose key is missing waits, and does not keep the others waiting."""
    try:
        return close_wave(wave=wave, now=now)
    except KeyLost:
        log.error("survey_key_lost", wave=str(wave.public_id))
        return False


def open_due(*, survey: Survey, now: datetime.datetime) -> bool:
    """Open the wave of a running survey whose window goes on, if there is one that was not opened; whether one was.

    A wave that cannot be opened yet (everybody was asked elsewhere days ago) is tried again until its window is over.
    """
    waiting = None
    opened = False
    for opens_at in _due_instants(survey, now):
        is_over = schedules.closes(opens_at, survey.open_days, survey.time_zone) <= now
        if is_over or Wave.objects.filter(survey=survey, opens_at=opens_at).exists():
            continue
        try:
            open_wave(survey=survey, opens_at=opens_at, now=now)
            opened = True
        except Problem as problem:
            log.warning("wave_not_opened", survey=str(survey.public_id), reason=problem.code)
            waiting = waiting or opens_at
    seen = (waiting - datetime.timedelta(microseconds=1)) if waiting else now
    Survey.objects.filter(pk=survey.pk, status=SurveyStatus.RUNNING).update(looked_at=seen)
    is_over = not survey.every and not waiting and Wave.objects.filter(survey=survey).exists()
    if is_over and not Wave.objects.filter(survey=survey, state=WaveState.OPEN).exists():
        Survey.objects.filter(pk=survey.pk, status=SurveyStatus.RUNNING).update(status=SurveyStatus.ENDED)
    return opened


def _due_instants(survey: Survey, now: datetime.datetime) -> list[datetime.datetime]:
    after = survey.looked_at or survey.created_at
    if not survey.anchor_on or not survey.opens_at:
        is_new = not Wave.objects.filter(survey=survey).exists()
        return [after] if is_new else []
    rule = recurrence_of(survey)
    days = schedules.due(rule, survey.opens_at, survey.time_zone, after=after, until=now)
    if not survey.every:
        days = [day for day in days if day == schedules.first_dates(rule, 1)[0]]
    return [schedules.at(day, survey.opens_at, survey.time_zone) for day in days]


def next_openings(survey: Survey, *, now: datetime.datetime, count: int = 5) -> list[datetime.datetime]:
    """When its next waves open."""
    if not survey.anchor_on or not survey.opens_at or not survey.open_days:
        return []
    rule = recurrence_of(survey)
    days = schedules.first_dates(rule, 1) if not survey.every else schedules.dates(rule)
    found: list[datetime.datetime] = []
    for day in days:
        instant = schedules.at(day, survey.opens_at, survey.time_zone)
        if instant > now:
            found.append(instant)
        if len(found) == count:
            break
    return found


def link_to(invitation: Invitation) -> str:
    """The address that opens somebody's questions: worked out, stored nowhere."""
    return settings.BASE_URL + reverse("survey-answer", args=[sealing.invitation_token(invitation.pk)])


def send_invitations(*, now: datetime.datetime) -> int:
    """Tell those who were not told yet, Monday to Friday; how many. In an order that chance made."""
    sent = 0
    waves = Wave.objects.filter(state=WaveState.OPEN, closes_at__gt=now).exclude(mails_from__gt=now)
    for wave in waves.select_related("survey"):
        if schedules.is_mail_day(now, wave.survey.time_zone):
            sent += _send(Invitation.objects.filter(wave=wave, is_sent=False, is_used=False), reminder=0, now=now)
    return sent


def send_reminders(*, now: datetime.datetime) -> int:
    """Remind those who have not answered, after three and after five days, at the hour of the opening; how many.

    After a while without beat one reminder goes out, not two.
    """
    sent = 0
    for wave in Wave.objects.filter(state=WaveState.OPEN, closes_at__gt=now, survey__reminds=True).select_related("survey"):
        due = _reminders_due(wave, now)
        if due:
            waiting = Invitation.objects.filter(wave=wave, is_sent=True, is_used=False, reminders__lt=due)
            sent += _send(waiting, reminder=due, now=now)
    return sent


def _reminders_due(wave: Wave, now: datetime.datetime) -> int:
    opened = wave.opens_at.astimezone(zoneinfo.ZoneInfo(wave.survey.time_zone))
    instants = [schedules.at(day, opened.time(), wave.survey.time_zone) for day in schedules.reminders(opened.date())]
    return sum(instant <= now for instant in instants)


def _send(waiting: QuerySet[Invitation], *, reminder: int, now: datetime.datetime) -> int:
    """Each message is noted in the transaction it is sent in: one that failed is tried again, one that was sent is not.

    Who is invited late is not reminded of what was due before.
    """
    keys = list(waiting.values_list("pk", flat=True))
    _CHANCE.shuffle(keys)
    sent = 0
    for start in range(0, len(keys), AT_ONCE):
        with transaction.atomic():
            rows = list(
                waiting.filter(pk__in=keys[start : start + AT_ONCE])
                .select_for_update(of=("self",), skip_locked=True)
                .select_related("employee", "wave__survey", "wave__incentive")
            )
            _CHANCE.shuffle(rows)
            told = _deliver(rows, reminder)
            for row in told:
                row.is_sent, row.reminders = True, _reminders_due(row.wave, now)
            Invitation.objects.bulk_update(told, ["is_sent", "reminders"])
        sent += len(told)
        if len(told) < len(rows):
            break  # the mail server is away: the next run goes on
    return sent


def _deliver(rows: list[Invitation], reminder: int) -> list[Invitation]:
    told: list[Invitation] = []
    try:
        with get_connection() as connection:
            for invitation in rows:
                message = message_for(invitation, reminder=reminder)
                message.connection = connection
                message.send()
                told.append(invitation)
    except OSError as error:  # smtplib's errors are OSErrors
        log.warning("mail_not_sent", reason=type(error).__name__, left=len(rows) - len(told))
    return told


def message_for(invitation: Invitation, *, reminder: int = 0) -> EmailMessage:
    """What somebody is sent, in their language."""
    wave, employee = invitation.wave, invitation.employee
    offered = [code for code, _name in settings.LANGUAGES]
    with translation.override(employee.language if employee.language in offered else (*wave.survey.languages, "en")[0]):
        title = in_language(wave.survey.title, wave.survey.languages)
        lines = [
            _("Hello %(name)s,") % {"name": employee.name},
            _("Would you take a minute and answer a few questions?")
            if not reminder
            else _("There is still time to answer, if you like. It takes a minute."),
            in_language(wave.survey.introduction, wave.survey.languages),
            link_to(invitation),
            _("The link is yours alone: please do not pass it on. It is good until %(day)s.")
            % {"day": wave.last_day.strftime("%d.%m.%Y")},
            mode_in_a_sentence(wave.mode, wave.k),
            reward_in_a_sentence(wave.incentive.name) if wave.incentive else "",
            live_in_a_sentence(step_of_live(wave.k, wave.invited)) if wave.is_live else "",
            _("On a shared device open %(address)s and type this code: %(code)s")
            % {"address": settings.BASE_URL + reverse("survey-code"), "code": sealing.invitation_code(invitation.pk)},
        ]
        subject = _("Reminder: %(title)s") % {"title": title} if reminder else title
        return EmailMessage(subject=" ".join(subject.split()), body="\n\n".join(filter(None, lines)), to=[employee.email])
