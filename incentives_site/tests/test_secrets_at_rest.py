"""One of each secret is made through the door its holder uses; then nothing that is stored has any of them in clear.

Searched are every table, every file of the database server with its log and write-ahead log, what Valkey holds, and every file
below ``VAR_DIR``; each secret as it is, without dashes, in capitals, escaped, and in base64 (``docs/secrets.md`` is the list).
"""

import base64
import csv
import datetime
import io
import json
import re
import subprocess
import time
import urllib.parse
from pathlib import Path

import jwt
import pytest
import redis
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings
from django.contrib.auth.models import Group
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaigns import operations as campaigns
from campaigns.models import CodeBatch, Incentive
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers import operations as customers
from customers.models import Event, Rejection, Source
from customers.tests.factories import ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.second_factors import SealedSecrets
from incentives_site.integrations.models import ApiKey, Partner, Scope
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions import operations as redemptions
from redemptions.models import GiftCard, Redemption, Tender
from redemptions.tests.factories import lines
from surveys.models import Invitation
from surveys.tests.factories import EmployeeFactory, SurveyFactory, link_of, opened

from .test_erasure import dump, pg_dump

PASSWORD = "Correct-Horse-77-Battery"


def spellings(secret: str) -> set[bytes]:
    """How a secret could lie somewhere: typed otherwise, escaped, in base64 at each of its three alignments, in hexadecimal."""
    texts = {secret, secret.upper(), secret.lower(), urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1]}
    plain = "".join(character for character in secret if character.isalnum())
    texts |= {plain, plain.upper(), plain.lower()}
    found = {text.encode() for text in texts}
    for start in range(3):
        packed = base64.b64encode(b"\0" * start + secret.encode())
        kept = packed[(0, 2, 3)[start] : len(packed) - 4]
        found |= {kept, kept.replace(b"+", b"-").replace(b"/", b"_")}
    found.add(secret.encode().hex().encode())
    return {text for text in found if len(text) >= 6}


def secret_part(url: str) -> str:
    """The part of a link that lets its bearer in."""
    parts = [part for part in urllib.parse.urlsplit(url).path.split("/") if part not in {"", "unsubscribe"}]
    return urllib.parse.unquote(parts[-1])


class Secrets(dict[str, str]):
    """Each secret by its name; a signed one by its signature, since the other half is an id."""

    def add(self, name: str, secret: str) -> str:
        assert len(secret) >= 8, (name, secret)
        self[name] = secret.rpartition(":")[2] if ":" in secret else secret
        return secret


def codes_and_orders(found: Secrets, partner: PartnerClient) -> None:
    """Grants, batches and gift cards, quoted, reserved, redeemed, refused, repeated and read."""
    customer = IdentityFactory(kind="email", value="ann@example.com").customer
    who = {"id": str(customer.public_id)}
    granted = IncentiveFactory(granted=True, effect={"type": "percent_off", "percent": "5"})
    batched = IncentiveFactory(claim="code", effect={"type": "percent_off", "percent": "2"})
    grants = [
        partner.post("grants", {"customer": who, "incentive": str(granted.public_id), "occasion": str(n)}).json()
        for n in range(3)
    ]
    for number, grant in enumerate(grants):
        found.add(f"code of a grant {number}", grant["code"])
    found.add("wallet link", secret_part(grants[0]["wallet_url"]))
    codes = batch_codes(partner, batched)
    for number, code in enumerate(codes):
        found.add(f"code of a batch {number}", code)
    cards = [issue_card(number) for number in range(2)]
    for number, card in enumerate(cards):
        found.add(f"gift card {number}", card)
    found.add("mistyped gift card", cards[0][:-2] + ("AA" if not cards[0].endswith("AA") else "BB"))
    tenders = [{"type": "gift_card", "code": cards[0]}, {"type": "gift_card", "code": found["mistyped gift card"]}]
    sale = {"customer": who, "channel": "store", "currency": "USD", "basket": lines(10_000)}
    order = {**sale, "codes": [grants[0]["code"].lower(), codes[0]], "tenders": tenders, "order": {"id": "1"}}
    assert partner.post("quotes", {name: value for name, value in order.items() if name != "order"}).status_code == 200
    sold = partner.post("redemptions", {**order, "accept_changes": True}, key="repeated")
    assert sold.status_code == 201, sold.content
    assert {item.get("code") for item in sold.json()["decision"]["applied"]} >= {grants[0]["code"].lower(), codes[0], cards[0]}
    assert partner.post("redemptions", {**order, "accept_changes": True}, key="repeated").content == sold.content
    held = {**sale, "codes": [grants[1]["code"], codes[1]], "tenders": [{"type": "gift_card", "code": cards[1]}]}
    assert partner.post("reservations", {**held, "order": {"id": "2"}}).status_code == 201
    refused = {**sale, "codes": [grants[0]["code"], codes[0]], "order": {"id": "3"}}
    assert partner.post("redemptions", refused).status_code == 409
    assert partner.post(f"redemptions/{sold.json()['id']}/returns", {"everything": True}).status_code == 201
    assert partner.get(f"customers/{customer.public_id}/wallet").status_code == 200
    assert partner.get(f"customers/{customer.public_id}/export").status_code == 200
    assert Client().get(f"/wallet/{secret_part(grants[0]['wallet_url'])}/").status_code == 200


