"""Partners, their keys, and the stored answers that make a repeated call harmless."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey, APIKeyManager


class Scope(models.TextChoices):
    """What a key may do (``docs/api.md``)."""

    QUOTES = "quotes"
    REDEMPTIONS = "redemptions"
    RETURNS = "returns"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    CUSTOMERS_EXPORT = "customers:export"
    SEGMENTS = "segments"
    EVENTS = "events"
    DECISIONS = "decisions"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    RESULTS = "results"
    SURVEYS = "surveys"
    SURVEY_RESULTS = "survey_results"
    EMPLOYEES = "employees"
    SIMULATE = "simulate"
    WEBHOOKS = "webhooks"


# Where the product itself redeems or writes: a partner of such a name would see and return what is not its own.
RESERVED_KEYS = ("till", "import", "customers", "campaigns", "redemptions", "surveys", "wallet", "preferences", "system")


class Partner(models.Model):
    """A system that calls us: a shop, an app, a till maker."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(key__iregex=rf"^({'|'.join(RESERVED_KEYS)})$"),
                name="a_partner_has_no_name_of_ours",
                violation_error_message=_("This key is used by the product itself. Choose another one."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class ApiKey(AbstractAPIKey):
    """A partner's key: kept hashed, shown once, bound to channels (and stores), with scopes."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="api_keys", verbose_name=_("partner"))
    channel_keys = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("channels"),
        help_text=_("Keys of the channels it speaks for; the first is the default."),
    )
    store_keys = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        verbose_name=_("stores"),
        help_text=_("Keys of the stores it speaks for; empty: any store."),
    )
    scopes = ArrayField(
        models.CharField(max_length=32, choices=Scope.choices),
        default=list,
        verbose_name=_("scopes"),
    )

    objects = APIKeyManager()  # type: ignore[misc]

    class Meta(AbstractAPIKey.Meta):
        verbose_name = _("API key")  # type: ignore[assignment]
        verbose_name_plural = _("API keys")  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.partner}: {self.name} ({self.prefix}…)"


class IdempotentReply(models.Model):
    """The answer given to a partner's ``Idempotency-Key``, written in the transaction of the effect itself.

    The answer is sealed, since it may hold codes and links. ``mentions`` are the ids in it, by which erasure finds it.
    """

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="+", verbose_name=_("partner"))
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    sealed = models.BinaryField(null=True)
    mentions = ArrayField(models.UUIDField(), default=list, db_default=[], verbose_name=_("mentions"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("idempotent reply")
        verbose_name_plural = _("idempotent replies")
        constraints = [models.UniqueConstraint(fields=["partner", "key"], name="a_partner_uses_an_idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.partner}: {self.key}"
