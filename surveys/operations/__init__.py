"""The verbs of surveys and their refusals."""

from ._answer import AlreadyAnswered, LinkUnknown, WaveClosed, answer, check_open, invitation_of
from ._close_wave import close_wave
from ._open_wave import CannotOpen, groups_of, open_wave, question_from, questions_of

__all__ = [
    "AlreadyAnswered",
    "CannotOpen",
    "LinkUnknown",
    "WaveClosed",
    "answer",
    "check_open",
    "close_wave",
    "groups_of",
    "invitation_of",
    "open_wave",
    "question_from",
    "questions_of",
]
