"""Take goods back: some units or everything. Money, stored value, points, uses and grants go where they came from.

``rules.returning`` decides what is given back; here it is written, in one transaction. The order is locked first; grants, codes,
accounts and counters follow as they do in redeeming.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import queries as campaign_queries
from campaigns.models import Grant, GrantState
from campaigns.operations import Demand, decide, give_back_codes, give_back_grants, restore, withdraw
from campaigns.rules.awards import AwardType
from campaigns.rules.basket import Basket, Line, Shipping
from campaigns.rules.candidates import Candidate, Standing
from campaigns.rules.facts import Surroundings
from campaigns.rules.language import conditions_of, promise_of, stack_group_of
from campaigns.rules.loyalty import OnBrokenReturn, TakeBack
from campaigns.rules.matching import Matcher
from campaigns.rules.walking import target_of
from campaigns.rules.work import MOST_STEPS
from customers.operations import track
from customers.rules.timeline import EventType
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import (
    Access,
    AppliedIncentive,
    Entry,
    Lot,
    Posting,
    PostingKind,
    Redemption,
    RedemptionLine,
    Return,
    ReturnLine,
    Tender,
)
from ..queries import earned_as_purchase, order_lines
from ..rules import returning
from ..rules.returning import Benefit, LineState, Plan
from ._announce import announce_returned
from ._ledger import PARTIES, lock_accounts_of, other_side, post, refund, take_back, today_of_the_programme


class AlreadyReturned(Problem):
    code = "already-returned"
    title = gettext_lazy("This redemption was returned before")
    kind = Kind.CONFLICT


class RecordedElsewhere(Problem):
    code = "recorded-elsewhere"
    title = gettext_lazy("This redemption was made in another system")
    kind = Kind.CONFLICT


class ReturnChanged(Problem):
    code = "return-changed"
    title = gettext_lazy("What would be paid back has changed")
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class ReturnPreview:
    """What a return would do. ``amount`` (money), ``stored_value`` and ``effects`` are as its ``Return`` would say."""

    amount: int
    stored_value: int
    effects: Mapping[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """As JSON-able data (``docs/api.md``)."""
        return {"amount": self.amount, "stored_value": self.stored_value, "effects": dict(self.effects)}


@dataclass(frozen=True, slots=True)
class _Refund:
    """What goes back to one tender: ``amount`` of what it paid, in its own ``units``; ``shares`` are left of it afterwards."""

    tender: Tender
    amount: int
    units: int
    shares: Mapping[str, int]

    @property
    def data(self) -> dict[str, Any]:
        return {"type": self.tender.kind, "amount": self.amount, "units": self.units}


@dataclass(frozen=True, slots=True)
class _AwardBack:
    """What of one booked award is no longer earned, before the programme's policy says how far it is taken back."""

    row: AppliedIncentive
    number: int
    type: str
    entry: Entry
    amount: int

    def data(self, taken: int) -> dict[str, Any]:
        return {"type": self.type, "units": taken, "incentive": str(self.row.incentive.public_id)}


