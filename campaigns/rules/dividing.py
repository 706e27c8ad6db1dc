"""Who gets which line in a group that picks for each line by itself (``docs/stacking.md``, Choosing).

Every incentive of the group offers for each line what it would give there by itself, as things stand at the group's turn. Lines
are given away in the order of the basket, then shipping methods: each to the best offer that still has room in the stack, the
group, its limits and the caps. So whoever gets no line has changed nothing for the others.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from .applying import Outcome, part_of, units_lowered
from .candidates import Candidate, LimitState, Reason
from .decision import Refused, refused
from .groups import Pick
from .running import Running

# A line (0, index) or a shipping method (1, index).
Cell = tuple[int, int]
LINE, METHOD = 0, 1


class Division:
    """``places`` says how many may be taken, by reason; ``left`` what is left of a limit. Members are known by their position."""

    def __init__(
        self,
        pick: Pick,
        able: Sequence[tuple[Candidate, Outcome]],
        places: Mapping[Reason, int],
        left: Callable[[LimitState], int],
        running: Running,
        order_value: int = 0,
    ) -> None:
        self.pick, self.able, self.places, self.left, self.running = pick, able, places, left, running
        self.order_value = order_value
        self.running.work.spend(sum(2 + len(outcome.lines) + len(outcome.shipping) for _candidate, outcome in able))
        self.offers: dict[Cell, list[tuple[int, int]]] = {}
        for member, (_candidate, outcome) in enumerate(able):
            for line, part in zip(outcome.lines, outcome.parts, strict=True):
                self.offers.setdefault((LINE, line), []).append((member, part))
            for method, part in outcome.shipping:
                self.offers.setdefault((METHOD, method), []).append((member, part))
        self.given: dict[int, dict[Cell, int]] = {}
        self.winners: dict[Cell, int] = {}
        self.without_room: dict[int, Reason] = {}
        self.spent: dict[int, int] = {}

    def give_away(self, cap: int | None) -> None:
        """``cap`` is what the caps over everything leave."""
        sign = {Pick.BEST_FOR_CUSTOMER: -1, Pick.LEAST_COST: 1}.get(self.pick, 0)
        for cell in sorted(self.offers):
            for member, offered in sorted(self.offers[cell], key=lambda offer: (sign * offer[1], offer[0])):
                self.running.work.spend(2)
                is_payment = self.able[member][1].stored_value > 0
                part = offered if cap is None or is_payment else min(offered, cap)
                reason = self._obstacle(member, cell, part)
                if reason is not None:
                    self.without_room.setdefault(member, reason)
                    continue
                for limit, used in self._used(member, cell, part):
                    self.spent[limit.id] = self.spent.get(limit.id, 0) + used
                cap = cap if cap is None or is_payment else cap - part
                self.given.setdefault(member, {})[cell] = part
                self.winners[cell] = member
                break

    def _obstacle(self, member: int, cell: Cell, part: int) -> Reason | None:
        if not part:
            return Reason.CAP_REACHED
        if member not in self.given:
            for reason, places in self.places.items():
                if len(self.given) >= places:
                    return reason
        for limit, used in self._used(member, cell, part):
            if self.left(limit) - self.spent.get(limit.id, 0) < used:
                return limit.reason
        return None

    def _used(self, member: int, cell: Cell, part: int) -> list[tuple[LimitState, int]]:
        """What one more line uses of the member's limits; a use, and the order's value, counts once."""
        candidate, outcome = self.able[member]
        if not candidate.standing.limits:
            return []
        kind, number = cell
        units = units_lowered(part_of(outcome, {number: part}, {}, self.running), self.running) if kind == LINE else 0
        is_first = member not in self.given
        return [
            (limit, limit.wanted(amount=part, units=units, order_value=self.order_value if is_first else 0))
            for limit in candidate.standing.limits
            if is_first or limit.measure != "uses"
        ]

    def won(self) -> Iterable[tuple[Candidate, Outcome]]:
        for member, cells in sorted(self.given.items()):
            candidate, outcome = self.able[member]
            lines = {number: part for (kind, number), part in cells.items() if kind == LINE}
            methods = {number: part for (kind, number), part in cells.items() if kind == METHOD}
            yield candidate, part_of(outcome, lines, methods, self.running)

    def lost(self) -> Iterable[Refused]:
        outbid = Reason.NOT_FIRST if self.pick is Pick.FIRST else Reason.LOST_TO_BETTER
        beaten_by: dict[int, str] = {}  # who won the first of a member's cells that anyone won
        for cell in sorted(self.offers):
            if cell in self.winners:
                for member, _part in self.offers[cell]:
                    beaten_by.setdefault(member, self.able[self.winners[cell]][0].key)
        for member, (candidate, _outcome) in enumerate(self.able):
            if member not in self.given:
                winner = beaten_by.get(member, "")
                reason = self.without_room.get(member) or (outbid if winner else Reason.NO_EFFECT)
                yield refused(candidate, reason, winner=winner)
