"""One-on-ones: arrange, write, close. For everyone but the two, there is no such series.

``open_seat`` is the only way to its texts. A seat is open to one binding at one version of its access: an account that was
confirmed after the series was arranged, or whose sign-in someone else changed, waits until the other participant agrees
(``decide``).
"""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.accounts.models import User
from incentives_site.shared.problems import FieldError, Invalid, Kind, NotFound, Problem

from .. import queries, sealing
from ..models import Binding, BindingEvent, Change, Employee, MeetingNote, MeetingSeat, OneOnOne, Rhythm, Side
from ..rules import schedules
from ..rules.bindings import may_vouch
from ._access import binding_in_use
from ._bindings import FurtherAddress, PasswordNotYours
from ._notices import meetings_of, record, tell

LONGEST_NOTE = 5_000
WEEKS = {Rhythm.WEEKLY: 1, Rhythm.FORTNIGHTLY: 2}


class SeriesUnknown(NotFound):
    code = "one-on-one-unknown"
    title = gettext_lazy("There is no such one-on-one")


class HaveOne(Problem):
    code = "have-a-one-on-one"
    title = gettext_lazy("These two meet already")
    kind = Kind.CONFLICT


class SeatClosed(Problem):
    code = "seat-closed"
    title = gettext_lazy("This one-on-one is closed to your account")
    kind = Kind.FORBIDDEN


class ConfirmFirst(Problem):
    code = "confirm-first"
    title = gettext_lazy("Confirm your account again first")
    kind = Kind.FORBIDDEN


class NothingToDecide(Problem):
    code = "nothing-to-decide"
    title = gettext_lazy("There is nothing to decide")
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Seat:
    """One of the two, at their series: the only way to its texts."""

    series: OneOnOne
    side: Side

    @property
    def other(self) -> Employee:
        return other_of(self.series, self.side)


def other_of(series: OneOnOne, side: Side) -> Employee:
    return series.member if side == Side.MANAGER else series.manager


def side_of(series: OneOnOne, employee: Employee) -> Side:
    """Which of the two this one is. Raises ``SeriesUnknown`` for anyone else."""
    if employee.pk not in {series.manager_id, series.member_id}:
        raise SeriesUnknown
    return Side.MANAGER if employee.pk == series.manager_id else Side.MEMBER


def open_seat(*, public_id: uuid.UUID | str, user: User, now: datetime.datetime) -> Seat:
    """The signed-in person's seat. Raises ``SeriesUnknown`` for everyone but the two, and ``SeatClosed`` while it is closed."""
    series, side, binding = _place(public_id, user, now)
    if not _is_open(series, side, binding):
        raise SeatClosed(_("%(name)s has to agree first that this account is yours.") % {"name": other_of(series, side).name})
    return Seat(series, side)


def _place(public_id: uuid.UUID | str, user: User, now: datetime.datetime) -> tuple[OneOnOne, Side, Binding]:
    binding = binding_in_use(user=user, now=now)
    if binding is None or binding.held_at or not binding.employee.is_active:
        raise SeriesUnknown
    series = OneOnOne.objects.select_related("manager", "member").filter(public_id=public_id).first()
    if series is None:
        raise SeriesUnknown
    return series, side_of(series, binding.employee), binding


def _is_open(series: OneOnOne, side: Side, binding: Binding) -> bool:
    return _opens(_decisions([series]).get((series.pk, side.value, binding.pk, binding.access_version)))


def _opens(seat: MeetingSeat | None) -> bool:
    return seat is not None and seat.is_open and sealing.is_mark(seat.mark, queries.mark_of_seat(seat))


Decisions = Mapping[tuple[int, str, int, int], MeetingSeat]


def _decisions(series: Sequence[OneOnOne]) -> Decisions:
    """What was decided about seats, by series, side, binding and version; one query."""
    rows = MeetingSeat.objects.filter(series__in=series)
    return {(row.series_id, row.side, row.binding_id, row.access_version): row for row in rows}


