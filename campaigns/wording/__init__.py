"""Rules in words: why something was refused, what an incentive promises, whom a campaign is meant for."""

from .decisions import as_told_to_strangers, decision_as_data, own_sentence, sentence, with_masked_codes
from .imports import why_import_failed
from .promises import (
    audience_in_words,
    awards_in_words,
    condition_in_words,
    effect_in_words,
    given_in_words,
    group_in_words,
    incentive_in_words,
    obstacle_in_words,
)

__all__ = [
    "as_told_to_strangers",
    "audience_in_words",
    "awards_in_words",
    "condition_in_words",
    "decision_as_data",
    "effect_in_words",
    "given_in_words",
    "group_in_words",
    "incentive_in_words",
    "obstacle_in_words",
    "own_sentence",
    "sentence",
    "why_import_failed",
    "with_masked_codes",
]
