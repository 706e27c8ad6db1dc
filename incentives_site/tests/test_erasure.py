"""Erasure: nothing in a dump of the database names the customer afterwards, every sum is as before; it stays out."""

import datetime
import hashlib
import io
import json
import os
import re
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Sum
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign, Grant, LimitCounter
from campaigns.queries import wallet_url
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory
from customers import operations, queries
from customers.models import (
    Customer,
    CustomerImport,
    CustomerImportPart,
    Erasure,
    Event,
    Export,
    Identity,
    Intake,
    Purchase,
    PurchaseLine,
    Rejection,
    Source,
    Suppression,
)
from customers.operations import Choice
from customers.rules.consent import How
from customers.rules.timeline import EventType
from customers.tests.factories import ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User
from incentives_site.integrations import operations as integrations
from incentives_site.integrations.models import IdempotentReply, WebhookAttempt, WebhookDelivery, WebhookMessage
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from incentives_site.services.postgres import binaries
from redemptions import operations as ledger
from redemptions import queries as results
from redemptions.models import Account, Entry, Posting, Redemption
from redemptions.tests.factories import lines

MARK = "zanzibarine"  # in everything anybody could have typed about this customer
PLATINUM = {"all": [{"fact": "customer.tier", "op": "==", "value": "platinum"}]}


@dataclass
class Rich:
    """A customer of whom everything is held that can be, and what names it."""

    customer: Customer
    campaign: Campaign
    partner: PartnerClient
    names: set[str]
    secrets: set[str]


