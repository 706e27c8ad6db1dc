"""Customers from files: every line told, broken ones alone refused, killed in the middle and gone on with, in bounded memory."""

import datetime as dt
import io
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
import psycopg
import pytest
from django.db import connection

from customers import operations
from customers.models import Customer, CustomerImport, CustomerImportPart, Event, Identity, ImportState, Suppression
from customers.operations import _imports
from customers.rules import tables
from customers.rules.consent import How
from customers.rules.tables import BadTable, look, read
from customers.sealing import digest
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site.shared.problems import Invalid

pytestmark = pytest.mark.django_db

MEANINGS = ["identity:email", "name", "trait:city"]


def begin(text: str | bytes, name: str = "people.csv") -> CustomerImport:
    """The upload stores bytes and looks at none of them; the worker reads."""
    body = text.encode() if isinstance(text, str) else text
    row = operations.begin_import(file=io.BytesIO(body), name=name, size=len(body), by="user:1", now=NOON)
    assert (row.state, row.head) == ("reading", {})
    operations.work_import(import_id=row.pk, clock=lambda: NOON)
    row.refresh_from_db()
    return row


def check(row: CustomerImport, meanings: list[str] | None = None, wording: str = "") -> CustomerImport:
    operations.order_check(row=row, meanings=meanings or MEANINGS, wording=wording, now=NOON)
    return work(row)


def work(row: CustomerImport) -> CustomerImport:
    operations.work_import(import_id=row.pk, clock=lambda: NOON)
    row.refresh_from_db()
    return row


def run(text: str | bytes, meanings: list[str] | None = None, wording: str = "") -> CustomerImport:
    row = check(begin(text), meanings, wording)
    operations.order_run(row=row, now=NOON)
    return work(row)


def results(row: CustomerImport) -> list[tuple[int, str, list[str]]]:
    return list(operations.report_of(row))


PEOPLE = "E-mail,Name,City\nann@shop.test,Ann,Rome\nbob@shop.test,Bob,\nANN@shop.test ,Ann B.,Milan\n"


def test_the_heads_say_what_columns_are_likely_to_be() -> None:
    row = begin("E-Mail;Vorname;Last name;Kundenkarte;Newsletter;Favourite colour;;\n")
    assert row.head["separator"] == ";"
    assert row.meanings == [
        "identity:email",
        "firstName",
        "lastName",
        "identity:loyalty_card",
        "consent:",
        "trait:favourite_colour",
    ]


def test_a_check_says_what_would_become_of_each_line_and_writes_nothing() -> None:
    IdentityFactory(kind="email", value="bob@shop.test")
    row = check(begin(PEOPLE))
    assert row.state == ImportState.CHECKED
    assert (row.lines, row.counts) == (3, {"new": 1, "known": 2})
    assert results(row) == [(2, "new", []), (3, "known", []), (4, "known", [])]
    assert Customer.objects.count() == 1
    assert not Event.objects.exists()


def test_a_run_brings_them_in_and_deletes_the_file() -> None:
    bob = IdentityFactory(kind="email", value="bob@shop.test", customer=CustomerFactory(display_name="Robert")).customer
    row = run(PEOPLE)
    assert (row.state, row.counts) == (ImportState.DONE, {"new": 1, "known": 2})
    ann = Customer.objects.get(identities__value="ann@shop.test")
    assert (ann.display_name, ann.traits) == ("Ann B.", {"name": "Ann B.", "city": "Milan"})
    assert ann.facts["stage"] == "new"
    bob.refresh_from_db()
    assert bob.display_name == "Bob"
    assert [event.type for event in ann.events.all()] == ["imported", "imported"]
    assert ann.facts.get("active_days_30d") in (0, None)
    assert not CustomerImportPart.objects.filter(is_report=False).exists()
    assert len(results(row)) == 3
    assert b"ann" not in b"".join(bytes(part.body) for part in CustomerImportPart.objects.all())


