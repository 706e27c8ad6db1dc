"""The verbs of integrations."""

from ._answer_once import Answer, KeyReused, answer_once

__all__ = ["Answer", "KeyReused", "answer_once"]