def rich(mark: str = MARK) -> Rich:
    now = timezone.now()
    web, shop = ChannelFactory(web=True), ChannelFactory()
    key, text = partner_key()
    partner = PartnerClient(text)
    integrations.add_endpoint(
        partner=key.partner,
        url="https://93.184.215.14/",
        types=["grant.created", "redemption.created", "redemption.returned", "customer.opted_out", "balance.changed"],
        by="x",
        now=now,
    )
    customer = CustomerFactory(
        display_name=f"Zoë {mark}",
        traits={"tier": f"gold-{mark}", "city": f"{mark}-town"},
        facts={"favourite_category": f"{mark}-tea"},
        language="de",
        time_zone="Indian/Maldives",
    )
    for kind, value in (
        ("email", f"{mark}@example.com"),
        ("loyalty_card", f"CARD{mark.upper()}"),
        ("phone", "+4917012345671"),
        ("external:shop", f"shop-{mark}"),
    ):
        IdentityFactory(customer=customer, kind=kind, value=value)
    campaign = CampaignFactory(live=True)
    LimitFactory(incentive=None, campaign=campaign, measure="discount", maximum=1_000_000)
    awards = [{"type": "points", "per": 100, "points": 1}, {"type": "contest_entry", "contest": "car", "entries": 1}]
    automatic = IncentiveFactory(campaign=campaign, name="Ten", awards=awards)
    for per in ("customer", "customer_week"):
        LimitFactory(incentive=automatic, per=per, maximum=50)
    IncentiveFactory(name="Refused", conditions=PLATINUM, campaign=campaign, effect={"type": "percent_off", "percent": "1"})
    granted = IncentiveFactory(campaign=campaign, granted=True, name="Given", effect={"type": "percent_off", "percent": "5"})
    who = {"id": str(customer.public_id)}
    grant = partner.post("grants", {"customer": who, "incentive": str(granted.public_id), "occasion": f"birthday {mark}"}).json()
    kept = partner.post("grants", {"customer": who, "incentive": str(granted.public_id), "occasion": f"second {mark}"}).json()
    basket = lines(10_000, 2_000, name=f"Engraved {mark}", attributes={"engraving": mark})
    order = {
        "customer": who,
        "channel": "store",
        "currency": "USD",
        "basket": basket,
        "codes": [grant["code"], f"WRONG{mark.upper()}"],
    }
    sold = partner.post("redemptions", {**order, "order": {"id": f"order-{mark}"}})
    assert sold.status_code == 201, sold.content
    redemption = sold.json()["id"]
    back = partner.post(f"redemptions/{redemption}/returns", {"lines": [{"line": "2", "quantity": 1}], "reason": f"too {mark}"})
    assert back.status_code == 201, back.content
    held = partner.post("reservations", {**order, "codes": [], "order": {"id": f"held-{mark}"}})
    assert held.status_code == 201, held.content
    ledger.earn(customer=customer, unit="points", amount=70, key="sorry", by="user:1", now=now, reason=f"apology to {mark}")
    purchase = Purchase.objects.create(
        customer=customer, source="shop", order_key=f"web-{mark}", channel=web, placed_at=now, currency="USD", paid=500
    )
    PurchaseLine.objects.create(purchase=purchase, position=1, sku="tea", quantity=1, paid=500)
    for n in range(3):
        operations.track(
            customer=customer,
            type=EventType.TRACK,
            source="shop",
            message_id=f"{mark}-{n}",
            occurred_at=now - datetime.timedelta(days=40 * n),
            received_at=now,
            channel=web,
            name=f"Viewed the page of {mark}",
            properties={"url": f"https://shop/{mark}"},
        )
    Event.objects.filter(customer=customer).update(context={"ip": "203.0.113.77", "page": {"title": mark}})
    source = Source.objects.create(trust="server", key="app", name="App", channel=web)
    for said in (f"{mark.upper()}@Example.com", "+49 170 12345671", f"Zoë {mark}"):
        body = json.dumps({"type": "track", "userId": said, "timestamp": "1900-01-01"})
        Rejection.objects.create(source=source, reason="time", message_id="1", body=body, received_at=now)
    operations.record_consent(
        customer=customer,
        choices=[Choice(False, shop.key), Choice(True, web.key)],
        how=How.STAFF,
        by="user:1",
        now=now,
        wording=f"w-{mark}",
        reason=f"{mark} on the phone",
    )
    other = IdentityFactory(
        kind="email", value=f"{mark}.home@example.com", customer=CustomerFactory(display_name=f"Z. {mark}", traits={"pet": mark})
    ).customer
    operations.merge(one=customer, other=other, by="user:1", reason=f"same {mark}", now=now)
    customer.refresh_from_db()
    operations.export(customer=customer, by="user:1", now=now)
    # A partner's server has answered a webhook with words of its own.
    message = WebhookMessage.objects.filter(type="grant.created").first()
    assert message is not None
    delivery = WebhookDelivery.objects.get(message=message)
    WebhookAttempt.objects.create(delivery=delivery, at=now, status=500, duration_ms=3, excerpt=f"cannot greet {mark}")
    # An operator has opened it in the back office, and changed something else from its page.
    staff = User.objects.create_user("operator@example.com")
    LogEntry.objects.create(
        user=staff,
        content_type=ContentType.objects.get_for_model(Customer),
        object_id=str(customer.pk),
        object_repr=str(customer),
        action_flag=CHANGE,
        change_message=f"changed {mark}",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pghistory_context (id, created_at, updated_at, metadata) VALUES (%s, now(), now(), %s)",
            [uuid.uuid4(), json.dumps({"url": f"/customers/{customer.public_id}/", "user": staff.pk})],
        )
    names = {mark, mark.upper(), "4917012345671", "203.0.113.77", "Indian/Maldives", "Zoë"}
    for one in (customer, other):
        names.add(str(one.public_id))
    secrets = {grant["code"], kept["code"], wallet_url(customer).rstrip("/").rpartition("/")[2].partition(":")[0]}
    return Rich(customer, campaign, partner, names | secrets, secrets)


