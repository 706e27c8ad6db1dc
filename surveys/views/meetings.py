"""One-on-ones: pages for the two alone. HR has a page of its own that says who met when, and nothing of what was said."""

import datetime
import json
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import Invalid

from .. import operations, queries
from ..models import Employee, MeetingNote, OneOnOne, Rhythm, Side
from ..operations import Seat


def _employee(request: HttpRequest) -> Employee | None:
    """The signed-in person in the directory: by the address, and only while active."""
    email = getattr(request.user, "email", "")
    return Employee.objects.filter(email__iexact=email, is_active=True).first() if email else None


def _seat(request: HttpRequest, public_id: str) -> Seat:
    return operations.seat_of(public_id=public_id, employee=_employee(request))


@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """The series one is part of, and beginning a new one."""
    me = _employee(request)
    today = timezone.localdate()
    problem = None
    if request.method == "POST" and me is not None:
        try:
            made = _arrange(request, me)
            return redirect("surveys:one-on-one", made.public_id)
        except (Invalid, operations.HaveOne) as error:
            problem = error
    rows = []
    for series in operations.series_of(me) if me else []:
        seat = operations.seat_of(public_id=series.public_id, employee=me)
        rows.append(
            (series, seat.other, next(iter(operations.dates_of(series, after=today - datetime.timedelta(days=1), count=1)), None))
        )
    others = Employee.objects.filter(is_active=True).exclude(pk=me.pk).order_by("name") if me else []
    context = {
        "me": me,
        "rows": rows,
        "team": [one for one in others if me and one.manager_id == me.pk] if me else [],
        "rhythms": Rhythm.choices,
        "problem": problem,
        "typed": request.POST,
        "today": today,
        "may_see_held": Role.HR in request.user.roles,  # type: ignore[union-attr]
    }
    return render(request, "surveys/one_on_ones.html", context, status=422 if problem else 200)


def _arrange(request: HttpRequest, me: Employee) -> OneOnOne:
    chosen = request.POST.get("member", "")
    member = next((one for one in Employee.objects.filter(manager=me, is_active=True) if str(one.public_id) == chosen), None)
    try:
        first_on = datetime.date.fromisoformat(request.POST.get("first_on", ""))
        starts_at = datetime.time.fromisoformat(request.POST.get("starts_at", ""))
    except ValueError:
        raise Invalid(_("Choose a date and a time.")) from None
    if member is None:
        raise Invalid(_("Choose somebody of your team."))
    return operations.arrange(
        manager=me,
        member=member,
        rhythm=request.POST.get("rhythm", ""),
        first_on=first_on,
        starts_at=starts_at,
        time_zone=request.POST.get("time_zone") or timezone.get_current_timezone_name(),
    )


@login_required
def meeting(request: HttpRequest, public_id: str) -> HttpResponse:
    """Agenda, actions and private notes of one series."""
    seat = _seat(request, public_id)
    problem = None
    if request.method == "POST":
        try:
            _write(request, seat)
            return redirect("surveys:one-on-one", public_id)
        except Invalid as error:
            problem = error
    today = timezone.localdate()
    notes = operations.notes_of(seat)
    kinds = MeetingNote.Kind
    context = {
        "seat": seat,
        "series": seat.series,
        "dates": operations.dates_of(seat.series, after=today - datetime.timedelta(days=1), count=5),
        "agenda": [note for note in notes if note.row.kind == kinds.AGENDA and not note.row.done_on],
        "settled": [note for note in notes if note.row.kind == kinds.AGENDA and note.row.done_on][-20:],
        "actions": [note for note in notes if note.row.kind == kinds.ACTION],
        "private": [note for note in notes if note.row.kind == kinds.PRIVATE],
        "sides": [(Side.MANAGER, seat.series.manager.name), (Side.MEMBER, seat.series.member.name)],
        "suggested": _suggested(seat, {note.text for note in notes}),
        "today": today,
        "problem": problem,
        "typed": request.POST if problem else {},
        "crumbs": [{"label": _("One-on-ones"), "url": reverse("surveys:one-on-ones")}, {"label": seat.other.name}],
    }
    return render(request, "surveys/one_on_one.html", context, status=422 if problem else 200)


def _suggested(seat: Seat, written: set[str]) -> list[queries.TalkingPoint]:
    """For the manager alone, who reads the results of this level anyway; what is on the agenda is not suggested again."""
    if seat.side != Side.MANAGER or seat.series.ended_on:
        return []
    found = queries.talking_points(seat.series.manager, language=get_language() or "en")
    return [point for point in found if point.text not in written]


