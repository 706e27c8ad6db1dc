"""One-on-ones: arrange, write, close. Whoever is not one of the two is told that there is no such series."""

import datetime
import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import FieldError, Invalid, Kind, NotFound, Problem

from .. import sealing
from ..models import Employee, MeetingNote, OneOnOne, Rhythm, Side
from ..rules import schedules

LONGEST_NOTE = 5_000
WEEKS = {Rhythm.WEEKLY: 1, Rhythm.FORTNIGHTLY: 2}


class SeriesUnknown(NotFound):
    code = "one-on-one-unknown"
    title = gettext_lazy("There is no such one-on-one")


class HaveOne(Problem):
    code = "have-a-one-on-one"
    title = gettext_lazy("These two meet already")
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Seat:
    """One of the two, at their series: the only way to its texts."""

    series: OneOnOne
    side: Side

    @property
    def other(self) -> Employee:
        return self.series.member if self.side == Side.MANAGER else self.series.manager


def seat_of(*, public_id: uuid.UUID | str, employee: Employee | None) -> Seat:
    """Raises ``SeriesUnknown`` for everybody but the two."""
    found = OneOnOne.objects.select_related("manager", "member").filter(public_id=public_id).first() if employee else None
    if found is None or employee is None or employee.pk not in {found.manager_id, found.member_id}:
        raise SeriesUnknown
    return Seat(found, Side.MANAGER if employee.pk == found.manager_id else Side.MEMBER)


def series_of(employee: Employee) -> list[OneOnOne]:
    """Those the employee is one of, the running ones first."""
    mine = OneOnOne.objects.select_related("manager", "member").filter(Q(manager=employee) | Q(member=employee))
    return list(mine.order_by(F("ended_on").desc(nulls_first=True), "id"))


def arrange(
    *, manager: Employee, member: Employee, rhythm: str, first_on: datetime.date, starts_at: datetime.time, time_zone: str
) -> OneOnOne:
    """Begin a series. Raises ``HaveOne``, and ``Invalid`` for oneself, an unknown zone or rhythm."""
    errors = []
    if manager.pk == member.pk:
        errors.append(FieldError("/member", "oneself", _("It takes two.")))
    if rhythm not in Rhythm.values:
        errors.append(FieldError("/rhythm", "unknown-value", _("Weekly, every two weeks, or monthly.")))
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError):
        errors.append(FieldError("/time_zone", "unknown-zone", _("A time zone such as Europe/Rome.")))
    if errors:
        raise Invalid(errors=errors)
    try:
        with transaction.atomic():
            return OneOnOne.objects.create(
                manager=manager, member=member, rhythm=rhythm, first_on=first_on, starts_at=starts_at, time_zone=time_zone
            )
    except IntegrityError:
        raise HaveOne(_("End their series first.")) from None


def dates_of(series: OneOnOne, *, after: datetime.date, count: int) -> list[datetime.date]:
    """The next dates later than ``after`` that are not cancelled."""
    if series.ended_on is not None:
        return []
    rule = recurrence_of(series)
    out = set(series.cancelled)
    found: list[datetime.date] = []
    for day in schedules.dates(rule):
        if day > after and day.isoformat() not in out:
            found.append(day)
        if len(found) == count:
            break
    return found


def recurrence_of(series: OneOnOne) -> schedules.Recurrence:
    weeks = WEEKS.get(Rhythm(series.rhythm), 0)
    return schedules.Recurrence(series.first_on, weeks=weeks, months=0 if weeks else 1)


def cancel_date(*, seat: Seat, day: datetime.date) -> None:
    """Leave one meeting out. Raises ``Invalid`` for a day on which they do not meet."""
    with transaction.atomic():
        series = OneOnOne.objects.select_for_update(of=("self",)).get(pk=seat.series.pk)
        if day not in dates_of(series, after=day - datetime.timedelta(days=1), count=1):
            raise Invalid(errors=[FieldError("/day", "not-a-meeting", _("They do not meet on this day."))])
        OneOnOne.objects.filter(pk=series.pk).update(cancelled=[*series.cancelled, day.isoformat()], sequence=F("sequence") + 1)


def note_held(*, seat: Seat, day: datetime.date) -> None:
    """They met on this day: all that HR ever sees. Noting it twice changes nothing."""
    with transaction.atomic():
        series = OneOnOne.objects.select_for_update(of=("self",)).get(pk=seat.series.pk)
        if day.isoformat() not in series.held:
            OneOnOne.objects.filter(pk=series.pk).update(held=[*series.held, day.isoformat()])


def end_series(*, seat: Seat, today: datetime.date) -> None:
    OneOnOne.objects.filter(pk=seat.series.pk, ended_on=None).update(ended_on=today, sequence=F("sequence") + 1)


def write(
    *, seat: Seat, kind: str, text: str, today: datetime.date, owner: str = "", due_on: datetime.date | None = None
) -> MeetingNote:
    """Add a point to the agenda, an action, or a private note. Raises ``Invalid`` for an empty or too long text."""
    text = text.replace("\x00", "").strip()
    if not text or len(text) > LONGEST_NOTE:
        raise Invalid(errors=[FieldError("/text", "bad-text", _("From 1 to %(most)s characters.") % {"most": LONGEST_NOTE})])
    if kind not in MeetingNote.Kind.values or (owner and owner not in Side.values):
        raise Invalid(errors=[FieldError("/kind", "unknown-value", _("Agenda, action or private note."))])
    is_action = kind == MeetingNote.Kind.ACTION
    return MeetingNote.objects.create(
        series=seat.series,
        kind=kind,
        side=seat.side,
        sealed=sealing.seal_note(seat.series.public_id, text),
        owner=(owner or seat.side) if is_action else "",
        due_on=due_on if is_action else None,
        written_on=today,
    )


@dataclass(frozen=True, slots=True)
class Note:
    row: MeetingNote
    text: str
    is_mine: bool


def notes_of(seat: Seat) -> list[Note]:
    """What this one may read: agenda and actions of both, and the own private notes. Open points stay until they are done."""
    rows = MeetingNote.objects.filter(series=seat.series).exclude(~Q(side=seat.side), kind=MeetingNote.Kind.PRIVATE)
    return [Note(row, sealing.open_note(seat.series.public_id, row.sealed), row.side == seat.side) for row in rows.order_by("pk")]


def _own(seat: Seat, public_id: uuid.UUID | str) -> MeetingNote:
    try:
        found = MeetingNote.objects.filter(series=seat.series, public_id=uuid.UUID(str(public_id))).first()
    except ValueError:
        raise SeriesUnknown from None
    if found is None or (found.kind == MeetingNote.Kind.PRIVATE and found.side != seat.side):
        raise SeriesUnknown
    return found


def settle(*, seat: Seat, public_id: uuid.UUID | str, today: datetime.date) -> None:
    """A point or an action is done; done twice it is open again. Both may."""
    note = _own(seat, public_id)
    note.done_on = None if note.done_on else today
    note.save(update_fields=["done_on"])


def forget(*, seat: Seat, public_id: uuid.UUID | str) -> None:
    """Delete what one has written oneself."""
    note = _own(seat, public_id)
    if note.side != seat.side:
        raise SeriesUnknown
    note.delete()
