"""The directory: how long somebody has been here in bands, the tree of departments, who manages whom."""

import datetime
from collections.abc import Mapping, Sequence

BANDS = ((1, "under-1"), (3, "1-to-3"), (5, "3-to-5"), (10, "5-to-10"))
LONGEST = "over-10"
DEEPEST = 10


def tenure_band(started_on: datetime.date | None, today: datetime.date) -> str:
    """In whole years; empty when nobody knows."""
    if started_on is None:
        return ""
    years = today.year - started_on.year - ((today.month, today.day) < (started_on.month, started_on.day))
    return next((name for most, name in BANDS if years < most), LONGEST)


def path_of(key: str, parents: Mapping[str, str]) -> list[str] | None:
    """The keys from the top to ``key``; ``None`` when the tree runs in a circle or is deeper than ten."""
    path = [key]
    while parent := parents.get(path[0], ""):
        if parent in path or len(path) >= DEEPEST:
            return None
        path.insert(0, parent)
    return path


def circles(managers: Mapping[str, str]) -> list[Sequence[str]]:
    """Who would, by way of others, be their own manager: each circle once, from its smallest key."""
    found: list[Sequence[str]] = []
    done: set[str] = set()
    for start in sorted(managers):
        way: list[str] = []
        person = start
        while person and person not in done and person not in way:
            way.append(person)
            person = managers.get(person, "")
        if person in way:
            circle = way[way.index(person) :]
            first = circle.index(min(circle))
            found.append([*circle[first:], *circle[:first]])
        done.update(way)
    return found
