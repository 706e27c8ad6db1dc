"""The verbs of surveys and their refusals."""

from ._answer import AlreadyAnswered, LinkUnknown, WaveClosed, answer, check_open, invitation_of
from ._close_wave import close_wave
from ._meet import (
    HaveOne,
    Note,
    Seat,
    SeriesUnknown,
    arrange,
    cancel_date,
    dates_of,
    end_series,
    forget,
    note_held,
    notes_of,
    recurrence_of,
    seat_of,
    series_of,
    settle,
    write,
)
from ._open_wave import CannotOpen, groups_of, open_wave, question_from, questions_of

__all__ = [
    "AlreadyAnswered",
    "CannotOpen",
    "HaveOne",
    "LinkUnknown",
    "Note",
    "Seat",
    "SeriesUnknown",
    "WaveClosed",
    "answer",
    "arrange",
    "cancel_date",
    "check_open",
    "close_wave",
    "dates_of",
    "end_series",
    "forget",
    "groups_of",
    "invitation_of",
    "note_held",
    "notes_of",
    "open_wave",
    "question_from",
    "questions_of",
    "recurrence_of",
    "seat_of",
    "series_of",
    "settle",
    "write",
]