def dump() -> str:
    """Every table of every schema that is not PostgreSQL's own, as text, with names of columns, indexes and constraints."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        tables = [name for (name,) in cursor.fetchall()]
        assert len(tables) > 60
        for table in tables:
            # "SELECT", since a partitioned table is not copied by its name.
            with cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT csv, HEADER)") as copied:  # noqa: S608
                found.append(f"-- {table}\n" + b"".join(bytes(part) for part in copied).decode())
        cursor.execute("SELECT string_agg(indexdef, E'\\n') FROM pg_indexes")
        found.append(str(cursor.fetchone()[0]))
    # Bytes stand there as hexadecimal digits, in which nothing would be found.
    return re.sub(r"\\x((?:[0-9a-f]{2})+)", lambda match: bytes.fromhex(match[1]).decode(errors="replace"), "\n".join(found))


def pg_dump() -> str | None:
    """What PostgreSQL's own program writes; ``None`` where there is none as new as the server."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        server = int(cursor.fetchone()[0]) // 10_000
    program = binaries() / "pg_dump"
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    if int(re.search(r"(\d+)", said)[1]) < server:  # type: ignore[index]
        return None
    settings = connection.settings_dict
    names = {
        "PGHOST": settings["HOST"],
        "PGPORT": settings["PORT"],
        "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"],
    }
    environment = {**os.environ, **{name: str(value) for name, value in names.items() if value}}
    done = subprocess.run(
        [str(program), "--inserts", str(settings["NAME"])], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def sums(campaign: Campaign) -> dict[str, Any]:
    """Every figure that reports and the ledger are made of."""
    return {
        "results": results.campaign_results(campaign),
        "redemptions": Redemption.objects.aggregate(Count("pk"), Sum("discount"), Sum("payable"), Sum("stored_value")),
        "purchases": Purchase.objects.aggregate(Count("pk"), Sum("paid"), Count("customer", distinct=True)),
        "entries": list(Entry.objects.order_by("pk").values_list("account__kind", "amount")),
        "balances": list(Account.objects.order_by("pk").values_list("kind", "unit", "balance")),
        "grants": Grant.objects.count(),
        "used": sorted(LimitCounter.objects.values_list("limit_id", "used")),
        "events": sorted(Event.objects.values_list("type", "channel", "occurred_at")),
        "customers": Customer.objects.count(),
        "faults of the ledger": results.prove(),
    }


def found_in(text: str, names: set[str]) -> list[str]:
    low = text.lower()
    return [f"{name}: …{low[max(0, at - 150) : at + 60]}…" for name in sorted(names) if (at := low.find(name.lower())) >= 0]


@pytest.mark.django_db(transaction=True)
def test_a_dump_names_an_erased_customer_nowhere_and_every_sum_is_as_before() -> None:
    one = rich()
    someone_else = IdentityFactory(kind="email", value="bob@example.com", customer=CustomerFactory(display_name="Bob")).customer
    now, waits = timezone.now(), f"E-Mail\n{MARK}.waits@example.com\n{MARK}@example.com\n".encode()
    said = {"event": "Seen", "userId": f"shop-{MARK}-waits", "context": {"traits": {"email": f"{MARK}@example.com"}}}
    operations.take(source=Source.objects.get(), kind="track", body=json.dumps(said).encode(), now=now)
    kept = operations.begin_import(file=io.BytesIO(waits), name="people.csv", size=len(waits), by="x", now=now)
    operations.work_import(import_id=kept.pk, clock=timezone.now)
    before, text = sums(one.campaign), dump()
    assert f"shop-{MARK}-waits" in text
    assert f"{MARK}.waits@example.com" not in text, "files that are kept are sealed"
    assert kept.parts.exists()
    assert len(found_in(text, one.names - one.secrets)) == len(one.names - one.secrets), "or the test would notice nothing"
    assert found_in(text, one.secrets) == [], "secrets are in clear for nobody"
    assert text.lower().count(MARK) > 50
    key = str(uuid.uuid4())
    answer = one.partner.delete(f"customers/{one.customer.public_id}", key=key)
    assert answer.status_code == 200, answer.content
    assert found_in(dump(), one.names) == []
    written = pg_dump()
    assert not kept.parts.exists()
    assert written is None or (someone_else.display_name in written and found_in(written, one.names) == [])
    assert sums(one.campaign) == before
    # Said again: the same answer. Asked for: not there.
    again = one.partner.delete(f"customers/{one.customer.public_id}", key=key)
    assert (again.json(), again["Idempotent-Replayed"]) == (answer.json(), "true")
    assert one.partner.get(f"customers/{one.customer.public_id}").status_code == 404
    assert one.partner.delete(f"customers/{one.customer.public_id}").status_code == 404
    receipt = Erasure.objects.get()
    assert str(receipt.public_id) == answer.json()["id"]
    assert queries.erasure_of(str(one.customer.public_id)) == receipt
    assert receipt.counts["redemptions"] == 2
    assert receipt.counts["identities"] == 5
    assert receipt.counts["replies"] >= 4
    assert receipt.counts["webhooks"] >= 4
    assert Identity.objects.get().customer == someone_else
    assert not Export.objects.exists()
    left = Customer.objects.get(erased_at__isnull=False, forwarded_to=None)
    assert left not in queries.who_may_be_addressed(Customer.objects.all())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["events", "call", "file"])
