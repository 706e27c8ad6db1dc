"""Take goods back: some units or everything. Money, stored value, points, uses and grants go where they came from.

``rules.returning`` decides what is given back; here it is written, in one transaction and in the order that redeeming keeps too:
order, grants, codes, accounts, counters.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import queries as campaign_queries
from campaigns.models import Grant, GrantState
from campaigns.operations import Demand, give_back_codes, give_back_grants, restore, withdraw
from campaigns.rules.basket import Basket, Line, Shipping
from campaigns.rules.candidates import Candidate, Standing
from campaigns.rules.facts import Surroundings
from campaigns.rules.language import conditions_of, promise_of, stack_group_of
from campaigns.rules.loyalty import OnBrokenReturn, TakeBack
from campaigns.rules.matching import Matcher
from campaigns.rules.stacking import decide
from campaigns.rules.walking import target_of
from customers.operations import track
from customers.rules.timeline import EventType
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import (
    Access,
    AccountKind,
    AppliedIncentive,
    Entry,
    Posting,
    PostingKind,
    Redemption,
    RedemptionLine,
    Return,
    ReturnLine,
    Tender,
)
from ..rules import returning
from ..rules.returning import Benefit, LineState, Plan
from ._announce import announce_returned
from ._ledger import account_of, lock_accounts_of, outside, post, refund, take_back, today_of_the_programme


class AlreadyReturned(Problem):
    code = "already-returned"
    title = gettext_lazy("This redemption was returned before")
    kind = Kind.CONFLICT


class RecordedElsewhere(Problem):
    code = "recorded-elsewhere"
    title = gettext_lazy("This redemption was made in another system")
    kind = Kind.CONFLICT


def give_back(
    *,
    redemption: Redemption,
    by: str,
    now: datetime.datetime,
    reason: str = "",
    units: Mapping[str, int] | None = None,
) -> Return:
    """Take back ``units`` (how many of which line), or everything that is left, with its shipping, when none are named.

    Raises ``AlreadyReturned`` when nothing is left, ``Invalid`` for a line that is not there or more units than are left, and
    ``RecordedElsewhere`` when another system made the redemption.
    """
    with transaction.atomic():
        locked = Redemption.objects.select_for_update(of=("self",)).select_related("customer", "channel").get(pk=redemption.pk)
        if locked.basket.get("recorded"):
            raise RecordedElsewhere(_("Return it where it was made."))
        if locked.returned_at is not None:
            raise AlreadyReturned(_("Nothing of it is left to return."))
        rows = _lines(locked)
        states = _states(rows)
        wanted = {state.id: state.left for state in states if state.left} if units is None else dict(units)
        _check(states, wanted, is_everything=units is None)
        given = _write(locked, rows, states, wanted, everything=units is None, by=by, now=now, reason=reason)
    redemption.returned_at = locked.returned_at
    return given


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


def _write(
    redemption: Redemption,
    rows: Sequence[RedemptionLine],
    states: Sequence[LineState],
    wanted: Mapping[str, int],
    *,
    everything: bool,
    by: str,
    now: datetime.datetime,
    reason: str,
) -> Return:
    applied = list(
        AppliedIncentive.objects.filter(redemption=redemption, returned_at__isnull=True)
        .select_related("campaign", "incentive")
        .order_by("position")
    )
    after = {state.id: (state.returned + wanted.get(state.id, 0), state.quantity) for state in states}
    is_empty = all(returned == quantity for returned, quantity in after.values())
    benefits = _benefits(redemption, applied, after, is_empty=is_empty)
    plan = returning.plan(states, wanted, benefits)
    shipping = _shipping(redemption) if everything else (0, {})
    given = Return.objects.create(
        redemption=redemption,
        amount=plan.amount + shipping[0],
        stored_value=sum(line.stored_value for line in plan.lines) + sum(shipping[1].values()),
        everything=everything,
        reason=reason[:200],
        actor=by,
        returned_at=now,
    )
    _write_lines(given, rows, plan)
    has_ended = everything or (is_empty and not _has_shipping(redemption))
    if has_ended:
        redemption.returned_at = now
        Redemption.objects.filter(pk=redemption.pk).update(returned_at=now)
    effects = _settle(
        redemption, given, applied, benefits, plan, after, shipping[1], has_ended=has_ended, is_empty=is_empty, by=by, now=now
    )
    Return.objects.filter(pk=given.pk).update(effects=effects)
    given.effects = effects
    _tell_timeline(redemption, given, now)
    announce_returned(given, redemption)
    return given


# --- What was bought ------------------------------------------------------------------------------------------------------


def _lines(redemption: Redemption) -> list[RedemptionLine]:
    """The order's lines; those of an order older than this table are written from its decision first."""
    rows = list(RedemptionLine.objects.filter(redemption=redemption).order_by("position"))
    if rows:
        return rows
    bought = {line["id"]: line for line in redemption.basket.get("lines", [])}
    RedemptionLine.objects.bulk_create(
        RedemptionLine(
            redemption=redemption,
            position=position,
            line=paid["line"],
            sku=bought[paid["line"]]["sku"],
            name=bought[paid["line"]].get("name") or "",
            quantity=bought[paid["line"]]["quantity"],
            unit_price=bought[paid["line"]]["unit_price"],
            discount=paid["discount"],
            stored_value=paid.get("stored_value", 0),
            payable=paid["payable"],
        )
        for position, paid in enumerate(redemption.decision["lines"])
    )
    return list(RedemptionLine.objects.filter(redemption=redemption).order_by("position"))


