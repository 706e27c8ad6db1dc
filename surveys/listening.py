"""Hears of changes to accounts and employees, wherever they are made, and passes them on (``operations._access``).

Accounts know nothing of surveys, so this is where surveys listen: to rows being saved, whichever page, command or library saves
them. Bulk updates and SQL are not heard here; they are noticed before anything is opened (``operations.binding_in_use``).
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.utils import timezone

from incentives_site.accounts import operations as accounts
from incentives_site.accounts.models import User

from . import operations
from .models import Binding, Change, Employee

ACCOUNT_FIELDS = ("email", "password", "is_active")
EMPLOYEE_FIELDS = ("email", "key", "is_active")


def connect() -> None:
    for sender, fields in ((User, ACCOUNT_FIELDS), (Employee, EMPLOYEE_FIELDS)):
        pre_save.connect(_before, sender=sender, dispatch_uid=f"surveys-before-{fields[0]}-{sender.__name__}")
    post_save.connect(_account_saved, sender=User, dispatch_uid="surveys-account-saved")
    pre_delete.connect(_account_deleted, sender=User, dispatch_uid="surveys-account-deleted")
    post_save.connect(_employee_saved, sender=Employee, dispatch_uid="surveys-employee-saved")
    for model in (Authenticator, EmailAddress):
        pre_save.connect(_means_of_access, sender=model, dispatch_uid=f"surveys-before-{model.__name__}")
        pre_delete.connect(_means_of_access, sender=model, dispatch_uid=f"surveys-before-delete-{model.__name__}")
        post_save.connect(_means_changed, sender=model, dispatch_uid=f"surveys-after-{model.__name__}")
        post_delete.connect(_means_changed, sender=model, dispatch_uid=f"surveys-after-delete-{model.__name__}")


def _before(*, sender: type[Model], instance: Any, update_fields: Any = None, **_more: Any) -> None:
    """Keep what the row was, where what is about to be saved matters here."""
    fields = ACCOUNT_FIELDS if sender is User else EMPLOYEE_FIELDS
    instance.before_saving = None
    if instance.pk is None or (update_fields is not None and not set(update_fields) & set(fields)):
        return
    if sender is User:
        if not Binding.objects.filter(account=instance.pk, ended_at=None).exists():
            return
        operations.binding_in_use(user=instance, now=timezone.now())  # or an earlier change would pass for this one's
    instance.before_saving = sender._default_manager.filter(pk=instance.pk).values(*fields).first()


def _account_saved(*, instance: User, **_more: Any) -> None:
    before: dict[str, Any] | None = getattr(instance, "before_saving", None)
    if before is None:
        return
    what: dict[str, Any] = {"account": instance.pk, "by": accounts.actor(), "now": timezone.now()}
    if before["password"] != instance.password:
        if instance.renews_hash or accounts.is_by_owner(instance):
            operations.access_renewed(account=instance.pk)
        else:
            operations.access_changed(kind=Change.PASSWORD, **what)
    if before["email"] != instance.email:
        operations.access_changed(kind=Change.ACCOUNT_ADDRESS, old=before["email"], new=instance.email, **what)
    if before["is_active"] and not instance.is_active:
        operations.account_deactivated(**what)
    if instance.is_active and not before["is_active"]:
        operations.access_changed(kind=Change.ACCOUNT_ON, **what)


def _account_deleted(*, instance: User, **_more: Any) -> None:
    operations.account_deleted(account=instance.pk, by=accounts.actor(), now=timezone.now())


def _means_of_access(*, instance: Any, **_more: Any) -> None:
    """Before a second factor or a further address comes or goes."""
    if Binding.objects.filter(account=instance.user_id, ended_at=None).exists():
        operations.binding_in_use(user=instance.user, now=timezone.now())


def _means_changed(*, sender: type[Model], instance: Any, **_more: Any) -> None:
    """Codes that are used up and sign-ins that are counted are saved in the same rows: only what signs in matters."""
    if operations.is_access_as_noted(account=instance.user_id):
        return
    if accounts.is_by_owner(instance.user) and sender is Authenticator:
        operations.access_renewed(account=instance.user_id)
        return
    what: dict[str, Any] = {"account": instance.user_id, "by": accounts.actor(), "now": timezone.now()}
    if sender is Authenticator:
        operations.access_changed(kind=Change.SECOND_FACTOR, **what)
    else:
        operations.access_changed(kind=Change.FURTHER_ADDRESS, new=instance.email, also=[instance.email], **what)


def _employee_saved(*, instance: Employee, created: bool, **_more: Any) -> None:
    before: dict[str, Any] | None = getattr(instance, "before_saving", None)
    if created or before is None:
        return
    changes = []
    for name, kind in (("email", Change.DIRECTORY_ADDRESS), ("key", Change.DIRECTORY_KEY)):
        if before[name] != getattr(instance, name):
            changes.append(operations.DirectoryChange(instance, kind, before[name], getattr(instance, name)))
    if before["is_active"] != instance.is_active:
        changes.append(operations.DirectoryChange(instance, Change.RETURNED if instance.is_active else Change.LEFT))
    if changes:
        operations.directory_changed(changes=changes, by=accounts.actor(), now=timezone.now())
