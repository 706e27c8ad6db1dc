"""Who may do what on the pages about customers, and who did."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role

from .. import queries

READERS = (Role.MARKETER, Role.ANALYST, Role.STORE, Role.OPERATOR)
WATCHERS = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)
WRITERS = (Role.MARKETER, Role.OPERATOR)


def may_write(request: HttpRequest) -> bool:
    return bool(set(WRITERS) & request.user.roles)  # type: ignore[union-attr]


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def named_actors(actors: Iterable[str]) -> dict[str, str]:
    """The people behind ``user:12`` by name; whatever else acts is called as it is written. One query."""
    ids = {int(who[5:]) for who in actors if who.startswith("user:") and who[5:].isdecimal()}
    people = {f"user:{user.pk}": user.get_full_name() or user.email for user in User.objects.filter(pk__in=ids)} if ids else {}
    return {who: people.get(who, who) for who in actors}


def doors(request: HttpRequest) -> dict[str, Any]:
    """Which pages beside the search are this person's, and how many requests about data wait for an operator."""
    settles = Role.OPERATOR in request.user.roles  # type: ignore[union-attr]
    return {
        "may_settle": settles,
        "requests_waiting": queries.count_open_data_requests() if settles else 0,
        "may_watch": bool(set(WATCHERS) & request.user.roles),  # type: ignore[union-attr]
        "may_write": may_write(request),
    }
