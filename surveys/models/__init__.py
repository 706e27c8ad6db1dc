"""How it felt: the directory, surveys, waves, answers."""

from ._directory import Department, Employee
from ._surveys import BankQuestion, Mode, Survey, SurveyKind, SurveyQuestion, SurveyStatus
from ._waves import AnswerSet, Ballot, Comment, Invitation, Reply, Tally, Wave, WaveState

__all__ = [
    "AnswerSet",
    "Ballot",
    "BankQuestion",
    "Comment",
    "Department",
    "Employee",
    "Invitation",
    "Mode",
    "Reply",
    "Survey",
    "SurveyKind",
    "SurveyQuestion",
    "SurveyStatus",
    "Tally",
    "Wave",
    "WaveState",
]
