"""Secrets of second factors are kept sealed: who steals the table can make no codes."""

from allauth.mfa.adapter import DefaultMFAAdapter

from incentives_site.shared import sealing

PURPOSE = "second factors"


class SealedSecrets(DefaultMFAAdapter):
    """allauth's hooks for the secrets of authenticator apps and the seeds of recovery codes."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(PURPOSE, text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Empty when the key that sealed it is gone: no code fits, and another factor has to be used."""
        return (sealing.open_seal(PURPOSE, encrypted_text.encode()) or b"").decode()
