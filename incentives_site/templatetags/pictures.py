"""Small pictures made on the server, each with a table that says the same: columns over time, bars of a ranking."""

from collections.abc import Sequence
from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("_components/columns.svg.html")
def columns(rows: Sequence[tuple[Any, int]], label: str, unit: str = "", height: int = 56) -> dict[str, Any]:
    """One column for each row (what, how many), from left to right; ``unit`` heads the figures in the table."""
    top = max((count for _what, count in rows), default=0)
    drawn = [
        {
            "what": what,
            "count": count,
            "x": index * 10 + 1,
            "height": max(1.5, round(count / top * (height - 2), 1)) if count else 0,
        }
        for index, (what, count) in enumerate(rows)
    ]
    for column in drawn:
        column["y"] = round(height - column["height"], 1)
    return {"columns": drawn, "label": label, "unit": unit, "width": len(rows) * 10, "height": height, "top": top}


@register.inclusion_tag("_components/bars.html")
def bars(rows: Sequence[tuple[str, int, str]], caption: str) -> dict[str, Any]:
    """A table whose rows (what, number, number in words) show their share of the largest as a bar."""
    top = max((number for _what, number, _words in rows), default=0)
    drawn = [{"what": what, "words": words, "share": round(100 * number / top, 1) if top else 0} for what, number, words in rows]
    return {"rows": drawn, "caption": caption}
