"""Reads: campaigns, audiences, wallets."""

import contextlib
import datetime
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Case, Min, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers import queries as customer_queries
from customers.models import Customer
from customers.rules.conditions import AUDIENCE_FACTS, Condition, parse
from incentives_site.shared.problems import NotFound

from .. import sealing
from ..models import (
    Campaign,
    Claim,
    Code,
    Grant,
    GrantState,
    Incentive,
    Limit,
    LimitCounter,
    LoyaltyProgramme,
    Measure,
    Per,
    StackGroup,
    Status,
    Tier,
)
from ..rules import limits as limit_rules
from ..rules.candidates import OnShort


class CampaignUnknown(NotFound):
    code = "campaign-unknown"
    title = _("There is no such campaign")


class IncentiveUnknown(NotFound):
    code = "incentive-unknown"
    title = _("There is no such incentive")


class GroupUnknown(NotFound):
    code = "group-unknown"
    title = _("There is no such stack group")


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


def campaigns_by_public_ids(public_ids: Sequence[str]) -> list[Campaign | None]:
    """The campaigns in the order of ``public_ids``; ``None`` where there is none."""
    known: dict[str, uuid.UUID] = {}
    for text in public_ids:
        with contextlib.suppress(ValueError):
            known[text] = uuid.UUID(text)
    found = {row.public_id: row for row in Campaign.objects.filter(public_id__in=known.values())}
    return [found.get(known[text]) if text in known else None for text in public_ids]


def incentives_of(campaigns: Sequence[Campaign]) -> QuerySet[Incentive]:
    """The incentives of the campaigns, whatever the campaigns' status, with campaign and stack group."""
    return Incentive.objects.filter(campaign__in=campaigns).select_related("campaign", "stack_group").order_by("pk")


def incentive_by_public_id(public_id: object) -> Incentive:
    """The incentive and its campaign. Raises ``IncentiveUnknown``."""
    found = Incentive.objects.select_related("campaign").filter(public_id=_uuid(public_id, IncentiveUnknown)).first()
    if found is None:
        raise IncentiveUnknown
    return found


MOST_GIVABLE = 500


def givable(campaign: Campaign, chosen: Iterable[str] = (), *, but: Incentive | None = None) -> list[Incentive]:
    """Incentives that could be given into a wallet, the campaign's own first; ``chosen`` (public ids) whatever became of them."""
    kept = {str(one) for one in chosen if _is_uuid(str(one))}
    found = Incentive.objects.filter(Q(claim=Claim.GRANT) & ~Q(campaign__status=Status.ENDED) | Q(public_id__in=kept))
    if but is not None:
        found = found.exclude(pk=but.pk)
    is_own = Case(When(campaign=campaign, then=0), default=1)
    return list(found.select_related("campaign").order_by(is_own, "campaign__name", "name", "pk")[:MOST_GIVABLE])


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def names_of_given(incentives: Iterable[Incentive]) -> dict[str, str]:
    """The names of what the incentives give into wallets, by public id; no query when they give nothing so."""
    ids = {str(award.get("incentive")) for row in incentives for award in row.awards if award.get("type") == "grant"}
    return names_of(ids)


def names_of(public_ids: Iterable[str]) -> dict[str, str]:
    """The names of incentives by public id."""
    ids = set(public_ids)
    if not ids:
        return {}
    return {
        str(public_id): name for public_id, name in Incentive.objects.filter(public_id__in=ids).values_list("public_id", "name")
    }


def group_by_key(key: str) -> StackGroup:
    """Raises ``GroupUnknown``."""
    found = StackGroup.objects.filter(key=key.replace("\x00", "")).first()
    if found is None:
        raise GroupUnknown
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


def addressed(campaign: Campaign) -> QuerySet[Customer]:
    """Those of the audience who have not opted out."""
    return customer_queries.who_may_be_addressed(audience(campaign))


def budget(campaign: Campaign) -> tuple[int, int] | None:
    """``(maximum, spent)`` of the campaign's budget in minor units, ``None`` without one."""
    limit = Limit.objects.filter(campaign=campaign, measure=Measure.DISCOUNT, per=Per.TOTAL).first()
    if limit is None:
        return None
    return limit.maximum, sum(LimitCounter.objects.filter(limit=limit).values_list("used", flat=True))


def budget_when_short(campaign: Campaign) -> str:
    """What happens when less is left of the budget than wanted: ``refuse`` or ``clip``."""
    limit = Limit.objects.filter(campaign=campaign, measure=Measure.DISCOUNT, per=Per.TOTAL).first()
    return limit.on_short if limit else OnShort.REFUSE.value


