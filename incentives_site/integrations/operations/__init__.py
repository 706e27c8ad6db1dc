"""The verbs of integrations."""

from ._answer_once import Answer, KeyReused, answer_once
from ._forget import forget_old_replies

__all__ = ["Answer", "KeyReused", "answer_once", "forget_old_replies"]
