"""One-on-ones: the two write and read; nobody else can, by any way there is."""

import datetime as dt
import json
import re
from typing import Any

import icalendar
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from customers.tests.factories import NOON
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.shared.problems import Invalid
from surveys import operations
from surveys.models import Employee, MeetingNote, OneOnOne, Side
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, opened
from surveys.views.meetings import calendar_of

pytestmark = pytest.mark.django_db
TODAY = NOON.date()
SECRET = "I am thinking of leaving"


@pytest.fixture
def series() -> OneOnOne:
    boss = EmployeeFactory(name="Bo", email="bo@company.test")
    ann = EmployeeFactory(name="Ann", email="ann@company.test", manager=boss)
    return operations.arrange(
        manager=boss,
        member=ann,
        rhythm="fortnightly",
        first_on=dt.date(2026, 3, 23),
        starts_at=dt.time(9),
        time_zone="Europe/Rome",
    )


def seat(series: OneOnOne, who: Employee) -> operations.Seat:
    return operations.seat_of(public_id=series.public_id, employee=who)


def client_of(email: str, *roles: Role) -> Client:
    user = User.objects.create_user(email)
    for role in roles:
        user.groups.add(Group.objects.get(name=role.value))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def write(series: OneOnOne, who: Employee, kind: str, text: str, **more: Any) -> MeetingNote:
    return operations.write(seat=seat(series, who), kind=kind, text=text, today=TODAY, **more)


def texts(series: OneOnOne, who: Employee) -> list[str]:
    return [note.text for note in operations.notes_of(seat(series, who))]


def test_both_read_the_agenda_and_each_only_the_own_notes(series: OneOnOne) -> None:
    write(series, series.manager, "agenda", "Holidays")
    write(series, series.member, "action", "Write it up", owner=Side.MANAGER, due_on=TODAY)
    write(series, series.member, "private", SECRET)
    assert texts(series, series.manager) == ["Holidays", "Write it up"]
    assert texts(series, series.member) == ["Holidays", "Write it up", SECRET]


def test_what_is_open_carries_over_and_what_is_done_may_be_opened_again(series: OneOnOne) -> None:
    note = write(series, series.manager, "agenda", "Holidays")
    for expected in (TODAY, None):
        operations.settle(seat=seat(series, series.member), public_id=note.public_id, today=TODAY)
        note.refresh_from_db()
        assert note.done_on == expected


def test_each_deletes_what_is_their_own(series: OneOnOne) -> None:
    note = write(series, series.member, "private", SECRET)
    with pytest.raises(operations.SeriesUnknown):
        operations.forget(seat=seat(series, series.manager), public_id=note.public_id)
    operations.forget(seat=seat(series, series.member), public_id=note.public_id)
    assert not MeetingNote.objects.exists()


def test_nobody_else_can_open_it(series: OneOnOne) -> None:
    write(series, series.member, "agenda", SECRET)
    new_manager = EmployeeFactory(email="new@company.test")
    Employee.objects.filter(pk=series.member_id).update(manager=new_manager)
    for who in (new_manager, EmployeeFactory(), None):
        with pytest.raises(operations.SeriesUnknown):
            operations.seat_of(public_id=series.public_id, employee=who)
    clients = [client_of(f"{role}@company.test", role) for role in Role]
    clients += [client_of("new@company.test", Role.MANAGER), client_of("all@company.test", *Role)]
    for client in clients:
        for path in ("", "calendar/", "export/"):
            page = client.get(f"/surveys/one-on-ones/{series.public_id}/{path}")
            assert page.status_code == 404
            assert SECRET.encode() not in page.content
        for path in ("", "step/"):
            assert (
                client.post(f"/surveys/one-on-ones/{series.public_id}/{path}", {"kind": "agenda", "text": "x"}).status_code == 404
            )
    assert MeetingNote.objects.count() == 1


def test_an_administrator_finds_no_text_anywhere(series: OneOnOne) -> None:
    write(series, series.member, "agenda", SECRET)
    write(series, series.member, "private", SECRET)
    client = client_of("ann@company.test", Role.MANAGER)
    client.post(f"/surveys/one-on-ones/{series.public_id}/", {"kind": "agenda", "text": SECRET})
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{SECRET}%"])  # noqa: S608
            assert cursor.fetchone()[0] == 0, table
    boss = User.objects.create_superuser("root@company.test", "x7!kkQppw")
    admin = Client()
    admin.force_login(boss)
    for path in ("surveys/meetingnote/", "surveys/oneonone/", f"surveys/oneonone/{series.pk}/change/"):
        page = admin.get(f"/admin/{path}")
        assert page.status_code in {302, 404}
    assert SECRET.encode() not in admin.get("/admin/search/?s=leaving").content