def test_broken_lines_are_told_and_their_neighbours_taken() -> None:
    body = (
        b"E-mail,Name,City\n"
        b"a@x.test,A,Rome\n"
        b'b@x.test,"B,Rome\n'  # 3: a quote that never ends
        b"c@x.test,C,Rome\n"
        b"d@x.test,D\n"  # 5: too few
        b"e@x.test,E,Rome,more\n"  # 6: too many
        b"f@x.test,J\xfcrgen,Rome\n"  # 7: Latin-1
        b"g@x.test,G\x00,Rome\n"  # 8: null character
        b"\n"
        b'h@x.test,"Two\nlines",Rome\n'  # 10 and 11
        b"no-address,I,Rome\n"  # 12
        b",Nobody,Rome\n"  # 13
        b"i@x.test," + b"x" * 70_000 + b",Rome\n"  # 14
        b"null,K,Rome\n"
        b"j@x.test,J,Rome"
    )
    row = run(body)
    assert results(row) == [
        (2, "new", []),
        (3, "refused", ["quotes"]),
        (4, "new", []),
        (5, "refused", ["columns"]),
        (6, "refused", ["columns"]),
        (7, "refused", ["not-utf-8"]),
        (8, "refused", ["null-character"]),
        (10, "new", []),
        (12, "refused", ["bad-email"]),
        (13, "refused", ["no-identity"]),
        (14, "refused", ["too-long"]),
        (15, "refused", ["bad-email"]),
        (16, "new", []),
    ]
    assert set(Identity.objects.values_list("value", flat=True)) == {"a@x.test", "c@x.test", "h@x.test", "j@x.test"}


def test_a_quote_in_the_middle_does_not_swallow_what_follows() -> None:
    lines = [f"p{n}@x.test,P{n},Rome" for n in range(300)]
    lines[100] = 'p100@x.test,"P100,Rome'
    row = check(begin("E-mail,Name,City\n" + "\n".join(lines)))
    assert row.counts == {"new": 299, "refused": 1, "why:quotes": 1}


@pytest.mark.parametrize(
    "body",
    [
        PEOPLE.encode(),
        PEOPLE.replace(",", ";").encode("utf-8-sig"),
        PEOPLE.replace(",", "\t").encode("utf-16"),
        PEOPLE.replace("\n", "\r\n").encode(),
    ],
)
def test_separators_marks_and_line_ends_of_other_programs(body: bytes) -> None:
    assert check(begin(body)).counts == {"new": 2, "known": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        ("Größe,E-mail\nä,b\n".encode("latin-1"), "not-utf-8"),
        (b"E-mail\n" + "ö\n".encode("latin-1") * 9, "not-utf-8"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "old-excel"),
        (b"PK\x03\x04 broken", "not-xlsx"),
        (b"a\x00b,c\n1,2\n", "not-a-table"),
        (b",".join(b"c" for _ in range(300)) + b"\n", "too-many-columns"),
    ],
)
def test_what_is_no_table_fails_with_its_reason(body: bytes, reason: str) -> None:
    row = begin(body)
    assert (row.state, row.failure) == ("failed", reason)
    assert not CustomerImportPart.objects.exists()


