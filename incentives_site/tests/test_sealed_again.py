"""Secrets that older versions kept in clear are masked and sealed by migrations; keys of seals rotate."""

import importlib
import io
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader

from campaigns import sealing
from campaigns.models import Code
from campaigns.tests.factories import IncentiveFactory
from customers.tests.factories import CustomerFactory
from incentives_site.accounts.second_factors import SealedSecrets
from incentives_site.integrations import sealing as seals_of_webhooks
from incentives_site.integrations.models import IdempotentReply, WebhookSecret
from incentives_site.integrations.rules import signing
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from incentives_site.management.commands import reseal
from redemptions.models import Redemption, Reservation
from redemptions.tests.factories import lines

pytestmark = pytest.mark.django_db


def migration(app: str, name: str) -> Any:
    return importlib.import_module(f"{app}.migrations.{name}")


class Sale:
    """An order with a grant's code, a public word and a typing error, told and held; everything as it was answered."""

    def __init__(self) -> None:
        self.partner = PartnerClient(partner_key()[1])
        customer = CustomerFactory()
        granted = IncentiveFactory(granted=True, effect={"type": "percent_off", "percent": "5"})
        public = IncentiveFactory(claim="code", effect={"type": "percent_off", "percent": "2"})
        Code.objects.create(incentive=public, digest=sealing.digest("OPENWORD"), sealed=sealing.seal("OPENWORD"))
        body = {"customer": {"id": str(customer.public_id)}, "incentive": str(granted.public_id), "occasion": "a"}
        self.grant = self.partner.post("grants", body, key="grant").json()
        self.body = {
            "customer": {"id": str(customer.public_id)},
            "channel": "store",
            "currency": "USD",
            "basket": lines(10_000),
            "codes": [self.grant["code"], "OPENWORD", "WRONGCODE1234"],
            "order": {"id": "1"},
        }
        self.answer = self.partner.post("redemptions", self.body, key="redeem")
        assert self.answer.status_code == 201, self.answer.content
        assert self.grant["code"] in self.answer.content.decode()


def test_a_repeated_call_gets_the_same_answer_although_the_order_keeps_no_code() -> None:
    sale = Sale()
    again = sale.partner.post("redemptions", sale.body, key="redeem")
    assert (again.content, again["Idempotent-Replayed"]) == (sale.answer.content, "true")
    read = sale.partner.get(f"redemptions/{sale.answer.json()['id']}").json()
    shown = {item["code"] for item in read["decision"]["applied"] if "code" in item}
    assert shown == {"OPENWORD", "…" + sale.grant["code"][-4:]}
    assert Redemption.objects.get().basket["codes"] == ["…" + sale.grant["code"][-4:], "OPENWORD", "…1234"]
    assert Redemption.objects.get().decision["inapplicable"][0]["sent_code"] == "…1234"


def test_orders_that_kept_codes_in_clear_are_masked_and_still_explained() -> None:
    sale = Sale()
    held = sale.partner.post("reservations", {**sale.body, "codes": ["OPENWORD", "WRONGCODE1234"], "order": {"id": "2"}})
    assert held.status_code == 201, held.content
    masked = [Redemption.objects.get().decision, Redemption.objects.get().basket, Reservation.objects.get().decision]
    clear = [sale.answer.json()["decision"], {**masked[1], "codes": sale.body["codes"]}, held.json()["decision"]]
    Redemption.objects.update(decision=clear[0], basket=clear[1])
    Reservation.objects.update(decision=clear[2])
    for _time in ("first", "again"):
        with connection.schema_editor() as editor:
            migration("redemptions", "0013_mask_codes").mask(apps, editor)
        now = [Redemption.objects.get().decision, Redemption.objects.get().basket, Reservation.objects.get().decision]
        assert now == masked
    assert Redemption.objects.get().applied.get(grant__isnull=False).grant.public_id.hex == sale.grant["id"].replace("-", "")


