"""``manage.py reseal``: what earlier keys sealed is sealed again with the present one, so that the earlier can be forgotten."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Model

from campaigns import sealing as codes
from customers.models import SOURCE_KEYS
from incentives_site.accounts import second_factors
from incentives_site.integrations import sealing as integrations
from incentives_site.integrations.models import IdempotentReply
from incentives_site.shared import sealing

AT_ONCE = 1_000
# Model, its sealed field, and what its seals are made for. A test fails for a sealed field that stands neither here nor in KEPT.
SEALED = [
    ("integrations.WebhookSecret", "sealed", integrations.SECRETS),
    ("campaigns.Code", "sealed", codes.SEAL),
    ("redemptions.GiftCard", "sealed", codes.SEAL),
    ("redemptions.ContestDraw", "sealed", codes.SEAL),
    ("customers.Source", "write_key_sealed", SOURCE_KEYS),
    ("customers.Source", "token_secret_sealed", SOURCE_KEYS),
]
# Sealed in other ways: by keys of their own that live as long as a wave or a pair, and never change.
KEPT = {
    "surveys.Ballot.sealed", "surveys.Wave.sealed_key", "surveys.MeetingNote.sealed",
    "integrations.IdempotentReply.sealed",  # below, since its seals are bound to their rows
}  # fmt: skip


class Command(BaseCommand):
    help = "Seals again, with the present SEALING_KEY, what earlier keys have sealed. Safe to run twice, and while all runs."

    def handle(self, *args: Any, **options: Any) -> None:
        for label, field, purpose in SEALED:
            model = apps.get_model(label)
            rows = model._default_manager.exclude(**{field: b""})
            if label == "campaigns.Code":
                rows = rows.filter(batch=None)  # codes of batches are sealed by CODES_KEY and their batch
            self._say(label, *_all(rows, partial(_field, field, purpose)))
        self._say("integrations.IdempotentReply", *_all(IdempotentReply.objects.exclude(sealed=None), _reply))
        self._say("mfa.Authenticator", *_all(Authenticator.objects.exclude(type="webauthn"), _second_factor))

    def _say(self, label: str, done: int, lost: int) -> None:
        self.stdout.write(f"{label}: {done} sealed again" + (f", {lost} that no known key opens" if lost else ""))


def _all(rows: Any, again: Callable[[Any], bool]) -> tuple[int, int]:
    """How many rows were sealed again, and how many no known key opens."""
    counts = [0, 0]
    for row in _each(rows):
        counts[not again(row)] += 1
    return counts[0], counts[1]


def _each(rows: Any) -> Iterator[Model]:
    """Every row, locked while it is changed, some at a time so that nothing is locked for long."""
    last = 0
    while True:
        with transaction.atomic():
            found = list(rows.filter(pk__gt=last).order_by("pk").select_for_update(of=("self",))[:AT_ONCE])
            yield from found
        if len(found) < AT_ONCE:
            return
        last = found[-1].pk


def _field(field: str, purpose: str, row: Any) -> bool:
    sealed = sealing.sealed_again(purpose, getattr(row, field))
    if sealed is not None:
        type(row)._default_manager.filter(pk=row.pk).update(**{field: sealed})
    return sealed is not None


def _reply(row: IdempotentReply) -> bool:
    text = integrations.open_reply(row.partner_id, row.key, row.sealed or b"")
    if text is not None:
        IdempotentReply.objects.filter(pk=row.pk).update(sealed=integrations.seal_reply(row.partner_id, row.key, text))
    return text is not None


def _second_factor(row: Authenticator) -> bool:
    changed: dict[str, Any] = {}
    for name in ("secret", "seed"):
        if name in row.data:
            sealed = sealing.sealed_again(second_factors.PURPOSE, row.data[name].encode())
            if sealed is None:
                return False
            changed[name] = sealed.decode()
    Authenticator.objects.filter(pk=row.pk).update(data={**row.data, **changed})
    return True
