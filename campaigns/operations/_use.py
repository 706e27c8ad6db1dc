"""Mark grants as used by a redemption, and give them back after a return."""

import datetime
from collections.abc import Sequence

from ..models import Grant, GrantState


def use_grants(*, grant_ids: Sequence[int], now: datetime.datetime) -> bool:
    """Held → used, all of them, or ``False``: then the caller must roll back. Rows are taken in the order of their ids."""
    ids = sorted(set(grant_ids))
    if not ids:
        return True
    held = list(
        Grant.objects.select_for_update(of=("self",))
        .filter(pk__in=ids, state=GrantState.HELD)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return held == ids and Grant.objects.filter(pk__in=ids).update(state=GrantState.USED, used_at=now) == len(ids)


def give_back_grants(*, grant_ids: Sequence[int], now: datetime.datetime) -> None:
    """Used → held again, or expired when its time has passed meanwhile."""
    ids = sorted(set(grant_ids))
    grants = Grant.objects.select_for_update(of=("self",)).filter(pk__in=ids, state=GrantState.USED).order_by("pk")
    for grant in list(grants):
        over = grant.ends_at is not None and grant.ends_at <= now
        Grant.objects.filter(pk=grant.pk).update(state=GrantState.EXPIRED if over else GrantState.HELD, used_at=None)
