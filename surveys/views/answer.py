"""The public page that an invitation's link opens: one question a screen or all at once, in six languages, without signing in.

Opening it writes nothing. Until it is sent, what was answered is kept in the browser alone: in the form, and in a cookie of its
address.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import get_language_info
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from incentives_site.shared.addresses import client_address
from incentives_site.shared.problems import FieldError, Invalid, Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .. import operations
from ..forms.answering import Answering, opened
from ..models import Invitation, Wave
from ..rules.questions import LONGEST_COMMENT, Kind, is_asked, read_answers
from ..rules.visibility import step_of_live
from ..wording import ends_of, fault_in_words, in_language, live_in_a_sentence, mode_in_a_sentence, reward_in_a_sentence

COOKIE = "answers"
REFUSED = 422
THEMES = ("light", "dark")
NO_COOKIE = {"csrf_token": ""}  # the frame would set one with it


# The address is the key, and no cookie lets anybody in: there is nothing that a form from elsewhere could use.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The questions, the thanks, or why there is nothing to answer."""
    try:
        invitation = operations.invitation_of(token)
    except Problem as problem:
        with translation.override(translation.get_language_from_request(request)):
            return _private(_refused(request, problem, {}))
    survey = invitation.wave.survey
    with translation.override(_language(request, invitation)):
        menu = _menu(request, survey.languages)
        try:
            operations.check_open(invitation, timezone.now())
            return _private(
                _sent(request, token, invitation, menu)
                if request.method == "POST"
                else _resumed(request, token, invitation, menu)
            )
        except Problem as problem:
            return _private(_refused(request, problem, menu))


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """A shared device: each types the own code and is led to the own questions."""
    offered = [name for name, _words in settings.LANGUAGES]
    asked = request.GET.get("lang", "")
    with translation.override(asked if asked in offered else translation.get_language_from_request(request)):
        context = {**_menu(request, offered), **NO_COOKIE, "problem": None, "typed": request.POST.get("code", "")[:40]}
        status = 200
        if request.method == "POST":
            try:
                token = operations.token_of_code(context["typed"], address=client_address(request), now=timezone.now())
                lang = f"?lang={context['lang']}" if context["lang"] else ""
                return _private(HttpResponseRedirect(reverse("survey-answer", args=[token]) + lang))
            except Problem as problem:
                context["problem"], status = problem, REFUSED
        return _private(render(request, "survey_answer/code.html", context, status=status))


def _language(request: HttpRequest, invitation: Invitation) -> str:
    offered = invitation.wave.survey.languages or ["en"]
    wished = (request.GET.get("lang", ""), invitation.groups.get("language", ""), translation.get_language_from_request(request))
    return next((code for code in wished if code in offered), offered[0])


def _menu(request: HttpRequest, offered: Sequence[str]) -> dict[str, Any]:
    asked = request.GET.get("lang", "")
    known = [code for code, _name in settings.LANGUAGES if code in offered]
    return {
        "languages": [get_language_info(code) for code in known],
        "language_links": True,
        "lang": asked if asked in known else "",
    }


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return response


def _refused(request: HttpRequest, problem: Problem, menu: Mapping[str, Any]) -> HttpResponse:
    context = {**menu, **NO_COOKIE, "problem": problem, "is_answered": isinstance(problem, operations.AlreadyAnswered)}
    return render(request, "survey_answer/refused.html", context, status=STATUS_OF_KIND[problem.kind])


def _resumed(request: HttpRequest, token: str, invitation: Invitation, menu: Mapping[str, Any]) -> HttpResponse:
    so_far = opened(request.COOKIES.get(COOKIE, ""), token)
    return _page(request, token, invitation.wave, so_far, menu)


def _sent(request: HttpRequest, token: str, invitation: Invitation, menu: Mapping[str, Any]) -> HttpResponse:
    wave, go = invitation.wave, request.POST.get("go", "send")
    so_far = opened(request.POST.get("so_far", ""), token)
    shown = _shown(wave, so_far)
    so_far.take(request.POST, shown)
    faults = _faults(shown, so_far)
    if go == "back" and not wave.survey.is_one_page:
        so_far.at = _before(wave, so_far)
        return _kept(_page(request, token, wave, so_far, menu), request, token, so_far)
    if faults:
        return _page(request, token, wave, so_far, menu, faults)
    if go == "keep":
        return _kept(_page(request, token, wave, so_far, menu, is_kept=True), request, token, so_far)
    if go == "next" and not wave.survey.is_one_page:
        so_far.at = _after(wave, so_far)
        return _kept(_page(request, token, wave, so_far, menu), request, token, so_far)
    try:
        thread = operations.answer_as(
            invitation=invitation,
            values=so_far.values,
            comments=so_far.comments,
            wants_reply=bool(request.POST.get("wants_reply")),
            now=timezone.now(),
        )
    except Invalid as problem:
        return _page(request, token, wave, so_far, menu, problem.errors)
    response = _thanks(request, wave, menu, thread)
    response.delete_cookie(COOKIE, path=request.path, samesite="Lax")
    return response