def budgets(campaign_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """``(maximum, spent)`` of each of the campaigns that has a budget, by its id, in one query."""
    # A limit in total may be counted in several slots.
    used = LimitCounter.objects.filter(limit=OuterRef("pk")).values("limit").annotate(sum=Sum("used")).values("sum")
    rows = Limit.objects.filter(campaign__in=campaign_ids, measure=Measure.DISCOUNT, per=Per.TOTAL)
    found = rows.annotate(spent=Coalesce(Subquery(used), 0)).values_list("campaign_id", "maximum", "spent")
    return {campaign_id: (maximum, spent) for campaign_id, maximum, spent in found}


def used_of(limit: Limit, customer: Customer | None) -> int | None:
    """What is used of a limit by all, or by the customer now; ``None`` when there is nobody to count for."""
    counters = LimitCounter.objects.filter(limit=limit)
    if limit.per == Per.TOTAL:
        return sum(counters.values_list("used", flat=True))
    today = timezone.now().date()
    who = str(customer.public_id) if customer else ""
    subject = limit_rules.subject_of(limit.per, customer=who, store="", today=today)
    return None if subject is None else sum(counters.filter(subject=subject).values_list("used", flat=True))


def limits_of(incentive: Incentive) -> list[Limit]:
    return list(Limit.objects.filter(incentive=incentive).order_by("per"))


def code_text(code: Code) -> str:
    """The code as it is shown to those who may see it."""
    return sealing.open_seal(code.sealed)


def generic_code(incentive: Incentive) -> str:
    """The word that opens the incentive, empty when it has none."""
    code = Code.objects.filter(incentive=incentive, grant__isnull=True, batch__isnull=True).first()
    return code_text(code) if code else ""


def secret_codes(texts: Collection[str]) -> set[str]:
    """Those of the texts that are the code of a grant or of a batch, however they are typed. One query."""
    digests = {text: sealing.digest(text) for text in texts}
    found = Code.objects.filter(digest__in=set(digests.values())).exclude(grant=None, batch=None).values_list("digest", flat=True)
    secret = {bytes(digest) for digest in found}
    return {text for text, digest in digests.items() if digest in secret}


def generic_codes(incentive_ids: Sequence[int]) -> dict[int, str]:
    """The word that opens each of the incentives that has one, by its id, in one query."""
    found = Code.objects.filter(incentive__in=incentive_ids, grant__isnull=True, batch__isnull=True)
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
    return settings.BASE_URL + reverse("wallet", args=[customer_queries.link_token(customer, salt=WALLET_SALT)])


def opened_wallet(token: str) -> customer_queries.Opened:
    """Whose wallet a signed link opens. Raises ``WalletUnknown`` for a forged or broken one."""
    try:
        return customer_queries.opened_by(token, salt=WALLET_SALT)
    except customer_queries.CustomerUnknown:
        raise WalletUnknown(_("Ask for a new link where you got this one.")) from None


def grant_code(grant: Grant) -> str:
    """The code that proves this grant, empty when it has none."""
    code = Code.objects.filter(grant=grant).first()
    return code_text(code) if code else ""


def active_programme() -> LoyaltyProgramme | None:
    """The loyalty programme that says what points are worth, if there is one."""
    return LoyaltyProgramme.objects.filter(is_active=True).first()


def tiers_of(programme: LoyaltyProgramme) -> list[Tier]:
    """The programme's tiers, lowest first, with their rewards; none where it counts nothing."""
    found = Tier.objects.filter(programme=programme).select_related("reward__campaign").order_by("threshold")
    return list(found) if programme.tiers_by else []


def earning_since() -> datetime.datetime | None:
    """When the first of the live incentives was launched that apply by themselves and only award; ``None`` without any."""
    found = Incentive.objects.filter(campaign__status=Status.LIVE, claim=Claim.AUTOMATIC, effect={}).exclude(awards=[])
    first: datetime.datetime | None = found.aggregate(first=Min("campaign__launched_at"))["first"]
    return first


def today_of(programme: LoyaltyProgramme | None, now: datetime.datetime) -> datetime.date:
    """The calendar day on which points end or do not: the programme's, without one UTC's."""
    return now.astimezone(ZoneInfo(programme.time_zone if programme else "UTC")).date()


def incentive_given(public_id: str) -> Incentive | None:
    """The incentive that an award gives, with its campaign; ``None`` when it is gone."""
    try:
        return Incentive.objects.select_related("campaign").filter(public_id=uuid.UUID(public_id)).first()
    except ValueError:
        return None
