"""What stands on a page, as somebody reads it: tables, terms, filters, links; and figures in JSON and CSV."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


@dataclass
class Node:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: "list[Node | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts()).split())

    @property
    def words(self) -> str:
        """As ``text``, where what stands in two elements is not one word, whichever of them comes first."""
        return " ".join(self._texts())

    def _texts(self) -> Iterator[str]:
        for part in self.inside:
            if isinstance(part, str):
                yield part
            elif part.tag not in {"script", "style"}:
                yield from part._texts()

    def all(self, tag: str = "", **attributes: str) -> "Iterator[Node]":
        """Everything inside with this tag and these attributes (``class_`` and ``data_testid`` as they are written in Python)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        for part in self.inside:
            if isinstance(part, Node):
                fits = all(value in part.attributes.get(name, "").split() for name, value in wanted.items())
                if fits and tag in {"", part.tag}:
                    yield part
                yield from part.all(tag, **attributes)

    def first(self, tag: str = "", **attributes: str) -> "Node | None":
        return next(self.all(tag, **attributes), None)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in EMPTY:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(html: str) -> Node:
    builder = _Builder()
    builder.feed(html)
    return builder.root


def table(node: Node) -> list[list[str]]:
    """Cells by row, the heads of rows and columns among them."""
    return [[cell.text for cell in row.inside if isinstance(cell, Node) and cell.tag in {"th", "td"}] for row in node.all("tr")]


def links(node: Node) -> list[str]:
    return [link.attributes["href"] for link in node.all("a") if link.attributes.get("href", "").startswith(("/", "?"))]


def filters(node: Node, *, with_hidden: bool) -> Iterator[str]:
    """What each form that only asks can be sent with: all choices of its lists together.

    ``with_hidden``: and what it sends unseen; without, what this would choose stands as a page shows it first.
    """
    for form in node.all("form"):
        if form.attributes.get("method", "get").lower() != "get":
            continue
        sent = [{}]
        for hidden in form.all("input"):
            if with_hidden and hidden.attributes.get("type") == "hidden" and hidden.attributes.get("name"):
                sent = [{**one, hidden.attributes["name"]: hidden.attributes.get("value", "")} for one in sent]
        for choice in form.all("select"):
            values = [option.attributes.get("value", option.text) for option in choice.all("option")]
            sent = [{**one, choice.attributes["name"]: value} for one in sent for value in values]
        for one in sent:
            yield form.attributes.get("action", "") + "?" + "&".join(f"{name}={value}" for name, value in one.items())
