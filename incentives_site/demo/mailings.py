"""Campaigns of the files → campaigns, their coupons → incentives, targeted households → targeted customers and grants."""

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from campaigns.models import Campaign, Claim, Goal, Grant, GrantState, Incentive, StackGroup, Status, TargetedCustomer
from campaigns.rules.groups import DEFAULT_GROUP
from customers.models import Channel, Event
from customers.rules.timeline import EventType
from incentives_site.shared.copying import copy_rows, reserve_ids

from . import files
from .households import customer_ids, public_id
from .progress import Report

# Households of a type A mailing got a choice of its coupons made by their purchases. Which, the files do not say.
PERSONALISED = "A"
OCCASION = "mailing"
PROMISES = {
    "A": "Coupons by mail, chosen for each household from its purchases. The data do not say who was sent which.",
    "B": "Coupons by mail: every addressed household was sent all of them.",
    "C": "Coupons by mail: every addressed household was sent all of them.",
}
ORIGIN = "From Complete Journey: simulated on real shopping patterns. What a coupon is worth was not recorded."


@dataclass(frozen=True, slots=True)
class Mailing:
    """A campaign of the files; ``ends_on`` is its last day."""

    number: int
    kind: str
    starts_on: dt.date
    ends_on: dt.date

    @property
    def starts_at(self) -> dt.datetime:
        return files.midnight(self.starts_on)

    @property
    def ends_at(self) -> dt.datetime:
        return files.midnight(self.ends_on + dt.timedelta(days=1))

    @property
    def is_personalised(self) -> bool:
        return self.kind == PERSONALISED


@dataclass(frozen=True, slots=True)
class CouponUse:
    """A row of the coupon redemptions. ``row`` is its place in the file, ``nth`` counts the uses of one coupon of one mailing
    by one household, by date and then by row, from 1."""

    row: int
    household: int
    upc: int
    mailing: int
    date: dt.date
    nth: int


FirstUse = tuple[int, int, int]  # household, coupon, mailing


def mailings() -> dict[int, Mailing]:
    columns = ["campaign_id", "campaign_type", "start_date", "end_date"]
    return {
        number: Mailing(number, kind.removeprefix("Type "), start.date(), end.date())
        for number, kind, start, end in files.rows("campaign_descriptions", columns)
    }


def coupons() -> dict[int, dict[int, list[int]]]:
    """Mailing → coupon → the products it is for, sorted, each once."""
    found: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for upc, product, mailing in files.rows("coupons", ["coupon_upc", "product_id", "campaign_id"]):
        found[mailing][upc].add(product)
    return {mailing: {upc: sorted(found[mailing][upc]) for upc in sorted(found[mailing])} for mailing in found}


def addressed() -> dict[int, list[int]]:
    """Mailing → the households it was sent to."""
    found: dict[int, list[int]] = defaultdict(list)
    for mailing, household in files.rows("campaigns", ["campaign_id", "household_id"]):
        found[mailing].append(household)
    return found


def coupon_uses() -> list[CouponUse]:
    """The coupon redemptions by date, then as the file has them."""
    columns = ["redemption_date", "household_id", "coupon_upc", "campaign_id"]
    counted: Counter[tuple[int, int, int]] = Counter()
    uses = []
    numbered = (
        (when.date(), row, household, upc, mailing)
        for row, (when, household, upc, mailing) in enumerate(files.rows("coupon_redemptions", columns))
    )
    for date, row, household, upc, mailing in sorted(numbered):
        counted[household, upc, mailing] += 1
        uses.append(CouponUse(row, household, upc, mailing, date, counted[household, upc, mailing]))
    return uses


def are_loaded() -> bool:
    return Campaign.objects.filter(source=files.SOURCE).exists()


def load(
    offered: dict[int, dict[int, list[int]]],
    used_at: dict[FirstUse, dt.datetime],
    channels: dict[str, Channel],
    now: dt.datetime,
    report: Report,
) -> None:
    """In the caller's transaction, with the redemptions that made some of the grants used. The customers must be there.

    ``offered`` is ``coupons()``; ``used_at`` says when a coupon was used first.
    """
    known, sent_to, households = mailings(), addressed(), customer_ids()
    categories = dict(files.rows("products", ["product_id", "product_category"]))
    group = StackGroup.objects.get(key=DEFAULT_GROUP.key)
    campaigns = _campaigns(known, channels)
    incentives = _incentives(known, campaigns, offered, categories, group, now, report)
    _targeted(known, campaigns, sent_to, households, report)
    _grants(known, incentives, offered, sent_to, households, used_at, channels, report)
    _events(known, campaigns, offered, sent_to, households, channels, now)


def _campaigns(known: dict[int, Mailing], channels: dict[str, Channel]) -> dict[int, Campaign]:
    made = Campaign.objects.bulk_create(
        Campaign(
            public_id=public_id("campaign", mailing.number),
            name=f"Coupon mailing {mailing.number} (type {mailing.kind})",
            promise=f"{PROMISES[mailing.kind]} {ORIGIN}",
            goal=Goal.SALES,
            status=Status.ENDED,
            starts_at=mailing.starts_at,
            ends_at=mailing.ends_at,
            time_zone=files.ZONE_NAME,
            currency=files.CURRENCY,
            grants_are_recorded=not mailing.is_personalised,
            launched_at=mailing.starts_at,
            ended_at=mailing.ends_at,
            source=files.SOURCE,
            source_key=str(mailing.number),
        )
        for mailing in sorted(known.values(), key=lambda mailing: (mailing.starts_on, mailing.number))
    )
    through = Campaign.channels.through
    through.objects.bulk_create(
        through(campaign_id=campaign.pk, channel_id=channels[key].pk) for campaign in made for key in ("mail", "store")
    )
    return {int(campaign.source_key): campaign for campaign in made}


