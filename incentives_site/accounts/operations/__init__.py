"""The verbs around signing in: try, succeed, forget."""

from ._changes import (
    account_changed,
    account_created,
    account_deleted,
    account_of,
    factor_taken_away,
    password_replaced,
)
from ._devices import forget_devices, is_known_device, remember_device
from ._one_time import is_totp_step_used, totp_reused, totp_step, use_totp_step
from ._tries import (
    LIMITS,
    LOCK,
    SignInPaused,
    Try,
    begin_factor_try,
    begin_password_try,
    forget_old_tallies,
    lift_locks,
)

__all__ = [
    "LIMITS",
    "LOCK",
    "SignInPaused",
    "Try",
    "account_changed",
    "account_created",
    "account_deleted",
    "account_of",
    "begin_factor_try",
    "begin_password_try",
    "factor_taken_away",
    "forget_devices",
    "forget_old_tallies",
    "is_known_device",
    "is_totp_step_used",
    "lift_locks",
    "password_replaced",
    "remember_device",
    "totp_reused",
    "totp_step",
    "use_totp_step",
]
