"""Mark grants and unique codes as used by a redemption, and give them back after a return."""

import datetime
from collections.abc import Collection, Sequence

from django.db.models import F

from ..models import BatchState, Code, CodeBatch, Grant, GrantState


def use_grants(*, grant_ids: Sequence[int], now: datetime.datetime, reserved: Collection[int] = ()) -> bool:
    """Held (or ``reserved`` by the caller) → used, all of them, or ``False``: then the caller must roll back."""
    ids = sorted(set(grant_ids))
    if not ids:
        return True
    return _lock(ids, reserved) and Grant.objects.filter(pk__in=ids).update(state=GrantState.USED, used_at=now) == len(ids)


def reserve_grants(*, grant_ids: Sequence[int]) -> bool:
    """Held → reserved, all of them, or ``False``: then the caller must roll back."""
    ids = sorted(set(grant_ids))
    return not ids or (_lock(ids, ()) and Grant.objects.filter(pk__in=ids).update(state=GrantState.RESERVED) == len(ids))


def release_grants(*, grant_ids: Sequence[int], now: datetime.datetime) -> None:
    """Reserved → held again, or expired when its time has passed meanwhile."""
    _back_to_the_wallet(grant_ids, GrantState.RESERVED, now)


def _lock(ids: list[int], reserved: Collection[int]) -> bool:
    rows = Grant.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk").values_list("pk", "state")
    states = dict(rows)
    return all(states.get(pk) == GrantState.HELD or (pk in reserved and states.get(pk) == GrantState.RESERVED) for pk in ids)


def give_back_grants(*, grant_ids: Sequence[int], now: datetime.datetime) -> None:
    """Used → held again, or expired when its time has passed meanwhile."""
    _back_to_the_wallet(grant_ids, GrantState.USED, now)


def _back_to_the_wallet(grant_ids: Sequence[int], state: str, now: datetime.datetime) -> None:
    ids = sorted(set(grant_ids))
    grants = Grant.objects.select_for_update(of=("self",)).filter(pk__in=ids, state=state).order_by("pk")
    for grant in list(grants):
        over = grant.ends_at is not None and grant.ends_at <= now
        Grant.objects.filter(pk=grant.pk).update(state=GrantState.EXPIRED if over else GrantState.HELD, used_at=None)


def use_codes(*, code_ids: Sequence[int], now: datetime.datetime) -> bool:
    """One use more of each code of a batch, all of them, or ``False``: then the caller must roll back.

    Rows are taken in the order of their ids. ``False`` when one has no use left or has expired.
    """
    ids = sorted(set(code_ids))
    if not ids:
        return True
    rows = list(
        Code.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=ids, batch__state=BatchState.DONE)
        .order_by("pk")
        .values_list("pk", "used", "batch_id")
    )
    batches = CodeBatch.objects.in_bulk({batch_id for _pk, _used, batch_id in rows})
    for _pk, used, batch_id in rows:
        batch = batches[batch_id]
        if used >= batch.uses_per_code or (batch.expires_at is not None and batch.expires_at <= now):
            return False
    return len(rows) == len(ids) and Code.objects.filter(pk__in=ids).update(used=F("used") + 1) == len(ids)


def give_back_codes(*, code_ids: Sequence[int]) -> None:
    """One use less of each code of a batch; one whose time is over stays useless by its date."""
    ids = sorted(set(code_ids))
    locked = Code.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids, used__gt=0).order_by("pk")
    Code.objects.filter(pk__in=[code.pk for code in locked], used__gt=0).update(used=F("used") - 1)
