"""Write down what is found out about a customer."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db.models import F, JSONField, Value
from django.db.models.expressions import CombinedExpression

from ..models import Customer
from ._judge import note_changed


def learn(*, customer: Customer, facts: Mapping[str, Any], now: datetime.datetime) -> None:
    """Overlay the customer's facts with ``facts``, leaving the others as they are; ``None``: nothing is known of it any more.

    Joins the caller's transaction. Two that learn different things at once both stay.
    """
    more = Value(dict(facts), output_field=JSONField())
    overlaid = CombinedExpression(F("facts"), "||", more, output_field=JSONField())
    Customer.objects.filter(pk=customer.pk).update(facts=overlaid)
    note_changed(customers=[customer.pk], now=now)
