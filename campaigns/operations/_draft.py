"""Draft a campaign and revise it while it is not running."""

import datetime
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from customers.models import Channel
from customers.rules.conditions import AUDIENCE_FACTS, parse
from customers.rules.faults import Fault, Misunderstood
from incentives_site.shared.audit import acting
from incentives_site.shared.money import CURRENCIES, LARGEST_AMOUNT

from ..models import Campaign, Goal, Limit, Measure, Per
from ..rules.candidates import OnShort
from ..rules.language import Reader
from ..rules.limits import slots_for
from . import _unpredictable as unpredictable
from ._incentives import are_in_several_currencies
from ._problems import invalid
from ._taking import take_revisable

FIELDS = frozenset({"name", "promise", "goal", "starts_at", "ends_at", "time_zone", "currency", "audience", "restores_on_return"})
KEEP = object()


def draft(
    *,
    by: str,
    fields: Mapping[str, Any],
    channels: Sequence[Channel] = (),
    budget: int | None = None,
    when_short: str = OnShort.REFUSE.value,
    created_by_id: int | None = None,
) -> Campaign:
    """A new campaign in draft. ``fields`` are model fields by name; ``budget`` is in minor units of its currency.

    ``when_short`` says what happens when less is left of the budget than wanted: ``refuse``, or ``clip`` to what is left.

    Raises ``Invalid`` with a pointer for each field that breaks a rule.
    """
    _check(fields, Campaign(), budget, when_short, is_new=True)
    with transaction.atomic(), acting(by=by, why="draft"):
        campaign = Campaign.objects.create(**fields, created_by_id=created_by_id)
        campaign.channels.set(channels)
        _set_budget(campaign, budget, when_short)
    return campaign


def revise(
    *,
    campaign: Campaign,
    by: str,
    fields: Mapping[str, Any],
    channels: Sequence[Channel] | None = None,
    budget: object = KEEP,
    when_short: str | None = None,
) -> Campaign:
    """Change a campaign that is not running. What is not named stays. Raises ``Invalid``, ``WrongStatus``."""
    _check(fields, campaign, budget if isinstance(budget, int) else None, when_short, is_new=False)
    with transaction.atomic(), acting(by=by, why="revise"):
        locked = take_revisable(campaign)
        if "currency" in fields and fields["currency"] != locked.currency and locked.incentives.exists():
            raise invalid([Fault("/currency", "fixed", _("The currency is fixed once there is an incentive."))])
        if isinstance(budget, int) and are_in_several_currencies(locked):
            sentence = _("An incentive gives amounts in several currencies, which a budget in one cannot count.")
            raise invalid([Fault("/budget", "budget-of-one-currency", sentence)])
        for name, value in fields.items():
            setattr(locked, name, value)
        locked.save(update_fields=list(fields) or None)
        if channels is not None:
            locked.channels.set(channels)
        if budget is not KEEP:
            _set_budget(locked, budget, when_short)  # type: ignore[arg-type]
        elif when_short is not None:
            _budget(locked).update(on_short=when_short)
    return locked


def _budget(campaign: Campaign) -> QuerySet[Limit]:
    return Limit.objects.filter(campaign=campaign, measure=Measure.DISCOUNT, per=Per.TOTAL)


def _set_budget(campaign: Campaign, budget: int | None, when_short: str | None) -> None:
    values: dict[str, Any] = {"maximum": budget} if when_short is None else {"maximum": budget, "on_short": when_short}
    if budget is None:
        _budget(campaign).delete()
    elif not _budget(campaign).update(**values):
        slots = slots_for(Per.TOTAL, budget)
        Limit.objects.create(campaign=campaign, measure=Measure.DISCOUNT, per=Per.TOTAL, slots=slots, **values)


def _check(fields: Mapping[str, Any], campaign: Campaign, budget: int | None, when_short: str | None, *, is_new: bool) -> None:
    unknown = set(fields) - FIELDS
    if unknown:
        raise TypeError(f"not fields of a campaign: {sorted(unknown)}")
    faults: list[Fault] = []
    if is_new or "name" in fields:
        name = str(fields.get("name", "")).strip()
        if not 1 <= len(name) <= 200 or "\x00" in name:
            faults.append(Fault("/name", "bad-name", _("Give it a name of at most 200 characters.")))
    if (is_new or "goal" in fields) and fields.get("goal") not in Goal.values:
        faults.append(Fault("/goal", "unknown-value", _("Choose a goal.")))
    if "promise" in fields and (len(fields["promise"]) > 2000 or "\x00" in fields["promise"]):
        faults.append(Fault("/promise", "bad-text", _("At most 2,000 characters.")))
    if "time_zone" in fields and fields["time_zone"] not in zoneinfo.available_timezones():
        faults.append(Fault("/time_zone", "unknown-time-zone", _("This is not an IANA time zone, such as Europe/Rome.")))
    if "currency" in fields and fields["currency"] not in CURRENCIES:
        faults.append(Fault("/currency", "unknown-currency", _("An ISO 4217 code such as EUR is expected.")))
    starts_at, ends_at = fields.get("starts_at", campaign.starts_at), fields.get("ends_at", campaign.ends_at)
    faults.extend(_check_period(starts_at, ends_at))
    if fields.get("audience") is not None:
        try:
            parse(fields["audience"], facts=AUDIENCE_FACTS, pointer="/audience")
        except Misunderstood as error:
            faults.extend(error.faults)
        else:
            reader = Reader()
            unpredictable.check_conditions(fields["audience"], reader, "/audience")
            faults.extend(reader.faults)
    if budget is not None and not 0 < budget <= LARGEST_AMOUNT:
        faults.append(Fault("/budget", "out-of-range", _("A budget is more than nothing.")))
    if when_short is not None and when_short not in set(OnShort):
        faults.append(Fault("/when_short", "unknown-value", _("Refuse, or clip: give what is left.")))
    if faults:
        raise invalid(faults)


def _check_period(starts_at: datetime.datetime | None, ends_at: datetime.datetime | None) -> list[Fault]:
    faults = []
    for pointer, instant in (("/starts_at", starts_at), ("/ends_at", ends_at)):
        if instant is not None and not 1970 <= instant.year <= 9000:
            faults.append(Fault(pointer, "bad-instant", _("This year is not believable.")))
    if not faults and starts_at is not None and ends_at is not None and ends_at <= starts_at:
        faults.append(Fault("/ends_at", "ends-before-it-starts", _("It must end after it starts.")))
    return faults
