"""Conditions as a tree of groups and rows, for whoever types some: all, any or none of them, each row a form of its own.

The tree is named by paths (``when-1-0-fact``): whatever has a count (``when-1-n``) is a group, everything else a row. Buttons
change it on the server, so it grows and shrinks without scripts. What a row asks is its form's business; a condition
that rows cannot say (made through the API) is not taken apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

DEEPEST = 3
MOST_ROWS = 60
LONGEST_TEXT = 20_000
QUANTIFIERS = ("all", "any", "none")


@dataclass
class Group:
    """``items`` are rows (a dataclass of the texts typed) and groups."""

    quantifier: str = "all"
    items: list[Any] = field(default_factory=list)


@dataclass
class Node:
    """A group as a page shows it: ``items`` are nodes and row forms in order, each with its ``path``."""

    path: str
    quantifier: str
    items: list[Any]
    depth: int
    is_group: bool = True

    @property
    def can_nest(self) -> bool:
        return self.depth < DEEPEST - 1


class RowForm(Protocol):
    """``leaf`` after ``is_valid``: what the row says in the language, ``None`` for an empty one."""

    @property
    def errors(self) -> Any: ...

    def is_valid(self) -> bool: ...


F = TypeVar("F", bound=RowForm)


class TreeForm(Generic[F]):
    """A tree as sent, or as saved. ``said`` (after ``is_valid``) is what it says in the language, ``None`` for nothing.

    Subclasses name the dataclass of a ``row`` and its ``parts``, the fields by which its texts are sent, in this order.
    """

    row: ClassVar[Callable[..., Any]]
    parts: ClassVar[Sequence[str]]

    def __init__(self, data: Mapping[str, Any] | None, *, prefix: str, saved: Group | None, doing: str) -> None:
        """``saved`` is ``None`` when the tree cannot say what is saved; ``doing`` is the button that was pressed: the tree is
        changed and shown again without judging it.
        """
        self.prefix = prefix
        self.is_bound = data is not None and not doing
        self.can_say_saved = saved is not None
        make = type(self).row
        if data is not None:
            tree = read_tree(data, prefix, make, self.parts)
            if doing:
                change_tree(tree, prefix, doing, make)
        else:
            tree = saved or Group()
        if not tree.items:
            tree.items.append(make())
        self.rows: list[F] = []
        self.root = self._node(tree, prefix, 0, data if self.is_bound else None)

    def form_of(self, data: Mapping[str, Any] | None, row: Any, path: str, number: int) -> F:
        """The form of one row."""
        raise NotImplementedError

    def _node(self, group: Group, path: str, depth: int, data: Mapping[str, Any] | None) -> Node:
        items: list[Any] = []
        for n, item in enumerate(group.items):
            here = f"{path}-{n}"
            if isinstance(item, Group):
                items.append(self._node(item, here, depth + 1, data))
            else:
                form = self.form_of(data, item, here, len(self.rows) + 1)
                self.rows.append(form)
                items.append(form)
        return Node(path, group.quantifier, items, depth)

    @property
    def can_grow(self) -> bool:
        return len(self.rows) < MOST_ROWS

    def is_valid(self) -> bool:
        return all([row.is_valid() for row in self.rows])  # noqa: C419 - every row is judged before the first refusal is shown

    @property
    def errors(self) -> list[str]:
        return [str(error) for row in self.rows for errors in row.errors.values() for error in errors]

    @property
    def said(self) -> dict[str, Any] | None:
        return _said(self.root)


def _said(node: Node) -> dict[str, Any] | None:
    """What a group says; empty rows and groups say nothing."""
    parts = [_said(item) if isinstance(item, Node) else getattr(item, "leaf", None) for item in node.items]
    said = [part for part in parts if part is not None]
    return {node.quantifier: said} if said else None


def read_tree(data: Mapping[str, Any], prefix: str, row: Callable[..., Any], parts: Sequence[str]) -> Group:
    """What was sent, whatever it is: too deep and too many is left out."""
    return _read(data, prefix, 0, [0], row, parts)


def _read(
    data: Mapping[str, Any], path: str, depth: int, rows: list[int], row: Callable[..., Any], parts: Sequence[str]
) -> Group:
    given = str(data.get(f"{path}-n", ""))
    count = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0
    quantifier = data.get(f"{path}-quantifier")
    group = Group(quantifier if quantifier in QUANTIFIERS else "all")
    for n in range(min(count, MOST_ROWS)):
        here = f"{path}-{n}"
        if f"{here}-n" in data:
            if depth + 1 < DEEPEST:
                group.items.append(_read(data, here, depth + 1, rows, row, parts))
        elif rows[0] < MOST_ROWS:
            rows[0] += 1
            group.items.append(row(*(str(data.get(f"{here}-{name}", ""))[:LONGEST_TEXT] for name in parts)))
    return group


def change_tree(tree: Group, prefix: str, doing: str, row: Callable[..., Any]) -> None:
    """Does what a button says: ``row:<path>`` and ``group:<path>`` add to a group, ``drop:<path>`` takes away.

    What fits nothing changes nothing.
    """
    verb, _colon, path = doing.partition(":")
    steps = [step for step in path.removeprefix(prefix).split("-") if step]
    if not path.startswith(prefix) or not all(step.isascii() and step.isdigit() and len(step) < 4 for step in steps):
        return
    parent: Group | None = None
    here: Any = tree
    for number in map(int, steps):
        if not isinstance(here, Group) or number >= len(here.items):
            return
        parent, here = here, here.items[number]
    if verb == "drop" and parent is not None:
        del parent.items[int(steps[-1])]
    elif verb == "row" and isinstance(here, Group):
        here.items.append(row())
    elif verb == "group" and isinstance(here, Group) and len(steps) + 1 < DEEPEST:
        here.items.append(Group("any", [row(), row()]))


def tree_of(condition: Any, row_of: Callable[[Mapping[str, Any]], Any]) -> Group | None:
    """The tree that says the same as ``condition``; ``None`` when there is none, as ``row_of`` answers for such a leaf."""
    if not condition:
        return Group()
    rows = [0]
    tree = _item(condition, row_of, 0, rows)
    if tree is not None and not isinstance(tree, Group):
        tree = Group("all", [tree])
    return tree if rows[0] <= MOST_ROWS else None


def _item(condition: Mapping[str, Any], row_of: Callable[[Mapping[str, Any]], Any], depth: int, rows: list[int]) -> Any:
    quantifier = next((name for name in QUANTIFIERS if name in condition), None)
    if quantifier is None:
        rows[0] += 1
        return row_of(condition)
    # An empty group means something (everybody, nobody), but a tree without rows means nothing.
    if depth >= DEEPEST or (not condition[quantifier] and (depth or quantifier == "any")):
        return None
    items = [_item(item, row_of, depth + 1, rows) for item in condition[quantifier]]
    return None if any(item is None for item in items) else Group(quantifier, items)
