"""Who may open the pages of surveys, and under which name a change is recorded."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.translation import gettext as _

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role

HR = (Role.HR,)
DIRECTORY = (Role.HR, Role.OPERATOR)


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def names_of_actors(actors: Iterable[str]) -> dict[str, str]:
    """Who did something, as people know them. An account that is gone stays its number."""
    wanted = set(actors)
    keys = {int(name.removeprefix("user:")) for name in wanted if name.startswith("user:") and name[5:].isdecimal()}
    people = {f"user:{user.pk}": user.get_full_name() or user.email for user in User.objects.filter(pk__in=keys)}
    known = {"participant": _("the other participant"), "system": _("the system")}
    return {name: people.get(name) or known.get(name, name) for name in wanted}
