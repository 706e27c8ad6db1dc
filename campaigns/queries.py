"""Reads: campaigns, audiences, wallets, and the incentives that ask to be applied to a basket."""

import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.core import signing
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers import queries as customer_queries
from customers.models import Customer
from customers.rules.conditions import ALWAYS, AUDIENCE_FACTS, Condition, parse
from incentives_site.shared.problems import NotFound

from . import sealing
from .models import Campaign, Claim, Code, Grant, GrantState, Incentive, Limit, LimitCounter, Measure, Per, StackGroup, Status
from .rules import codes as code_rules
from .rules.candidates import Candidate, LimitState, Reason, Standing, UnknownCode
from .rules.groups import Eligibility, Group, Pick
from .rules.language import conditions_of, effect_of


class CampaignUnknown(NotFound):
    code = "campaign-unknown"
    title = _("There is no such campaign")


class IncentiveUnknown(NotFound):
    code = "incentive-unknown"
    title = _("There is no such incentive")


class GrantUnknown(NotFound):
    code = "grant-unknown"
    title = _("There is no such grant")


class WalletUnknown(NotFound):
    code = "wallet-unknown"
    title = _("This link does not open a wallet")


def _uuid(text: object, refusal: type[NotFound]) -> uuid.UUID:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        raise refusal from None


def campaign_by_public_id(public_id: object) -> Campaign:
    """Raises ``CampaignUnknown``."""
    found = Campaign.objects.filter(public_id=_uuid(public_id, CampaignUnknown)).first()
    if found is None:
        raise CampaignUnknown
    return found


def incentive_by_public_id(public_id: object) -> Incentive:
    """The incentive and its campaign. Raises ``IncentiveUnknown``."""
    found = Incentive.objects.select_related("campaign").filter(public_id=_uuid(public_id, IncentiveUnknown)).first()
    if found is None:
        raise IncentiveUnknown
    return found


def grant_by_public_id(public_id: object) -> Grant:
    """Raises ``GrantUnknown``."""
    found = (
        Grant.objects.select_related("incentive__campaign", "customer", "channel")
        .filter(public_id=_uuid(public_id, GrantUnknown))
        .first()
    )
    if found is None:
        raise GrantUnknown
    return found


def campaigns(*, words: str = "", status: str = "", goal: str = "", channel: str = "") -> QuerySet[Campaign]:
    """Campaigns that match every filter given, running ones first, then the newest."""
    found = Campaign.objects.prefetch_related("channels").order_by("-launched_at", "-id")
    if words := words.strip().replace("\x00", "")[:200]:
        found = found.filter(
            Q(name__icontains=words) | Q(promise__icontains=words) | Q(incentives__name__icontains=words)
        ).distinct()
    if status in Status.values:
        found = found.filter(status=status)
    if goal:
        found = found.filter(goal=goal.replace("\x00", ""))
    if channel:
        found = found.filter(channels__key=channel.replace("\x00", ""))
    return found


def audience_condition(campaign: Campaign) -> Condition:
    return parse(campaign.audience, facts=AUDIENCE_FACTS, pointer="/audience")


def audience(campaign: Campaign) -> QuerySet[Customer]:
    """The customers whom the campaign is meant for, as they are now."""
    return customer_queries.matching(audience_condition(campaign))


def budget(campaign: Campaign) -> tuple[int, int] | None:
    """``(maximum, spent)`` of the campaign's budget in minor units, ``None`` without one."""
    limit = Limit.objects.filter(campaign=campaign, measure=Measure.DISCOUNT, per=Per.TOTAL).first()
    if limit is None:
        return None
    counter = LimitCounter.objects.filter(limit=limit, subject="").first()
    return limit.maximum, counter.used if counter else 0


