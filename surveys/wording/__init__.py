"""What people read about surveys."""

from ._answering import ends_of, fault_in_words, in_language, live_in_a_sentence, mode_in_a_sentence, reward_in_a_sentence
from ._bindings import change_in_words
from ._schedules import schedule_in_words

__all__ = [
    "change_in_words",
    "ends_of",
    "fault_in_words",
    "in_language",
    "live_in_a_sentence",
    "mode_in_a_sentence",
    "reward_in_a_sentence",
    "schedule_in_words",
]