def _states(rows: Sequence[RedemptionLine]) -> list[LineState]:
    sums = ReturnLine.objects.filter(line__in=rows).values("line").annotate(Sum("discount"), Sum("stored_value"), Sum("payable"))
    given: dict[int, Any] = {row["line"]: row for row in sums}
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


def _settle(
    redemption: Redemption,
    given: Return,
    applied: Sequence[AppliedIncentive],
    benefits: Sequence[Benefit],
    plan: Plan,
    after: Mapping[str, tuple[int, int]],
    shipping: Mapping[str, int],
    *,
    has_ended: bool,
    is_empty: bool,
    by: str,
    now: datetime.datetime,
) -> dict[str, Any]:
    broken = {item.key: item for item in plan.broken}
    gave = {item["incentive"]: item for item in redemption.decision["applied"]}
    done: list[AppliedIncentive] = []
    for row in applied:
        key = str(row.incentive.public_id)
        if key in broken:
            row.broken_at = now
            row.clawed_back += sum(broken[key].clawed.values())
            AppliedIncentive.objects.filter(pk=row.pk).update(broken_at=now, clawed_back=row.clawed_back)
        if has_ended or (is_empty and not gave.get(key, {}).get("shipping")) or not _remains(row, gave.get(key, {}), after):
            done.append(row)
    AppliedIncentive.objects.filter(pk__in=[row.pk for row in done]).update(returned_at=now)
    restorable = [row for row in done if row.campaign.restores_on_return]
    AppliedIncentive.objects.filter(pk__in=[row.pk for row in restorable]).update(restored_at=now)
    give_back_grants(grant_ids=[row.grant_id for row in restorable if row.grant_id], now=now)
    give_back_codes(code_ids=[row.code_id for row in restorable if row.code_id])
    stored, taken = [], []
    if redemption.customer is not None:
        lock_accounts_of(redemption.customer)
    stored = _refund(redemption, given, plan, shipping, by, now)
    if redemption.customer is not None:
        lapsed = {benefit.key for benefit in benefits if not benefit.still_applies}
        taken = _take_awards_back(redemption, given, applied, done, lapsed, after, by, now)
    restore([Demand(*consumed) for row in restorable for consumed in row.consumed])
    return {
        "stored_value": stored,
        "taken_back": taken,
        "broken": [
            {
                "incentive": item.key,
                "kept": item.kept,
                "clawed_back": sum(item.clawed.values()),
                "not_recovered": item.not_recovered,
            }
            for item in plan.broken
        ],
        "restored": [str(row.incentive.public_id) for row in restorable],
    }


def _remains(row: AppliedIncentive, gave: Mapping[str, Any], after: Mapping[str, tuple[int, int]]) -> bool:
    """Whether anything of the incentive's benefit is still with the customer."""
    shares = {share["line"]: share["amount"] for share in gave.get("lines", [])}
    kept = sum(returning.kept_shares(shares, after).values())
    if row.clawed_back:
        kept = max(0, kept - row.clawed_back)
    if kept or gave.get("shipping") or gave.get("items_added"):
        return True
    return bool(gave.get("awards")) and not shares and any(returned < quantity for returned, quantity in after.values())


