"""Browsers in which a person has signed in before. A browser holds a random token, the database its hash for each person."""

import datetime
import hashlib
import secrets

from django.db import transaction

from ..models import KnownDevice, User

REMEMBERED = datetime.timedelta(days=400)  # the longest that browsers keep a cookie


def is_known_device(*, user: User | None, token: str) -> bool:
    """Whether ``user`` has signed in with the browser that holds ``token``. Asks the database once, also for nobody."""
    return KnownDevice.objects.filter(user_id=user.pk if user else 0, token_hash=_hashed(token)).exists()


def remember_device(*, user: User, token: str, now: datetime.datetime) -> str:
    """Note that ``user`` has signed in with a browser. Returns the token it has to hold.

    It keeps one that we gave it, so that a shared till holds one for all its people. One that we did not give is replaced:
    another site on the same domain might have planted it.
    """
    if not (token and KnownDevice.objects.filter(token_hash=_hashed(token)).exists()):
        token = secrets.token_urlsafe(24)
    KnownDevice.objects.update_or_create(
        user=user,
        token_hash=_hashed(token),
        defaults={"last_used_at": now},
        create_defaults={"created_at": now, "last_used_at": now},
    )
    return token


@transaction.atomic
def forget_devices(*, user: User | None = None, but: str = "", unused_since: datetime.datetime | None = None) -> int:
    """Forget the browsers of ``user`` except the one that holds ``but``, or everybody's that went unused. Returns how many."""
    found = KnownDevice.objects.all()
    if user is not None:
        found = found.filter(user=user)
    if but:
        found = found.exclude(token_hash=_hashed(but))
    if unused_since is not None:
        found = found.filter(last_used_at__lt=unused_since)
    return found.delete()[0]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
