"""The verbs around signing in: try, succeed, forget."""

from ._devices import forget_devices, is_known_device, remember_device
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
    "begin_factor_try",
    "begin_password_try",
    "forget_devices",
    "forget_old_tallies",
    "is_known_device",
    "lift_locks",
    "remember_device",
]