def _refund(
    redemption: Redemption, given: Return, plan: Plan, shipping: Mapping[str, int], by: str, now: datetime.datetime
) -> list[dict[str, Any]]:
    """Stored value goes back to what it came from, by its share of each line that returns."""
    wanted = {f"line:{line.line}": line.stored_value for line in plan.lines if line.stored_value}
    wanted |= {f"shipping:{method}": amount for method, amount in shipping.items()}
    found = []
    today = today_of_the_programme(now)
    for tender in Tender.objects.filter(redemption=redemption).select_related("posting").order_by("position"):
        shares, back = dict(tender.shares), 0
        for place in shares.keys() & wanted.keys():
            part = min(shares[place], wanted[place])
            shares[place] -= part
            wanted[place] -= part
            back += part
        if not back:
            continue
        tender.returned += back
        units = returning.units_back(
            tender.units, amount=tender.amount, returned=tender.returned, units_returned=tender.units_returned
        )
        tender.units_returned += units
        tender.shares = shares
        tender.save(update_fields=["returned", "units_returned", "shares"])
        if units:
            refund(spent=tender.posting, amount=units, key=f"refund:{given.public_id}:{tender.pk}", by=by, now=now, today=today)
        found.append({"type": tender.kind, "amount": back, "units": units})
    return found


def _take_awards_back(
    redemption: Redemption,
    given: Return,
    applied: Sequence[AppliedIncentive],
    done: Sequence[AppliedIncentive],
    lapsed: set[str],
    after: Mapping[str, tuple[int, int]],
    by: str,
    now: datetime.datetime,
) -> list[dict[str, Any]]:
    programme = campaign_queries.active_programme()
    policy = programme.take_back if programme else TakeBack.UP_TO_BALANCE
    earned = {posting.key: posting for posting in redemption.postings.filter(kind=PostingKind.EARN)}
    ended = {row.pk for row in done}
    found = []
    for row in applied:
        key = str(row.incentive.public_id)
        is_over = row.pk in ended or (key in lapsed and row.campaign.on_broken_return == OnBrokenReturn.CLAW_BACK)
        left, base = (0, 1) if is_over else _base(redemption, row, after)
        for number, award in enumerate(row.terms.get("awards") or []):
            posting = earned.get(f"award:{redemption.public_id}:{row.incentive_id}:{number}")
            if posting is None:
                continue
            is_fixed = award.get("per") is None and award.get("percent") is None
            name = f"take_back:{given.public_id}:{row.pk}:{number}"
            taken = _take_one(posting, award["type"], left, base, is_fixed=is_fixed, policy=policy, key=name, by=by, now=now)
            if taken:
                found.append({"type": award["type"], "units": taken, "incentive": key})
        if row.pk in ended:
            Access.objects.filter(redemption=redemption, incentive=row.incentive, closed_at__isnull=True).update(closed_at=now)
    if ended and given.redemption.returned_at is not None:
        for grant in Grant.objects.filter(
            customer=redemption.customer, occasion=f"award:{redemption.public_id}", state=GrantState.HELD
        ).order_by("pk"):
            withdraw(grant=grant, by=by, now=now, reason="returned")
    return found


def _take_one(
    posting: Posting,
    kind: str,
    left: int,
    base: int,
    *,
    is_fixed: bool,
    policy: str,
    key: str,
    by: str,
    now: datetime.datetime,
) -> int:
    entry = posting.entries.exclude(account__kind__in=[AccountKind.OUTSIDE, AccountKind.COST]).select_related("account").get()
    kept = (entry.amount if left else 0) if is_fixed else returning.kept_of(entry.amount, left=left, base=base)
    undone = sum(
        Entry.objects.filter(posting__undoes=posting, account__customer=entry.account.customer_id).values_list(
            "amount", flat=True
        )
    )
    amount = entry.amount - kept + undone
    if amount <= 0:
        return 0
    if kind != "contest_entry":
        return take_back(earned=posting, amount=amount, policy=policy, key=key, by=by, now=now, reason="returned")
    entry.account.refresh_from_db()
    amount = min(amount, entry.account.balance)
    if amount:
        source = account_of(outside(entry.account.unit, contest=entry.account.contest))
        post(
            kind=PostingKind.TAKE_BACK,
            key=key,
            moves={entry.account: -amount, source: amount},
            by=by,
            now=now,
            redemption=posting.redemption,
            undoes=posting,
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