def _write(request: HttpRequest, seat: Seat) -> None:
    due = request.POST.get("due_on", "")
    try:
        due_on = datetime.date.fromisoformat(due) if due else None
    except ValueError:
        raise Invalid(_("Choose a date.")) from None
    operations.write(
        seat=seat,
        kind=request.POST.get("kind", ""),
        text=request.POST.get("text", ""),
        owner=request.POST.get("owner", ""),
        due_on=due_on,
        today=timezone.localdate(),
    )


@login_required
@require_POST
def step(request: HttpRequest, public_id: str) -> HttpResponse:
    """One small thing: settle or delete a note, leave a meeting out, say that it was held, end the series."""
    seat = _seat(request, public_id)
    today = timezone.localdate()
    what, note = request.POST.get("step", ""), request.POST.get("note", "")
    day = request.POST.get("day", "")
    try:
        chosen = datetime.date.fromisoformat(day) if day else today
    except ValueError:
        raise Invalid(_("Choose a date.")) from None
    if what == "settle":
        operations.settle(seat=seat, public_id=note, today=today)
    elif what == "forget":
        operations.forget(seat=seat, public_id=note)
    elif what == "cancel":
        operations.cancel_date(seat=seat, day=chosen)
    elif what == "held":
        operations.note_held(seat=seat, day=chosen)
    elif what == "end":
        operations.end_series(seat=seat, today=today)
    return redirect("surveys:one-on-one", public_id)


@login_required
@require_safe
def calendar(request: HttpRequest, public_id: str) -> HttpResponse:
    """The series as a calendar file: a stable UID, a rising SEQUENCE, private, without a word of what is talked about."""
    seat = _seat(request, public_id)
    response = HttpResponse(calendar_of(seat), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="one-on-one-{seat.series.public_id}.ics"'
    return response


def calendar_of(seat: Seat) -> bytes:

    series = seat.series
    zone = ZoneInfo(series.time_zone)
    start = datetime.datetime.combine(series.first_on, series.starts_at, tzinfo=zone)
    event = icalendar.Event()
    event.add("uid", f"{series.public_id}@one-on-one")
    event.add("sequence", series.sequence)
    event.add("class", "PRIVATE")
    event.add("summary", _("One-on-one with %(name)s") % {"name": seat.other.name})
    event.add("dtstamp", timezone.now())
    event.add("dtstart", start)
    event.add("duration", datetime.timedelta(minutes=series.minutes))
    weeks = {Rhythm.WEEKLY: 1, Rhythm.FORTNIGHTLY: 2}.get(Rhythm(series.rhythm))
    if weeks:
        event.add("rrule", {"freq": "weekly", "interval": weeks})
    else:
        # Months are counted from the anchor and cut to short months, which a rule of calendars would leave out.
        days = operations.dates_of(series, after=series.first_on, count=24)
        event.add("rdate", [datetime.datetime.combine(day, series.starts_at, tzinfo=zone) for day in days])
    for day in series.cancelled:
        event.add("exdate", datetime.datetime.combine(datetime.date.fromisoformat(day), series.starts_at, tzinfo=zone))
    if series.ended_on is not None:
        event.add("status", "CANCELLED")
    file = icalendar.Calendar()
    file.add("prodid", "-//Incentives//One-on-ones//EN")
    file.add("version", "2.0")
    file.add_component(event)
    file.add_missing_timezones()
    return bytes(file.to_ical())


@login_required
@require_safe
def export(request: HttpRequest, public_id: str) -> HttpResponse:
    """All that this one of the two may read, as JSON."""
    seat = _seat(request, public_id)
    notes = [
        {
            "kind": note.row.kind,
            "by": note.row.side,
            "text": note.text,
            "owner": note.row.owner or None,
            "due_on": note.row.due_on,
            "done_on": note.row.done_on,
            "written_on": note.row.written_on,
        }
        for note in operations.notes_of(seat)
    ]
    data: dict[str, Any] = {"with": seat.other.name, "held_on": seat.series.held, "notes": notes}
    response = HttpResponse(json.dumps(data, indent=2, default=str, ensure_ascii=False), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="one-on-one-{seat.series.public_id}.json"'
    return response


@for_roles(Role.HR)
def held(request: HttpRequest) -> HttpResponse:
    """That meetings took place, for HR: by manager, how many series, how many meetings in 90 days. Not with whom or on what."""
    since = (timezone.localdate() - datetime.timedelta(days=90)).isoformat()
    counted: dict[str, list[int]] = {}
    for series in OneOnOne.objects.select_related("manager").order_by("manager__name"):
        seen = counted.setdefault(series.manager.name, [0, 0])
        seen[0] += series.ended_on is None
        seen[1] += sum(day >= since for day in series.held)
    return render(request, "surveys/one_on_ones_held.html", {"rows": sorted(counted.items())})
