"""Who somebody is: allauth's backend, which also says in the same query what a signed-in person still owes."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q

from .models import RoleRequirement, User
from .roles import Role

SECOND_FACTORS = (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP)


class AccountBackend(AuthenticationBackend):
    def get_user(self, user_id: Any) -> AbstractBaseUser | None:
        """The person of a session, with ``owes_second_factor``: a role of theirs requires one, and none is set up."""
        required = RoleRequirement.objects.filter(second_factor=True)
        own_roles = User.groups.through.objects.filter(user_id=OuterRef(OuterRef("pk"))).values("group__name")
        is_asked = Q(Exists(required.filter(role__in=own_roles))) | (
            Q(is_staff=True) & Q(Exists(required.filter(role=Role.OPERATOR)))
        )
        has_one = Exists(Authenticator.objects.filter(user_id=OuterRef("pk"), type__in=SECOND_FACTORS))
        owes = ExpressionWrapper(is_asked & ~has_one, output_field=BooleanField())
        user = User.objects.annotate(owes_second_factor=owes).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
