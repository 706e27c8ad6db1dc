"""Text patterns: a small regular language that means the same to RE2 and to PostgreSQL, and that neither can explode on.

A pattern describes the whole text. It knows plain characters, ``.``, sets such as ``[A-Z0-9]`` and ``[^x]``, ``\\d \\w \\s``
(ASCII), groups, ``|``, and the repeats ``* + ? {2} {2,} {2,5}``; a backslash makes any sign plain. There are no references back
and no looking around, so that RE2 can judge it by an automaton, in time linear in the text (R. Cox, "Regular Expression
Matching in the Wild", 2010); what a counted repeat unfolds to is bounded, since the automaton has to hold it.
"""

import functools
import re

import re2

LONGEST_PATTERN = 200
MOST_REPEATS = 100
MOST_STATES = 1_000
DEEPEST_GROUP = 10
CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": " \t\n\r\f\v"}
SIGNS = frozenset(r"\.[]{}()*+?^$|/-")
COUNTED = re.compile(r"\{(\d{1,3})(,(\d{1,3})?)?\}")


class BadPattern(ValueError):
    """The pattern cannot be understood; the text says why."""


def canonical(pattern: str) -> str:
    """The pattern as both engines read it, without anchors. Raises ``BadPattern``."""
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise BadPattern(f"A pattern has 1 to {LONGEST_PATTERN} characters.")
    if not _is_text(pattern):
        raise BadPattern("This is not valid Unicode.")
    reader = _Reader(pattern)
    text, states = reader.alternatives(0)
    if reader.position < len(pattern):
        raise BadPattern("A group is closed that was never opened.")
    if states > MOST_STATES:
        raise BadPattern("Its repeats are too many: make them fewer, or let them be without a count.")
    return text


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> "re2._Regexp[str]":
    return re2.compile("(?s)(?:" + canonical(pattern) + ")")


def fits(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` is described by ``pattern`` (one that ``canonical`` accepts)."""
    return _is_text(text) and _compiled(pattern).fullmatch(text) is not None


def _is_text(text: str) -> bool:
    """Halves of a surrogate pair are no characters; no database holds them."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def as_sql(pattern: str) -> str:
    """The pattern for PostgreSQL's ``~``: an advanced regular expression over the whole text, whatever its first characters."""
    return "***:^(?:" + canonical(pattern) + ")$"


class _Reader:
    """Recursive descent over the pattern; every method answers (canonical text, states of an automaton)."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0

    def peek(self) -> str:
        return self.pattern[self.position : self.position + 1]

    def next(self) -> str:
        found = self.peek()
        self.position += 1
        return found

    def alternatives(self, depth: int) -> tuple[str, int]:
        branches = [self.sequence(depth)]
        while self.peek() == "|":
            self.next()
            branches.append(self.sequence(depth))
        return "|".join(text for text, _states in branches), sum(states for _text, states in branches)

    def sequence(self, depth: int) -> tuple[str, int]:
        parts: list[str] = []
        total = 0
        while self.peek() not in {"", "|", ")"}:
            text, states = self.repeated(depth)
            parts.append(text)
            total += states
        if not parts:
            raise BadPattern("Something is missing: each alternative and each group holds at least one character.")
        return "".join(parts), total

    def repeated(self, depth: int) -> tuple[str, int]:
        text, states = self.single(depth)
        sign = self.peek()
        if sign in {"*", "+", "?"}:
            self.next()
            repeat, times = sign, 1
        elif sign == "{":
            repeat, times = self.counted()
        else:
            return text, states
        if self.peek() in {"*", "+", "?", "{"}:
            raise BadPattern("A repeat is repeated: put a group around the first.")
        return text + repeat, states * times

    def counted(self) -> tuple[str, int]:
        found = COUNTED.match(self.pattern, self.position)
        if found is None:
            raise BadPattern("A count is written {2}, {2,} or {2,5}.")
        self.position = found.end()
        low, high = int(found[1]), int(found[3]) if found[3] else None
        if max(low, high or 0) > MOST_REPEATS or (high is not None and (high < low or high == 0)) or (not found[2] and low == 0):
            raise BadPattern(f"A count is from 1 to {MOST_REPEATS}, the smaller number first.")
        return found[0], max(low, high or low + 1)

    def single(self, depth: int) -> tuple[str, int]:
        sign = self.next()
        match sign:
            case "(":
                if depth >= DEEPEST_GROUP:
                    raise BadPattern(f"Groups are nested at most {DEEPEST_GROUP} deep.")
                if self.peek() == "?":
                    raise BadPattern("Looking around and options are not part of this language.")
                text, states = self.alternatives(depth + 1)
                if self.next() != ")":
                    raise BadPattern("A group is not closed.")
                return f"(?:{text})", states
            case "[":
                return self.set(), 1
            case ".":
                return ".", 1
            case "\\":
                return self.escaped(inside=False), 1
            case "*" | "+" | "?" | "{":
                raise BadPattern("There is nothing before a repeat.")
            case "]" | "}":
                raise BadPattern("A closing bracket stands alone: put a backslash before it.")
            case "^" | "$":
                raise BadPattern("A pattern always describes the whole text: leave ^ and $ out, or put a backslash before them.")
        return sign, 1

    def escaped(self, *, inside: bool) -> str:
        sign = self.next()
        if sign in CLASSES:
            return CLASSES[sign] if inside else f"[{CLASSES[sign]}]"
        if sign not in SIGNS or not sign:
            raise BadPattern("A backslash stands before d, w, s or a sign.")
        return "\\" + sign

    def set(self) -> str:
        text = "["
        if self.peek() == "^":
            text += self.next()
        entries = 0
        while self.peek() != "]":
            low = self.member()
            if self.peek() == "-" and self.pattern[self.position + 1 : self.position + 2] not in {"", "]"}:
                self.next()
                high = self.member()
                if len(low.lstrip("\\")) > 1 or len(high.lstrip("\\")) > 1 or low[-1] > high[-1]:
                    raise BadPattern("A range goes from a lower character to a higher one.")
                low = f"{low}-{high}"
            text += low
            entries += 1
        self.next()
        if not entries:
            raise BadPattern("A set holds at least one character.")
        return text + "]"

    def member(self) -> str:
        sign = self.next()
        if not sign:
            raise BadPattern("A set is not closed.")
        if sign == "\\":
            return self.escaped(inside=True)
        return "\\" + sign if sign in {"[", "^", "-"} else sign