def sheet(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    for row in rows:
        page.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_xlsx_is_read_as_it_was_meant_and_formulas_are_not() -> None:
    body = sheet(
        ("Phone", "Name", "Since", "E-mail"),
        (390612345678.0, "Ann", dt.date(2026, 5, 1), "ann@shop.test"),
        (),
        (None, "=1+1", True, '=HYPERLINK("http://evil.test","x")'),
        (None, "Bob", 1.5, "bob@shop.test"),
    )
    row = run(body, ["identity:phone", "name", "trait:since", "identity:email"])
    assert results(row) == [(2, "new", []), (4, "refused", ["no-identity"]), (5, "new", [])]
    assert Customer.objects.get(display_name="Ann").traits["since"] == "2026-05-01"
    assert set(Identity.objects.values_list("value", flat=True)) >= {"ann@shop.test", "bob@shop.test"}


def bomb(name: str, size: int) -> bytes:
    """The sheet with a member of ``size`` equal bytes."""
    file = io.BytesIO(sheet(("E-mail",), ("a@x.test",)))
    packed = io.BytesIO()
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bad:
        for member in good.namelist():
            if member != name:
                bad.writestr(member, good.read(member))
        bad.writestr(name, b" " * size)
    return packed.getvalue()


@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_bombs_are_told_before_they_are_unpacked(name: str) -> None:
    body = bomb(name, 60_000_000)
    tracemalloc.start()
    row = begin(body)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (row.state, row.failure) == ("failed", "too-large-inside")
    assert peak < 20_000_000


HEAD = '<?xml version="1.0"?>{}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>E-mail</t></is></c></row>'
END = "</sheetData></worksheet>"
LAUGHS = '<!DOCTYPE worksheet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
HOSTILE = {
    "a row far away": (
        HEAD.format("") + f'<sheetData>{FIRST}<row r="1500000"><c r="A1500000"><v>1</v></c></row>', "empty-rows",
    ),
    "a first row far away": (
        HEAD.format("") + '<sheetData><row r="1500000"><c r="A1500000"><v>1</v></c></row>', "empty-rows",
    ),
    "a million columns": (HEAD.format("") + f"<sheetData>{FIRST}<row>" + "<c><v>1</v></c>" * 1_000_000 + "</row>", "too-wide"),
    "a million columns by name": (
        HEAD.format("") + f"<sheetData>{FIRST}<row>" + '<c r="ZZ9"/>' * 1_000_000 + "</row>", "too-wide",
    ),
    "entities": (HEAD.format(LAUGHS) + f'<sheetData>{FIRST}<row><c t="str"><v>&c;</v></c></row>', "entities"),
    "merged ranges": (
        HEAD.format("")
        + f"<sheetData>{FIRST}</sheetData><mergeCells>"
        + '<mergeCell ref="A1:XFD1048576"/>' * 300_000
        + "</mergeCells><sheetData>",
        "too-wide",
    ),
}  # fmt: skip


def with_sheet(xml: str) -> bytes:
    """A workbook whose only sheet is this XML."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(("E-mail",)))) as good, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as bad:
        for member in good.namelist():
            bad.writestr(member, xml + END if member == "xl/worksheets/sheet1.xml" else good.read(member))
    return packed.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_sheet_costs_little_time_and_memory(name: str) -> None:
    xml, reason = HOSTILE[name]
    body = with_sheet(xml)
    tracemalloc.start()
    started = time.monotonic()
    row = begin(body)
    seconds = time.monotonic() - started
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (row.state, row.failure) == ("failed", reason)
    assert seconds < 60  # with memory being traced, on a busy machine
    assert peak < len(body) + 120_000_000
    assert not CustomerImportPart.objects.exists()


def test_an_upload_is_not_looked_into_by_the_web() -> None:
    """Whatever it is: even what is no table is kept, and the worker says so."""
    body = with_sheet(HOSTILE["a row far away"][0])
    started = time.monotonic()
    row = operations.begin_import(file=io.BytesIO(body), name="x.xlsx", size=len(body), by="user:1", now=NOON)
    assert time.monotonic() - started < 1
    assert (row.state, row.head, row.failure) == ("reading", {}, "")


def test_an_erasure_waits_for_no_file_however_long_it_takes_to_read() -> None:
    """It holds the customer meanwhile: whoever sends a file could keep it, and every event of theirs, waiting."""
    ann = IdentityFactory(kind="email", value="ann@shop.test").customer
    body = with_sheet(HOSTILE["a row far away"][0])
    operations.begin_import(file=io.BytesIO(body), name="x.xlsx", size=len(body), by="user:1", now=NOON)
    started = time.monotonic()
    operations.erase(customer=ann, by="x", now=NOON)
    assert time.monotonic() - started < 5
    assert not CustomerImportPart.objects.exists()


def test_what_a_column_may_mean_is_checked() -> None:
    row = begin(PEOPLE)
    for meanings in (["name", "trait:a", "trait:b"], ["identity:email", "name", "name"], ["identity:email"],
                     ["identity:email", "consent:nowhere", ""], ["identity:email", "consent:", ""]):  # fmt: skip
        with pytest.raises(Invalid):
            operations.order_check(row=row, meanings=meanings, wording="", now=NOON)
    with pytest.raises(operations.WrongImportState):
        operations.order_run(row=row, now=NOON)


def test_consent_is_recorded_with_its_wording_and_a_word_nobody_understands_refuses_the_line() -> None:
    mail = ChannelFactory(mail=True, can_message=True)
    text = "E-mail,Newsletter\na@x.test,yes\nb@x.test,nein\nc@x.test,perhaps\nd@x.test,\n"
    row = run(text, ["identity:email", f"consent:{mail.key}"], "Fair 2026, card 3")
    assert [result for _line, result, _reasons in results(row)] == ["new", "new", "refused", "new"]
    given = Customer.objects.get(identities__value="a@x.test").consents.get()
    assert (given.is_given, given.how, given.wording, given.channel, given.said_at) == (
        True, How.IMPORT, "Fair 2026, card 3", mail, NOON,
    )  # fmt: skip
    assert not Customer.objects.get(identities__value="b@x.test").consents.get().is_given
    assert not Customer.objects.get(identities__value="d@x.test").consents.exists()


def test_who_was_erased_stays_out() -> None:
    Suppression.objects.create(digest=digest("email", "ann@shop.test"), since=NOON)
    row = run(PEOPLE)
    assert row.counts == {"new": 1, "erased": 2}
    assert not Identity.objects.filter(value="ann@shop.test").exists()


def test_what_was_said_later_than_the_file_was_sent_stays() -> None:
    later = (NOON + dt.timedelta(hours=1)).isoformat()
    ann = CustomerFactory(display_name="Ann", traits={"city": "Turin"}, traits_at={"city": later})
    IdentityFactory(kind="email", value="ann@shop.test", customer=ann)
    run("E-mail,Name,City\nann@shop.test,Ann,Rome\n")
    ann.refresh_from_db()
    assert ann.traits["city"] == "Turin"


class Killed(BaseException):
    """As if somebody had ended the process."""


def test_killed_in_the_middle_it_goes_on_behind_the_last_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_imports, "LINES_AT_ONCE", 10)
    row = check(begin("E-mail,Name,City\n" + "".join(f"p{n}@x.test,P{n},Rome\n" for n in range(55))))
    operations.order_run(row=row, now=NOON)
    write, pieces = _imports.refresh_insight, iter(range(100))

    def dies(**given: Any) -> None:
        write(**given)
        if next(pieces) == 2:
            raise Killed

    monkeypatch.setattr(_imports, "refresh_insight", dies)
    with pytest.raises(Killed):
        work(row)
    row.refresh_from_db()
    assert (row.state, row.position) == (ImportState.RUNNING, 20)
    assert Customer.objects.count() == 20
    assert operations.unfinished_imports(now=NOON + dt.timedelta(seconds=31)) == [row.pk]
    work(row)
    assert (row.state, row.counts) == (ImportState.DONE, {"new": 55})
    assert [line for line, _result, _reasons in results(row)] == list(range(2, 57))
    assert Event.objects.count() == 55


WORK = """
import django; django.setup()
from django.conf import settings; settings.DATABASES["default"]["NAME"] = {name!r}
from django.utils import timezone
from customers import operations
from customers.operations import _imports
_imports.LINES_AT_ONCE = 50
operations.work_import(import_id={pk}, clock=timezone.now)
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_in_the_middle_leaves_every_row_exactly_once() -> None:
    """A process of its own is ended as the system ends one, while it is writing a piece; another one goes on."""
    met = IdentityFactory(kind="email", value="p523@x.test").customer
    row = check(begin("E-mail,Name,City\n" + "".join(f"p{n}@x.test,P{n},Rome\n" for n in range(1_000))))
    CustomerImportPart.objects.filter(customer_import=row, is_report=True).delete()
    CustomerImport.objects.filter(pk=row.pk).update(state=ImportState.RUNNING, position=0, counts={})
    script = WORK.format(name=connection.settings_dict["NAME"], pk=row.pk)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "incentives_site.settings"}
    where = connection.get_connection_params() | {"cursor_factory": None, "context": None}
    killed = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        with psycopg.connect(**where) as other:  # type: ignore[arg-type]
            # It comes as far as somebody whom it cannot have.
            other.execute("SELECT 1 FROM customers_customer WHERE id = %s FOR UPDATE", [met.pk])
            end = time.monotonic() + 60
            while not _is_somebody_waiting() and killed.poll() is None:
                assert time.monotonic() < end, "It took too long."
                time.sleep(0.02)
            assert killed.poll() is None
            killed.kill()
            killed.wait(20)
    finally:
        killed.kill()
    row.refresh_from_db()
    assert (row.state, row.position, Event.objects.count()) == (ImportState.RUNNING, 500, 500)
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=120)
    row.refresh_from_db()
    assert (row.state, row.position, row.counts) == (ImportState.DONE, 1_000, {"new": 999, "known": 1})
    assert [line for line, _result, _reasons in results(row)] == list(range(2, 1_002))
    assert Identity.objects.count() == Customer.objects.count() == Event.objects.count() == 1_000
    assert not Customer.objects.filter(events=None).exists()


