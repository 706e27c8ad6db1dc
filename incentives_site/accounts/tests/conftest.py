"""What tests of signing in share."""

import pytest
from django.contrib.auth.models import Group

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role

PASSWORD = "correct horse battery staple"


@pytest.fixture
def owner() -> User:
    user = User.objects.create_user("owner@example.com", PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=Role.OPERATOR))
    return user
