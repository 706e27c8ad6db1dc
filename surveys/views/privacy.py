"""The page *Privacy*: what is kept, who sees what, what is not shown in a wave and why. For HR and works councils."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import get_language_info
from django.views.decorators.http import require_safe

from incentives_site.accounts.roles import Role, for_roles

from .. import queries
from ..models import Survey, Wave
from ..wording import DIMENSION_WORDS, how_to_check, in_language, mode_in_a_sentence, protections, what_is_kept, who_sees_what


@for_roles(Role.HR)
@require_safe
def privacy(request: HttpRequest, public_id: str) -> HttpResponse:
    """In the language of ``?lang=``, so that its address can be sent to a works council in theirs."""
    survey = queries.survey_by_public_id(public_id)
    asked = request.GET.get("lang", "")
    offered = [code for code, _name in settings.LANGUAGES]
    with translation.override(asked if asked in offered else translation.get_language()):
        return render(request, "survey_answer/privacy.html", _context(survey, offered))


def _context(survey: Survey, offered: list[str]) -> dict[str, Any]:
    wave = queries.published_waves(survey).first()
    promise: Survey | Wave = wave or survey
    return {
        "languages": [get_language_info(code) for code in offered],
        "language_links": True,
        "survey": survey,
        "title": in_language(survey.title, survey.languages),
        "wave": wave,
        "promise": mode_in_a_sentence(promise.mode, promise.k),
        "kept": what_is_kept(promise.mode),
        "readers": who_sees_what(promise.mode),
        "protections": protections(promise.k, hides_uniform=promise.hides_uniform, hides_few_changes=promise.hides_few_changes),
        "hidden": [
            {"name": DIMENSION_WORDS.get(dimension, dimension), **counts}
            for dimension, counts in (queries.groups_hidden(wave) if wave else {}).items()
        ],
        "checks": how_to_check(),
    }
