"""Add, revise and remove the incentives of a campaign that is not running; give one its code."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.rules.faults import Fault
from incentives_site.shared.audit import acting
from incentives_site.shared.money import LARGEST_AMOUNT
from incentives_site.shared.problems import Kind, Problem

from .. import sealing
from ..models import Campaign, Claim, Code, Incentive, Limit, Measure, Per, StackGroup
from ..rules import codes
from ..rules.effects import AmountOff, NoEffect, PercentOff, Recorded
from ..rules.language import Reader, read_effect
from ._draft import REVISABLE
from ._problems import WrongStatus, invalid

MOST_PER_CAMPAIGN = 100


class CodeTaken(Problem):
    code = "code-taken"
    title = gettext_lazy("This code belongs to another incentive")
    kind = Kind.CONFLICT


def add_incentive(
    *,
    campaign: Campaign,
    by: str,
    key: str,
    name: str,
    effect: Mapping[str, Any],
    claim: str = Claim.AUTOMATIC,
    conditions: Mapping[str, Any] | None = None,
    stack_group: StackGroup | None = None,
    priority: int = 0,
    valid_days: int | None = None,
    total_uses: int | None = None,
    uses_per_customer: int | None = None,
    code: str = "",
) -> Incentive:
    """Promise one more thing. ``effect`` and ``conditions`` are in the language of ``rules.language``; limits count uses.

    Raises ``Invalid`` with pointers, ``WrongStatus``, ``CodeTaken``.
    """
    _check(name=name, key=key, effect=effect, conditions=conditions, claim=claim, code=code)
    _check_limits(total_uses, uses_per_customer, valid_days)
    group = stack_group or StackGroup.objects.get_or_create(key="default", defaults={"name": _("Combines with others")})[0]
    with transaction.atomic(), acting(by=by, why="add_incentive"):
        _lock(campaign)
        if campaign.incentives.count() >= MOST_PER_CAMPAIGN:
            raise invalid([Fault("/incentives", "too-many", _("A campaign has at most 100 incentives."))])
        if campaign.incentives.filter(key=key).exists():
            raise invalid([Fault("/key", "repeated", _("The campaign already has an incentive of this key."))])
        incentive = Incentive.objects.create(
            campaign=campaign,
            key=key,
            name=name.strip(),
            claim=claim,
            effect=effect,
            conditions=conditions,
            stack_group=group,
            priority=priority,
            valid_days=valid_days,
        )
        _set_limits(incentive, total_uses, uses_per_customer)
        if code:
            _set_code(incentive, code)
    return incentive


def revise_incentive(
    *,
    incentive: Incentive,
    by: str,
    name: str,
    effect: Mapping[str, Any],
    claim: str,
    conditions: Mapping[str, Any] | None,
    stack_group: StackGroup,
    priority: int = 0,
    valid_days: int | None = None,
    total_uses: int | None = None,
    uses_per_customer: int | None = None,
    code: str = "",
) -> Incentive:
    """Replace what an incentive promises. Raises as ``add_incentive``."""
    _check(name=name, key=incentive.key, effect=effect, conditions=conditions, claim=claim, code=code)
    _check_limits(total_uses, uses_per_customer, valid_days)
    with transaction.atomic(), acting(by=by, why="revise_incentive"):
        _lock(incentive.campaign)
        incentive.name, incentive.effect, incentive.claim, incentive.conditions = name.strip(), dict(effect), claim, conditions
        incentive.stack_group, incentive.priority, incentive.valid_days = stack_group, priority, valid_days
        incentive.save()
        _set_limits(incentive, total_uses, uses_per_customer)
        _set_code(incentive, code)
    return incentive


def remove_incentive(*, incentive: Incentive, by: str) -> None:
    """Take an incentive out of a campaign that was never launched. Raises ``WrongStatus``."""
    with transaction.atomic(), acting(by=by, why="remove_incentive"):
        campaign = _lock(incentive.campaign)
        if campaign.launched_at is not None:
            raise WrongStatus(_("It may already be promised to somebody: end the campaign instead."))
        incentive.delete()


def _lock(campaign: Campaign) -> Campaign:
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.status not in REVISABLE:
        raise WrongStatus(_("Pause the campaign before you change it."))
    return locked


def _check(
    *, name: str, key: str, effect: Mapping[str, Any], conditions: Mapping[str, Any] | None, claim: str, code: str
) -> None:
    reader = Reader()
    reader.text(name, "/name")
    reader.text(key, "/key", longest=64)
    if claim not in Claim.values:
        reader.fault("/claim", "unknown-value", _("Choose how it is claimed."))
    read = read_effect(dict(effect), reader=reader)
    reader.condition(conditions, "/conditions")
    if not reader.faults and isinstance(read, Recorded | NoEffect):
        reader.fault("/effect/type", "unknown-effect", _("Choose what it does."))
    # A discount of nothing, and all of everything, is what nobody could have meant.
    if isinstance(read, PercentOff) and read.percent == 0 and not reader.faults:
        reader.fault("/effect/percent", "out-of-range", _("A discount of 0 % gives nothing."))
    if isinstance(read, AmountOff) and read.amount == 0 and not reader.faults:
        reader.fault("/effect/amount", "out-of-range", _("A discount of 0 gives nothing."))
    if code and (claim != Claim.CODE or not codes.GENERIC.fullmatch(codes.normalise(code))):
        reader.fault("/code", "bad-code", _("A code has 3 to 40 letters, digits or underscores, and goes with “a code”."))
    if reader.faults:
        raise invalid(reader.faults)


def _check_limits(total_uses: int | None, uses_per_customer: int | None, valid_days: int | None) -> None:
    faults = [
        Fault(pointer, "out-of-range", _("At least 1."))
        for pointer, value, most in (
            ("/total_uses", total_uses, LARGEST_AMOUNT),
            ("/uses_per_customer", uses_per_customer, LARGEST_AMOUNT),
            ("/valid_days", valid_days, 3660),
        )
        if value is not None and not 1 <= value <= most
    ]
    if faults:
        raise invalid(faults)


def _set_limits(incentive: Incentive, total_uses: int | None, uses_per_customer: int | None) -> None:
    for per, maximum in ((Per.TOTAL, total_uses), (Per.CUSTOMER, uses_per_customer)):
        limits = Limit.objects.filter(incentive=incentive, measure=Measure.USES, per=per)
        if maximum is None:
            limits.delete()
        elif not limits.update(maximum=maximum):
            Limit.objects.create(incentive=incentive, measure=Measure.USES, per=per, maximum=maximum)


def _set_code(incentive: Incentive, code: str) -> None:
    generic = Code.objects.filter(incentive=incentive, grant__isnull=True)
    if not code:
        generic.delete()
        return
    digest = sealing.digest(code)
    if generic.filter(digest=digest).exists():
        return
    generic.delete()
    try:
        with transaction.atomic():
            Code.objects.create(incentive=incentive, digest=digest, sealed=sealing.seal(codes.normalise(code)))
    except IntegrityError:
        raise CodeTaken(_("Choose another word.")) from None
