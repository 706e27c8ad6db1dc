"""What surveys holds for a customer: the feedback it was asked for and gave."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.operations import Erasing, Holding, Moving

from ..models import Feedback

# Both may have been asked on the same occasion: what each answered is kept, and the occasions are told apart.
_MOVE = """
UPDATE surveys_feedback f SET customer_id = %(target)s, occasion = CASE WHEN EXISTS (
        SELECT 1 FROM surveys_feedback o
        WHERE o.customer_id = %(target)s AND o.survey_id = f.survey_id AND o.occasion = f.occasion
    ) THEN left(f.occasion, 50) || ' · ' || %(key)s ELSE f.occasion END
FROM surveys_feedback was WHERE was.id = f.id AND f.customer_id = %(source)s RETURNING f.id, was.occasion
"""
_BACK = """
UPDATE surveys_feedback f SET customer_id = %(source)s, occasion = was.occasion
FROM unnest(%(ids)s::bigint[], %(occasions)s::text[]) AS was (id, occasion)
WHERE was.id = f.id AND f.customer_id = %(target)s
"""


def _move(moving: Moving) -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"target": moving.target.pk, "source": moving.source.pk, "key": moving.key})
        return [[pk, occasion] for pk, occasion in sorted(cursor.fetchall())]


def _put_back(moving: Moving, moved: list[list[Any]]) -> None:
    values = {"ids": [pk for pk, _o in moved], "occasions": [occasion for _pk, occasion in moved]}
    with connection.cursor() as cursor:
        cursor.execute(_BACK, values | {"target": moving.target.pk, "source": moving.source.pk})


def _count(customer: Customer) -> int:
    return Feedback.objects.filter(customer=customer).count()


def _export(customer: Customer) -> Sequence[dict[str, Any]]:
    fields = (
        "survey__public_id",
        "occasion",
        "order_key",
        "asked_at",
        "answered_at",
        "values",
        "score",
        "review",
        "review_state",
    )
    return list(Feedback.objects.filter(customer=customer).order_by("id").values(*fields))


def _erase(erasing: Erasing) -> None:
    """The score stays in the sums; words, occasions and orders go."""
    for feedback in Feedback.objects.filter(customer__in=erasing.pks):
        feedback.values, feedback.review, feedback.order_key = {}, "", ""
        feedback.review_state, feedback.occasion = "", f"erased {feedback.pk}"
        feedback.save(update_fields=["values", "review", "order_key", "review_state", "occasion"])


FEEDBACK = Holding("feedback", _("answers to customer surveys"), _count, _move, _put_back, export=_export, erase=_erase)
