"""What may be shown so that nobody can be told from it (``docs/anonymity.md``): floors, steps, levels.

Which groups are shown beside each other (R3, R4), and which are shown together as others (R7), is decided in ``publishing``.
"""

from collections.abc import Iterable, Sequence

DEFAULT_K = 5
SMALLEST_K, LARGEST_K = 3, 10
COMMENTS_FROM = 10
MOST_STEPS = 40
LARGEST_LIVE = 5_000


def is_allowed(k: object) -> bool:
    """Whether a survey may use this floor."""
    return isinstance(k, int) and not isinstance(k, bool) and SMALLEST_K <= k <= LARGEST_K


def may_become(k: int, *, now: int, has_answers: bool) -> bool:
    """R1: a floor may be raised at any time, and lowered only before the first answer."""
    return is_allowed(k) and (k >= now or not has_answers)


def reaches(respondents: int, k: int) -> bool:
    """R1: so many different people stand behind a figure. A large group is no exception (R8)."""
    return respondents >= k


def step_of_live(k: int, invited: int) -> int:
    """R6, live mode: how many people more must have answered before what is shown is renewed. Never fewer than ``k``; more in a
    large company, so that there are at most ``MOST_STEPS`` steps to be judged with the results.
    """
    return max(k, -(-invited // MOST_STEPS))


def may_be_live(invited: int) -> bool:
    """Beyond so many people steps are not judged together with groups, so there are none."""
    return invited <= LARGEST_LIVE


def left_out_at_close(waiting: int, k: int) -> bool:
    """Whether those who answered since the last step are too few to be told from the difference: then they are in no figure."""
    return 0 < waiting < k


def first_shown_above(path: Sequence[str], shown: Iterable[str]) -> str | None:
    """R7: what a manager sees whose team is hidden: the nearest level above that is shown. ``path`` begins at the team."""
    visible = set(shown)
    return next((group for group in path if group in visible), None)