def test_answers_that_were_kept_in_clear_are_sealed_and_replayed() -> None:
    sale = Sale()
    reply = IdempotentReply.objects.get(key="redeem")
    with connection.schema_editor() as editor:
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        editor.execute("ALTER TABLE integrations_idempotentreply ADD COLUMN body jsonb")
        editor.execute(
            "UPDATE integrations_idempotentreply SET body = %s::jsonb, sealed = NULL, mentions = '{}' WHERE id = %s",
            [sale.answer.content.decode(), reply.pk],
        )
        old = MigrationLoader(connection).project_state(("integrations", "0006_sealed_replies")).apps
        for _time in ("first", "again"):
            migration("incentives_site.integrations", "0007_seal_old_replies").seal(old, editor)
        editor.execute("SELECT body FROM integrations_idempotentreply WHERE body IS NOT NULL")
    again = sale.partner.post("redemptions", sale.body, key="redeem")
    assert (again.json(), again["Idempotent-Replayed"]) == (sale.answer.json(), "true")
    assert set(IdempotentReply.objects.get(key="redeem").mentions) == set(reply.mentions)


def test_a_key_of_seals_is_rotated_and_answers_stay_readable_while_the_old_one_is_a_fallback(settings: Any) -> None:
    sale = Sale()
    settings.SEALING_KEY = "a-new-key-of-at-least-thirty-two-characters"
    assert sale.partner.post("redemptions", sale.body, key="redeem").content == sale.answer.content
    settings.SEALING_KEY, settings.SEALING_KEY_FALLBACKS = "another-one-of-thirty-two-characters", [settings.SEALING_KEY]
    fresh = sale.partner.post("redemptions", {**sale.body, "codes": [], "order": {"id": "3"}}, key="fresh")
    assert fresh.status_code in {201, 409}


def test_an_answer_whose_key_is_gone_is_not_carried_out_twice(settings: Any) -> None:
    sale = Sale()
    IdempotentReply.objects.filter(key="redeem").update(sealed=b"sealed by nobody that is known")
    again = sale.partner.post("redemptions", sale.body, key="redeem")
    assert (again.status_code, again.json()["code"]) == (409, "reply-unreadable")
    assert Redemption.objects.count() == 1


def test_a_seal_that_was_copied_to_another_row_stays_shut() -> None:
    sale = Sale()
    sealed = IdempotentReply.objects.get(key="grant").sealed
    IdempotentReply.objects.filter(key="redeem").update(sealed=sealed)
    assert sale.partner.post("redemptions", sale.body, key="redeem").json()["code"] == "reply-unreadable"
    assert json.loads(sale.answer.content)["id"]


def test_after_resealing_the_old_key_can_be_forgotten(settings: Any, django_user_model: Any) -> None:
    sale = Sale()
    settings.SEALING_KEY = "the-first-key-of-at-least-thirty-two-characters"
    person = django_user_model.objects.create_user("ann@shop.example")
    Authenticator.objects.create(user=person, type="totp", data={"secret": SealedSecrets().encrypt("TOTPSECRET")})
    hook = sale.partner.post("webhooks", {"url": "https://93.184.215.14/", "types": ["grant.created"]}).json()["secret"]
    body = {**sale.body, "codes": ["OPENWORD"], "order": {"id": "9"}}
    sold = sale.partner.post("redemptions", body, key="nine")
    settings.SEALING_KEY, settings.SEALING_KEY_FALLBACKS = "the-second-key-of-thirty-two-characters", [settings.SEALING_KEY]
    for _time in ("first", "again"):
        said = io.StringIO()
        call_command("reseal", stdout=said)
        assert "no known key" not in said.getvalue()
    settings.SEALING_KEY_FALLBACKS = []
    assert sale.partner.post("redemptions", body, key="nine").content == sold.content
    assert SealedSecrets().decrypt(Authenticator.objects.get().data["secret"]) == "TOTPSECRET"
    opened = seals_of_webhooks.open_seal(WebhookSecret.objects.get().sealed)
    assert opened is not None
    assert signing.spell(opened) == hook
    code = Code.objects.get(grant__public_id=sale.grant["id"])
    assert sealing.open_seal(code.sealed) == sale.grant["code"]
    settings.SEALING_KEY = "a-third-key-that-opens-nothing-of-the-second"
    assert sealing.open_seal(code.sealed) == ""
    said = io.StringIO()
    call_command("reseal", stdout=said)
    assert "that no known key opens" in said.getvalue()


def test_every_sealed_field_is_sealed_again_or_said_to_keep_its_key() -> None:
    known = {f"{label}.{field}" for label, field, _purpose in reseal.SEALED} | reseal.KEPT
    fields = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, models.BinaryField) and "sealed" in field.name
    }
    assert fields == known