@lru_cache(maxsize=64)
def _thanks_without_key(mode: str, language: str, offered: tuple[str, ...], lang: str, theme: str) -> str:
    """The same for all, rendered once: many answer within minutes. For nobody's request, so that nothing of one stays."""
    request = HttpRequest()
    request.COOKIES["theme"] = theme
    menu = {"languages": [get_language_info(code) for code in offered], "language_links": True, "lang": lang}
    with translation.override(language):
        return render_to_string("survey_answer/thanks.html", {**menu, **NO_COOKIE, "thread": "", "mode": mode}, request)


def _thanks(request: HttpRequest, wave: Wave, menu: Mapping[str, Any], thread: str) -> HttpResponse:
    if not thread:
        offered = tuple(info["code"] for info in menu["languages"])
        theme = request.COOKIES.get("theme", "")
        page = _thanks_without_key.__wrapped__ if settings.DEBUG else _thanks_without_key
        known = theme if theme in THEMES else ""
        return HttpResponse(page(wave.mode, translation.get_language() or "en", offered, menu["lang"], known))
    return render(request, "survey_answer/thanks.html", {**menu, **NO_COOKIE, "thread": thread, "mode": wave.mode})


def _kept(response: HttpResponse, request: HttpRequest, token: str, so_far: Answering) -> HttpResponse:
    """In this browser, for this address, until it is closed."""
    if sealed := so_far.for_cookie(token):
        response.set_cookie(COOKIE, sealed, path=request.path, httponly=True, samesite="Lax", secure=settings.HTTPS)
    return response


# --- Which question --------------------------------------------------------------------------------------------------

END = "*"  # all questions are behind


def _asked(wave: Wave, so_far: Answering) -> list[dict[str, Any]]:
    """The questions that are asked after what was answered."""
    rules = {item["key"]: operations.question_from(item) for item in wave.questions}
    values = read_answers(list(rules.values()), so_far.values, {}).values
    return [item for item in wave.questions if is_asked(rules[item["key"]], values)]


def _shown(wave: Wave, so_far: Answering) -> list[dict[str, Any]]:
    if wave.survey.is_one_page:
        return list(wave.questions)
    if so_far.at == END:
        return []
    asked = _asked(wave, so_far)
    return [item for item in asked if item["key"] == so_far.at] or asked[:1]


def _after(wave: Wave, so_far: Answering) -> str:
    asked = [item["key"] for item in _asked(wave, so_far)]
    here = asked.index(so_far.at) if so_far.at in asked else 0
    return asked[here + 1] if here + 1 < len(asked) else END


def _before(wave: Wave, so_far: Answering) -> str:
    asked = [item["key"] for item in _asked(wave, so_far)]
    here = asked.index(so_far.at) if so_far.at in asked else len(asked)
    return asked[max(0, here - 1)]


def _faults(shown: Sequence[Mapping[str, Any]], so_far: Answering) -> list[FieldError]:
    """What is wrong with what is on this screen."""
    found = []
    for item in shown:
        question = operations.question_from({**item, "branch": None})
        key = item["key"]
        is_unasked = bool(item.get("branch")) and key not in so_far.values
        answered = read_answers([question], {key: so_far.values.get(key)}, {key: so_far.comments.get(key)})
        found += [
            FieldError(fault.pointer, fault.code, fault.detail)
            for fault in answered.faults
            if not (is_unasked and fault.code == "required")
        ]
    return found