def _is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


def test_two_workers_do_not_do_the_same_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_imports, "LINES_AT_ONCE", 10)
    row = check(begin("E-mail,Name,City\n" + "".join(f"p{n}@x.test,P{n},Rome\n" for n in range(40))))
    operations.order_run(row=row, now=NOON)
    plain, calls = tables.read, iter(range(10))

    def interrupted(*given: Any) -> Iterator[tables.Line]:
        first = next(calls) == 0
        for n, line in enumerate(plain(*given)):
            if first and n == 20:
                operations.work_import(import_id=row.pk, clock=lambda: NOON)  # another one takes over and comes to the end
            yield line

    monkeypatch.setattr(_imports.tables, "read", interrupted)
    work(row)
    assert (row.state, row.counts, Event.objects.count()) == (ImportState.DONE, {"new": 40}, 40)


def test_one_that_is_given_up_stops_and_its_file_goes() -> None:
    row = check(begin(PEOPLE))
    operations.cancel_import(row=row, now=NOON)
    assert work(row).state == ImportState.CANCELLED
    assert not CustomerImportPart.objects.filter(is_report=False).exists()
    with pytest.raises(operations.WrongImportState):
        operations.cancel_import(row=row, now=NOON)


def test_a_file_that_nobody_goes_on_with_is_deleted_after_a_day() -> None:
    row = check(begin(PEOPLE))
    assert operations.tidy_imports(now=NOON + dt.timedelta(hours=23)) == 0
    assert operations.tidy_imports(now=NOON + dt.timedelta(hours=25)) == 1
    row.refresh_from_db()
    assert row.state == ImportState.CANCELLED


