"""Who may read campaigns, who may change them, and under which name a change is recorded."""

from django.http import HttpRequest

from incentives_site.accounts.roles import Role

READERS = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)
WRITERS = (Role.MARKETER, Role.OPERATOR)


def may_write(request: HttpRequest) -> bool:
    return bool(set(WRITERS) & request.user.roles)  # type: ignore[union-attr]


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"
