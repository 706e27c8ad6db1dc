"""Guessing is stopped, exactly: a try is counted before the password is looked at, and given back when it was right.

A try is counted by account and address together, by account, and by address; in a browser in which the account's owner has signed
in before, by that browser alone. Each count is a row that is raised only while there is room, in one statement, so of a thousand
tries at once no more are let in than one after the other. ``docs/security-accounts.md`` says why these counts and not others.
"""

import contextlib
import datetime
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from incentives_site.shared.jobs import enqueue
from incentives_site.shared.problems import Kind, Problem

from ..models import SignInTally, TallyKind, User
from ._devices import is_known_device

log = structlog.get_logger(__name__)

# How long a count lasts, and how long it locks once it is full.
LOCK = datetime.timedelta(minutes=15)
LIMITS = {
    TallyKind.PAIR: 10,
    TallyKind.ACCOUNT: 60,
    TallyKind.ADDRESS: 60,
    TallyKind.DEVICE: 10,
    TallyKind.FACTOR: 10,
    TallyKind.NOTICE: 1,  # e-mails to the owner: whoever guesses from many addresses shall not fill a mailbox as well
}
# Locks of these are the account's, and its owner is told. An address that is locked is nobody's.
TOLD = (TallyKind.PAIR, TallyKind.ACCOUNT, TallyKind.FACTOR)

# A row that is full and not over is not touched, so nothing comes back.
_TAKE = """
INSERT INTO accounts_signintally AS t (key, kind, user_id, address, tries, until)
VALUES (%(key)s, %(kind)s, %(user)s, %(address)s, 1, %(until)s)
ON CONFLICT (key) DO UPDATE SET
  tries = CASE WHEN t.until <= %(now)s THEN 1 ELSE t.tries + 1 END,
  until = CASE WHEN t.until <= %(now)s OR t.tries + 1 >= %(limit)s THEN %(until)s ELSE t.until END,
  user_id = EXCLUDED.user_id
WHERE t.until <= %(now)s OR t.tries < %(limit)s
RETURNING tries
"""


class SignInPaused(Problem):
    code = "sign-in-paused"
    title = _("Signing in is paused")
    kind = Kind.TOO_MANY


@dataclass(frozen=True, slots=True)
class _Count:
    kind: TallyKind
    key: str
    user: User | None
    address: str


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was let in and counted. It is wrong until ``succeed`` is called."""

    counts: tuple[_Count, ...]
    filled: tuple[_Count, ...]
    now: datetime.datetime

    def succeed(self) -> None:
        """The secret was right. What the account's own tries had used up is free again; of the others, this try alone.

        Were more given back, whoever has an account of their own could sign in between two guesses and guess for ever.
        """
        own = [count.key for count in self.counts if count.kind in (TallyKind.PAIR, TallyKind.DEVICE, TallyKind.FACTOR)]
        shared = [count.key for count in self.counts if count.key not in own]
        SignInTally.objects.filter(key__in=own).delete()
        if shared:
            # In the order in which they are taken, or two sign-ins could wait for each other.
            with transaction.atomic():
                rows = SignInTally.objects.filter(key__in=shared, tries__gt=0).order_by("key").select_for_update()
                SignInTally.objects.filter(pk__in=[row.pk for row in rows]).update(tries=F("tries") - 1)

    def fail(self) -> None:
        """The secret was wrong. When this try used up what there was, the account's owner is told, once for each lock.

        Locks of one account within the same quarter of an hour, from many addresses, share one e-mail.
        """
        for count in self.filled:
            log.warning("sign_in_locked", by=count.kind, user=count.user.pk if count.user else None, address=count.address)
            if count.user is None or count.kind not in TOLD:
                continue
            with contextlib.suppress(SignInPaused):
                _take([_count(TallyKind.NOTICE, f"user {count.user.pk}", count.user, "")], self.now)
                enqueue("accounts.tasks.tell_of_lock", user=count.user.pk, address=self.address, kind=count.kind.value)

    @property
    def address(self) -> str:
        return next((count.address for count in self.counts if count.address), "")


def begin_password_try(*, login: str, user: User | None, address: str, device: str, now: datetime.datetime) -> Try:
    """Count a try of a password. ``user`` is whom ``login`` names, ``None`` for nobody: that is counted just the same.

    ``address`` is the client's (``client_address``), ``device`` the token of its browser. Raises ``SignInPaused``.
    """
    account = f"user {user.pk}" if user else f"login {login.strip().lower()}"
    if is_known_device(user=user, token=device):
        return _take([_count(TallyKind.DEVICE, f"{account} {_short(device)}", user, address)], now)
    wanted = [
        _count(TallyKind.PAIR, f"{account} {address}", user, address),
        _count(TallyKind.ACCOUNT, account, user, ""),
        _count(TallyKind.ADDRESS, address, None, address),
    ]
    return _take(wanted, now)


def begin_factor_try(*, user: User, address: str, device: str, now: datetime.datetime) -> Try:
    """Count a try of a one-time or recovery code by somebody who has given the right password. Raises ``SignInPaused``."""
    where = _short(device) if is_known_device(user=user, token=device) else ""
    return _take([_count(TallyKind.FACTOR, f"user {user.pk} {where}", user, address)], now)


def lift_locks(*, user: User) -> None:
    """Start counting again for an account whose password has just been replaced: what was guessed so far is worth nothing."""
    SignInTally.objects.filter(user=user).delete()


def forget_old_tallies(*, now: datetime.datetime) -> int:
    """Delete counts that are over, with the addresses in them."""
    return SignInTally.objects.filter(until__lt=now).delete()[0]


def _count(kind: TallyKind, name: str, user: User | None, address: str) -> _Count:
    key = salted_hmac("accounts.sign-in-tally", f"{kind} {name}", algorithm="sha256").hexdigest()
    return _Count(kind, key, user, address)


def _short(device: str) -> str:
    return hashlib.sha256(device.encode()).hexdigest()


def _take(counts: Sequence[_Count], now: datetime.datetime) -> Try:
    """Raise every count or none."""
    filled = []
    counts = sorted(counts, key=lambda count: count.key)
    with transaction.atomic(), connection.cursor() as cursor:
        for count in counts:
            limit = LIMITS[count.kind]
            values = {
                "key": count.key,
                "kind": count.kind.value,
                "user": count.user.pk if count.user else None,
                "address": count.address,
                "now": now,
                "until": now + LOCK,
                "limit": limit,
            }
            cursor.execute(_TAKE, values)
            row = cursor.fetchone()
            if row is None:
                raise _paused(counts, now)
            if row[0] == limit:
                filled.append(count)
    return Try(tuple(counts), tuple(filled), now)


def _paused(counts: Sequence[_Count], now: datetime.datetime) -> SignInPaused:
    full = Q()
    for count in counts:
        full |= Q(key=count.key, tries__gte=LIMITS[count.kind])
    last = SignInTally.objects.filter(full, until__gt=now).order_by("-until").values_list("until", flat=True).first()
    seconds = max(1, math.ceil((last - now).total_seconds())) if last else math.ceil(LOCK.total_seconds())
    minutes = math.ceil(seconds / 60)
    wait = ngettext("Try again in %(n)s minute.", "Try again in %(n)s minutes.", minutes) % {"n": minutes}
    return SignInPaused(wait, extras={"retry_after": seconds})
