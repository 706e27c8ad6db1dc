"""One question, in all languages of its survey beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from ..models import SurveyQuestion
from ..rules.questions import CHOICES, Kind
from .planning import SCALES

LONGEST = 500
KINDS = SurveyQuestion._meta.get_field("kind").choices or []
NAMES = dict(settings.LANGUAGES)
SCORED = {"enps", "nps", "agreement", "rating", "csat", "yes_no", "single", "multiple"}


class QuestionForm(forms.Form):
    """``question`` is what the operations take. Options are typed one a line, in the same order in every language."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, initial=Kind.AGREEMENT.value)
    scale = forms.ChoiceField(label=_("Scale of an eNPS"), choices=SCALES, initial="0-10", required=False)
    has_comment = forms.BooleanField(label=_("With a comment"), required=False)
    is_required = forms.BooleanField(label=_("Has to be answered"), required=False)
    after = forms.ChoiceField(label=_("Asked only after"), required=False)
    after_values = forms.CharField(
        label=_("When the answer was"),
        max_length=200,
        required=False,
        help_text=_("Numbers, yes, no, or the places of options from 1; with commas between."),
    )

    def __init__(
        self,
        *args: Any,
        languages: Sequence[str],
        before: Sequence[Mapping[str, Any]] = (),
        saved: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.languages, self.before, self.saved = list(languages), list(before), saved
        first = [("", _("Always asked"))]
        self.fields["after"].choices = first + [(q["key"], next(iter(q["texts"].values()), q["key"])[:80]) for q in before]  # type: ignore[attr-defined]
        for code in languages:
            self.fields[f"text-{code}"] = forms.CharField(
                label=_("Question in %(language)s") % {"language": NAMES[code]},
                max_length=LONGEST,
                required=False,
                widget=forms.Textarea(attrs={"rows": 2, "lang": code}),
            )
            self.fields[f"options-{code}"] = forms.CharField(
                label=_("Options in %(language)s, one a line") % {"language": NAMES[code]},
                max_length=4_000,
                required=False,
                widget=forms.Textarea(attrs={"rows": 3, "lang": code}),
            )

    @property
    def beside(self) -> list[tuple[Any, Any, Any, bool]]:
        """Language, its text, its options, whether words are missing."""
        return [
            (NAMES[code], self[f"text-{code}"], self[f"options-{code}"], not str(self[f"text-{code}"].value() or "").strip())
            for code in self.languages
        ]

    def question(self, taken: Sequence[str]) -> dict[str, Any]:
        data = self.cleaned_data
        texts = {code: data[f"text-{code}"].strip() for code in self.languages if data[f"text-{code}"].strip()}
        if self.saved:
            key, texts = self.saved["key"], {**{k: v for k, v in self.saved["texts"].items() if k not in self.languages}, **texts}
        else:
            stem = slugify(next(iter(texts.values()), ""))[:30].strip("-") or data["kind"].replace("_", "-")
            key = next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 100))) if name not in taken)
        return {
            "key": key,
            "kind": data["kind"],
            "texts": texts,
            "options": self._options() if data["kind"] in CHOICES else [],
            "scale": data["scale"] if data["kind"] == Kind.ENPS else "0-10",
            "is_required": data["is_required"],
            "has_comment": data["has_comment"] and data["kind"] in SCORED,
            "branch": self._branch(),
        }

    def _options(self) -> list[dict[str, Any]]:
        """Those saved keep their keys by place, so that a better word changes no answer."""
        lines = {
            code: [" ".join(line.split()) for line in self.cleaned_data[f"options-{code}"].splitlines() if line.strip()]
            for code in self.languages
        }
        count = max(map(len, lines.values()), default=0)
        old = [option["key"] for option in (self.saved or {}).get("options") or []]
        keys: list[str] = []
        for place in range(count):
            number = place + 1
            key = old[place] if place < len(old) else f"option-{number}"
            while key in keys:
                number += 1
                key = f"option-{number}"
            keys.append(key)
        return [
            {"key": key, "texts": {code: words[place] for code, words in lines.items() if place < len(words)}}
            for place, key in enumerate(keys)
        ]

    def _branch(self) -> dict[str, Any]:
        asked = next((q for q in self.before if q["key"] == self.cleaned_data["after"]), None)
        if asked is None:
            return {}
        values: list[Any] = []
        for word in self.cleaned_data["after_values"].replace(";", ",").split(","):
            word = word.strip().lower()
            if asked["kind"] == Kind.YES_NO:
                values += [word == "yes"] if word in {"yes", "no"} else []
            elif word.isascii() and word.isdecimal() and len(word) < 3:
                number = int(word)
                if asked["kind"] in CHOICES:
                    values += [asked["options"][number - 1]["key"]] if 0 < number <= len(asked["options"]) else []
                else:
                    values.append(number)
        return {"key": asked["key"], "values": values}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("after") and not self._branch()["values"]:
            self.add_error("after_values", _("Say after which answers it is asked, such as 1, 2."))
        if not any(str(data.get(f"text-{code}") or "").strip() for code in self.languages):
            self.add_error(f"text-{self.languages[0]}", _("A question needs words in one language at least."))
        return data


class TitleForm(forms.Form):
    """Title and introduction in all languages."""

    def __init__(self, *args: Any, languages: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.languages = list(languages)
        for code in languages:
            self.fields[f"title-{code}"] = forms.CharField(
                label=_("Title in %(language)s") % {"language": NAMES[code]}, max_length=200, required=False
            )
            self.fields[f"introduction-{code}"] = forms.CharField(
                label=_("Introduction in %(language)s") % {"language": NAMES[code]},
                max_length=2_000,
                required=False,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    @property
    def fields_of_survey(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            name: {code: data[f"{name}-{code}"] for code in self.languages if data[f"{name}-{code}"]}
            for name in ("title", "introduction")
        }


def initial_of(question: Mapping[str, Any]) -> dict[str, Any]:
    """A question as the form shows it; ``branch`` is filled in by the caller, who knows the one before."""
    shown: dict[str, Any] = {name: question[name] for name in ("kind", "scale", "has_comment", "is_required")}
    shown |= {f"text-{code}": text for code, text in question["texts"].items()}
    for code in NAMES:
        shown[f"options-{code}"] = "\n".join(o["texts"].get(code, "") for o in question["options"])
    return shown


def values_as_typed(branch: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> str:
    asked = next((q for q in before if q["key"] == branch.get("key")), None)
    keys = [option["key"] for option in asked["options"]] if asked else []
    said = {True: "yes", False: "no"}
    return ", ".join(
        said[v] if isinstance(v, bool) else str(keys.index(v) + 1) if v in keys else str(v) for v in branch.get("values", [])
    )
