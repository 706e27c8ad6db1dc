"""Hand out everything that is held of a customer, as one JSON document, with a receipt (``docs/consent.md``, Export)."""

import datetime
import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from ..models import Customer, Export
from ._holdings import as_rows, holdings


def export(*, customer: Customer, by: str, now: datetime.datetime) -> tuple[bytes, Export]:
    """The document in UTF-8, and its receipt. What is only sealed (codes that were forgotten) is not in it."""
    with transaction.atomic():
        data: dict[str, Any] = {
            "exported_at": now,
            "customer": as_rows(Customer.objects.filter(pk=customer.pk), but={"forwarded_to"})[0],
            "became_part_of_it": [str(one) for one in customer.forwards.values_list("public_id", flat=True)],
        }
        for holding in holdings():
            if holding.export is not None:
                data[holding.name] = holding.export(customer)
        text = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()
        receipt = Export.objects.create(
            customer=customer, exported_at=now, by=by, sha256=hashlib.sha256(text).hexdigest(), size=len(text)
        )
    return text, receipt
