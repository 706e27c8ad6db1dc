"""A code of an authenticator app is used once, whatever the cache remembers (RFC 6238, section 5.2)."""

import contextlib
import datetime

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import connection

from incentives_site.shared.jobs import enqueue
from incentives_site.shared.security_log import note

from ..models import UsedTotpStep, User
from ._tries import SignInPaused, begin_notice

# A step that is as late as one used before, or earlier, is not written.
_USE = """
INSERT INTO accounts_usedtotpstep AS t (user_id, step) VALUES (%s, %s)
ON CONFLICT (user_id) DO UPDATE SET step = EXCLUDED.step WHERE t.step < EXCLUDED.step RETURNING step
"""


def totp_step(*, secret: str, code: str) -> int | None:
    """The time step of which ``code`` is; ``None`` when it is of none that counts now, nor of the one before.

    The one before, as time goes on between the check of a code and this.
    """
    accepted = list(yield_hotp_counters_from_time())
    for step in (min(accepted) - 1, *accepted):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return int(step)
    return None


def use_totp_step(*, user: User, step: int) -> bool:
    """Use it up, with all before it; whether it was still to be used."""
    with connection.cursor() as cursor:
        cursor.execute(_USE, [user.pk, step])
        return cursor.fetchone() is not None


def is_totp_step_used(*, user: User, step: int) -> bool:
    return UsedTotpStep.objects.filter(user=user, step__gte=step).exists()


def totp_reused(*, user: User, now: datetime.datetime) -> None:
    """Somebody typed a code that was used before: it is logged, and the owner told, as somebody may have looked on.

    One e-mail in a quarter of an hour.
    """
    note("second_factor_reused", account=user.pk)
    with contextlib.suppress(SignInPaused):
        begin_notice(user=user, of="reuse", now=now)
        enqueue("accounts.tasks.tell_of_reuse", user=user.pk)
