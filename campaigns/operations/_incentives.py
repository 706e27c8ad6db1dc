"""Add, revise and remove the incentives of a campaign that is not running; give one its code."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.rules.faults import Fault
from incentives_site.shared.audit import acting
from incentives_site.shared.money import LARGEST_AMOUNT
from incentives_site.shared.problems import Kind, Problem

from .. import queries, sealing
from ..models import Campaign, Claim, Code, Incentive, Limit, Measure, Per, StackGroup
from ..rules import codes
from ..rules.awards import open_to
from ..rules.effects import NoEffect
from ..rules.language import Reader, promise_of, read_promise
from . import _giving
from . import _unpredictable as unpredictable
from ._problems import WrongStatus, invalid
from ._sentences import check_sentences
from ._taking import take_revisable
from ._terms import LIMITS, Terms, fresh_terms, set_limits, terms_of

MOST_PER_CAMPAIGN = 100
LARGEST_PRIORITY = 1_000_000


class CodeTaken(Problem):
    code = "code-taken"
    title = gettext_lazy("This code belongs to another incentive")
    kind = Kind.CONFLICT


class GivenByOthers(Problem):
    code = "given-by-others"
    title = gettext_lazy("Other incentives give this one")
    kind = Kind.CONFLICT


def add_incentive(*, campaign: Campaign, by: str, key: str, **terms: Unpack[Terms]) -> Incentive:
    """Promise one more thing: ``terms`` as in ``Terms``, what is not named as a new incentive has it.

    Raises ``Invalid`` with pointers, ``WrongStatus``, ``CodeTaken``.
    """
    (added,) = _add(campaign, by, [(key, terms)], [""])
    return added


def add_incentives(*, campaign: Campaign, by: str, several: Sequence[tuple[str, Terms]]) -> list[Incentive]:
    """Promise several things at once, each with its key; they may give one another. Pointers begin with ``/incentives/<i>``.

    All of them or none. Raises as ``add_incentive``.
    """
    return _add(campaign, by, several, [f"/incentives/{i}" for i in range(len(several))])


def revise_incentive(*, incentive: Incentive, by: str, **changes: Unpack[Terms]) -> Incentive:
    """Change what an incentive promises; what is not named stays. Raises as ``add_incentive``."""
    with transaction.atomic(), acting(by=by, why="revise_incentive"):
        campaign = take_revisable(incentive.campaign)
        row = Incentive.objects.select_related("stack_group").get(pk=incentive.pk)
        row.campaign = campaign
        saved = terms_of(row)
        terms: Terms = {**fresh_terms(), **saved, **changes}
        terms["awards"] = _resolved(campaign, terms["awards"])
        _check(campaign, row.key, terms, "")
        # Read before the lock would not be safe: another save may close a circle, or turn what is given into something else.
        if _giving.gives(terms["awards"]) or terms["claim"] != saved["claim"]:
            _giving.hold_the_web()
        if faults := _giving.faults_of(row, terms["awards"]):
            raise invalid(faults)
        if terms["claim"] != Claim.GRANT and saved["claim"] == Claim.GRANT and (givers := _giving.givers(row)):
            sentence = _("“%(name)s” gives it into wallets: change that first.") % {"name": givers[0].name}
            raise invalid([Fault("/claim", "given-by-others", sentence)])
        if terms["claim"] != Claim.CODE and saved["claim"] == Claim.CODE and row.batches.exists():
            raise invalid([Fault("/claim", "has-codes", _("It has batches of codes: it stays claimed by a code."))])
        _write(row, terms)
        if "code" in changes or terms["claim"] != Claim.CODE:
            _set_code(row, terms["code"])
    return row


def remove_incentive(*, incentive: Incentive, by: str) -> None:
    """Take an incentive out of a campaign that was never launched. Raises ``WrongStatus``, ``GivenByOthers``."""
    with transaction.atomic(), acting(by=by, why="remove_incentive"):
        campaign = take_revisable(incentive.campaign)
        if campaign.launched_at is not None:
            raise WrongStatus(_("It may already be promised to somebody: end the campaign instead."))
        _giving.hold_the_web()
        if givers := _giving.givers(incentive):
            raise GivenByOthers(_("“%(name)s” gives it: change that first.") % {"name": givers[0].name})
        with connection.cursor() as cursor:
            # Nobody can have used them. Django would read a million codes first, to see who refers to them.
            cursor.execute("DELETE FROM campaigns_code WHERE incentive_id = %s", [incentive.pk])
        incentive.delete()


def _add(campaign: Campaign, by: str, several: Sequence[tuple[str, Terms]], pointers: Sequence[str]) -> list[Incentive]:
    """All rows first, so that they may name one another; then what they give."""
    added: list[tuple[Incentive, Terms, str]] = []
    with transaction.atomic(), acting(by=by, why="add_incentive"):
        locked = take_revisable(campaign)
        for (key, said), pointer in zip(several, pointers, strict=True):
            terms: Terms = {**fresh_terms(), **said}
            _check(locked, key, terms, pointer)
            if locked.incentives.count() >= MOST_PER_CAMPAIGN:
                raise invalid([Fault("/incentives", "too-many", _("A campaign has at most 100 incentives."))])
            if locked.incentives.filter(key=key).exists():
                sentence = _("The campaign already has an incentive of this key.")
                raise invalid([Fault(f"{pointer}/key", "repeated", sentence)])
            row = Incentive(campaign=locked, key=key)
            _write(row, {**terms, "awards": [] if _giving.gives(terms["awards"]) else terms["awards"]})
            if terms["code"]:
                _set_code(row, terms["code"])
            added.append((row, terms, pointer))
        givers = [(row, terms, pointer) for row, terms, pointer in added if _giving.gives(terms["awards"])]
        if givers:
            _giving.hold_the_web()
        for row, terms, pointer in givers:
            awards = _resolved(locked, terms["awards"])
            if faults := _giving.faults_of(row, awards, f"{pointer}/awards"):
                raise invalid(faults)
            row.awards = awards
            row.save(update_fields=["awards"])
    return [row for row, _terms, _pointer in added]


def _resolved(campaign: Campaign, awards: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    reader = Reader()
    read_promise({}, awards, reader=reader)
    # What cannot be read is refused with its pointers a moment later.
    return awards if reader.faults or not awards else _giving.resolved(campaign, awards)


def _write(row: Incentive, terms: Terms) -> None:
    row.name = terms["name"].strip()
    row.effect = dict(terms["effect"] or {})
    row.awards = [dict(award) for award in terms["awards"]]
    row.sentences = {reason: dict(texts) for reason, texts in terms["sentences"].items()}
    row.claim, row.conditions = terms["claim"], terms["conditions"]
    row.stack_group = terms["stack_group"] or default_group()
    row.priority, row.valid_days = terms["priority"], terms["valid_days"]
    row.save()
    set_limits(row, terms)


def default_group() -> StackGroup:
    return StackGroup.objects.get_or_create(key="default", defaults={"name": _("Combines with others")})[0]


def _check(campaign: Campaign, key: str, terms: Terms, pointer: str) -> None:
    """Everything that can be said of the terms without looking at other incentives. Raises ``Invalid``."""
    reader = Reader()
    reader.text(terms["name"], f"{pointer}/name")
    reader.text(key, f"{pointer}/key", longest=64)
    unpredictable.check_claim(terms["claim"], reader, pointer)
    effect, awards = read_promise(terms["effect"], terms["awards"], reader=reader, pointer=pointer)
    reader.condition(terms["conditions"], f"{pointer}/conditions")
    check_sentences(terms["sentences"], reader, f"{pointer}/sentences")
    _check_numbers(terms, reader, pointer)
    code = terms["code"]
    if code and (terms["claim"] != Claim.CODE or not codes.GENERIC.fullmatch(codes.normalise(code))):
        sentence = _("A code has 3 to 40 letters, digits or underscores, and goes with “a code”.")
        reader.fault(f"{pointer}/code", "bad-code", sentence)
    if reader.faults:
        raise invalid(reader.faults)
    unpredictable.check_promise(effect, awards, reader, pointer)
    unpredictable.check_limits(terms, effect, awards, reader, pointer)
    has_discount = not isinstance(effect, NoEffect)
    unpredictable.check_conditions(terms["conditions"], reader, f"{pointer}/conditions", has_discount=has_discount)
    has_budget = Limit.objects.filter(campaign=campaign, measure=Measure.DISCOUNT, per=Per.TOTAL).exists()
    unpredictable.check_currencies(effect, awards, terms["conditions"], campaign.currency, has_budget, reader, pointer)
    if terms["stack_group"] is not None:
        unpredictable.check_in_group(effect, queries.group_of(terms["stack_group"]), reader, f"{pointer}/group")
    if reader.faults:
        raise invalid(reader.faults)


def _check_numbers(terms: Terms, reader: Reader, pointer: str) -> None:
    for name, most in (*((name, LARGEST_AMOUNT) for name, _measure, _per in LIMITS), ("valid_days", 3660)):
        value = terms[name]  # type: ignore[literal-required]
        if value is not None and not (type(value) is int and 1 <= value <= most):
            reader.fault(f"{pointer}/{name}", "out-of-range", _("At least 1.") if value < 1 else _("This is too much."))
    reader.integer(terms["priority"], f"{pointer}/priority", low=-LARGEST_PRIORITY, high=LARGEST_PRIORITY)


def are_in_several_currencies(campaign: Campaign) -> bool:
    """Whether any incentive of the campaign gives amounts by currency."""
    computed = campaign.incentives.exclude(effect__contains={"type": "recorded"})
    return any(open_to(*promise_of(row.effect, row.awards)) is not None for row in computed)


def _set_code(incentive: Incentive, code: str) -> None:
    generic = Code.objects.filter(incentive=incentive, grant__isnull=True, batch__isnull=True)
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
