"""Anticipated refusals, without HTTP.

A ``Problem`` is raised by an operation when the answer is "no" for a reason the caller can understand. Each has a ``code`` that
never changes, a ``title`` that names the kind of refusal, a ``kind`` that the doors translate (into a status, a page), and a
sentence for the person who meets it. Anything that is not a ``Problem`` is a bug.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Kind(enum.Enum):
    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one place of the input. ``pointer`` is a JSON pointer (RFC 6901) without the leading ``#``."""

    pointer: str
    code: str
    detail: Text


class Problem(Exception):
    """Base class of every anticipated refusal; subclasses stand beside the operation that raises them."""

    code = "problem"
    title: Text = _("The request was refused")
    kind = Kind.INVALID

    def __init__(
        self,
        detail: Text = "",
        *,
        errors: Sequence[FieldError] = (),
        extras: Mapping[str, object] | None = None,
    ) -> None:
        self.detail: Text = detail or self.title
        self.errors = tuple(errors)
        self.extras = dict(extras or {})
        super().__init__(str(self.code))

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Invalid(Problem):
    """The input cannot be understood or breaks a rule; ``errors`` say where."""

    code = "invalid"
    title = _("The input is not valid")
    kind = Kind.INVALID


class NotFound(Problem):
    code = "not-found"
    title = _("There is no such thing")
    kind = Kind.NOT_FOUND


def known_problems() -> dict[str, type[Problem]]:
    """Every refusal the code defines, by code; the explaining pages and their test read it."""
    found: dict[str, type[Problem]] = {}
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        for child in waiting.pop().__subclasses__():
            found[child.code] = child
            waiting.append(child)
    return found