# --- What the page shows ------------------------------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    token: str,
    wave: Wave,
    so_far: Answering,
    menu: Mapping[str, Any],
    faults: Sequence[FieldError] = (),
    *,
    is_kept: bool = False,
) -> HttpResponse:
    survey = wave.survey
    shown = _shown(wave, so_far)
    if shown and not survey.is_one_page:
        so_far.at = shown[0]["key"]
    keys = [item["key"] for item in wave.questions]
    position = keys.index(so_far.at) if so_far.at in keys else len(keys)
    context = {
        **menu,
        **NO_COOKIE,
        "survey": survey,
        "title": in_language(survey.title, survey.languages),
        "introduction": in_language(survey.introduction, survey.languages) if survey.is_one_page or position == 0 else "",
        "promise": mode_in_a_sentence(wave.mode, wave.k),
        "reward": reward_in_a_sentence(wave.incentive.name) if wave.incentive else "",
        "live": live_in_a_sentence(step_of_live(wave.k, wave.invited)) if wave.is_live else "",
        "mode": wave.mode,
        "questions": [_question(item, wave, so_far, faults) for item in shown],
        "faults": _listed(wave, faults),
        "so_far": so_far.sealed(token) if not survey.is_one_page else "",
        "is_last": survey.is_one_page or position >= len(keys) - 1,
        "is_first": survey.is_one_page or position == 0,
        "is_end": not shown,
        "position": position + 1,
        "total": len(keys),
        "has_comments": bool(so_far.comments) or any(item.get("has_comment") for item in shown),
        "wants_reply": bool(request.POST.get("wants_reply")),
        "is_kept": is_kept,
        "address": reverse("survey-answer", args=[token]) + (f"?lang={menu['lang']}" if menu.get("lang") else ""),
    }
    return render(request, "survey_answer/questions.html", context, status=REFUSED if faults else 200)


def _question(item: Mapping[str, Any], wave: Wave, so_far: Answering, faults: Sequence[FieldError]) -> dict[str, Any]:
    key, languages = item["key"], wave.survey.languages
    scale = operations.question_from(dict(item)).range
    given = so_far.values.get(key, "")
    chosen = [str(one) for one in given] if isinstance(given, list) else [str(given)]
    low, high = ends_of(item["kind"])
    wrong = [fault for fault in faults if fault.pointer.strip("/").split("/")[0] == key]
    return {
        "key": key,
        "kind": item["kind"],
        "text": in_language(item["texts"], languages),
        "numbers": [(str(n), str(n) in chosen) for n in range(scale.low, scale.high + 1)] if scale else [],
        "low": low,
        "high": high,
        "options": [
            (option["key"], in_language(option["texts"], languages) or option["key"], option["key"] in chosen)
            for option in item.get("options") or []
        ],
        "chosen": chosen,
        "text_given": given if isinstance(given, str) else "",
        "has_comment": bool(item.get("has_comment")),
        "comment": so_far.comments.get(key, ""),
        "is_required": bool(item.get("is_required")),
        "after": _after_what(item, wave) if wave.survey.is_one_page else "",
        "error": next((_sentence(f, scale) for f in wrong if not f.pointer.endswith("/comment")), ""),
        "comment_error": next((_sentence(f, scale) for f in wrong if f.pointer.endswith("/comment")), ""),
        "longest": LONGEST_COMMENT,
    }


def _after_what(item: Mapping[str, Any], wave: Wave) -> str:
    """On which question this one depends: without a script all are on the page."""
    branch = item.get("branch") or {}
    asked = next((q for q in wave.questions if q["key"] == branch.get("key")), None)
    return in_language(asked["texts"], wave.survey.languages) if asked else ""


def _sentence(fault: FieldError, scale: Any) -> str:
    code = "too-long" if fault.code == "not-an-answer" and "text" in str(fault.detail) else fault.code
    return fault_in_words(code, str(fault.detail), scale.low if scale else 0, scale.high if scale else 0)


def _listed(wave: Wave, faults: Sequence[FieldError]) -> list[dict[str, str]]:
    """For the list above the form: what it is about, what is wrong, where it is."""
    items = {item["key"]: item for item in wave.questions}
    listed = []
    for fault in faults:
        key, _slash, part = fault.pointer.strip("/").partition("/")
        item = items.get(key)
        if item is None:
            listed.append({"text": "", "sentence": str(fault.detail), "target": ""})
            continue
        is_text = part == "comment" or item["kind"] == Kind.TEXT
        scale = operations.question_from(item).range
        listed.append(
            {
                "text": in_language(item["texts"], wave.survey.languages),
                "sentence": _sentence(fault, scale),
                "target": f"c-{key}" if part == "comment" else f"q-{key}" if is_text else f"f-{key}",
            }
        )
    return listed


def question_as_shown(item: Mapping[str, Any], wave: Wave) -> dict[str, Any]:
    """A question that nobody has answered, as the page shows it."""
    return _question(item, wave, Answering(), ())