def _set_seat(series: OneOnOne, side: Side, binding: Binding, *, is_open: bool, now: datetime.datetime) -> None:
    which = {"series": series, "side": side, "binding": binding, "access_version": binding.access_version}
    row = MeetingSeat.objects.filter(**which).first() or MeetingSeat(**which)
    row.is_open, row.decided_at = is_open, now
    row.mark = queries.mark_of_seat(row)
    row.save()


# --- Agreeing that an account is the other participant's -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """A seat that is closed until the other participant agrees, as that one sees it.

    ``why`` is the newest change that closed it; ``is_declined``: it was decided already, and may be decided again.
    """

    series: OneOnOne
    side: Side
    binding: Binding
    why: BindingEvent | None
    is_declined: bool
    access_version: int

    @property
    def who(self) -> Employee:
        return self.binding.employee


def waiting_for(*, user: User, now: datetime.datetime) -> list[Waiting]:
    """The closed seats about which this person is asked: of everyone they meet whose account waits for them."""
    mine = binding_in_use(user=user, now=now)
    if mine is None or mine.held_at or not mine.employee.is_active:
        return []
    series = list(meetings_of(mine.employee))
    across = {one.pk: _across(side_of(one, mine.employee)) for one in series}
    others = {one.pk: _employee_at(one, across[one.pk]).pk for one in series}
    bound = queries.bindings_of_employees(others.values())
    reasons = queries.newest_changes(bound.values(), CLOSING)
    decided = _decisions(series)
    found = [_waiting(one, across[one.pk], bound.get(others[one.pk]), decided, reasons) for one in series]
    return [one for one in found if one is not None]


def closed_to(*, user: User, now: datetime.datetime) -> list[OneOnOne]:
    """This person's own one-on-ones that wait for the other participant."""
    mine = binding_in_use(user=user, now=now)
    if mine is None:
        return []
    series = list(meetings_of(mine.employee))
    decided = _decisions(series)
    return [
        one
        for one in series
        if not _opens(decided.get((one.pk, side_of(one, mine.employee).value, mine.pk, mine.access_version)))
    ]


@dataclass(frozen=True, slots=True)
class Seats:
    """Both seats at one series, as one of the two sees them: whether the own is open, and the other's where it is closed."""

    series: OneOnOne
    side: Side
    is_open: bool
    waiting: Waiting | None

    @property
    def other(self) -> Employee:
        return other_of(self.series, self.side)


def seats_at(*, public_id: uuid.UUID | str, user: User, now: datetime.datetime) -> Seats:
    """Raises ``SeriesUnknown`` for everyone but the two. Holds nothing that was written."""
    series, side, mine = _place(public_id, user, now)
    return Seats(series, side, _is_open(series, side, mine), _waiting_across(series, side))


def _across(side: Side) -> Side:
    return Side.MEMBER if side == Side.MANAGER else Side.MANAGER


def _employee_at(series: OneOnOne, side: Side) -> Employee:
    return series.manager if side == Side.MANAGER else series.member


def _waiting_across(series: OneOnOne, side: Side) -> Waiting | None:
    binding = queries.binding_of_employee(other_of(series, side))
    reasons = queries.newest_changes([binding] if binding else [], CLOSING)
    return _waiting(series, _across(side), binding, _decisions([series]), reasons)


def _waiting(
    series: OneOnOne, side: Side, binding: Binding | None, decided: Decisions, reasons: Mapping[uuid.UUID, BindingEvent]
) -> Waiting | None:
    if binding is None:
        return None
    seat = decided.get((series.pk, side.value, binding.pk, binding.access_version))
    if _opens(seat):
        return None
    return Waiting(series, side, binding, reasons.get(binding.public_id), seat is not None, binding.access_version)


