"""Everything that is live, compiled once per version and kept in memory, indexed so that a quote looks only at what could match.

The version is a row that triggers renumber in the transaction of every change to what is promised (campaigns, incentives,
limits, groups, channels, finished batches of codes). A quote reads it in its own query; when it has moved, the catalogue is
compiled anew before anything is decided. So a pause stops everything in every process with the next quote.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from customers.models import Channel
from customers.rules.conditions import ALWAYS, AUDIENCE_FACTS, Branch, Condition, Leaf, Op, Quantifier, parse

from ..models import BatchState, Campaign, CatalogueVersion, Claim, CodeBatch, Incentive, Limit, StackGroup, Status
from ..rules.awards import open_to
from ..rules.basket import Basket
from ..rules.candidates import Candidate, Standing
from ..rules.codes import GRANT, Shape
from ..rules.groups import Base, Eligibility, Group, Pick, PickScope
from ..rules.language import conditions_of, promise_of
from ..rules.walking import target_of

# ("sku", …), ("category", …), ("customer", name, value): an incentive stands under one kind of key, or under none.
Key = tuple[object, ...]
MOST_SHAPES = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One incentive, compiled: the candidate it becomes (without limits and code), the limits that guard it, and its group."""

    incentive: Incentive
    candidate: Candidate
    limits: tuple[Limit, ...]
    group: Group


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is live. ``indexed`` and ``general`` hold the automatic ones, by channel; ``entries`` all, by incentive.

    ``channels`` are those that are active, by key: a channel that is switched off moves the version too.
    """

    version: int | None
    channels: Mapping[str, Channel]
    entries: Mapping[int, Entry]
    indexed: Mapping[str, Mapping[Key, list[Entry]]]
    general: Mapping[str, list[Entry]]
    facts: frozenset[str] = field(default=frozenset())
    # How codes look that were made here: of what is not live too, whose codes are refused with another reason.
    shapes: tuple[Shape, ...] = (GRANT,)

    def matching(self, basket: Basket, channel: str, customer: Mapping[str, object]) -> list[Entry]:
        """The automatic incentives of the channel that could have an effect on this basket for this customer."""
        found = list(self.general.get(channel, ()))
        index = self.indexed.get(channel)
        if index:
            seen: set[int] = set()
            for key in self._keys(basket, customer):
                for entry in index.get(key, ()):
                    if entry.incentive.pk not in seen:
                        seen.add(entry.incentive.pk)
                        found.append(entry)
        return found

    def _keys(self, basket: Basket, customer: Mapping[str, object]) -> Iterable[Key]:
        for line in basket.lines:
            yield ("sku", line.sku)
            for category in line.categories:
                yield ("category", category)
        for name in self.facts & customer.keys():
            value = customer[name]
            for item in value if isinstance(value, list | tuple) else (value,):
                if isinstance(item, str | int):
                    yield ("customer", name, type(item) is bool, item)


_lock = threading.Lock()
_kept: Catalogue | None = None


def kept() -> Catalogue | None:
    """The catalogue compiled last in this process, of whatever version; ``None`` at first."""
    return _kept


def current(version: int | None) -> Catalogue:
    """The catalogue of ``version``, as just read from the database; compiled when another one is kept."""
    global _kept  # one catalogue a process, replaced whole
    found = _kept
    if found is not None and version is not None and found.version == version:
        return found
    with _lock:
        found = _kept
        if found is None or version is None or found.version != version:
            found = _kept = _compile()
    return found


def version_now() -> int | None:
    """The number of the catalogue as it is in the database."""
    return CatalogueVersion.objects.values_list("number", flat=True).first()


def _compile() -> Catalogue:
    """Read all that is live; again when it changed meanwhile, so that no mixture of two versions is kept."""
    while True:
        before = version_now()
        channels = {channel.key: channel for channel in Channel.objects.filter(is_active=True)}
        entries = _entries()
        shapes = (GRANT, *_shapes())
        if version_now() == before:
            break
    indexed: dict[str, dict[Key, list[Entry]]] = {}
    general: dict[str, list[Entry]] = {}
    facts: set[str] = set()
    for entry in entries.values():
        if entry.incentive.claim != Claim.AUTOMATIC:
            continue
        keys = _keys_of(entry.candidate)
        facts |= {str(key[1]) for key in keys if key[0] == "customer"}
        for channel in entry.candidate.standing.channels or ():
            if keys:
                index = indexed.setdefault(channel, {})
                for key in keys:
                    index.setdefault(key, []).append(entry)
            else:
                general.setdefault(channel, []).append(entry)
    return Catalogue(before, channels, entries, indexed, general, frozenset(facts), shapes)


def _entries() -> dict[int, Entry]:
    live = Incentive.objects.filter(campaign__status=Status.LIVE).order_by("pk")
    return {entry.incentive.pk: entry for entry in compiled(live.select_related("campaign", "stack_group"))}


def _shapes() -> list[Shape]:
    """Of batches that are done, each once; the newest when there are very many."""
    rows = CodeBatch.objects.filter(state=BatchState.DONE, is_imported=False).exclude(incentive__campaign__status=Status.ENDED)
    newest = rows.order_by("-pk").values_list("pattern", "alphabet", "has_check")[: MOST_SHAPES * 10]
    return [Shape(*row) for row in dict.fromkeys(newest)][:MOST_SHAPES]


def compiled(incentives: Iterable[Incentive]) -> list[Entry]:
    """The incentives as candidates: three queries however many they are. Their campaign and stack group must be selected."""
    rows = list(incentives)
    if not rows:
        return []
    campaigns = {row.campaign_id for row in rows}
    channels = _channels(campaigns)
    by_incentive: dict[int, list[Limit]] = {}
    by_campaign: dict[int, list[Limit]] = {}
    for limit in Limit.objects.filter(incentive__in=[row.pk for row in rows]).order_by("pk"):
        by_incentive.setdefault(limit.incentive_id or 0, []).append(limit)
    for limit in Limit.objects.filter(campaign__in=campaigns).order_by("pk"):
        by_campaign.setdefault(limit.campaign_id or 0, []).append(limit)
    return [
        Entry(
            row,
            _candidate(row, channels.get(row.campaign_id, frozenset())),
            (*by_incentive.get(row.pk, ()), *by_campaign.get(row.campaign_id, ())),
            group_of(row.stack_group),
        )
        for row in rows
    ]


def _candidate(incentive: Incentive, channels: frozenset[str]) -> Candidate:
    campaign = incentive.campaign
    effect, awards = promise_of(incentive.effect, incentive.awards)
    return Candidate(
        key=str(incentive.public_id),
        name=incentive.name,
        group=incentive.stack_group.key,
        priority=incentive.priority,
        conditions=conditions_of(incentive.conditions),
        effect=effect,
        awards=awards,
        standing=Standing(
            is_live=campaign.status == Status.LIVE,
            starts_at=campaign.starts_at,
            ends_at=campaign.ends_at,
            channels=channels,
            # Amounts by currency open it to those currencies: the rule asks each whether it is served.
            currency=campaign.currency if open_to(effect, awards) is None else None,
            audience=parse(campaign.audience, facts=AUDIENCE_FACTS, pointer="/audience"),
            time_zone=campaign.time_zone,
        ),
    )


def _channels(campaign_ids: set[int]) -> dict[int, frozenset[str]]:
    """The channels in which each campaign's incentives can be redeemed."""
    usable = dict(Channel.objects.filter(can_redeem=True, is_active=True).values_list("pk", "key"))
    found: dict[int, set[str]] = {}
    links = Campaign.channels.through.objects.filter(campaign_id__in=campaign_ids)
    for campaign_id, channel_id in links.values_list("campaign_id", "channel_id"):
        if channel_id in usable:
            found.setdefault(campaign_id, set()).add(usable[channel_id])
    return {campaign_id: frozenset(keys) for campaign_id, keys in found.items()}


