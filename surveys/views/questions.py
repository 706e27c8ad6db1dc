"""What a survey asks: its questions in order, one question in all languages, the bank, and how it will look."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.problems import Invalid

from .. import operations
from ..forms import questions as forms
from ..models import BankQuestion, Survey, SurveyQuestion, Wave
from ..rules.questions import MOST_QUESTIONS
from ..rules.ready_made import BANK
from ..wording import in_language, mode_in_a_sentence
from .admission import HR, actor
from .answer import question_as_shown

REFUSED = 422
KINDS = dict(SurveyQuestion._meta.get_field("kind").flatchoices)


def _crumbs(survey: Survey, *more: dict[str, Any]) -> list[dict[str, Any]]:
    title = in_language(survey.title, survey.languages) or _("Without title")
    return [
        {"label": _("Surveys"), "url": reverse("surveys:list")},
        {"label": title, "url": reverse("surveys:detail", args=[survey.public_id])},
        *more,
    ]


@for_roles(*HR)
def questions(request: HttpRequest, public_id: str) -> HttpResponse:
    """The questions in their order: moved up and down, taken out, title and introduction in all languages."""
    survey = get_object_or_404(Survey, public_id=public_id)
    asked = operations.own_questions(survey)
    problem = None
    title_form = forms.TitleForm(
        request.POST if "titles" in request.POST else None,
        languages=survey.languages,
        initial={
            f"{name}-{code}": texts.get(code, "")
            for name, texts in (("title", survey.title), ("introduction", survey.introduction))
            for code in survey.languages
        },
    )
    if request.method == "POST":
        try:
            if "titles" in request.POST and title_form.is_valid():
                operations.revise(survey=survey, fields=title_form.fields_of_survey, by=actor(request))
                messages.success(request, _("Saved."))
                return redirect("surveys:questions", survey.public_id)
            if changed := _rearranged(asked, request.POST.get("do", "")):
                operations.revise_questions(survey=survey, questions=changed, by=actor(request))
                return redirect(reverse("surveys:questions", args=[survey.public_id]) + "#questions")
        except Invalid as refused:
            problem = refused
    rows = [
        {
            "item": item,
            "text": in_language(item["texts"], survey.languages),
            "kind": KINDS[item["kind"]],
            "missing": [forms.NAMES[code] for code in survey.languages if not item["texts"].get(code)],
            "is_first": number == 0,
            "is_last": number == len(asked) - 1,
        }
        for number, item in enumerate(asked)
    ]
    context = {
        "survey": survey,
        "rows": rows,
        "room": max(0, MOST_QUESTIONS - len(asked) - survey.rotates),
        "most": MOST_QUESTIONS,
        "title_form": title_form,
        "titles": [
            (forms.NAMES[code], title_form[f"title-{code}"], title_form[f"introduction-{code}"]) for code in survey.languages
        ],
        "problem": problem,
        "crumbs": _crumbs(survey, {"label": _("Questions")}),
    }
    return render(request, "surveys/questions.html", context, status=REFUSED if problem or title_form.errors else 200)


def _rearranged(asked: list[dict[str, Any]], do: str) -> list[dict[str, Any]] | None:
    """``up:key``, ``down:key``, ``drop:key``."""
    step, _colon, key = do.partition(":")
    place = next((number for number, item in enumerate(asked) if item["key"] == key), None)
    if place is None:
        return None
    items = list(asked)
    item = items.pop(place)
    if step == "drop":
        return [other for other in items if (other.get("branch") or {}).get("key") != key]
    items.insert(max(0, place - 1) if step == "up" else place + 1, item)
    return items


@for_roles(*HR)
def question(request: HttpRequest, public_id: str, key: str) -> HttpResponse:
    """One question in all languages beside each other; ``new`` makes one."""
    survey = get_object_or_404(Survey, public_id=public_id)
    asked = operations.own_questions(survey)
    saved = next((item for item in asked if item["key"] == key), None)
    if saved is None and key != "new":
        raise Http404
    before = asked[: asked.index(saved)] if saved else asked
    before = [item for item in before if not item["branch"] and item["kind"] != "text"]
    initial: Mapping[str, Any] = forms.initial_of(saved) if saved else {}
    if saved and saved["branch"]:
        initial = {**initial, "after": saved["branch"]["key"], "after_values": forms.values_as_typed(saved["branch"], before)}
    form = forms.QuestionForm(request.POST or None, languages=survey.languages, before=before, saved=saved, initial=initial)
    if request.method == "POST" and form.is_valid():
        made = form.question([item["key"] for item in asked])
        changed = [made if item is saved else item for item in asked] if saved else [*asked, made]
        try:
            operations.revise_questions(survey=survey, questions=changed, by=actor(request))
            if request.POST.get("keep"):
                operations.keep_in_bank(key=made["key"], theme=_("Own"), question=made)
            return redirect("surveys:questions", survey.public_id)
        except Invalid as problem:
            for error in problem.errors:
                form.add_error("scale" if error.pointer.endswith("/scale") else None, str(error.detail))
    crumbs = _crumbs(
        survey,
        {"label": _("Questions"), "url": reverse("surveys:questions", args=[survey.public_id])},
        {"label": _("Question") if saved else _("New question")},
    )
    context = {"survey": survey, "form": form, "saved": saved, "crumbs": crumbs}
    return render(request, "surveys/question.html", context, status=REFUSED if form.errors else 200)


@for_roles(*HR)
@require_safe
def preview(request: HttpRequest, public_id: str) -> HttpResponse:
    """As it looks on a phone and on a wide screen, in a language of the survey."""
    survey = get_object_or_404(Survey, public_id=public_id)
    language = request.GET.get("language", "")
    language = language if language in survey.languages else survey.languages[0]
    wave = Wave(survey=survey, mode=survey.mode, k=survey.k, questions=operations.questions_of(survey))
    with translation.override(language):
        shown = {
            "questions": [question_as_shown(item, wave) for item in wave.questions],
            "title": in_language(survey.title, survey.languages),
            "introduction": in_language(survey.introduction, survey.languages),
            "promise": mode_in_a_sentence(survey.mode, survey.k),
        }
        body = render_to_string("surveys/_preview.html", shown)
    context = {
        "survey": survey,
        "language": language,
        "languages": [(code, forms.NAMES[code]) for code in survey.languages],
        "body": body,
        "crumbs": _crumbs(survey, {"label": _("Preview")}),
    }
    return render(request, "surveys/preview.html", context)


@for_roles(*HR)
def bank(request: HttpRequest) -> HttpResponse:
    """What pulse surveys draw from; it can be filled with questions in six languages."""
    if request.method == "POST" and "fill" in request.POST:
        known = set(BankQuestion.objects.values_list("key", flat=True))
        for theme, items in BANK.items():
            for item in items:
                if item.key not in known:
                    operations.keep_in_bank(key=item.key, theme=theme, question=item.as_question())
        messages.success(request, _("The bank is filled."))
        return redirect("surveys:bank")
    if request.method == "POST" and (key := request.POST.get("toggle")):
        row = get_object_or_404(BankQuestion, key=key)
        row.is_active = not row.is_active
        row.save(update_fields=["is_active"])
        return redirect("surveys:bank")
    rows = [
        {
            "row": row,
            "text": in_language(row.texts, ["en"]),
            "missing": [n for c, n in forms.NAMES.items() if not row.texts.get(c)],
        }
        for row in BankQuestion.objects.all()
    ]
    return render(request, "surveys/bank.html", {"rows": rows})
