"""Tables as people send them: CSV and XLSX read line by line, however long they are (``docs/import.md``).

A broken line is one line: its neighbours are read. Nothing here holds more of a file than a line, but for the shared
texts of XLSX, which are bounded.
"""

import csv
import datetime
import io
import itertools
import re
import xml.parsers.expat
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, Final
from xml.etree.ElementTree import ParseError

import openpyxl

MOST_COLUMNS = 200
LONGEST_CELL = 2_000  # characters
LONGEST_LINE = 64 * 1024
LINES_OF_A_RECORD = 50  # that texts in quotes may go over
SAMPLE = 1_000
LARGEST_SHEET = 1_500 * 1024 * 1024  # bytes of XML
LARGEST_TEXTS = 96 * 1024 * 1024  # of the shared texts of XLSX, which are held in memory
LARGEST_OTHER = 16 * 1024 * 1024
MOST_ROWS = 1_048_576  # of an XLSX sheet, as many as Excel has
MOST_EMPTY_ROWS = 10_000  # in a row: openpyxl makes one for each that a file leaves out
LARGEST_ROW = 1024 * 1024  # bytes of XML without the start of another row
ROW = re.compile(rb"<(?:[\w.-]+:)?row[\s/>]")
# What openpyxl and zipfile say of files that are no XLSX, or broken ones.
BROKEN = (
    zipfile.BadZipFile,
    xml.parsers.expat.ExpatError,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    NotImplementedError,
)
OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
ZIP: Final = b"PK\x03\x04"


class BadTable(ValueError):
    """The file cannot be read as a table; ``code`` says why (``wording.why_no_table``)."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file, and its cells, as many as there are columns; or the reason why it cannot be read."""

    number: int
    cells: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What a file is: ``kind`` is csv or xlsx, ``columns`` the texts of its first line; ``separator`` and ``encoding`` of CSV."""

    kind: str
    columns: tuple[str, ...]
    separator: str = ""
    encoding: str = ""


def look(file: BinaryIO) -> Head:
    """The head of a file that can be sought. Raises ``BadTable``."""
    start = file.read(4096)
    file.seek(0)
    if start.startswith(OLD_EXCEL):
        raise BadTable("old-excel")
    if start.startswith(ZIP):
        rows = _sheet(file)
        head = Head("xlsx", _columns(next((line.cells for line in rows), ())))
        file.seek(0)
        return head
    encoding = _encoding(start)
    text = _text(file, encoding)
    try:
        lines = list(itertools.islice(_physical(text), SAMPLE))
    finally:
        text.detach()
        file.seek(0)
    if not lines or not lines[0].strip():
        raise BadTable("empty")
    if "\x00" in lines[0]:
        raise BadTable("not-a-table")
    broken = sum(_is_broken(line) for line in lines)
    if _is_broken(lines[0]) or broken * 2 > len(lines):
        raise BadTable("not-utf-8")
    separator = max(",;\t|", key=lines[0].count)
    columns = _columns(_cells(lines[0], separator) or ())
    return Head("csv", columns, separator, encoding)


def read(file: BinaryIO, head: Head) -> Iterator[Line]:
    """Every line below the first, empty ones left out. Raises ``BadTable`` where the file as a whole breaks off."""
    width = len(head.columns)
    if head.kind == "xlsx":
        for line in itertools.islice(_sheet(file), 1, None):
            yield _fitted(line, width)
        return
    text = _text(file, head.encoding)
    try:
        yield from (_fitted(line, width) for line in _records(_physical(text), head.separator, width))
    finally:
        text.detach()


def _fitted(line: Line, width: int) -> Line:
    """As many cells as there are columns; what a table may not contain is a fault."""
    if line.fault:
        return line
    cells = line.cells
    if len(cells) > width and not any(cells[width:]):
        cells = cells[:width]
    if len(cells) < width:
        cells += ("",) * (width - len(cells))
    if len(cells) > width:
        return Line(line.number, (), "columns")
    if any(len(cell) > LONGEST_CELL for cell in cells):
        return Line(line.number, (), "too-long")
    if any("\x00" in cell for cell in cells):
        return Line(line.number, (), "null-character")
    if any(_is_broken(cell) for cell in cells):
        return Line(line.number, (), "not-utf-8")
    return Line(line.number, cells)


def _columns(cells: Sequence[str]) -> tuple[str, ...]:
    """The heads of the columns, each once and none empty at the end."""
    names = [" ".join(cell.split())[:100] for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise BadTable("empty")
    if len(names) > MOST_COLUMNS:
        raise BadTable("too-many-columns")
    if any("\x00" in name or _is_broken(name) for name in names):
        raise BadTable("not-a-table")
    return tuple(names)


# --- CSV ----------------------------------------------------------------------------------------------------------------


def _encoding(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"


def _text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Bytes that are no text of the encoding stay to be told as such, each in its line."""
    return io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape" if encoding != "utf-16" else "replace", newline="")


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _physical(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines as they stand in the file, cut where one has no end."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            while (rest := text.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            yield line + "\x00"  # a line too long to be read, marked as one that no table has
            continue
        yield line


def _records(lines: Iterator[str], separator: str, width: int) -> Iterator[Line]:
    """Records, which texts in quotes carry over several lines; a quote that never ends is a fault of its line alone."""
    waiting: deque[tuple[int, str]] = deque()
    numbered = enumerate(lines, start=1)
    next(numbered, None)  # the heads

    def following() -> tuple[int, str] | None:
        return waiting.popleft() if waiting else next(numbered, None)

    while (first := following()) is not None:
        number, line = first
        if not line.strip():
            continue
        if len(line) >= LONGEST_LINE:
            yield Line(number, (), "too-long")
            continue
        taken = [first]
        text = line
        while text.count('"') % 2 and len(taken) < LINES_OF_A_RECORD and len(text) < LONGEST_LINE:
            more = following()
            if more is None:
                break
            taken.append(more)
            text += more[1]
        cells = _cells(text, separator) if text.count('"') % 2 == 0 else None
        if len(taken) > 1 and (cells is None or len(cells) != width):
            waiting.extendleft(reversed(taken[1:]))
            yield Line(number, (), "quotes")
        elif cells is None:
            yield Line(number, (), "quotes")
        elif len(cells) < width:
            yield Line(number, (), "columns")
        elif any(cells):
            yield Line(number, cells)


def _cells(text: str, separator: str) -> tuple[str, ...] | None:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return tuple(cell.strip() for cell in rows[0]) if len(rows) == 1 else None


# --- XLSX ---------------------------------------------------------------------------------------------------------------


def _sheet(file: BinaryIO) -> Iterator[Line]:
    """The lines of the first sheet. What a formula last came to is read, never the formula."""
    try:
        _check_sizes(file)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheets = book.worksheets
        if not sheets:
            raise BadTable("empty")
        sheet = sheets[0]
        sheet.reset_dimensions()  # what the file says of its own size is not believed
        source = sheet._get_source
        sheet._get_source = lambda: _Rows(source())
        empty = 0
        for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True), start=1):
            cells = tuple(_said(value) for value in row) if any(value is not None for value in row) else ()
            if number > MOST_ROWS:
                raise BadTable("too-many-rows")
            empty = 0 if any(cells) else empty + 1
            if empty > MOST_EMPTY_ROWS:
                raise BadTable("empty-rows")
            if any(cells):
                yield Line(number, cells)
    except BadTable:
        raise
    except BROKEN as error:
        raise BadTable("not-xlsx") from error


