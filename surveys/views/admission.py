"""Who may open the pages of surveys, and under which name a change is recorded."""

from django.http import HttpRequest

from incentives_site.accounts.roles import Role

HR = (Role.HR,)
DIRECTORY = (Role.HR, Role.OPERATOR)


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"
