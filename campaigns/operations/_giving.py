"""Incentives that give other incentives: who gives what, and that nothing gives itself in the end."""

import contextlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from customers.rules.faults import Fault

from ..models import Campaign, Claim, Incentive

# One lock for the whole web of givers: two saves at once could each be harmless and together close a circle.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('campaigns.giving'))"
# Everything that gives something, as one text: reading ten thousand rows would take longer than splitting a string.
_EDGES = """
SELECT string_agg(giver.public_id || ' ' || (award ->> 'incentive'), E'\\n')
FROM campaigns_incentive giver, jsonb_array_elements(giver.awards) award
WHERE giver.awards <> '[]' AND award ->> 'type' = 'grant'
"""
NAMED_IN_A_CIRCLE = 6


def hold_the_web() -> None:
    """Until the transaction ends nobody else changes who gives what."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)


def gives(awards: Sequence[Mapping[str, Any]]) -> bool:
    return any(award.get("type") == "grant" for award in awards)


def resolved(campaign: Campaign, awards: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The awards with every given incentive named by its public id; keys of the campaign's own incentives are understood too."""
    found = _named(campaign, {str(award["incentive"]) for award in awards if award["type"] == "grant"})
    return [
        {**award, "incentive": str(found[award["incentive"]].public_id)} if award.get("incentive") in found else dict(award)
        for award in awards
    ]


def faults_of(incentive: Incentive, awards: Sequence[Mapping[str, Any]], pointer: str = "/awards") -> list[Fault]:
    """What is wrong with the incentives that resolved ``awards`` would give. Hold the web before you ask."""
    wanted = {i: str(award["incentive"]) for i, award in enumerate(awards) if award["type"] == "grant"}
    known = _named(incentive.campaign, wanted.values())
    faults = []
    for i, name in wanted.items():
        here = f"{pointer}/{i}/incentive"
        if name not in known:
            faults.append(Fault(here, "incentive-unknown", _("There is no such incentive.")))
        elif known[name].claim != Claim.GRANT and known[name].pk != incentive.pk:
            sentence = _("“%(name)s” is not kept in a wallet, so it cannot be given.") % {"name": known[name].name}
            faults.append(Fault(here, "not-grantable", sentence))
    if faults:
        return faults
    edges = _edges(str(incentive.public_id))
    own = str(incentive.public_id)
    for i, name in wanted.items():
        if (circle := _way(edges, name, own)) is not None:
            faults.append(Fault(f"{pointer}/{i}/incentive", "circular", _circle_in_words(incentive, circle)))
    return faults


def givers(incentive: Incentive) -> list[Incentive]:
    """The other incentives that give this one."""
    wanted = [{"type": "grant", "incentive": str(incentive.public_id)}]
    return list(Incentive.objects.filter(awards__contains=wanted).exclude(pk=incentive.pk)[:5])


def _named(campaign: Campaign, names: Iterable[str]) -> dict[str, Incentive]:
    """Incentives by the name that was used: a public id of any campaign, or a key of this one."""
    names = set(names)
    found = {row.key: row for row in campaign.incentives.filter(key__in=names)}
    return {**{str(row.public_id): row for row in _by_ids(names)}, **found}


def _by_ids(names: Iterable[str]) -> list[Incentive]:
    ids = []
    for name in names:
        with contextlib.suppress(ValueError):
            ids.append(uuid.UUID(name))
    return list(Incentive.objects.filter(public_id__in=ids))


def _edges(without: str) -> dict[str, list[str]]:
    """Who gives whom, but for what ``without`` gives today."""
    with connection.cursor() as cursor:
        cursor.execute(_EDGES)
        (text,) = cursor.fetchone()
    edges: dict[str, list[str]] = {}
    for line in (text or "").split("\n"):
        giver, _space, given = line.partition(" ")
        if giver != without:
            edges.setdefault(giver, []).append(given)
    return edges


def _way(edges: Mapping[str, Sequence[str]], start: str, goal: str) -> list[str] | None:
    """A way from ``start`` to ``goal`` along what is given; ``None`` when there is none. Looks at each incentive once."""
    came_from: dict[str, str] = {start: ""}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            way = [here]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return way[::-1]
        for given in edges.get(here, ()):
            if given not in came_from:
                came_from[given] = here
                waiting.append(given)
    return None


def _circle_in_words(incentive: Incentive, way: Sequence[str]) -> str:
    shown = list(way) if len(way) <= NAMED_IN_A_CIRCLE else [*way[: NAMED_IN_A_CIRCLE - 1], way[-1]]
    names = {str(row.public_id): row.name for row in _by_ids(shown)}
    parts = [_("“%(name)s”") % {"name": names.get(one, incentive.name)} for one in shown]
    if len(way) > NAMED_IN_A_CIRCLE:
        parts.insert(-1, "…")
    if len(parts) == 1:
        return _("%(name)s would give itself.") % {"name": parts[0]}
    first = _("“%(name)s”") % {"name": incentive.name}
    return _("This goes round in a circle: %(circle)s.") % {"circle": " → ".join([first, *parts])}