def batch_codes(partner: PartnerClient, incentive: Incentive) -> list[str]:
    made = partner.post(
        "codes/batches", {"incentive": str(incentive.public_id), "count": 3, "prefix": "fall", "length": 12}
    ).json()
    campaigns.make_codes(batch_id=CodeBatch.objects.get(public_id=made["id"]).pk, clock=timezone.now)
    answer = partner.get(f"codes/batches/{made['id']}/codes.csv")
    codes = [row["code"] for row in csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))]
    # One that the worker has had, and one whose file still waits for it.
    brought, waiting = "BROUGHT-AB12-CD34-EF56", "WAITING-GH12-JK34-LM56"
    for code in (brought, waiting):
        sent = partner.client.post(
            f"/api/v1/codes/batches/import?incentive={incentive.public_id}",
            f"{code}\n".encode(),
            content_type="text/csv",
            headers={**partner.headers, "Idempotency-Key": code[:8]},
        )
        assert sent.status_code == 202, sent.content
        if code == brought:
            campaigns.import_codes(batch_id=CodeBatch.objects.get(public_id=sent.json()["id"]).pk, clock=timezone.now)
    return [*codes[:2], brought, waiting]


def issue_card(number: int) -> str:
    _card, code = redemptions.issue_gift_card(amount=5_000, currency="USD", key=str(number), by="user:1", now=timezone.now())
    return code


