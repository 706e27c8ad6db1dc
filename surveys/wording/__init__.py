"""What people read about surveys."""

from ._answering import ends_of, fault_in_words, in_language, live_in_a_sentence, mode_in_a_sentence, reward_in_a_sentence
from ._groups import DIMENSION_WORDS
from ._privacy import how_to_check, protections, what_is_kept, who_sees_what
from ._schedules import schedule_in_words

__all__ = [
    "DIMENSION_WORDS",
    "ends_of",
    "fault_in_words",
    "how_to_check",
    "in_language",
    "live_in_a_sentence",
    "mode_in_a_sentence",
    "protections",
    "reward_in_a_sentence",
    "schedule_in_words",
    "what_is_kept",
    "who_sees_what",
]
