"""Who changes an account: its owner, or somebody else. What has to be kept safe from operators asks this."""

from allauth.core import context

from ..models import User


def is_by_owner(user: User) -> bool:
    """Whether what happens now is done by the account's owner: in a request they are signed in to, or by setting a password.

    False for operators, commands, tasks and scripts: in doubt it was somebody else.
    """
    if user.is_changed_by_owner:
        return True
    request = context.request
    signed_in = getattr(request, "user", None)
    return signed_in is not None and signed_in.is_authenticated and signed_in.pk == user.pk


def actor() -> str:
    """Who is signed in to the present request, as the audit calls somebody; ``system`` outside of requests."""
    signed_in = getattr(context.request, "user", None)
    return f"user:{signed_in.pk}" if signed_in is not None and signed_in.is_authenticated else "system"
