"""What passwords may be, and how they are hashed (``docs/security-accounts.md``, Passwords)."""

import hashlib
import threading
from typing import Any

from django.contrib.auth.hashers import ScryptPasswordHasher
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Each hash takes 128 MiB while it is calculated. More than two at once in a process would take the memory of everything else.
AT_ONCE = threading.BoundedSemaphore(2)


class MaximumLengthValidator:
    """Longer ones are refused: no one types them, and hashing them is work for whoever sends them."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(self._sentence(), code="password_too_long")

    def get_help_text(self) -> str:
        return self._sentence()

    def _sentence(self) -> str:
        return _("Your password can have at most %(most)d characters.") % {"most": self.max_length}


class Scrypt(ScryptPasswordHasher):
    """scrypt as OWASP recommends it (Password Storage Cheat Sheet): N = 2^17, r = 8, p = 1.

    Hashes with other costs, such as those of Django's default, are still verified, and made again at the next sign-in.
    """

    work_factor = 2**17
    block_size = 8
    parallelism = 1
    maxmem = 256 * 1024 * 1024  # bytes; OpenSSL's own limit is below what this cost takes

    def encode(self, password: str, salt: str, n: int | None = None, r: int | None = None, p: int | None = None) -> str:
        with AT_ONCE:
            return str(super().encode(password, salt, n, r, p))

    def harden_runtime(self, password: str, encoded: str) -> None:
        """What verifying an older, cheaper hash has not cost yet, so that its time does not tell that the account exists."""
        known: dict[str, Any] = self.decode(encoded)
        one = known["work_factor"] * known["block_size"]
        missing = self.work_factor * self.block_size * self.parallelism - one * known["parallelism"]
        if missing > 0:
            n, r, p = known["work_factor"], known["block_size"], max(1, missing // one)
            with AT_ONCE:
                hashlib.scrypt(password.encode(), salt=known["salt"].encode(), n=n, r=r, p=p, maxmem=self.maxmem, dklen=64)
