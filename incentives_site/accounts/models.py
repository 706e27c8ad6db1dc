"""People who sign in: by e-mail address, with roles as groups, bound to stores when at a counter; and what guards the sign-in."""

from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from .roles import Role


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    username = None  # type: ignore[assignment]
    # A hash of scrypt at its present cost has 129 characters.
    password = models.CharField(_("password"), max_length=256)
    email = models.EmailField(_("e-mail address"), unique=True)
    store_keys = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        verbose_name=_("stores"),
        help_text=_("Keys of the stores this person works in; empty: any store."),
    )
    may_serve_all_stores = models.BooleanField(
        _("receipts of every store"),
        default=False,
        help_text=_("May read and return receipts of every store, although bound to some. Sales stay in the stores above."),
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="email_is_unique_whatever_its_case")]

    def __str__(self) -> str:
        return self.email

    @property
    def receipt_stores(self) -> list[str] | None:
        """Keys of the stores whose receipts this person may read and return; ``None`` for those of every store, and of none."""
        return self.store_keys if self.store_keys and not self.may_serve_all_stores else None

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The person's roles (one query, then kept)."""
        known = set(Role.values)
        return frozenset(Role(name) for name in self.groups.values_list("name", flat=True) if name in known)


class RoleRequirement(models.Model):
    """What an operator asks of everyone in a role. Staff of the back office count as operators, whatever their roles."""

    role = models.CharField(_("role"), max_length=32, choices=Role.choices, unique=True)
    second_factor = models.BooleanField(
        _("second factor required"),
        default=False,
        help_text=_("People in this role open no page until they have set up a passkey or an authenticator app."),
    )

    class Meta:
        verbose_name = _("sign-in requirement")
        verbose_name_plural = _("sign-in requirements")
        ordering = ["role"]

    def __str__(self) -> str:
        return str(self.get_role_display())


class KnownDevice(models.Model):
    """A browser in which a person has signed in before. It proves nothing: its tries are only counted apart from strangers'."""

    user = models.ForeignKey(User, models.CASCADE, related_name="known_devices", verbose_name=_("person"))
    token_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"), db_index=True)

    class Meta:
        verbose_name = _("known browser")
        verbose_name_plural = _("known browsers")
        constraints = [models.UniqueConstraint(fields=["user", "token_hash"], name="a_browser_is_known_once_to_a_person")]

    def __str__(self) -> str:
        return f"{self.user}, {self.created_at:%Y-%m-%d}"


class TallyKind(models.TextChoices):
    """What wrong sign-ins are counted by (``docs/security-accounts.md``)."""

    PAIR = "pair", _("Account and address")
    ACCOUNT = "account", _("Account")
    ADDRESS = "address", _("Address")
    DEVICE = "device", _("Known browser")
    FACTOR = "factor", _("Second factor")
    NOTICE = "notice", _("E-mail to the owner")


class SignInTally(models.Model):
    """How often something was tried wrongly. Until ``until``, no more than the limit of its kind; then it starts again."""

    # A keyed hash: people type passwords into the wrong field, and those are kept nowhere.
    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(_("counted by"), max_length=16, choices=TallyKind.choices)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+", verbose_name=_("person"))
    address = models.CharField(_("network address"), max_length=64, blank=True)
    tries = models.PositiveIntegerField(_("wrong tries"))
    until = models.DateTimeField(_("until"), db_index=True)

    class Meta:
        verbose_name = _("sign-in lock")
        verbose_name_plural = _("sign-in locks")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.tries}"