def links_of_customers(found: Secrets, partner: PartnerClient) -> None:
    """Preferences and feedback, opened and used by who holds the link."""
    customer = CustomerFactory()
    data = partner.put(f"customers/{customer.public_id}/preferences", {"research": True}).json()
    links = {"preference link": data["url"], "way out": next(iter(data["unsubscribe"].values()))}
    for name, url in links.items():
        found.add(name, secret_part(url))
    preferences = urllib.parse.urlsplit(data["url"]).path
    browser = Client()
    assert browser.post(preferences, {"does": "leave"}).status_code == 302
    assert browser.post(urllib.parse.urlsplit(links["way out"]).path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    campaign = CampaignFactory(live=True)
    promised = IncentiveFactory(campaign=campaign, claim="grant")
    asked = [{"key": "nps", "kind": "nps", "texts": {"en": "Would you recommend our shop?"}}]
    survey = SurveyFactory(kind="feedback", campaign=campaign, incentive=promised, asked=asked, mode="named")
    ask = {"customer": {"id": str(customer.public_id)}, "occasion": "a visit"}
    url = partner.post(f"surveys/{survey.public_id}/requests", ask).json()["url"]
    found.add("feedback link", secret_part(url))
    assert browser.post(urllib.parse.urlsplit(url).path, {"q-nps": "9", "go": "send"}).status_code in {200, 302}


def surveys_of_employees(found: Secrets) -> None:
    """An invitation, answered with a wish for a reply."""
    EmployeeFactory.create_batch(3)
    wave = opened(SurveyFactory(languages=["en"]), at=timezone.now() - datetime.timedelta(hours=1))
    invitation = Invitation.objects.filter(wave=wave).first()
    assert invitation is not None
    token = found.add("invitation", link_of(invitation))
    page = Client().post(f"/s/{token}/", {"q-score": "9", "c-score": "Fine.", "wants_reply": "1", "go": "send"})
    found.add("key for a reply", page.context["thread"])


def partners_and_sources(found: Secrets, operator: Client, partner: PartnerClient, text: str) -> None:
    """Keys of partners and sources, secrets of webhooks, and what sources say with a code in it."""
    found.add("key made over the API", text.partition(".")[2])
    row = Partner.objects.get(key="shop")
    form = {"partner": row.pk, "name": "till", "channel_keys": "web", "store_keys": "", "scopes": Scope.QUOTES.value}
    page = operator.post("/admin/integrations/apikey/add/", form, follow=True).content.decode()
    (shown,) = re.findall(r"The key is ([\w.]+)", page)
    found.add("key made in the back office", shown.partition(".")[2])
    assert ApiKey.objects.filter(name="till").exists()
    made = partner.post("webhooks", {"url": "https://93.184.215.14/", "types": ["grant.created", "redemption.created"]})
    found.add("secret of a webhook", made.json()["secret"])
    again = partner.post(f"webhooks/{made.json()['id']}/rotate", {})
    found.add("another secret of a webhook", again.json()["secret"])
    source = Source.objects.create(trust="server", key="app", name="App", channel=ChannelFactory(web=True))
    found.add("write key", source.write_key)
    found.add("secret for customer tokens", source.token_secret)
    order = {
        "order_id": "77",
        "total": 10,
        "coupon": found["code of a grant 1"].lower(),
        "products": [{"sku": "a", "coupon": found["code of a batch 1"]}],
        "gift_cards": [found["gift card 1"].replace("-", " ")],
    }
    page_seen = {"url": f"https://shop.example/cart?coupon={found['code of a grant 2']}&page=2"}
    events = [
        {"type": "track", "messageId": "1", "event": "Order Completed", "userId": "ann", "properties": order},
        {"type": "page", "messageId": "2", "userId": "ann", "properties": page_seen, "context": {"page": page_seen}},
        {"type": "track", "messageId": "3", "event": "Bad", "userId": "ann", "timestamp": "1800-01-01", "properties": order},
    ]
    sent = Client().post(
        "/v1/batch",
        json.dumps({"batch": events}),
        content_type="application/json",
        headers={"Authorization": "Basic " + base64.b64encode(f"{source.write_key}:".encode()).decode()},
    )
    assert sent.status_code == 200, sent.content
    pages = Source.objects.create(trust="browser", key="pages", name="Pages", channel=source.channel)
    signed = jwt.encode(
        {"sub": "ann", "iat": int(time.time()), "exp": int(time.time()) + 60}, pages.token_secret, algorithm="HS256"
    )
    found.add("public write key", pages.write_key)
    found.add("another secret for customer tokens", pages.token_secret)
    found.add("customer token", signed)
    beacon = {
        "writeKey": pages.write_key,
        "anonymousId": "a1",
        "event": "Seen",
        "properties": {"coupon": found["gift card 1"]},
        "context": {"customerToken": signed},
    }
    assert Client().post("/beacon/v1/track", json.dumps(beacon), content_type="text/plain").status_code == 200
    bad = {**beacon, "timestamp": "1800-01-01"}
    assert Client().post("/beacon/v1/track", json.dumps(bad), content_type="text/plain").status_code == 200
    assert customers.process_events(now=timezone.now()) is not None
    told = Event.objects.get(name="Order Completed", source="app")
    assert told.properties["coupon"] == "…" + found["code of a grant 1"].lower()[-4:]
    assert Rejection.objects.count() == 2


def people(found: Secrets) -> None:
    """Passwords, wrong ones, sessions, links to reset a password, second factors."""
    person = User.objects.create_user("ann@shop.example", PASSWORD)
    person.groups.add(Group.objects.get(name="operator"))
    found.add("password", PASSWORD)
    browser = Client()
    found.add("password typed wrong", "Wrong-Horse-78-Battery")
    browser.post("/accounts/login/", {"login": person.email, "password": found["password typed wrong"]})
    assert browser.post("/accounts/login/", {"login": person.email, "password": PASSWORD}).status_code == 302
    found.add("session", browser.cookies[settings.SESSION_COOKIE_NAME].value)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = browser.get("/accounts/2fa/totp/activate/", follow=True)
    secret = found.add("secret of an authenticator being set up", page.context["form"].secret)
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    done = browser.post("/accounts/2fa/totp/activate/", {"code": code}, follow=True)
    assert Authenticator.objects.filter(user=person, type="totp").exists(), done.content
    found["secret of an authenticator"] = secret
    sealed = Authenticator.objects.get(user=person, type="recovery_codes").data["seed"]
    found.add("seed of recovery codes", SealedSecrets().decrypt(sealed))
    assert browser.get("/accounts/2fa/totp/activate/").status_code == 302
    other = User.objects.create_user("bob@shop.example", "Other-Horse-79-Battery")
    stranger = Client()
    stranger.post("/accounts/password/reset/", {"email": other.email})
    (path,) = re.findall(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    found.add("link to reset a password", path.strip("/").rpartition("/")[2].partition("-")[2])
    assert stranger.get(path).status_code == 302
    found.add("session of who resets", stranger.cookies[settings.SESSION_COOKIE_NAME].value)
    redemptions.announce_draw(contest="car", winners=1, by="user:1", now=timezone.now())


def valkey() -> bytes:
    """Every key that Valkey holds, with what it holds."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    found = []
    for key in server.scan_iter(count=1_000):
        found += [key, server.dump(key) or b""]
    return b"\n".join(found)


def files() -> list[Path]:
    """The folders of everything that the product and its services write."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()")
        data, number = cursor.fetchone()
    server = redis.Redis.from_url(settings.REDIS_URL)
    server.save()
    own = [Path(data) / "base" / str(number), Path(data) / "pg_wal", Path(data).parent / "server.log"]
    return [path for path in [*own, Path(server.config_get("dir")["dir"]), Path(settings.VAR_DIR)] if path.exists()]


def found_in_files(secrets: dict[str, set[bytes]], folders: list[Path], patterns: Path) -> list[str]:
    patterns.write_bytes(b"\n".join(text for texts in secrets.values() for text in texts) + b"\n")
    done = subprocess.run(
        ["grep", "-raoFf", str(patterns), *map(str, folders)], capture_output=True, check=False, env={"LC_ALL": "C"}
    )
    assert done.returncode in {0, 1}, done.stderr
    return [line.decode(errors="replace")[:300] for line in done.stdout.splitlines()]


@pytest.mark.django_db(transaction=True)
def test_no_secret_lies_anywhere_in_clear(tmp_path: Path) -> None:
    ChannelFactory(web=True)
    found = Secrets()
    _row, text = partner_key()
    partner = PartnerClient(text)
    boss = User.objects.create_superuser("boss@shop.example", "Boss-Horse-80-Battery")
    operator = Client()
    operator.force_login(boss)
    codes_and_orders(found, partner)
    links_of_customers(found, partner)
    surveys_of_employees(found)
    partners_and_sources(found, operator, partner, text)
    people(found)
    assert len(found) >= 25, found.keys()
    secrets = {name: spellings(secret) for name, secret in found.items()}
    tables, written = dump().encode(), (pg_dump() or "").encode()
    for place, content in (("tables", tables), ("pg_dump", written), ("Valkey", valkey())):
        clear = {
            name: content[max(0, at - 200) : at + 80]
            for name, texts in secrets.items()
            for t in texts
            if (at := content.find(t)) >= 0
        }
        assert clear == {}, place
    assert found_in_files(secrets, files(), tmp_path / "patterns") == []
    # It is still known what was used.
    sold = Redemption.objects.get(order_key="1")
    assert {row.grant_id is not None or row.code_id is not None for row in sold.applied.all()} == {True}
    assert Tender.objects.get(redemption=sold).posting.entries.filter(account__gift_card__in=GiftCard.objects.all()).exists()


def test_the_search_would_find_them(tmp_path: Path) -> None:
    secrets = {"code": spellings("AB2C-DE3F-GH4J")}
    for text in (
        "ab2c-de3f-gh4j",
        "AB2CDE3FGH4J",
        base64.b64encode(b'{"a": "AB2C-DE3F-GH4J"}').decode(),
        base64.b64encode(b'"a": "AB2C-DE3F-GH4J"}').decode(),
        base64.urlsafe_b64encode(b'a": "AB2C-DE3F-GH4J"}').decode(),
        b"AB2C-DE3F-GH4J".hex(),
    ):
        (tmp_path / "file").write_bytes(b"\0\xff" + text.encode() + b"\0")
        assert found_in_files(secrets, [tmp_path / "file"], tmp_path / "patterns"), text
