"""How identifiers are read: the kinds' rules, and values as written."""

from collections.abc import Mapping

from django.conf import settings

from ..models import IdentityKind
from ..rules import identities
from ..rules.identities import STANDARD, IdentityRule


def identity_rules() -> Mapping[str, IdentityRule]:
    """The rule of each kind, as operators left it."""
    return {
        **STANDARD,
        **{
            kind.key: IdentityRule(kind.limit, kind.rank, kind.window_days, tuple(str(value) for value in kind.junk))
            for kind in IdentityKind.objects.all()
        },
    }


def normalised(kind: object, value: object, rules: Mapping[str, IdentityRule] = STANDARD) -> tuple[str, str]:
    """``(kind, value)`` as stored and compared, with this installation's country. Raises ``Misunderstood``, also for junk.

    Who only looks somebody up needs no ``rules``: what is junk by them was never stored.
    """
    return identities.normalise(kind, value, region=settings.PHONE_REGION or None, rules=rules)
