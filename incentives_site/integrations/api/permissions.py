"""What a key may do: each view names its scope, per method where they differ."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, permissions
from rest_framework.request import Request

from .authentication import Caller

if TYPE_CHECKING:  # DRF imports this module while it builds its views
    from rest_framework.views import APIView


class HasScope(permissions.BasePermission):
    """The view's ``required_scopes`` maps a method to a scope; a method without one is open to nobody."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        caller = request.user
        if not isinstance(caller, Caller):
            raise exceptions.NotAuthenticated(
                _("Send your key as “Authorization: Api-Key <key>”."),
                code="not-authenticated",
            )
        scope = getattr(view, "required_scopes", {}).get(request.method)
        if scope is None:
            raise exceptions.MethodNotAllowed(request.method or "")
        if not caller.may(scope):
            raise exceptions.PermissionDenied(
                _("This key lacks the scope “%(scope)s”.") % {"scope": scope},
                code="missing-scope",
            )
        return True
