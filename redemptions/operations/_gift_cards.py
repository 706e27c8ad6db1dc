"""Issue gift cards: a code that pays, with a balance of its own."""

import datetime
import secrets

from django.db import transaction

from campaigns import sealing
from campaigns.rules import codes
from incentives_site.shared.money import CURRENCIES, LARGEST_AMOUNT
from incentives_site.shared.problems import FieldError, Invalid

from ..models import Account, AccountKind, GiftCard, Posting, PostingKind
from ._ledger import Holder, account_of, other_side, post, today_of_the_programme


def issue_gift_card(
    *,
    amount: int,
    currency: str,
    key: str,
    by: str,
    now: datetime.datetime,
    last_usable_on: datetime.date | None = None,
) -> tuple[GiftCard, str]:
    """A new card worth ``amount`` minor units, and its code (empty when ``key`` issued one before). Raises ``Invalid``."""
    errors = []
    if currency not in CURRENCIES:
        errors.append(FieldError("/currency", "unknown-currency", "An ISO 4217 code is expected."))
    if not 1 <= amount <= LARGEST_AMOUNT:
        errors.append(FieldError("/amount", "out-of-range", "At least 1."))
    if last_usable_on is not None and last_usable_on < today_of_the_programme(now):
        errors.append(FieldError("/last_usable_on", "in-the-past", "It would already have ended."))
    if errors:
        raise Invalid(errors=errors)
    with transaction.atomic():
        known = Posting.objects.filter(key=f"issue:{key}").first()
        if known is not None:
            return GiftCard.objects.get(account__entries__posting=known), ""
        text = codes.spell(secrets.token_bytes(16 * codes.LENGTH))
        card = GiftCard.objects.create(
            digest=sealing.digest(text),
            sealed=sealing.seal(text),
            currency=currency,
            last_usable_on=last_usable_on,
            issued_at=now,
        )
        account: Account = account_of(Holder(AccountKind.GIFT_CARD, currency, gift_card=card))
        post(
            kind=PostingKind.ISSUE,
            key=f"issue:{key}",
            moves={account: amount, other_side(account): -amount},
            by=by,
            now=now,
        )
    return card, text
