"""Signed links that open something of a customer without signing in (``docs/profiles.md``, Links)."""

from dataclasses import dataclass
from typing import Any

from django.core import signing

from ..models import Customer
from ._reading import CustomerUnknown, by_public_id


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link names: the customer (of a merged one, the survivor), and what else it says.

    ``is_current``: nobody else's things have come to the customer since the link was made. What shows or changes anything of the
    customer opens for current links only.
    """

    customer: Customer
    is_current: bool
    channel: str | None = None


def link_token(customer: Customer, *, salt: str, channel: str | None = None) -> str:
    """The token of a link for ``salt``, the page it opens. Derived from the customer's row: links are stored nowhere."""
    named: dict[str, Any] = {"c": str(customer.public_id), "v": customer.link_version}
    return signing.Signer(salt=salt).sign_object(named if channel is None else named | {"ch": channel})


def opened_by(token: str, *, salt: str) -> Opened:
    """Raises ``CustomerUnknown`` for a token that is forged, broken, or names a customer who was erased."""
    try:
        customer_id, version, channel = _read(signing.Signer(salt=salt).unsign_object(token))
    except (signing.BadSignature, ValueError, TypeError, KeyError, IndexError):
        raise CustomerUnknown from None
    customer = by_public_id(customer_id)
    # A forward is looked at itself: what leads on from it was not this link's to open.
    made_for = customer if str(customer.public_id) == customer_id else Customer.objects.get(public_id=customer_id)
    return Opened(customer, made_for.link_version == version, channel)


def _read(said: Any) -> tuple[str, int, str | None]:
    """Tokens of the first versions were a public id, or a list of it and a channel; they count as version 0."""
    if isinstance(said, str):
        return said, 0, None
    if isinstance(said, list):
        return str(said[0]), 0, str(said[1]) if len(said) > 1 else None
    return str(said["c"]), int(said["v"]), said.get("ch")