def test_who_comes_while_being_erased_stays_out(door: str) -> None:
    """Whoever looks whether somebody was erased waits for one who is at it."""
    ann = IdentityFactory(kind="email", value="ann@example.com").customer
    source = Source.objects.create(trust="server", key="app", name="App", channel=ChannelFactory(web=True))
    now, file = timezone.now(), b"E-Mail\nann@example.com\n"
    body = json.dumps({"event": "Seen", "userId": "u-1", "context": {"traits": {"email": "ann@example.com"}}}).encode()

    def come() -> None:
        try:
            match door:
                case "events":
                    operations.take(source=source, kind="track", body=body, now=now)
                    operations.process_events(now=now)
                case "call":
                    with pytest.raises(operations.Suppressed):
                        operations.identify(kind="email", value="ann@example.com")
                case "file":
                    row = operations.begin_import(file=io.BytesIO(file), name="people.csv", size=len(file), by="x", now=now)
                    operations.work_import(import_id=row.pk, clock=timezone.now)
                    CustomerImport.objects.update(state="running")
                    operations.work_import(import_id=row.pk, clock=timezone.now)
        finally:
            connection.close()

    def is_somebody_waiting() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
            return bool(cursor.fetchone()[0])

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            operations.erase(customer=ann, by="x", now=now)
            coming = pool.submit(come)
            deadline = time.monotonic() + 30
            while not is_somebody_waiting() and not coming.done() and time.monotonic() < deadline:
                time.sleep(0.02)
        coming.result(30)
    assert not Identity.objects.exists()
    assert not Event.objects.filter(name="Seen").exists()


