"""Who was erased, and stays out."""

from collections.abc import Iterable

from .. import sealing
from ..models import Erasure, Export, Suppression


def suppressed(identifiers: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the normalised identifiers that belonged to somebody who was erased. One query, however many are asked for."""
    by_digest = {sealing.digest(kind, value): (kind, value) for kind, value in identifiers}
    if not by_digest:
        return set()
    found = Suppression.objects.filter(digest__in=by_digest).values_list("digest", flat=True)
    return {by_digest[bytes(digest)] for digest in found}


def erasure_of(public_id: str) -> Erasure | None:
    """The receipt for the customer who had this public id, if it was erased."""
    return Erasure.objects.filter(digest=sealing.digest("public_id", public_id)).first()


def exports_of(customer_id: int) -> list[Export]:
    """Receipts of what was handed out, the newest first."""
    return list(Export.objects.filter(customer=customer_id).order_by("-pk")[:20])
