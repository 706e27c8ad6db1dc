"""Files that people send: kept as sealed pieces when they arrive, read by the worker, deleted when nothing is left to read.

A web request compares the size and stores the bytes; what they say is looked at by the worker alone. The pieces are rows of a
model of the app that reads the file (``KeptPiece``), so a file is stored, backed up and deleted together with what it belongs to.
"""

import io
import itertools
from collections.abc import Callable
from typing import Any, BinaryIO

from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from . import sealing
from .problems import Kind, Problem

PIECE = 1024 * 1024
SEAL = "kept files"
# A page that takes no file: what fits into a form, and a little more.
MOST_OF_A_FORM = 5 * 1024 * 1024
# Around a file: the names and the other fields of its form.
OF_THE_FORM = 64 * 1024
View = Callable[..., HttpResponseBase]


class FileTooLarge(Problem):
    code = "file-too-large"
    title = _("The file is too large")
    kind = Kind.TOO_LARGE

    def __init__(self, most: int) -> None:
        super().__init__(_("A file here has at most %(most)s MB.") % {"most": most // 1024 // 1024})


class Unreadable(Exception):
    """A piece is gone, or was sealed with a key that is no longer known: the file has to be sent again."""


class KeptPiece(models.Model):
    """One sealed piece of a file. A model of its own in each app adds the foreign key, and keeps each number once."""

    number = models.PositiveIntegerField(_("number"))
    body = models.BinaryField(_("body"))

    class Meta:
        abstract = True


def takes_file(most: int) -> Callable[[View], View]:
    """Marks a page that takes a file of ``most`` bytes. ``shared.middleware.BoundedBodies`` refuses a larger body unread."""

    def mark(view: View) -> View:
        view.most_bytes = most + OF_THE_FORM  # type: ignore[attr-defined]
        return view

    return mark


def refuse_oversized(request: HttpRequest, view: Any) -> None:
    """Compares what a page may take with the length the client announces; Django reads no further than that length.

    Raises ``FileTooLarge``.
    """
    most = getattr(view, "most_bytes", MOST_OF_A_FORM)
    if announced_length(request) > most:
        raise FileTooLarge(most)


def announced_length(request: HttpRequest) -> int:
    """The bytes of the body as the client announces them, 0 where it does not; Django reads no more than these."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def keep(file: BinaryIO, *, pieces: Any, about: str, size: int, most: int) -> None:
    """Store ``file``. ``pieces`` is the related manager of its rows, ``about`` a name no other kept file has.

    Raises ``FileTooLarge`` before anything is read. Joins the caller's transaction: a file is kept as a whole or not at all.
    """
    if size > most:
        raise FileTooLarge(most)
    for number in itertools.count():
        body = file.read(PIECE)
        if not body:
            return
        pieces.create(number=number, body=seal_piece(about, number, body))


def read(*, pieces: models.QuerySet[Any], about: str, size: int) -> BinaryIO:
    """The file ``keep`` stored, to be read and sought; little of it is in memory. Reading raises ``Unreadable``."""
    return io.BufferedReader(_Pieces(pieces, about, size), PIECE)


def seal_piece(about: str, number: int, body: bytes) -> bytes:
    return sealing.seal_for(SEAL, _name(about, number), body)


def open_piece(about: str, number: int, sealed: bytes | memoryview | None) -> bytes:
    """Raises ``Unreadable``."""
    body = sealing.open_for(SEAL, _name(about, number), sealed) if sealed is not None else None
    if body is None:
        raise Unreadable
    return body


def _name(about: str, number: int) -> bytes:
    return f"{about}:{number}".encode()


class _Pieces(io.RawIOBase):
    """A file, read from its rows: one of them is in memory."""

    def __init__(self, pieces: models.QuerySet[Any], about: str, size: int) -> None:
        super().__init__()
        self._rows, self._about, self._size, self._at = pieces, about, size, 0
        self._number, self._body = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """As much as the present piece still has: ``BufferedReader`` asks again for more."""
        if self._at >= self._size:
            return 0
        start = self._at % PIECE
        found = self._piece()[start : start + len(buffer)]
        if not found:
            raise Unreadable  # shorter than was said
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _piece(self) -> bytes:
        number = self._at // PIECE
        if number != self._number:
            sealed = self._rows.filter(number=number).values_list("body", flat=True).first()
            self._number, self._body = number, open_piece(self._about, number, sealed)
        return self._body