def budgets(campaign_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """``(maximum, spent)`` of each of the campaigns that has a budget, by its id, in one query."""
    used = LimitCounter.objects.filter(limit=OuterRef("pk"), subject="").values("used")
    rows = Limit.objects.filter(campaign__in=campaign_ids, measure=Measure.DISCOUNT, per=Per.TOTAL)
    found = rows.annotate(spent=Coalesce(Subquery(used), 0)).values_list("campaign_id", "maximum", "spent")
    return {campaign_id: (maximum, spent) for campaign_id, maximum, spent in found}


def limits_of(incentive: Incentive) -> list[Limit]:
    return list(Limit.objects.filter(incentive=incentive).order_by("per"))


def code_text(code: Code) -> str:
    """The code as it is shown to those who may see it."""
    return sealing.open_seal(code.sealed)


def generic_code(incentive: Incentive) -> str:
    """The word that opens the incentive, empty when it has none."""
    code = Code.objects.filter(incentive=incentive, grant__isnull=True).first()
    return code_text(code) if code else ""


def generic_codes(incentive_ids: Sequence[int]) -> dict[int, str]:
    """The word that opens each of the incentives that has one, by its id, in one query."""
    found = Code.objects.filter(incentive__in=incentive_ids, grant__isnull=True)
    return {code.incentive_id: code_text(code) for code in found}


# --- Wallet -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WalletItem:
    """A grant as its holder sees it. ``state`` is what it is worth now: a held one whose time is over is expired."""

    grant: Grant
    code: str
    state: str

    @property
    def is_usable(self) -> bool:
        return self.state == GrantState.HELD


def wallet(customer: Customer, *, now: datetime.datetime, most: int = 200) -> list[WalletItem]:
    """What a customer holds and held, usable first, then the newest; two queries."""
    grants = (
        Grant.objects.filter(customer=customer)
        .select_related("incentive__campaign", "incentive__stack_group", "channel", "code")
        .prefetch_related("incentive__limits", "incentive__campaign__channels")
        .order_by("-granted_at", "-id")[: most * 5]
    )
    items = [WalletItem(grant, _text_of(grant), state_of(grant, now)) for grant in grants]
    items.sort(key=lambda item: not item.is_usable)
    return items[:most]


def _text_of(grant: Grant) -> str:
    return code_text(grant.code) if hasattr(grant, "code") else ""


def state_of(grant: Grant, now: datetime.datetime) -> str:
    """The grant's state at ``now``, whether or not the sweep has already written it down."""
    campaign = grant.incentive.campaign
    if grant.state != GrantState.HELD:
        return grant.state
    ends = [end for end in (grant.ends_at, campaign.ends_at) if end is not None]
    over = campaign.status == Status.ENDED or (ends and min(ends) <= now)
    return GrantState.EXPIRED if over else GrantState.HELD


WALLET_SALT = "campaigns.wallet"


def wallet_url(customer: Customer) -> str:
    """The full address of the customer's wallet page: whoever has it may see the wallet, so it is never logged."""
    token = signing.Signer(salt=WALLET_SALT).sign_object(str(customer.public_id))
    return settings.BASE_URL + reverse("wallet", args=[token])


def customer_of_wallet(token: str) -> Customer:
    """The customer whose wallet a signed link opens. Raises ``WalletUnknown`` for a forged or broken one."""
    try:
        return customer_queries.by_public_id(signing.Signer(salt=WALLET_SALT).unsign_object(token))
    except (signing.BadSignature, ValueError, customer_queries.CustomerUnknown):
        raise WalletUnknown(_("Ask for a new link where you got this one.")) from None


def grant_code(grant: Grant) -> str:
    """The code that proves this grant, empty when it has none."""
    code = Code.objects.filter(grant=grant).first()
    return code_text(code) if code else ""


# --- What asks to be applied --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """The rows behind a candidate, found again by ``Candidate.key``."""

    incentive: Incentive
    grant: Grant | None


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """Everything the stacking rule needs from the database. ``holder`` is whose grant was proved by a code, if anybody's."""

    candidates: tuple[Candidate, ...]
    unknown_codes: tuple[UnknownCode, ...]
    groups: dict[str, Group]
    sources: dict[str, Source]
    holder: Customer | None


_WITH_CAMPAIGN = ("incentive__campaign", "incentive__stack_group")


def candidates(*, customer: Customer | None, sent: Sequence[str], now: datetime.datetime) -> CandidateSet:
    """The incentives that ask to be applied: automatic ones that are live, the customer's wallet, and what the codes open.

    An incentive asks once: through the code that was sent, else through the grant that ends first. Without a customer, the
    holder of a grant whose code was sent is the customer. At most six queries, however many incentives are live.
    """
    by_digest = {sealing.digest(code): code.strip() for code in sent if code_rules.normalise(code)}
    found = {
        bytes(code.digest): code
        for code in Code.objects.filter(digest__in=list(by_digest)).select_related(
            *_WITH_CAMPAIGN, "grant__customer", "grant__incentive"
        )
    }
    unknown = [UnknownCode(text) for digest, text in by_digest.items() if digest not in found]
    unknown += [UnknownCode(code.strip()[:64]) for code in sent if not code_rules.normalise(code)]
    holders = {code.grant.customer_id: code.grant.customer for code in found.values() if code.grant}
    holder = next(iter(holders.values())) if len(holders) == 1 else None
    subject = customer or holder

    asking: dict[int, tuple[Incentive, Grant | None, str]] = {}
    for digest, code in found.items():
        asking[code.incentive_id] = (code.incentive, code.grant, by_digest[digest])
    if subject is not None:
        held = Grant.objects.filter(customer=subject, state=GrantState.HELD, incentive__campaign__status=Status.LIVE)
        for grant in held.select_related(*_WITH_CAMPAIGN).order_by("ends_at", "pk"):
            asking.setdefault(grant.incentive_id, (grant.incentive, grant, ""))
    automatic = Incentive.objects.filter(claim=Claim.AUTOMATIC, campaign__status=Status.LIVE)
    for incentive in automatic.select_related("campaign", "stack_group"):
        asking.setdefault(incentive.pk, (incentive, None, ""))

    channels = _channels({incentive.campaign_id for incentive, _grant, _code in asking.values()})
    limits = _limit_states([incentive for incentive, _grant, _code in asking.values()], subject)
    built = [
        _candidate(
            incentive, grant, code, subject, channels.get(incentive.campaign_id, frozenset()), limits[incentive.pk], position
        )
        for position, (incentive, grant, code) in enumerate(asking.values())
    ]
    return CandidateSet(
        candidates=tuple(built),
        unknown_codes=tuple(unknown),
        groups={row.key: group_of(row) for row in {i.stack_group for i, _grant, _code in asking.values()}},
        sources={str(incentive.public_id): Source(incentive, grant) for incentive, grant, _code in asking.values()},
        holder=holder,
    )


def group_of(row: StackGroup) -> Group:
    return Group(row.key, row.name, Eligibility(row.eligibility), row.rank, row.limit, Pick(row.pick))


def _candidate(
    incentive: Incentive,
    grant: Grant | None,
    code: str,
    subject: Customer | None,
    channels: frozenset[str],
    limits: tuple[LimitState, ...],
    position: int,
) -> Candidate:
    campaign = incentive.campaign
    standing = Standing(
        is_live=campaign.status == Status.LIVE,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        channels=channels,
        currency=campaign.currency,
        # Who was given a grant may use it, whatever has changed about them since.
        audience=ALWAYS if grant else audience_condition(campaign),
        limits=limits,
        time_zone=campaign.time_zone,
    )
    if grant is not None:
        ends = [end for end in (grant.ends_at, campaign.ends_at) if end is not None]
        starts = [start for start in (grant.starts_at, campaign.starts_at) if start is not None]
        refusal = _refusal_of(grant, subject)
        standing = replace(standing, starts_at=max(starts), ends_at=min(ends) if ends else None, refusal=refusal)
    elif incentive.claim == Claim.GRANT:
        # A code without a grant on a wallet incentive (imported batches): known, but nobody's.
        standing = replace(standing, refusal=Reason.NOT_HOLDER)
    return Candidate(
        key=str(incentive.public_id),
        name=incentive.name,
        group=incentive.stack_group.key,
        priority=incentive.priority,
        conditions=conditions_of(incentive.conditions),
        effect=effect_of(incentive.effect),
        standing=standing,
        code=code,
        grant=str(grant.public_id) if grant else "",
        position=position,
    )


def _refusal_of(grant: Grant, subject: Customer | None) -> Reason | None:
    if subject is None or subject.pk != grant.customer_id:
        return Reason.NOT_HOLDER
    return {
        GrantState.USED: Reason.CODE_USED,
        GrantState.RESERVED: Reason.CODE_USED,
        GrantState.EXPIRED: Reason.CODE_EXPIRED,
        GrantState.WITHDRAWN: Reason.NOT_LIVE,
    }.get(GrantState(grant.state))


def _channels(campaign_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """The channels in which each campaign's incentives can be redeemed."""
    rows = Campaign.objects.filter(pk__in=list(campaign_ids), channels__can_redeem=True, channels__is_active=True)
    found: dict[int, set[str]] = {}
    for campaign_id, key in rows.values_list("pk", "channels__key"):
        found.setdefault(campaign_id, set()).add(key)
    return {campaign_id: frozenset(keys) for campaign_id, keys in found.items()}


def _limit_states(incentives: Sequence[Incentive], subject: Customer | None) -> Mapping[int, tuple[LimitState, ...]]:
    """The limits that guard each incentive (its own and its campaign's), with what is used by ``subject``."""
    ids = [incentive.pk for incentive in incentives]
    campaign_ids = {incentive.campaign_id for incentive in incentives}
    who = str(subject.public_id) if subject else ""
    counters = Prefetch("counters", LimitCounter.objects.filter(subject__in={"", who}), to_attr="known")
    rows = list(
        Limit.objects.filter(Q(incentive__in=ids) | Q(campaign__in=campaign_ids)).prefetch_related(counters).order_by("pk")
    )
    states: dict[int, tuple[LimitState, ...]] = {}
    for incentive in incentives:
        mine = [row for row in rows if row.incentive_id == incentive.pk or row.campaign_id == incentive.campaign_id]
        states[incentive.pk] = tuple(_limit_state(row, who) for row in mine)
    return states


def _limit_state(row: Limit, who: str) -> LimitState:
    subject = who if row.per == Per.CUSTOMER else ""
    used = next((counter.used for counter in row.known if counter.subject == subject), 0)  # type: ignore[attr-defined]
    # Somebody unknown has no count of their own: a limit per customer cannot be kept for them, so nothing is left.
    if row.per == Per.CUSTOMER and not who:
        used = row.maximum
    return LimitState(row.pk, row.measure, row.per, row.maximum, used)
