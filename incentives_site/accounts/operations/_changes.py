"""What operators change of an account is written to the log, and told to its owner by e-mail: they may not have asked for it."""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incentives_site.shared.jobs import enqueue
from incentives_site.shared.security_log import note

from ..models import User


class Change(enum.StrEnum):
    """What the owner reads about; the words are in ``account/email/changed.txt``."""

    PASSWORD = "password"  # noqa: S105
    ADDRESS = "address"
    ROLES = "roles"
    STORES = "stores"
    ACTIVE = "active"
    INACTIVE = "inactive"
    SECOND_FACTOR = "second-factor"


@dataclass(frozen=True, slots=True)
class Account:
    """What an account may do, at one moment."""

    email: str
    is_active: bool
    rights: frozenset[str]  # roles, and ``staff`` and ``superuser`` of the back office
    stores: frozenset[str]
    serves_all_stores: bool


def account_of(user: User) -> Account:
    """As the database has it now."""
    row = User.objects.get(pk=user.pk)
    extra = {name for name, is_so in (("staff", row.is_staff), ("superuser", row.is_superuser)) if is_so}
    rights = frozenset(row.groups.values_list("name", flat=True)) | extra
    return Account(row.email, row.is_active, rights, frozenset(row.store_keys), row.may_serve_all_stores)


def account_created(*, user: User, by: User) -> None:
    """An operator made an account."""
    note("account_created", account=user.pk, by=by.pk, roles=sorted(account_of(user).rights))


def account_deleted(*, user: User, by: User) -> None:
    note("account_deleted", account=user.pk, by=by.pk)


def account_changed(*, user: User, before: Account, by: User) -> None:
    """Log what is different from ``before``, and tell the owner at every address that was theirs."""
    after = account_of(user)
    changes: list[Change] = []
    if after.rights != before.rights:
        added, removed = sorted(after.rights - before.rights), sorted(before.rights - after.rights)
        note("roles_changed", account=user.pk, by=by.pk, added=added, removed=removed)
        changes.append(Change.ROLES)
    if (after.stores, after.serves_all_stores) != (before.stores, before.serves_all_stores):
        note("stores_changed", account=user.pk, by=by.pk)
        changes.append(Change.STORES)
    if after.is_active != before.is_active:
        note("account_activated" if after.is_active else "account_deactivated", account=user.pk, by=by.pk)
        changes.append(Change.ACTIVE if after.is_active else Change.INACTIVE)
    if after.email != before.email:
        note("address_changed", account=user.pk, by=by.pk)
        changes.append(Change.ADDRESS)
    _tell(user, changes, {before.email, after.email}, by)


def password_replaced(*, user: User, by: User) -> None:
    """An operator set or took away a password."""
    note("password_changed", account=user.pk, by=by.pk)
    _tell(user, [Change.PASSWORD], {user.email}, by)


def factor_taken_away(*, user: User, kind: str, by: User) -> None:
    """An operator deleted a second factor of this ``kind`` (allauth's word)."""
    note("second_factor_removed", account=user.pk, by=by.pk, kind=kind)
    _tell(user, [Change.SECOND_FACTOR], {user.email}, by)


def _tell(user: User, changes: Sequence[Change], addresses: Iterable[str], by: User) -> None:
    if changes:
        words = [change.value for change in changes]
        enqueue("accounts.tasks.tell_of_changes", user=user.pk, changes=words, to=sorted(addresses), by=by.email)
