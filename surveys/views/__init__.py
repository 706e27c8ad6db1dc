"""Pages of surveys, one file for each group."""

from . import answer, builder, feedback, meetings, overview, results, threads

__all__ = [
    "answer",
    "builder",
    "feedback",
    "meetings",
    "overview",
    "results",
    "threads",
]
