"""What may be shown so that nobody can be told from it (``docs/anonymity.md``): floors, complements, roll-ups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DEFAULT_K = 5
SMALLEST_K, LARGEST_K = 3, 10
COMMENTS_FROM = 10
OTHER = "other"


def is_allowed(k: object) -> bool:
    """Whether a survey may use this floor."""
    return isinstance(k, int) and not isinstance(k, bool) and SMALLEST_K <= k <= LARGEST_K


def may_become(k: int, *, now: int, has_answers: bool) -> bool:
    """R1: a floor may be raised at any time, and lowered only before the first answer."""
    return is_allowed(k) and (k >= now or not has_answers)


def reaches(respondents: int, k: int) -> bool:
    """R1: so many different people stand behind a figure. A large group is no exception (R8)."""
    return respondents >= k


@dataclass(frozen=True, slots=True)
class Shown:
    """Of groups that divide a whole: which may be shown, which are hidden, and whether the whole may be shown.

    A group that nobody of answered is in neither list.
    """

    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    whole: bool


def complement(respondents: Mapping[str, int], k: int) -> Shown:
    """R3: hide groups of 1 to k − 1; while the hidden together are fewer than k, hide the smallest shown as well (of two alike
    the one listed first), or what is shown would tell of them by subtraction. With fewer than k in all nothing is shown.
    """
    answered = {group: count for group, count in respondents.items() if count > 0}
    whole = sum(answered.values()) >= k
    if not whole:
        return Shown((), tuple(answered), False)
    hidden = {group for group, count in answered.items() if count < k}
    shown = [group for group in answered if group not in hidden]
    while hidden and shown and sum(answered[group] for group in hidden) < k:
        smallest = min(shown, key=lambda group: answered[group])
        shown.remove(smallest)
        hidden.add(smallest)
    return Shown(tuple(shown), tuple(group for group in answered if group in hidden), True)


def rolled_up(respondents: Mapping[str, int], k: int, *, other: str = OTHER) -> dict[str, tuple[str, ...]]:
    """R7: groups under k become one; while that is still under k the smallest of the others joins it.

    Returns which groups make up each that is left. Fewer than k in all leave nothing.
    """
    answered = {group: count for group, count in respondents.items() if count > 0}
    if sum(answered.values()) < k:
        return {}
    small = [group for group, count in answered.items() if count < k]
    left = [group for group in answered if group not in small]
    while small and left and sum(answered[group] for group in small) < k:
        smallest = min(left, key=lambda group: answered[group])
        left.remove(smallest)
        small.append(smallest)
    merged: dict[str, tuple[str, ...]] = {group: (group,) for group in left}
    if small:
        merged[other] = tuple(group for group in answered if group in small)
    return merged


def nested_is_safe(outer: int, inner: int, k: int) -> bool:
    """R4: of two groups one inside the other both may be shown only if nobody or at least k lie between them."""
    between = outer - inner
    return between == 0 or between >= k


def live_steps(respondents_so_far: Iterable[int], k: int) -> list[int | None]:
    """R6, live mode: on how many people the shown result is based after each count: refreshed when k more have answered."""
    based_on: int | None = None
    steps: list[int | None] = []
    for count in respondents_so_far:
        if count - (based_on or 0) >= k:
            # The last incomplete batch is never published on its own.
            based_on = (based_on or 0) + (count - (based_on or 0)) // k * k
        steps.append(based_on)
    return steps


def first_shown_above(path: Sequence[str], shown: Iterable[str]) -> str | None:
    """R7: what a manager sees whose team is hidden: the nearest level above that is shown. ``path`` begins at the team."""
    visible = set(shown)
    return next((group for group in path if group in visible), None)