def test_logs_hold_no_text(series: OneOnOne, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    client = client_of("ann@company.test", Role.MANAGER)
    client.post(f"/surveys/one-on-ones/{series.public_id}/", {"kind": "agenda", "text": SECRET})
    client.get(f"/surveys/one-on-ones/{series.public_id}/")
    out = capfd.readouterr()
    assert SECRET not in caplog.text + out.out + out.err


@pytest.mark.parametrize("text", ["", "   ", "x" * 5_001, "\x00"])
def test_what_cannot_be_kept_is_refused_whole(series: OneOnOne, text: str) -> None:
    with pytest.raises(Invalid):
        write(series, series.member, "agenda", text)
    page = client_of("ann@company.test").post(
        f"/surveys/one-on-ones/{series.public_id}/", {"kind": "agenda", "text": "y" * 5_001}
    )
    assert page.status_code == 422
    assert b"y" * 5_001 in page.content


def test_html_is_only_text(series: OneOnOne) -> None:
    write(series, series.member, "agenda", "<script>alert(1)</script>")
    page = client_of("bo@company.test").get(f"/surveys/one-on-ones/{series.public_id}/")
    assert b"&lt;script&gt;alert(1)" in page.content


def test_the_calendar_file_keeps_the_wall_clock_and_says_nothing(series: OneOnOne) -> None:
    write(series, series.member, "agenda", SECRET)
    operations.cancel_date(seat=seat(series, series.member), day=dt.date(2026, 4, 6))
    series.refresh_from_db()
    file = calendar_of(seat(series, series.member))
    assert SECRET.encode() not in file
    event = next(part for part in icalendar.Calendar.from_ical(file).walk("VEVENT"))
    assert str(event["uid"]) == f"{series.public_id}@one-on-one"
    assert (int(event["sequence"]), str(event["class"])) == (1, "PRIVATE")
    assert event["dtstart"].dt.isoformat() == "2026-03-23T09:00:00+01:00"
    assert [when.dt.isoformat() for when in event["exdate"].dts] == ["2026-04-06T09:00:00+02:00"]
    days = operations.dates_of(series, after=dt.date(2026, 3, 22), count=3)
    assert [day.isoformat() for day in days] == ["2026-03-23", "2026-04-20", "2026-05-04"]


def test_a_monthly_series_is_counted_from_its_anchor(series: OneOnOne) -> None:
    ann = EmployeeFactory(manager=series.manager)
    made = operations.arrange(
        manager=series.manager, member=ann, rhythm="monthly", first_on=dt.date(2026, 1, 31), starts_at=dt.time(9), time_zone="UTC"
    )
    days = operations.dates_of(made, after=dt.date(2026, 1, 1), count=3)
    assert [day.isoformat() for day in days] == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert b"RDATE" in calendar_of(seat(made, ann))


def test_two_have_one_series_until_it_ends(series: OneOnOne) -> None:
    again: dict[str, Any] = {"rhythm": "weekly", "first_on": TODAY, "starts_at": dt.time(9), "time_zone": "UTC"}
    with pytest.raises(operations.HaveOne):
        operations.arrange(manager=series.manager, member=series.member, **again)
    operations.end_series(seat=seat(series, series.manager), today=TODAY)
    assert operations.arrange(manager=series.manager, member=series.member, **again)
    with pytest.raises(Invalid):
        operations.arrange(manager=series.manager, member=series.manager, **again)
    with pytest.raises(Invalid):
        operations.arrange(manager=series.manager, member=EmployeeFactory(), **(again | {"time_zone": "Mars/Base"}))


def test_hr_sees_that_they_met_and_no_more(series: OneOnOne) -> None:
    operations.note_held(seat=seat(series, series.member), day=timezone.localdate())
    operations.note_held(seat=seat(series, series.member), day=timezone.localdate())
    page = client_of("hr@company.test", Role.HR).get("/surveys/one-on-ones/held/")
    assert page.context["rows"] == [("Bo", [1, 1])]
    assert b"Ann" not in page.content


def test_each_of_the_two_exports_what_they_may_read(series: OneOnOne) -> None:
    write(series, series.member, "private", SECRET)
    write(series, series.member, "agenda", "Holidays")
    for email, expected in (("ann@company.test", [SECRET, "Holidays"]), ("bo@company.test", ["Holidays"])):
        data = json.loads(client_of(email).get(f"/surveys/one-on-ones/{series.public_id}/export/").content)
        assert [note["text"] for note in data["notes"]] == expected


def test_a_page_arranges_writes_and_settles(series: OneOnOne) -> None:
    cy = EmployeeFactory(name="Cy", manager=series.manager)
    client = client_of("bo@company.test", Role.MANAGER)
    form = {"member": str(cy.public_id), "rhythm": "weekly", "first_on": "2026-12-01", "starts_at": "10:00", "time_zone": "UTC"}
    assert client.post("/surveys/one-on-ones/", {**form, "first_on": "soon"}).status_code == 422
    assert client.post("/surveys/one-on-ones/", {**form, "member": str(EmployeeFactory().public_id)}).status_code == 422
    where = client.post("/surveys/one-on-ones/", form)["Location"]
    assert client.post(where, {"kind": "action", "text": "Call", "owner": "member", "due_on": "2026-12-02"}).status_code == 302
    note = MeetingNote.objects.get()
    assert client.post(f"{where}step/", {"step": "settle", "note": str(note.public_id)}).status_code == 302
    assert client.post(f"{where}step/", {"step": "settle", "note": "nonsense"}).status_code == 404
    assert client.post(f"{where}step/", {"step": "cancel", "day": "2026-12-05"}).status_code == 422
    note.refresh_from_db()
    assert note.done_on is not None


# --- Suggestions ----------------------------------------------------------------------------------------------------------------

PULSE: list[dict[str, Any]] = [
    {"key": "energy", "kind": "agreement", "texts": {"en": "I have energy after work"}},
    {"key": "team", "kind": "agreement", "texts": {"en": "My team helps"}},
]


def pulse(series: OneOnOne, *, in_team: int, elsewhere: int) -> None:
    """The team answers low on the first question and high on the second, everybody else the other way round."""
    tills = DepartmentFactory(key="tills")
    Employee.objects.filter(pk=series.member_id).update(department=tills)
    team = EmployeeFactory.create_batch(in_team - 1, manager=series.manager, department=tills)
    others = EmployeeFactory.create_batch(elsewhere)
    wave = opened(SurveyFactory(kind="pulse", asked=PULSE))
    for n, employee in enumerate([series.member, *team]):
        answered(wave, {"energy": 1 + n % 3, "team": 4 + n % 2}, by=employee)
    for n, employee in enumerate(others):
        answered(wave, {"energy": 3 + n % 3, "team": 1 + n % 3}, by=employee)
    closed(wave)


def test_a_manager_is_suggested_what_the_own_team_answered_low_and_the_member_is_not(series: OneOnOne) -> None:
    pulse(series, in_team=6, elsewhere=8)
    path = f"/surveys/one-on-ones/{series.public_id}/"
    boss = client_of("bo@company.test", Role.MANAGER)
    assert [(p.text, p.mean, p.where) for p in boss.get(path).context["suggested"]] == [
        ("I have energy after work", 2.0, "your team")
    ]
    assert client_of("ann@company.test").get(path).context["suggested"] == []
    boss.post(path, {"kind": "agenda", "text": "I have energy after work"})
    assert boss.get(path).context["suggested"] == []


def test_a_team_that_is_not_shown_gives_no_suggestion_of_its_own(series: OneOnOne) -> None:
    pulse(series, in_team=3, elsewhere=12)
    page = client_of("bo@company.test", Role.MANAGER).get(f"/surveys/one-on-ones/{series.public_id}/")
    assert [(p.text, p.where) for p in page.context["suggested"]] == [
        ("My team helps", "everybody"),
        ("I have energy after work", "everybody"),
    ]


def test_the_api_says_nothing_of_one_on_ones(client: Client) -> None:
    assert b"/api/v1/" in client.get("/api/schema/").content
    assert not re.search(rb"one.?on.?one|meeting", client.get("/api/schema/").content, re.IGNORECASE)


def test_nobody_becomes_another_by_taking_their_address(series: OneOnOne) -> None:
    """Who sits in a series is told by the address of the account: it is not changed by whoever it belongs to."""
    write(series, series.member, "agenda", SECRET)
    client = client_of("thief@company.test", Role.MANAGER)
    for step in ("action_add", "action_primary"):
        client.post("/accounts/email/", {step: "", "email": "ann@company.test"})
    assert User.objects.get().email == "thief@company.test"
    assert client.get(f"/surveys/one-on-ones/{series.public_id}/").status_code == 404
