"""The channels of the demonstration, and the stores of the files."""

from dataclasses import dataclass

from django.db import transaction

from customers.models import Channel, Store
from customers.rules.channels import ChannelKind

from . import files
from .progress import Report


@dataclass(frozen=True, slots=True)
class Place:
    key: str
    name: str
    kind: ChannelKind
    can_redeem: bool = True
    can_message: bool = False
    identity_kind: str = ""
    text_limit: int | None = None


PLACES = (
    Place("web", "Web shop", ChannelKind.WEB, identity_kind="account"),
    Place("app", "App", ChannelKind.APP, can_message=True, identity_kind="account", text_limit=178),
    Place("email", "E-mail", ChannelKind.EMAIL, can_redeem=False, can_message=True, identity_kind="email"),
    Place("store", "Stores", ChannelKind.STORE, identity_kind="loyalty_card"),
    Place("social", "Social media", ChannelKind.SOCIAL, can_redeem=False, can_message=True, text_limit=280),
    Place("call_centre", "Call centre", ChannelKind.CALL_CENTRE, identity_kind="phone"),
    Place("mail", "Letters", ChannelKind.MAIL, can_redeem=False, can_message=True, identity_kind="address"),
)
# Not in the files: a counter for trying things out, where the demonstration's store associate works.
DEMO_STORE = "high-street"
STORE_KEY_PREFIX = "store-"


def load_channels() -> dict[str, Channel]:
    """The channels by key; what an operator has changed in them stays."""
    with transaction.atomic():
        for place in PLACES:
            Channel.objects.get_or_create(
                key=place.key,
                defaults={
                    "name": place.name,
                    "kind": place.kind.value,
                    "can_redeem": place.can_redeem,
                    "can_message": place.can_message,
                    "identity_kind": place.identity_kind,
                    "text_limit": place.text_limit,
                },
            )
    return {channel.key: channel for channel in Channel.objects.all()}


def store_key(number: int) -> str:
    return f"{STORE_KEY_PREFIX}{number}"


def load_stores(channel: Channel, report: Report) -> None:
    if Store.objects.filter(channel=channel, key=DEMO_STORE).exists():
        return
    numbers: set[int] = set()
    for batch in files.batches("transactions", ["store_id"]):
        numbers.update(batch.column("store_id").unique().to_pylist())
    step = report.step("stores", len(numbers) + 1)
    stores = [Store(key=store_key(n), name=f"Store {n}", channel=channel, time_zone=files.ZONE_NAME) for n in sorted(numbers)]
    stores.append(Store(key=DEMO_STORE, name="High Street", channel=channel, time_zone=files.ZONE_NAME))
    with transaction.atomic():
        Store.objects.bulk_create(stores, ignore_conflicts=True)
    step(len(stores))
    step.finish()