def decide(*, public_id: uuid.UUID | str, user: User, version: str, agrees: bool, now: datetime.datetime) -> None:
    """Open the series to the other's account, or keep it closed.

    ``version`` is what the page showed (``version_of``): what has changed since is not agreed to. Raises ``SeriesUnknown``,
    ``NothingToDecide``, ``ConfirmFirst`` where this person cannot vouch for anyone yet, and ``FurtherAddress`` or
    ``PasswordNotYours`` while others could sign in to the account that is waiting.
    """
    series, side, mine = _place(public_id, user, now)  # what it notices stays written, also when this is refused
    with transaction.atomic():
        OneOnOne.objects.select_for_update(of=("self",)).get(pk=series.pk)
        other = _waiting_across(series, side)
        if other is None or version_of(other) != version:
            raise NothingToDecide(_("The account has changed, or it was decided meanwhile. Look at the page again."))
        if agrees:
            _check_vouching(series, side, mine, other)
        _set_seat(series, other.side, other.binding, is_open=agrees, now=now)
        kind = Change.AGREED if agrees else Change.DECLINED
        event = record(kind, employee=other.who, binding=other.binding, now=now, by="participant")
        tell(event, [other.binding.address, other.binding.account_address], language=other.who.language)


def _check_vouching(series: OneOnOne, side: Side, mine: Binding, other: Waiting) -> None:
    if not may_vouch(queries.standing_of(mine), own_seat_is_open=_is_open(series, side, mine)):
        raise ConfirmFirst(_("Your own seat is closed as well: open a link sent to your confirmed address, then agree."))
    account = other.binding.account
    if other.binding.held_at or account is None or queries.further_addresses(account.pk, account.email, other.binding.address):
        raise FurtherAddress(
            _("Someone else could sign in to this account. Its owner finds out what to do under “My employee profile”.")
        )
    if not account.has_own_password:
        raise PasswordNotYours(
            _("An operator may know the password of this account. Its owner has to set a new one through a reset e-mail first.")
        )


def version_of(waiting: Waiting) -> str:
    """What is agreed to: this binding, at this version of its access."""
    return f"{waiting.binding.public_id}.{waiting.access_version}"


CLOSING = (
    Change.CONFIRMED,
    Change.ACCOUNT_ADDRESS,
    Change.FURTHER_ADDRESS,
    Change.PASSWORD,
    Change.SECOND_FACTOR,
    Change.ACCOUNT_ON,
    Change.OUTSIDE,
)


def series_of(employee: Employee) -> list[OneOnOne]:
    """Those the employee is one of, the running ones first."""
    mine = OneOnOne.objects.select_related("manager", "member").filter(Q(manager=employee) | Q(member=employee))
    return list(mine.order_by(F("ended_on").desc(nulls_first=True), "id"))


def arrange(
    *,
    manager: Employee,
    member: Employee,
    rhythm: str,
    first_on: datetime.date,
    starts_at: datetime.time,
    time_zone: str,
    now: datetime.datetime,
) -> OneOnOne:
    """Begin a series, open to the accounts that both have by now. Raises ``HaveOne``, ``ConfirmFirst`` for a manager whose
    sign-in someone else has changed, and ``Invalid`` for oneself, an unknown zone or rhythm.
    """
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
    bound = queries.bindings_of_employees([manager.pk, member.pk])
    settled = {pk: binding for pk, binding in bound.items() if queries.standing_of(binding).is_settled}
    if manager.pk in bound and manager.pk not in settled:
        raise ConfirmFirst(_("Someone else has changed how you sign in. Open a link sent to your confirmed address first."))
    try:
        with transaction.atomic():
            made = OneOnOne.objects.create(
                manager=manager, member=member, rhythm=rhythm, first_on=first_on, starts_at=starts_at, time_zone=time_zone
            )
            for side, employee in ((Side.MANAGER, manager), (Side.MEMBER, member)):
                _note_address(employee, now)
                if employee.pk in settled:
                    _set_seat(made, side, settled[employee.pk], is_open=True, now=now)
            return made
    except IntegrityError:
        raise HaveOne(_("End their series first.")) from None


def _note_address(employee: Employee, now: datetime.datetime) -> None:
    """Which address the directory has when the first one-on-one begins: an account that is confirmed from another has to be
    vouched for by someone who sits at the meeting (``rules.bindings.may_vouch``).
    """
    if not queries.first_known_address(employee):
        record(Change.NOTED, employee=employee, now=now, by="system", new=employee.email)


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