@pytest.mark.django_db
class TestAfterwards:
    def test_the_erased_stay_out_until_they_are_let_in(self) -> None:
        customer = IdentityFactory(kind="email", value="ann@example.com").customer
        IdentityFactory(customer=customer, kind="phone", value="+4917012345671")
        operations.erase(customer=customer, by="x", now=timezone.now())
        asked = [("email", "ann@example.com"), ("phone", "+4917012345671"), ("email", "bob@example.com")]
        assert queries.suppressed(asked) == set(asked[:2])
        with pytest.raises(operations.Suppressed):
            operations.identify(kind="email", value=" Ann@Example.com")
        assert not Identity.objects.exists()
        assert operations.lift_suppression(kind="email", value="ANN@example.com")
        assert not operations.lift_suppression(kind="email", value="ann@example.com")
        _customer, is_new = operations.identify(kind="email", value="ann@example.com")
        assert is_new
        assert Suppression.objects.count() == 1

    def test_their_events_are_dropped_and_kept_nowhere(self) -> None:
        web = ChannelFactory(web=True)
        source = Source.objects.create(trust="server", key="app", name="App", channel=web)
        ann = IdentityFactory(kind="email", value="ann@example.com").customer
        operations.erase(customer=ann, by="x", now=timezone.now())
        batch = [
            {
                "type": "identify",
                "messageId": "1",
                "userId": "visitor-of-ann",
                "traits": {"email": "Ann@example.com", "name": "Ann"},
            },
            {"type": "track", "messageId": "2", "event": "Seen", "userId": "b-2"},
        ]
        now = timezone.now()
        operations.take(source=source, kind="", body=json.dumps({"batch": batch}).encode(), now=now)
        assert operations.process_events(now=now) is not None
        assert list(Identity.objects.values_list("value", flat=True)) == ["b-2"]
        assert Event.objects.filter(name="Seen").count() == 1
        assert found_in(dump(), {"ann@example.com", "visitor-of-ann"}) == []

    def test_what_waits_is_forgotten_with_them_and_what_others_sent_stays(self) -> None:
        one, web = rich(), ChannelFactory(web=True)
        source = Source.objects.get()
        others = {"type": "track", "messageId": "2", "event": "Seen", "userId": "b-2", "properties": {"price": 12_345_671}}
        of_shop = {"type": "shop", "id": f"shop-{MARK}"}
        batch = [
            {"type": "track", "messageId": "1", "event": "Seen", "userId": "new", "traits": {"phone": "+49 170 12345671"}},
            others,
            {"type": "track", "messageId": "3", "event": "Told", "userId": "b-2", "properties": {"of": f" {MARK}@Example.COM"}},
            {"type": "page", "messageId": "4", "anonymousId": "cookie", "context": {"externalIds": [of_shop]}},
        ]  # fmt: skip
        now = timezone.now()
        alone = {"event": "Seen", "userId": "x", "context": {"traits": {"email": f"{MARK}@example.com"}}}
        whole = {
            "batch": [{"type": "track", "event": "Seen", "userId": "y"}],
            "context": {"traits": {"email": f"{MARK}@example.com"}},
        }
        for kind, body in (("", {"batch": batch}), ("track", alone), ("", whole), ("", {"batch": [others]})):
            operations.take(source=source, kind=kind, body=json.dumps(body).encode(), now=now)
        assert MARK in "".join(bytes(row.body).decode() for row in Intake.objects.all())
        receipt = operations.erase(customer=one.customer, by="x", now=now)
        assert receipt.counts["waiting_events"] == 5
        left = "".join(bytes(row.body).decode() for row in Intake.objects.all())
        assert found_in(left, one.names | {"170 1234", "cookie"}) == []
        assert operations.process_events(now=now) is not None
        assert Event.objects.filter(name="Seen", source=source.key, channel=web).values_list("message_id", flat=True).get() == "2"

    @pytest.mark.parametrize("state", ["mapping", "checked", "running"])
    def test_files_that_wait_are_deleted_without_being_looked_into(self, state: str) -> None:
        one, now = rich(), timezone.now()
        people = "E-Mail;Name\nbob@example.com;Bob\n{};X\n"
        sheet = io.BytesIO()
        book = openpyxl.Workbook()
        book.active.append(["Phone"])
        book.active.append(["+49 170 12345671"])
        book.save(sheet)
        broken = f'a;b\n"{MARK}@example.com;1\n'.encode()
        headless = f"{MARK}@example.com;Zoë {MARK}\nbob@example.com;Bob\n".encode()
        named = [people.format(f" {MARK.upper()}@example.com").encode(), sheet.getvalue(), broken, headless]
        rows = [
            operations.begin_import(file=io.BytesIO(body), name=f"{n}-{MARK}@example.com.csv", size=len(body), by="x", now=now)
            for n, body in enumerate([*named, people.format("eve@example.com").encode()])
        ]
        for row in rows:
            operations.work_import(import_id=row.pk, clock=timezone.now)
        CustomerImport.objects.update(state=state)
        operations.begin_list_export(about=f"search “{MARK}@example.com”", count=1, by="x", now=now)
        assert operations.erase(customer=one.customer, by="x", now=now).counts["waiting_files"] == 5
        # None is looked into: that would take as long as the largest of them, while the customer is locked.
        assert {CustomerImport.objects.get(pk=row.pk).state for row in rows} == {"failed"}
        assert not CustomerImportPart.objects.filter(is_report=False).exists()
        assert found_in(dump(), one.names) == []

    def test_nothing_lies_in_folders(self, settings: Any, tmp_path: Path) -> None:
        """What is uploaded is kept in the database alone, so that erasing has one place to look at."""
        settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
        one = rich()
        user = User.objects.create_user("sender@example.com")
        user.groups.add(Group.objects.get(name="operator"))
        client = Client()
        client.force_login(user)
        body = b"E-Mail;Name\n" + f"{MARK}@example.com;Zoe\n".encode() * 200_000
        assert client.post("/customers/import/", {"file": SimpleUploadedFile("p.csv", body)}).status_code == 302
        assert CustomerImportPart.objects.count() > 5
        operations.erase(customer=one.customer, by="x", now=timezone.now())
        assert not CustomerImportPart.objects.exists()
        written = [path for folder in (tmp_path, Path(settings.VAR_DIR)) for path in folder.rglob("*") if path.is_file()]
        ours = [path for path in written if not {"pg", "valkey"} & set(path.parts)]
        assert [path for path in ours if MARK.encode() in path.read_bytes()] == []

    def test_asking_who_is_kept_out_is_one_query_for_many(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            queries.suppressed([("email", f"{n}@example.com") for n in range(500)])
        with django_assert_num_queries(0):
            assert queries.suppressed([]) == set()

    def test_nothing_of_others_is_touched(self) -> None:
        one = rich()
        other = CustomerFactory(display_name="Bob")
        kept = one.partner.post(
            "grants", {"customer": {"id": str(other.public_id)}, "incentive": str(Grant.objects.all()[0].incentive.public_id)}
        ).json()
        operations.erase(customer=one.customer, by="x", now=timezone.now())
        assert Grant.objects.get(public_id=kept["id"]).state == "held"
        assert uuid.UUID(kept["id"]) in IdempotentReply.objects.get().mentions
        assert {message.data["customer"] for message in WebhookMessage.objects.all()} == {str(other.public_id)}
        other.refresh_from_db()
        assert other.display_name == "Bob"

    def test_what_was_bought_can_still_be_returned_and_what_was_held_is_of_no_use(self) -> None:
        one = rich()
        redemption = Redemption.objects.get()
        held = Grant.objects.exclude(state="used").get()
        code = one.partner.get(f"customers/{one.customer.public_id}/wallet").json()["results"][0]["code"]
        operations.erase(customer=one.customer, by="x", now=timezone.now())
        held.refresh_from_db()
        assert held.state == "withdrawn"
        basket = {"currency": "USD", "channel": "store", "basket": lines(10_000), "codes": [code]}
        assert "code-unknown" in {item["code"] for item in one.partner.post("quotes", basket).json()["inapplicable"]}
        answer = one.partner.post(f"redemptions/{redemption.public_id}/returns", {"everything": True, "reason": "broken"})
        assert answer.status_code == 201, answer.content

    def test_a_ledger_stays_append_only_for_everybody_else(self) -> None:
        rich()
        with pytest.raises(IntegrityError, match="append only"), transaction.atomic():
            Posting.objects.update(reason="")


@pytest.mark.django_db
class TestExport:
    def test_it_has_everything_and_leaves_a_receipt(self) -> None:
        one = rich()
        answer = one.partner.get(f"customers/{one.customer.public_id}/export")
        assert answer.status_code == 200
        data = json.loads(answer.content)
        assert set(data) >= {holding.name for holding in operations.holdings()}, "every app says what it holds"
        text = answer.content.decode()
        for said in (MARK, "Zoë", "4917012345671", "203.0.113.77", f"birthday {MARK}", f"too {MARK}", f"apology to {MARK}"):
            assert said in text, said
        assert {grant["code"] for grant in data["wallet"]} >= {
            name for name in one.names if name.count("-") == 2 and len(name) == 14
        }
        receipt = Export.objects.order_by("-pk")[0]
        assert answer["Export-Receipt"] == str(receipt.public_id)
        assert receipt.size == len(answer.content)
        assert receipt.sha256 == hashlib.sha256(answer.content).hexdigest()

    def test_every_holding_of_a_customer_can_be_handed_out(self) -> None:
        assert [holding.name for holding in operations.holdings() if holding.export is None] == []


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture
    def operator(self, client: Client) -> Client:
        user = User.objects.create_user("operator@example.com")
        user.groups.add(Group.objects.get(name="operator"))
        client.force_login(user)
        return client

    def test_an_operator_exports_and_erases_after_typing_the_name(self, operator: Client) -> None:
        customer = IdentityFactory(customer=CustomerFactory(display_name="Ann  Example")).customer
        path = f"/customers/{customer.public_id}/data/"
        assert "What is held" in operator.get(path).content.decode()
        file = operator.post(path, {"does": "export"})
        assert file["Content-Disposition"].startswith("attachment")
        assert json.loads(file.content)["customer"]["display_name"] == "Ann  Example"
        assert Export.objects.get().sha256 in operator.get(path).content.decode()
        assert operator.post(path, {"does": "erase", "name": "Bob"}).status_code == 422
        assert not Erasure.objects.exists()
        page = operator.post(path, {"does": "erase", "name": "Ann Example"}, follow=True).content.decode()
        assert str(Erasure.objects.get().public_id) in page
        assert operator.get(path).status_code == 404


@pytest.mark.django_db
def test_everything_or_nothing() -> None:
    one = rich()
    before = dump()

    def erase_and_fail() -> None:
        with transaction.atomic():
            operations.erase(customer=one.customer, by="x", now=timezone.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        erase_and_fail()
    assert dump() == before
