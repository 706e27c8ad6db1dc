"""Which lines and shipping methods of a basket a target means: looked up by index, remembered for the basket."""

from .basket import EVERYTHING, Basket, Filter
from .effects import Scope, Target
from .work import Work

_SHIPPING = Scope.SHIPPING  # reading a member off its class costs more than comparing it


class Matcher:
    """Answers for one basket. Lines are given by index, in the order of the basket."""

    __slots__ = ("_all", "_basket", "_by_category", "_by_sku", "_discountable", "_filters", "_targets", "_work")

    def __init__(self, basket: Basket, work: Work | None = None) -> None:
        self._basket = basket
        self._work = Work() if work is None else work
        self._all = list(range(len(basket.lines)))
        self._discountable = [index for index, line in enumerate(basket.lines) if line.discountable]
        self._by_sku: dict[str, list[int]] = {}
        self._by_category: dict[str, list[int]] = {}
        for index, line in enumerate(basket.lines):
            self._by_sku.setdefault(line.sku, []).append(index)
            for category in dict.fromkeys(line.categories):
                self._by_category.setdefault(category, []).append(index)
        # Keyed by identity: a target is looked up many times while a basket is worked on, and lives longer than that.
        self._targets: dict[int, tuple[Target, list[int]]] = {}
        self._filters: dict[int, tuple[Filter, list[int]]] = {}

    def lines(self, target: Target) -> list[int]:
        """The discountable lines that the target includes and does not exclude; none for a target of shipping."""
        if target.include is EVERYTHING and target.exclude is None and target.scope is not _SHIPPING:
            return self._discountable
        known = self._targets.get(id(target))
        if known is None:
            known = self._targets[id(target)] = (target, self._find(target))
        return known[1]

    def filtered(self, wanted: Filter) -> list[int]:
        """The lines that match a filter, discountable or not."""
        known = self._filters.get(id(wanted))
        if known is None:
            found = self._candidates(wanted)
            if not wanted.is_one_list:
                lines = self._basket.lines
                self._work.spend(len(found) * (1 + len(wanted.attributes) // 4))
                found = [i for i in found if wanted.matches_line(lines[i])]
            known = self._filters[id(wanted)] = (wanted, found)
        return known[1]

    def shipping(self, target: Target) -> list[int]:
        if target.scope is not Scope.SHIPPING:
            return []
        exclude = target.exclude
        return [
            index
            for index, method in enumerate(self._basket.shipping)
            if target.include.matches_shipping(method) and not (exclude and exclude.matches_shipping(method))
        ]

    def _find(self, target: Target) -> list[int]:
        if target.scope is Scope.SHIPPING:
            return []
        lines, exclude = self._basket.lines, target.exclude
        found = self.filtered(target.include)
        if len(self._discountable) < len(lines):
            self._work.spend(len(found) // 4)
            found = [i for i in found if lines[i].discountable]
        if exclude is not None:
            self._work.spend(len(found) * (1 + len(exclude.attributes) // 4))
        return [i for i in found if not exclude.matches_line(lines[i])] if exclude is not None else found

    def _candidates(self, wanted: Filter) -> list[int]:
        """A few lines that contain all that match, by the most telling index there is."""
        if wanted.skus:
            return self._union(self._by_sku, wanted.skus)
        if wanted.categories:
            return self._union(self._by_category, wanted.categories)
        return self._all

    def _union(self, index: dict[str, list[int]], keys: frozenset[str]) -> list[int]:
        self._work.spend(2 + min(len(keys), len(index)) // 8)
        hits = keys & index.keys() if len(keys) < len(index) else index.keys() & keys
        if not hits:
            return []
        if len(hits) == 1:
            return index[next(iter(hits))]
        found = [i for key in hits for i in index[key]]
        self._work.spend(len(found) // 2)
        return sorted(set(found))
