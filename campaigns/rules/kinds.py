"""Of which kinds an incentive is, as customers choose them; and when their choice refuses it (``docs/consent.md``)."""

from collections.abc import Iterable

from customers.rules.conditions import ALWAYS
from customers.rules.consent import IncentiveKind, Why, Wishes

from .awards import Award, AwardType
from .candidates import Candidate
from .effects import Effect, NoEffect

KIND_OF: dict[AwardType, IncentiveKind] = {
    AwardType.POINTS: IncentiveKind.POINTS,
    AwardType.CREDIT: IncentiveKind.CREDIT,
    AwardType.CONTEST_ENTRY: IncentiveKind.CONTESTS,
    AwardType.ACCESS: IncentiveKind.ACCESS,
    AwardType.GRANT: IncentiveKind.DISCOUNTS,
}


def kinds_of(effect: Effect, awards: Iterable[Award]) -> frozenset[IncentiveKind]:
    """All kinds of what is promised. Another incentive that is given counts as a discount."""
    found = {KIND_OF[award.type] for award in awards}
    return frozenset(found if isinstance(effect, NoEffect) else found | {IncentiveKind.DISCOUNTS})


def is_unwanted(candidate: Candidate, wishes: Wishes, channel: str, *, is_chosen_for_them: bool) -> bool:
    """Whether the customer has said no to being addressed with this incentive here.

    What the customer brings (a code that was shown, a grant in the wallet) is never unwanted. Nor is a lower price that
    everybody gets: nobody pays more for having opted out. So an incentive is unwanted when it was chosen for this customer
    (``is_chosen_for_them``, or by an audience), or when it takes nothing off the price and is only of kinds that the customer has
    refused one by one.
    """
    if candidate.code or candidate.grant:
        return False
    kinds = kinds_of(candidate.effect, candidate.awards)
    answer = wishes.may(channel=channel, kinds=kinds)
    if answer.allowed:
        return False
    if is_chosen_for_them or candidate.standing.audience is not ALWAYS:
        return True
    return answer.why is Why.KIND_REFUSED and isinstance(candidate.effect, NoEffect)
