"""An operator's own sentences for refusals, as rows: for which reason, then one field for each language that is offered."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.rules.candidates import Reason
from campaigns.rules.decision import Refused
from campaigns.wording import sentence
from campaigns.wording.decisions import ANY

PREFIX = "sentence"
LONGEST = 200
# What nobody can be told about this incentive: a code that opens nothing belongs to none.
NEVER = frozenset({Reason.CODE_UNKNOWN})
MOST = len(Reason) + 1


def reasons() -> list[tuple[str, str]]:
    """Reasons by what is said of them without an own sentence."""
    known = [(reason.value, sentence(Refused("", "", reason), "")) for reason in Reason if reason not in NEVER]
    return [("", _("choose …")), (ANY, _("Whatever the reason")), *known]


def _field(language: str) -> str:
    return f"text-{language}"


class SentenceForm(forms.Form):
    """One reason; ``texts`` (after ``is_valid``) are its sentences by language."""

    reason = forms.ChoiceField(label=gettext_lazy("Instead of"), required=False)

    def __init__(self, typed: Mapping[str, Any], *, number: int, prefix: str, is_bound: bool) -> None:
        names = ["reason", *(_field(code) for code, _name in settings.LANGUAGES)]
        begins = {name: typed[f"{prefix}-{name}"] for name in names if f"{prefix}-{name}" in typed}
        super().__init__(typed if is_bound else None, prefix=prefix, initial=begins)
        self.number = number
        self.fields["reason"].choices = reasons()  # type: ignore[attr-defined]
        for code, name in settings.LANGUAGES:
            self.fields[_field(code)] = forms.CharField(
                label=_("Say in %(language)s") % {"language": name},
                required=False,
                max_length=LONGEST,
                widget=forms.TextInput(attrs={"lang": code}),
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        said = ((code, (data.get(_field(code)) or "").strip()) for code, _name in settings.LANGUAGES)
        self.texts = {code: text for code, text in said if text}
        if self.texts and not data.get("reason"):
            self.add_error("reason", _("Say which sentence it replaces."))
        if data.get("reason") and not self.texts and not self.errors:
            self.add_error(_field(settings.LANGUAGES[0][0]), _("Write the sentence, or take the row away."))
        return data


class SentencesForm:
    """All rows. ``sentences`` (after ``is_valid``) is what the operations take."""

    def __init__(self, typed: Mapping[str, Any], *, is_bound: bool = False, doing: str = "") -> None:
        """``doing`` is a button that was pressed: what was typed is shown again without judging it."""
        self.is_bound = is_bound and not doing
        given = str(typed.get(f"{PREFIX}-n", 1))
        count = min(int(given) if given.isascii() and given.isdigit() and len(given) < 3 else 1, MOST)
        kept = [n for n in range(count) if doing != f"remove:{n}"]
        if doing == "more" and count < MOST:
            kept.append(count)
        names = ["reason", *(_field(code) for code, _name in settings.LANGUAGES)]
        shown = {
            f"{PREFIX}-{place}-{name}": typed[f"{PREFIX}-{n}-{name}"]
            for place, n in enumerate(kept)
            for name in names
            if f"{PREFIX}-{n}-{name}" in typed
        }
        self.is_open = bool(doing)
        self.rows = [
            SentenceForm(shown, number=place + 1, prefix=f"{PREFIX}-{place}", is_bound=self.is_bound)
            for place in range(max(1, len(kept)))
        ]

    @property
    def can_grow(self) -> bool:
        return len(self.rows) < MOST

    @property
    def has_anything(self) -> bool:
        return self.is_open or bool(self.errors) or any(row["reason"].value() for row in self.rows)

    def is_valid(self) -> bool:
        if not all([row.is_valid() for row in self.rows]):  # noqa: C419 - every row is judged
            return False
        self.sentences: dict[str, dict[str, str]] = {}
        for row in self.rows:
            reason = row.cleaned_data["reason"]
            if reason and reason in self.sentences:
                row.add_error("reason", _("Another row is about this already."))
            elif reason:
                self.sentences[reason] = row.texts
        return not any(row.errors for row in self.rows)

    @property
    def errors(self) -> dict[str, list[str]]:
        """What is wrong, by the name of the field as it is sent."""
        return {row.add_prefix(name): list(map(str, found)) for row in self.rows for name, found in row.errors.items()}

    def place(self, pointer: str, text: str) -> bool:
        """Put what an operation refused beside its field; whether there is one."""
        reason, _slash, language = pointer.removeprefix("/sentences/").partition("/")
        row = next((row for row in self.rows if row.is_bound and row.cleaned_data.get("reason") == reason), None)
        if not pointer.startswith("/sentences/") or row is None:
            return False
        row.add_error(_field(language) if _field(language) in row.fields else "reason", text)
        return True


def sentences_as_typed(sentences: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    typed = {f"{PREFIX}-n": str(max(1, len(sentences)))}
    for n, (reason, texts) in enumerate(sentences.items()):
        typed[f"{PREFIX}-{n}-reason"] = reason
        typed |= {f"{PREFIX}-{n}-{_field(code)}": text for code, text in texts.items()}
    return typed