def _incentives(
    known: dict[int, Mailing],
    campaigns: dict[int, Campaign],
    offered: dict[int, dict[int, list[int]]],
    categories: dict[int, str | None],
    group: StackGroup,
    now: dt.datetime,
    report: Report,
) -> dict[tuple[int, int], int]:
    pairs = [(mailing, upc) for mailing in sorted(offered) for upc in offered[mailing]]
    ids = dict(zip(pairs, reserve_ids(Incentive, len(pairs)), strict=True))
    step = report.step("incentives", len(pairs))
    terms = ["effect", "awards", "sentences", "stack_group", "priority"]
    fields = ["id", "public_id", "campaign", "key", "name", "claim", *terms, "created_at"]

    def rows() -> Iterator[tuple[Any, ...]]:
        for (mailing, upc), id_ in ids.items():
            products = offered[mailing][upc]
            skus = [str(product) for product in products]
            # "recorded": the source says that the coupon was used, never what it promised.
            effect = {"type": "recorded", "target": {"scope": "lines", "include": {"skus": skus}}}
            claim = Claim.CODE if known[mailing].is_personalised else Claim.GRANT
            yield (
                id_,
                public_id("incentive", mailing, upc),
                campaigns[mailing].pk,
                f"upc-{upc}",
                f"Coupon {upc}: {_commonest(products, categories)}",
                claim.value,
                json.dumps(effect),
                "[]",
                "{}",
                group.pk,
                0,
                now,
            )

    copy_rows(Incentive, fields, rows(), progress=step)
    step.finish()
    return ids


def _commonest(products: list[int], categories: dict[int, str | None]) -> str:
    """The category most of the products are of; of several, the first by name."""
    counted = Counter(category for product in products if (category := categories.get(product)))
    return min(counted, key=lambda category: (-counted[category], category)) if counted else "several products"


def _targeted(
    known: dict[int, Mailing],
    campaigns: dict[int, Campaign],
    sent_to: dict[int, list[int]],
    households: dict[int, int],
    report: Report,
) -> None:
    step = report.step("targeted customers", sum(map(len, sent_to.values())))
    copy_rows(
        TargetedCustomer,
        ["campaign", "customer", "targeted_at"],
        (
            (campaigns[mailing].pk, households[household], known[mailing].starts_at)
            for mailing in sorted(sent_to)
            for household in sent_to[mailing]
        ),
        progress=step,
    )
    step.finish()


def _grants(
    known: dict[int, Mailing],
    incentives: dict[tuple[int, int], int],
    offered: dict[int, dict[int, list[int]]],
    sent_to: dict[int, list[int]],
    households: dict[int, int],
    used_at: dict[FirstUse, dt.datetime],
    channels: dict[str, Channel],
    report: Report,
) -> None:
    """One for each coupon of each household of type B and C mailings: used when the files say so, else expired by now."""
    general = [mailing for mailing in sorted(sent_to) if not known[mailing].is_personalised]
    step = report.step("grants", sum(len(sent_to[mailing]) * len(offered[mailing]) for mailing in general))
    fields = ["public_id", "customer", "incentive", "channel", "occasion", "reason", "state"]
    fields += ["starts_at", "ends_at", "granted_at", "used_at"]

    def rows() -> Iterator[tuple[Any, ...]]:
        for mailing in general:
            starts_at, ends_at = known[mailing].starts_at, known[mailing].ends_at
            for household in sent_to[mailing]:
                for upc in offered[mailing]:
                    used = used_at.get((household, upc, mailing))
                    yield (
                        public_id("grant", household, upc, mailing),
                        households[household],
                        incentives[mailing, upc],
                        channels["mail"].pk,
                        OCCASION,
                        "campaign",
                        (GrantState.USED if used else GrantState.EXPIRED).value,
                        starts_at,
                        ends_at,
                        starts_at,
                        used,
                    )

    copy_rows(Grant, fields, rows(), progress=step)
    step.finish()


def midday(date: dt.date) -> dt.datetime:
    """Stands for a date whose hour is not known."""
    return dt.datetime.combine(date, dt.time(12), files.ZONE)


def _events(
    known: dict[int, Mailing],
    campaigns: dict[int, Campaign],
    offered: dict[int, dict[int, list[int]]],
    sent_to: dict[int, list[int]],
    households: dict[int, int],
    channels: dict[str, Channel],
    now: dt.datetime,
) -> None:
    """A mailing is one moment on a household's timeline, however many coupons it held."""
    fields = ["public_id", "customer", "type", "name", "channel", "occurred_at", "received_at", "source", "message_id"]
    fields += ["properties"]

    def rows() -> Iterator[tuple[Any, ...]]:
        for mailing in sorted(sent_to):
            if known[mailing].is_personalised:
                continue
            campaign = campaigns[mailing]
            properties = json.dumps({"campaign": campaign.name, "incentives": len(offered[mailing]), "reason": "campaign"})
            for household in sent_to[mailing]:
                message_id = f"granted:{mailing}:{household}"
                yield (
                    public_id("event", message_id),
                    households[household],
                    EventType.GRANTED.value,
                    campaign.name,
                    channels["mail"].pk,
                    known[mailing].starts_at,
                    now,
                    files.SOURCE,
                    message_id,
                    properties,
                )

    copy_rows(Event, fields, rows())