def test_however_long_a_file_is_little_of_it_is_in_memory() -> None:
    def people(count: int) -> bytes:
        return b"E-mail,Name,City\n" + b"".join(b"person%d@mail.test,Person %d,Rome\n" % (n, n) for n in range(count))

    def peak(body: bytes) -> int:
        file = io.BytesIO(body)
        tracemalloc.start()
        count = sum(1 for _line in read(file, look(file)))
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == body.count(b"\n") - 1
        return most

    assert peak(people(60_000)) < peak(people(6_000)) + 300_000


def test_however_many_lines_are_worked_through_memory_stays() -> None:
    body = b"E-mail,Name,City\n" + b"".join(b"person%d@mail.test,Person %d,Rome\n" % (n, n) for n in range(20_000))
    row = begin(body)
    operations.order_check(row=row, meanings=MEANINGS, wording="", now=NOON)
    tracemalloc.start()
    work(row)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert row.counts == {"new": 20_000}
    assert peak < 25_000_000


def test_a_sheet_that_breaks_off_says_so() -> None:
    body = sheet(("E-mail",), *((f"p{n}@x.test",) for n in range(3_000)))
    with pytest.raises(BadTable):
        list(read(io.BytesIO(body[: len(body) // 2]), look(io.BytesIO(body))))
