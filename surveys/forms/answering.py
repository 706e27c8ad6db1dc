"""What somebody answers, as their browser sends it; and what is kept in the browser until it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import signing
from django.http import QueryDict

from ..rules.questions import LONGEST_COMMENT, Kind

LONGEST_COOKIE = 3_500  # bytes; browsers keep 4 KiB


@dataclass(slots=True)
class Answering:
    """Answers so far, as they were typed; ``at`` is the key of the question that is shown."""

    values: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    at: str = ""

    def take(self, posted: QueryDict, questions: Sequence[Mapping[str, Any]]) -> None:
        """What the form says of these questions."""
        for item in questions:
            key = item["key"]
            sent = posted.getlist(f"q-{key}")
            given: Any = sent if item["kind"] == Kind.MULTIPLE else (sent[0] if sent else "")
            if given:
                self.values[key] = given
            else:
                self.values.pop(key, None)
            comment = posted.get(f"c-{key}", "").replace("\r\n", "\n")
            if comment.strip():
                self.comments[key] = comment
            else:
                self.comments.pop(key, None)

    def sealed(self, token: str) -> str:
        """Signed for this link; good in no other."""
        return signing.dumps([self.values, self.comments, self.at], salt=f"answers {token}", compress=True)

    def for_cookie(self, token: str) -> str:
        """What fits into a cookie: without the comments when they are long."""
        whole = self.sealed(token)
        return whole if len(whole) <= LONGEST_COOKIE else Answering(self.values, {}, self.at).short(token)

    def short(self, token: str) -> str:
        sealed = self.sealed(token)
        return sealed if len(sealed) <= LONGEST_COOKIE else ""


def opened(sealed: str, token: str) -> Answering:
    """Answers that were sealed for this link; nothing when they were not, or are too long to be ours."""
    if not sealed or len(sealed) > 40 * LONGEST_COMMENT:
        return Answering()
    try:
        values, comments, at = signing.loads(sealed, salt=f"answers {token}")
    except (signing.BadSignature, ValueError, TypeError):
        return Answering()
    return Answering(dict(values), dict(comments), str(at))
