"""Which account belongs to which employee, how that was confirmed, and the audit log of it.

Addresses decide nothing here: HR and operators can write them. ``docs/decisions/0010-who-reads-a-one-on-one.md`` says why.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._directory import Employee
from ._meetings import OneOnOne, Side


class How(models.TextChoices):
    """How the account's owner showed who they are."""

    LINK = "link", _("Link sent to the address in the directory")
    SINGLE_SIGN_ON = "sign-on", _("Single sign-on")
    SAMPLE = "sample", _("Sample data")


class Binding(PublicIdModel):
    """An account and the employee it belongs to. One live row for each of the two; rows that ended stay.

    ``account_key`` is the account's id, which stays when the account is deleted.
    ``address`` is where its owner confirmed it from: later changes are confirmed from there, whatever the directory says.
    ``access_version`` rises when anyone but the owner changed how the account signs in; ``confirmed_version`` is the version at
    which the owner last opened a link sent to ``address``. ``access`` is a keyed hash of how the account signs in, so that a
    change which no code of ours saw (a script, a restored row) is noticed. ``mark`` is a keyed hash of the row itself.
    """

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("account"))
    account_key = models.BigIntegerField(_("account number"))
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="bindings", verbose_name=_("employee"))
    account_address = models.EmailField(_("address of the account"), max_length=254)
    address = models.EmailField(_("confirmed from"), max_length=254)
    how = models.CharField(_("how"), max_length=8, choices=How.choices, default=How.LINK)
    is_proven = models.BooleanField(_("confirmed from the first known address"), default=False)
    confirmed_at = models.DateTimeField(_("confirmed"))
    held_at = models.DateTimeField(_("on hold since"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    access_version = models.PositiveIntegerField(_("access version"), default=0)
    confirmed_version = models.PositiveIntegerField(_("confirmed access version"), default=0)
    access = models.BinaryField()
    mark = models.BinaryField()

    class Meta:
        verbose_name = _("confirmed account")
        verbose_name_plural = _("confirmed accounts")
        ordering = ["-confirmed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(ended_at=None), name="an_account_is_one_employee"),
            models.UniqueConstraint(fields=["employee"], condition=Q(ended_at=None), name="an_employee_has_one_account"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False) | Q(account__isnull=False), name="a_live_binding_has_an_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.employee}: {self.account_address}"


class BindingRequest(models.Model):
    """A link that was asked for. Its token is random; the row has a keyed hash, and the token itself sealed until it is sent."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("account"))
    employee = models.ForeignKey(Employee, models.CASCADE, related_name="+", verbose_name=_("employee"))
    address = models.EmailField(_("sent to"), max_length=254)
    token_digest = models.BinaryField(unique=True)
    sealed_token = models.BinaryField(default=b"")
    asked_at = models.DateTimeField(_("asked"))
    expires_at = models.DateTimeField(_("expires"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        verbose_name = _("confirmation request")
        verbose_name_plural = _("confirmation requests")
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["account", "asked_at"], name="requests_of_an_account")]

    def __str__(self) -> str:
        return f"{self.employee_id}, {self.asked_at:%Y-%m-%d}"


class Change(models.TextChoices):
    """What the audit log records."""

    NOTED = "noted", _("First known address noted")
    ASKED = "asked", _("Link requested")
    REFUSED = "refused", _("Link refused")
    CONFIRMED = "confirmed", _("Account confirmed")
    MOVED = "moved", _("Moved to another account")
    DIRECTORY_ADDRESS = "directory-address", _("Address in the directory changed")
    DIRECTORY_KEY = "directory-key", _("Key in the directory changed")
    LEFT = "left", _("Employee deactivated")
    RETURNED = "returned", _("Employee reactivated")
    ACCOUNT_ADDRESS = "account-address", _("Address of the account changed")
    FURTHER_ADDRESS = "further-address", _("Further sign-in address added")
    PASSWORD = "password", _("Password set by someone else")
    SECOND_FACTOR = "second-factor", _("Second factor changed by someone else")
    ACCOUNT_OFF = "account-off", _("Account deactivated")
    ACCOUNT_ON = "account-on", _("Account reactivated")
    ACCOUNT_DELETED = "account-deleted", _("Account deleted")
    OUTSIDE = "outside", _("Access changed outside the product")
    TAMPERED = "tampered", _("Binding does not match the log")
    AGREED = "agreed", _("The other participant agreed")
    DECLINED = "declined", _("The other participant declined")


class NeverChanged(models.QuerySet["BindingEvent"]):
    """Rows that are added and read. The database refuses the rest as well."""

    def update(self, **values: Any) -> int:
        raise TypeError("The audit log of confirmed accounts is append only.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("The audit log of confirmed accounts is append only.")


class BindingEvent(models.Model):
    """One line of the audit log. It names no series and no other participant: HR reads it.

    The account is a plain number: an account that is deleted stays in the log.
    """

    at = models.DateTimeField(_("when"))
    kind = models.CharField(_("what"), max_length=20, choices=Change.choices)
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name=_("employee"))
    binding = models.UUIDField(_("binding"), null=True, blank=True)
    account_key = models.BigIntegerField(_("account"), null=True, blank=True)
    account_address = models.CharField(_("address of the account"), max_length=254, blank=True)
    old = models.CharField(_("before"), max_length=254, blank=True)
    new = models.CharField(_("after"), max_length=254, blank=True)
    by = models.CharField(_("by"), max_length=100)

    objects = NeverChanged.as_manager()

    class Meta:
        verbose_name = _("change of a confirmed account")
        verbose_name_plural = _("audit log of confirmed accounts")
        ordering = ["-id"]
        indexes = [models.Index(fields=["employee", "kind", "-id"], name="changes_of_an_employee")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d}"

    def save(self, *args: Any, **options: Any) -> None:
        if self.pk is not None:
            raise TypeError("The audit log of confirmed accounts is append only.")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("The audit log of confirmed accounts is append only.")


class BindingNotice(models.Model):
    """An e-mail about a change, written with it and sent after it. With a series, it goes to the other participant."""

    event = models.ForeignKey(BindingEvent, models.PROTECT, related_name="notices", verbose_name=_("change"))
    address = models.EmailField(_("to"), max_length=254)
    language = models.CharField(_("language"), max_length=10, blank=True)
    series = models.ForeignKey(OneOnOne, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("one-on-one"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice of a change")
        verbose_name_plural = _("notices of changes")
        ordering = ["id"]
        indexes = [models.Index(fields=["id"], condition=Q(sent_at=None), name="notices_that_wait")]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.address}"


class MeetingSeat(models.Model):
    """Whether one side of a series is open to a binding at one version of its access. Without a row it is closed."""

    series = models.ForeignKey(OneOnOne, models.CASCADE, related_name="seats", verbose_name=_("one-on-one"))
    side = models.CharField(_("side"), max_length=8, choices=Side.choices)
    binding = models.ForeignKey(Binding, models.CASCADE, related_name="seats", verbose_name=_("confirmed account"))
    access_version = models.PositiveIntegerField(_("access version"))
    is_open = models.BooleanField(_("open"))
    decided_at = models.DateTimeField(_("decided"))
    mark = models.BinaryField()

    class Meta:
        verbose_name = _("seat at a one-on-one")
        verbose_name_plural = _("seats at one-on-ones")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["series", "side", "binding", "access_version"], name="a_seat_is_decided_once")
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.side}"