@dataclass(frozen=True, slots=True)
class _Settlement:
    """Everything that a return does, decided before anything is written."""

    applied: Sequence[AppliedIncentive]
    plan: Plan
    shipping: int
    stored_shipping: int
    refunds: Sequence[_Refund]
    awards: Sequence[_AwardBack]
    done: Sequence[AppliedIncentive]
    everything: bool
    has_ended: bool

    @property
    def amount(self) -> int:
        return self.plan.amount + self.shipping

    @property
    def stored_value(self) -> int:
        return sum(line.stored_value for line in self.plan.lines) + self.stored_shipping

    @property
    def restorable(self) -> list[AppliedIncentive]:
        return [row for row in self.done if row.campaign.restores_on_return]

    def effects(self, taken: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {
            "stored_value": [refund.data for refund in self.refunds],
            "taken_back": list(taken),
            "broken": [
                {
                    "incentive": item.key,
                    "kept": item.kept,
                    "clawed_back": sum(item.clawed.values()),
                    "not_recovered": item.not_recovered,
                }
                for item in self.plan.broken
            ],
            "restored": [str(row.incentive.public_id) for row in self.restorable],
        }


def give_back(
    *,
    redemption: Redemption,
    by: str,
    now: datetime.datetime,
    reason: str = "",
    units: Mapping[str, int] | None = None,
    expected_amount: int | None = None,
) -> Return:
    """Take back ``units`` (how many of which line), or everything that is left, with its shipping, when none are named.

    ``expected_amount`` (minor units) is the money the customer was told. Raises ``AlreadyReturned`` when nothing is left,
    ``Invalid`` for a line that is not there or more units than are left, ``RecordedElsewhere`` when another system made the
    redemption, and ``ReturnChanged`` (with the new figures) when another amount would be paid back than was expected.
    """
    with transaction.atomic():
        locked = Redemption.objects.select_for_update(of=("self",)).select_related("customer", "channel").get(pk=redemption.pk)
        _check_returnable(locked)
        rows = _saved_lines(locked)
        settlement = _decide(locked, rows, units)
        if expected_amount not in (None, settlement.amount):
            figures = ReturnPreview(settlement.amount, settlement.stored_value, settlement.effects(_foreseen(settlement)))
            raise ReturnChanged(_("Look at the new amounts before you go on."), extras={"preview": figures.data})
        given = _write(locked, rows, settlement, by=by, now=now, reason=reason)
    redemption.returned_at = locked.returned_at
    return given


def preview_return(*, redemption: Redemption, units: Mapping[str, int] | None = None) -> ReturnPreview:
    """What ``give_back`` of the same ``units`` would do now; raises what it raises. Writes nothing and locks nothing."""
    _check_returnable(redemption)
    settlement = _decide(redemption, order_lines(redemption), units)
    return ReturnPreview(settlement.amount, settlement.stored_value, settlement.effects(_foreseen(settlement)))


def _check_returnable(redemption: Redemption) -> None:
    if redemption.basket.get("recorded"):
        raise RecordedElsewhere(_("Return it where it was made."))
    if redemption.returned_at is not None:
        raise AlreadyReturned(_("Nothing of it is left to return."))


def _check(states: Sequence[LineState], wanted: Mapping[str, int], *, is_everything: bool) -> None:
    known = {state.id: state for state in states}
    errors = []
    for position, (line, units) in enumerate(wanted.items()):
        if line not in known:
            errors.append(FieldError(f"/lines/{position}/line", "line-unknown", _("There is no such line in this order.")))
        elif not 1 <= units <= known[line].left:
            text = _("Only %(left)s of it can still be returned.") % {"left": known[line].left}
            errors.append(FieldError(f"/lines/{position}/quantity", "more-than-bought", text))
    if not wanted and not is_everything:
        errors.append(FieldError("/lines", "empty-list", _("Say what is returned.")))
    if errors:
        raise Invalid(errors=errors)


def _decide(redemption: Redemption, rows: Sequence[RedemptionLine], units: Mapping[str, int] | None) -> _Settlement:
    """What is paid back, where stored value goes, what is no longer earned, and which incentives are over. Only reads."""
    states = _states(redemption, rows)
    everything = units is None
    wanted = {state.id: state.left for state in states if state.left} if units is None else dict(units)
    _check(states, wanted, is_everything=everything)
    applied = list(
        AppliedIncentive.objects.filter(redemption=redemption, returned_at__isnull=True)
        .select_related("campaign", "incentive")
        .order_by("position")
    )
    after = {state.id: (state.returned + wanted.get(state.id, 0), state.quantity) for state in states}
    is_empty = all(returned == quantity for returned, quantity in after.values())
    benefits = _benefits(redemption, applied, after, is_empty=is_empty)
    plan = returning.plan(states, wanted, benefits)
    shipping, stored_shipping = _shipping(redemption) if everything else (0, {})
    has_ended = everything or (is_empty and not _has_shipping(redemption))
    done = _over(redemption, applied, plan, after, has_ended=has_ended, is_empty=is_empty)
    lapsed = {benefit.key for benefit in benefits if not benefit.still_applies}
    return _Settlement(
        applied=applied,
        plan=plan,
        shipping=shipping,
        stored_shipping=sum(stored_shipping.values()),
        refunds=_refunds(redemption, plan, stored_shipping),
        awards=_awards_back(redemption, applied, done, lapsed, after) if redemption.customer_id else [],
        done=done,
        everything=everything,
        has_ended=has_ended,
    )


def _write(
    redemption: Redemption,
    rows: Sequence[RedemptionLine],
    settlement: _Settlement,
    *,
    by: str,
    now: datetime.datetime,
    reason: str,
) -> Return:
    given = Return.objects.create(
        redemption=redemption,
        amount=settlement.amount,
        stored_value=settlement.stored_value,
        everything=settlement.everything,
        reason=reason[:200],
        actor=by,
        returned_at=now,
    )
    _write_lines(given, rows, settlement.plan)
    if settlement.has_ended:
        redemption.returned_at = now
        Redemption.objects.filter(pk=redemption.pk).update(returned_at=now)
    effects = settlement.effects(_settle(redemption, given, settlement, by, now))
    Return.objects.filter(pk=given.pk).update(effects=effects)
    given.effects = effects
    _tell_timeline(redemption, given, now)
    announce_returned(given, redemption)
    return given


# --- What was bought ------------------------------------------------------------------------------------------------------


def _saved_lines(redemption: Redemption) -> list[RedemptionLine]:
    """The order's lines; those of an order that is older than their table are written first."""
    rows = order_lines(redemption)
    if any(row.pk is None for row in rows):
        RedemptionLine.objects.bulk_create(rows)
    return rows


def _states(redemption: Redemption, rows: Sequence[RedemptionLine]) -> list[LineState]:
    back = ReturnLine.objects.filter(line__redemption=redemption)
    sums = back.values("line").annotate(Sum("discount"), Sum("stored_value"), Sum("payable"))
    given: dict[int | None, Any] = {row["line"]: row for row in sums}
    nothing = {"discount__sum": 0, "stored_value__sum": 0, "payable__sum": 0}
    return [
        LineState(
            row.line,
            row.quantity,
            row.returned,
            row.discount,
            row.stored_value,
            row.payable,
            *(given.get(row.pk, nothing)[f"{name}__sum"] for name in ("discount", "stored_value", "payable")),
        )
        for row in rows
    ]


def _write_lines(given: Return, rows: Sequence[RedemptionLine], plan: Plan) -> None:
    by_line = {row.line: row for row in rows}
    for item in plan.lines:
        RedemptionLine.objects.filter(pk=by_line[item.line].pk).update(returned=F("returned") + item.units)
    ReturnLine.objects.bulk_create(
        ReturnLine(
            goods_return=given,
            line=by_line[item.line],
            quantity=item.units,
            discount=item.discount,
            stored_value=item.stored_value,
            payable=item.payable,
        )
        for item in plan.lines
    )
    for broken in plan.broken:
        for line, amount in broken.clawed.items():
            # What is clawed back is paid for the units that are kept, and comes back with them.
            RedemptionLine.objects.filter(pk=by_line[line].pk).update(
                discount=F("discount") - amount, payable=F("payable") + amount
            )


def _has_shipping(redemption: Redemption) -> bool:
    return any(method["payable"] or method.get("stored_value") for method in redemption.decision.get("shipping", []))


def _shipping(redemption: Redemption) -> tuple[int, dict[str, int]]:
    """The money that was paid for shipping, and the stored value by method."""
    methods = redemption.decision.get("shipping", [])
    stored = {method["method"]: method["stored_value"] for method in methods if method.get("stored_value")}
    return sum(method["payable"] for method in methods), stored


# --- What the incentives gave ---------------------------------------------------------------------------------------------


def _benefits(
    redemption: Redemption, applied: Sequence[AppliedIncentive], after: Mapping[str, tuple[int, int]], *, is_empty: bool
) -> list[Benefit]:
    gave = {item["incentive"]: item for item in redemption.decision["applied"]}
    still = set() if is_empty else _still_applied(redemption, applied, after)
    found = []
    for row in applied:
        key = str(row.incentive.public_id)
        shares = {share["line"]: share["amount"] for share in gave.get(key, {}).get("lines", [])}
        # What was clawed back once is paid since then.
        found.append(
            Benefit(
                key,
                {} if row.clawed_back else shares,
                OnBrokenReturn(row.campaign.on_broken_return),
                is_empty or not row.terms or key in still,
            )
        )
    return found


def _still_applied(redemption: Redemption, applied: Sequence[AppliedIncentive], after: Mapping[str, tuple[int, int]]) -> set[str]:
    """Which incentives would apply to the goods that are kept, judged at the instant of the redemption."""
    place = redemption.surroundings
    groups = {row.terms["group"]["key"]: stack_group_of(row.terms["group"]) for row in applied if row.terms}
    decision = decide(
        basket=_basket(redemption, after),
        candidates=[_candidate(row) for row in applied if row.terms],
        groups=groups,
        # What could be sold can be given back, also where a part of it is more work than the whole was.
        most=2 * MOST_STEPS,
        surroundings=Surroundings(
            now=datetime.datetime.fromisoformat(place["at"]) if place else redemption.redeemed_at,
            channel_key=place.get("channel", {}).get("key", ""),
            channel_kind=place.get("channel", {}).get("kind", ""),
            store_key=place.get("store", ""),
            customer=place.get("customer"),
        ),
    )
    return {item.incentive for item in decision.applied}


def _candidate(row: AppliedIncentive) -> Candidate:
    effect, awards = promise_of(row.terms["effect"], row.terms["awards"])
    return Candidate(
        key=str(row.incentive.public_id),
        effect=effect,
        awards=awards,
        conditions=conditions_of(row.terms["conditions"]),
        group=row.terms["group"]["key"],
        priority=row.terms["priority"],
        standing=Standing(time_zone=row.terms["time_zone"]),
    )


def _basket(redemption: Redemption, after: Mapping[str, tuple[int, int]]) -> Basket:
    """What is kept, as it was bought."""
    fields = {"id", "sku", "unit_price", "brand", "minimum_unit_price", "attributes", "discountable", "name"}
    lines = []
    for line in redemption.basket["lines"]:
        returned, quantity = after[line["id"]]
        if returned < quantity:
            known = {name: value for name, value in line.items() if name in fields and value is not None}
            lines.append(Line(quantity=quantity - returned, categories=tuple(line.get("categories") or ()), **known))
    shipping = tuple(Shipping(item["method"], item["amount"]) for item in redemption.basket.get("shipping") or ())
    return Basket(redemption.currency, tuple(lines), shipping)


# --- Settling everything that hangs on it -----------------------------------------------------------------------------------


def _over(
    redemption: Redemption,
    applied: Sequence[AppliedIncentive],
    plan: Plan,
    after: Mapping[str, tuple[int, int]],
    *,
    has_ended: bool,
    is_empty: bool,
) -> list[AppliedIncentive]:
    """The incentives of whose benefit nothing remains."""
    gave = {item["incentive"]: item for item in redemption.decision["applied"]}
    clawed = {item.key: sum(item.clawed.values()) for item in plan.broken}
    found = []
    for row in applied:
        key = str(row.incentive.public_id)
        item = gave.get(key, {})
        clawed_back = row.clawed_back + clawed.get(key, 0)
        if has_ended or (is_empty and not item.get("shipping")) or not _remains(item, clawed_back, after):
            found.append(row)
    return found


def _remains(gave: Mapping[str, Any], clawed_back: int, after: Mapping[str, tuple[int, int]]) -> bool:
    """Whether anything of the incentive's benefit is still with the customer."""
    shares = {share["line"]: share["amount"] for share in gave.get("lines", [])}
    kept = sum(returning.kept_shares(shares, after).values())
    if clawed_back:
        kept = max(0, kept - clawed_back)
    if kept or gave.get("shipping") or gave.get("items_added"):
        return True
    return bool(gave.get("awards")) and not shares and any(returned < quantity for returned, quantity in after.values())


def _settle(
    redemption: Redemption, given: Return, settlement: _Settlement, by: str, now: datetime.datetime
) -> list[dict[str, Any]]:
    """Write what is decided beside the lines; what was really taken back of awards."""
    broken = {item.key: item for item in settlement.plan.broken}
    for row in settlement.applied:
        key = str(row.incentive.public_id)
        if key in broken:
            row.broken_at = now
            row.clawed_back += sum(broken[key].clawed.values())
            AppliedIncentive.objects.filter(pk=row.pk).update(broken_at=now, clawed_back=row.clawed_back)
    restorable = settlement.restorable
    AppliedIncentive.objects.filter(pk__in=[row.pk for row in settlement.done]).update(returned_at=now)
    AppliedIncentive.objects.filter(pk__in=[row.pk for row in restorable]).update(restored_at=now)
    give_back_grants(grant_ids=[row.grant_id for row in restorable if row.grant_id], now=now)
    give_back_codes(code_ids=[row.code_id for row in restorable if row.code_id])
    taken: list[dict[str, Any]] = []
    if redemption.customer is not None:
        lock_accounts_of(redemption.customer)
    _refund(given, settlement.refunds, by, now)
    if redemption.customer is not None:
        taken = _take_awards_back(redemption, given, settlement, by, now)
    restore([Demand(*consumed) for row in restorable for consumed in row.consumed])
    return taken


def _refunds(redemption: Redemption, plan: Plan, shipping: Mapping[str, int]) -> list[_Refund]:
    """Stored value goes back to what it came from, by its share of each line that returns."""
    wanted = {f"line:{line.line}": line.stored_value for line in plan.lines if line.stored_value}
    wanted |= {f"shipping:{method}": amount for method, amount in shipping.items()}
    found = []
    for tender in Tender.objects.filter(redemption=redemption).select_related("posting").order_by("position"):
        shares, back = dict(tender.shares), 0
        for place in shares.keys() & wanted.keys():
            part = min(shares[place], wanted[place])
            shares[place] -= part
            wanted[place] -= part
            back += part
        if back:
            units = returning.units_back(
                tender.units, amount=tender.amount, returned=tender.returned + back, units_returned=tender.units_returned
            )
            found.append(_Refund(tender, back, units, shares))
    return found


def _refund(given: Return, refunds: Sequence[_Refund], by: str, now: datetime.datetime) -> None:
    today = today_of_the_programme(now)
    for item in refunds:
        tender = item.tender
        tender.returned += item.amount
        tender.units_returned += item.units
        tender.shares = dict(item.shares)
        tender.save(update_fields=["returned", "units_returned", "shares"])
        if item.units:
            key = f"refund:{given.public_id}:{tender.pk}"
            refund(spent=tender.posting, amount=item.units, key=key, by=by, now=now, today=today)


def _awards_back(
    redemption: Redemption,
    applied: Sequence[AppliedIncentive],
    done: Sequence[AppliedIncentive],
    lapsed: set[str],
    after: Mapping[str, tuple[int, int]],
) -> list[_AwardBack]:
    """What of the booked awards the goods that are kept would not have earned."""
    occasions = [f"award:{redemption.public_id}", *earned_as_purchase(redemption)]
    rests = [f":{row.incentive_id}:{number}" for row in applied for number in range(len(row.terms.get("awards") or []))]
    keys = [occasion + rest for occasion in occasions for rest in rests] if rests else []
    # What the order earned as a purchase before it was redeemed goes back with it.
    earned = {posting.key.partition(":")[2].partition(":")[2]: posting for posting in Posting.objects.filter(key__in=keys)}
    ended = {row.pk for row in done}
    found = []
    for row in applied:
        is_lapsed = str(row.incentive.public_id) in lapsed and row.campaign.on_broken_return == OnBrokenReturn.CLAW_BACK
        left, base = (0, 1) if row.pk in ended or is_lapsed else _base(redemption, row, after)
        for number, award in enumerate(row.terms.get("awards") or []):
            posting = earned.get(f"{row.incentive_id}:{number}")
            if posting is None:
                continue
            is_fixed = award.get("per") is None and award.get("percent") is None
            entry = posting.entries.exclude(account__kind__in=PARTIES).select_related("account", "posting").get()
            kept = (entry.amount if left else 0) if is_fixed else returning.kept_of(entry.amount, left=left, base=base)
            mine = Entry.objects.filter(posting__undoes=posting, account__customer=entry.account.customer_id)
            amount = entry.amount - kept + sum(mine.values_list("amount", flat=True))
            if amount > 0:
                found.append(_AwardBack(row, number, award["type"], entry, amount))
    return found


def _policy() -> str:
    programme = campaign_queries.active_programme()
    return programme.take_back if programme else TakeBack.UP_TO_BALANCE


def _foreseen(settlement: _Settlement) -> list[dict[str, Any]]:
    """What would really be taken back of awards: after the refunds, one by one, as ``_take_awards_back`` does."""
    policy = _policy() if settlement.awards else ""
    changed: dict[int, int] = {}
    for item in settlement.refunds:
        holder = item.tender.posting.entries.exclude(account__kind__in=PARTIES).get()
        changed[holder.account_id] = changed.get(holder.account_id, 0) + item.units
    found = []
    for due in settlement.awards:
        if due.type == AwardType.CONTEST_ENTRY:
            account, taken = due.entry.account, due.amount
            taken = min(taken, account.balance + changed.get(account.pk, 0))
        else:
            lot = Lot.objects.select_related("account").get(posting=due.entry.posting)
            account = lot.account
            balance = account.balance + changed.get(account.pk, 0)
            taken = returning.taken_back(due.amount, policy=TakeBack(policy), is_pending=lot.is_pending, balance=balance)
        if taken > 0:
            changed[account.pk] = changed.get(account.pk, 0) - taken
            found.append(due.data(taken))
    return found


def _take_awards_back(
    redemption: Redemption, given: Return, settlement: _Settlement, by: str, now: datetime.datetime
) -> list[dict[str, Any]]:
    policy = _policy()
    found = []
    for due in settlement.awards:
        key = f"take_back:{given.public_id}:{due.row.pk}:{due.number}"
        taken = _take_one(due, policy=policy, key=key, by=by, now=now)
        if taken:
            found.append(due.data(taken))
    for row in settlement.done:
        Access.objects.filter(redemption=redemption, incentive=row.incentive, closed_at__isnull=True).update(closed_at=now)
    if settlement.done and redemption.returned_at is not None:
        occasions = [f"award:{redemption.public_id}", *earned_as_purchase(redemption)]
        for grant in Grant.objects.filter(customer=redemption.customer, occasion__in=occasions, state=GrantState.HELD).order_by(
            "pk"
        ):
            withdraw(grant=grant, by=by, now=now, reason="returned")
    return found


def _take_one(due: _AwardBack, *, policy: str, key: str, by: str, now: datetime.datetime) -> int:
    earned = due.entry.posting
    if due.type != AwardType.CONTEST_ENTRY:
        return take_back(earned=earned, amount=due.amount, policy=policy, key=key, by=by, now=now, reason="returned")
    account = due.entry.account
    account.refresh_from_db()
    amount = min(due.amount, account.balance)
    if amount:
        post(
            kind=PostingKind.TAKE_BACK,
            key=key,
            moves={account: -amount, other_side(account): amount},
            by=by,
            now=now,
            redemption=earned.redemption,
            undoes=earned,
        )
    return amount


def _base(redemption: Redemption, row: AppliedIncentive, after: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """What is left of the money that earned the awards, and what it was."""
    effect, _awards = promise_of(row.terms["effect"], row.terms["awards"])
    target = target_of(effect)
    bought = _basket(redemption, {line["id"]: (0, line["quantity"]) for line in redemption.basket["lines"]})
    meant = range(len(bought.lines)) if target is None else Matcher(bought).lines(target)
    names = {bought.lines[index].id for index in meant}
    rows = [line for line in redemption.decision["lines"] if line["line"] in names]
    base = sum(line["payable"] for line in rows)
    returned = sum(line["payable"] * after[line["line"]][0] // after[line["line"]][1] for line in rows)
    return base - returned, base


def _tell_timeline(redemption: Redemption, given: Return, now: datetime.datetime) -> None:
    if redemption.customer is None:
        return
    track(
        customer=redemption.customer,
        type=EventType.RETURNED,
        source="redemptions",
        message_id=f"returned:{given.public_id}",
        occurred_at=now,
        received_at=now,
        channel=redemption.channel,
        name=redemption.order_key,
        properties={
            "redemption": str(redemption.public_id),
            "amount": given.amount,
            "stored_value": given.stored_value,
            "currency": redemption.currency,
            "everything": given.everything,
        },
    )
