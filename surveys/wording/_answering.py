"""What whoever answers is told."""

from django.utils import translation
from django.utils.translation import gettext as _

from ..models import Mode
from ..rules.questions import Kind


def in_language(texts: dict[str, str], languages: list[str]) -> str:
    """The text in the language that is spoken, else the first that has words."""
    spoken = translation.get_language() or "en"
    return next((texts[code] for code in (spoken.partition("-")[0], *languages, *texts) if texts.get(code)), "")


def mode_in_a_sentence(mode: str, k: int) -> str:
    """What is promised to whoever answers."""
    if mode == Mode.ANONYMOUS:
        return _(
            "Your answers are anonymous: they are kept without your name, nobody can join the two, and results are shown only "
            "for groups of %(k)s people or more."
        ) % {"k": k}
    if mode == Mode.CONFIDENTIAL:
        return _(
            "Your answers are confidential: they are kept with a reference to you that is shown to nobody, and results are shown "
            "only for groups of %(k)s people or more."
        ) % {"k": k}
    return _("Your answers are seen with your name.")


def reward_in_a_sentence(incentive: str) -> str:
    """What everybody gets who answers."""
    return _(
        "Everybody who answers gets “%(incentive)s” as a thank-you, whatever was answered. It is given to all at once after the "
        "survey has closed; who manages it sees that you took part, never what you said."
    ) % {"incentive": incentive}


def live_in_a_sentence(step: int) -> str:
    """What is shown before the close."""
    return _(
        "While the survey is open the company’s score is already shown. It is renewed only when %(k)s more people have answered, "
        "so that nobody can be told from it."
    ) % {"k": step}


def ends_of(kind: str) -> tuple[str, str]:
    """What the lowest and the highest number of a scale mean."""
    if kind in {Kind.ENPS, Kind.NPS}:
        return _("Not at all likely"), _("Extremely likely")
    if kind == Kind.AGREEMENT:
        return _("I do not agree at all"), _("I agree fully")
    if kind == Kind.CSAT:
        return _("Very dissatisfied"), _("Very satisfied")
    return _("Very bad"), _("Very good")


def fault_in_words(code: str, detail: str, low: int = 0, high: int = 0) -> str:
    """Why an answer was not taken, beside its question."""
    if code == "required":
        return _("Please answer this question.")
    if code == "too-long":
        return _("This text is too long: at most %(most)s characters are taken. It is still here, please shorten it.") % {
            "most": "5,000"
        }
    if code == "not-an-answer" and high:
        return _("Please choose a number from %(low)s to %(high)s.") % {"low": low, "high": high}
    return _("Please choose one of the answers.")
