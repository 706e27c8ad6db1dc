"""How it felt: the directory, surveys, waves, answers."""

from ._actions import ActionPlan, ActionState
from ._directory import Department, Employee, EmployeeImport, EmployeeImportPiece, EmployeeImportState
from ._feedback import Claim, Feedback, OpenAnswer, ReviewState
from ._meetings import MeetingNote, OneOnOne, Rhythm, Side
from ._surveys import BankQuestion, Mode, Survey, SurveyKind, SurveyQuestion, SurveyStatus
from ._waves import AnswerSet, Ballot, Comment, Invitation, Reply, Reward, Wave, WaveState

__all__ = [
    "ActionPlan",
    "ActionState",
    "AnswerSet",
    "Ballot",
    "BankQuestion",
    "Claim",
    "Comment",
    "Department",
    "Employee",
    "EmployeeImport",
    "EmployeeImportPiece",
    "EmployeeImportState",
    "Feedback",
    "Invitation",
    "MeetingNote",
    "Mode",
    "OneOnOne",
    "OpenAnswer",
    "Reply",
    "ReviewState",
    "Reward",
    "Rhythm",
    "Side",
    "Survey",
    "SurveyKind",
    "SurveyQuestion",
    "SurveyStatus",
    "Wave",
    "WaveState",
]