def group_of(row: StackGroup) -> Group:
    return Group(
        row.key,
        row.name,
        Eligibility(row.eligibility),
        row.rank,
        row.limit,
        Pick(row.pick),
        PickScope(row.scope),
        Base(row.base) if row.base else None,
        row.consume_without_effect,
    )


def _keys_of(candidate: Candidate) -> list[Key]:
    """Keys of which at least one must be found for the incentive to have any effect; none when it could always have one."""
    target = target_of(candidate.effect)
    if target is not None and target.scope != "shipping":
        if target.include.skus:
            return [("sku", sku) for sku in target.include.skus]
        if target.include.categories:
            return [("category", category) for category in target.include.categories]
    for leaf in (*_required(candidate.standing.audience), *_required(candidate.conditions)):
        if keys := _keys_of_leaf(leaf):
            return keys
    return []


def _required(condition: Condition) -> list[Leaf]:
    """The leaves without which the condition cannot hold."""
    if isinstance(condition, Leaf):
        return [condition]
    if condition is ALWAYS or not isinstance(condition, Branch) or condition.quantifier is not Quantifier.ALL:
        return []
    return [leaf for item in condition.items for leaf in _required(item)]


def _keys_of_leaf(leaf: Leaf) -> list[Key]:
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if leaf.fact in {"basket.skus", "basket.categories"} and leaf.op in {Op.HAS, Op.HAS_ANY}:
        return [("sku" if leaf.fact == "basket.skus" else "category", value) for value in values]
    asks_for_one = leaf.fact.startswith("customer.") and leaf.op in {Op.EQ, Op.IN, Op.HAS, Op.HAS_ANY}
    if asks_for_one and all(isinstance(value, str) for value in values):
        return [("customer", leaf.fact.removeprefix("customer."), False, value) for value in values]
    return []