class _Rows(io.RawIOBase):
    """The XML of a sheet on its way to the parser, which holds a whole row: refused where one has no end in sight."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source, self._since = source, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        # In pieces, however much the parser asks for.
        piece = self._source.read(min(size, 65_536) if size and size > 0 else 65_536)
        starts = [found.start() for found in ROW.finditer(piece)]
        self._since = len(piece) - starts[-1] if starts else self._since + len(piece)
        if self._since > LARGEST_ROW:
            raise BadTable("too-wide")
        return piece


def _require_no_entities(part: IO[bytes]) -> None:
    """A document type comes before the first element, if at all; with it, entities that unfold without end."""
    parser = xml.parsers.expat.ParserCreate()
    is_begun = False

    def begin(*_name: object) -> None:
        nonlocal is_begun
        is_begun = True

    def refuse(*_declared: object) -> None:
        raise BadTable("entities")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = begin
    left = 1024 * 1024
    while not is_begun and left > 0 and (piece := part.read(4096)):
        parser.Parse(piece, False)
        left -= len(piece)
    if not is_begun:
        raise BadTable("not-xlsx")


def _check_sizes(file: BinaryIO) -> None:
    """Bombs are told by what the directory says; what is unpacked beyond it is never read."""
    with zipfile.ZipFile(file) as packed:
        members = packed.infolist()
        if len(members) > 2_000:
            raise BadTable("too-large-inside")
        for member in members:
            name = member.filename.lower()
            is_bomb = member.file_size > 1_000_000 and member.file_size > 200 * max(1, member.compress_size)
            if name.endswith((".xml", ".rels")) and (is_bomb or member.file_size > _most(name)):
                raise BadTable("too-large-inside")
            if member.flag_bits & 1:
                raise BadTable("encrypted")
        for member in members:
            if member.filename.lower().endswith((".xml", ".rels")):
                with packed.open(member) as part:
                    _require_no_entities(part)
    file.seek(0)


def _most(name: str) -> int:
    if "worksheets/" in name:
        return LARGEST_SHEET
    return LARGEST_TEXTS if name.endswith("sharedstrings.xml") else LARGEST_OTHER


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    text = str(value).strip()
    return "" if text.startswith("#") and text.rstrip("!?").isupper() and text.endswith(("!", "?", "/A")) else text
