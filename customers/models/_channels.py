"""Where a customer meets the company: channels, and the stores inside them."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..rules.channels import ChannelKind


@pghistory.track()
class Channel(models.Model):
    """A place where a customer meets the company, and what can be done there."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(
        _("kind"),
        max_length=16,
        choices=[(k.value, k.value.replace("_", " ")) for k in ChannelKind],
    )
    can_grant = models.BooleanField(
        _("gives incentives"),
        default=True,
        help_text=_("Incentives can be put into a wallet here."),
    )
    can_redeem = models.BooleanField(
        _("redeems"),
        default=True,
        help_text=_("Incentives can be used on a purchase here."),
    )
    can_message = models.BooleanField(
        _("carries messages"),
        default=False,
        help_text=_("Customers can be written to here."),
    )
    asks_first = models.BooleanField(
        _("marketing after consent only"),
        default=True,
        db_default=True,
        help_text=_("Nobody is written to here for marketing who has not agreed to it before."),
    )
    identity_kind = models.CharField(
        _("knows a customer by"),
        max_length=64,
        blank=True,
        help_text=_("The kind of identity this channel sees first."),
    )
    text_limit = models.PositiveIntegerField(
        _("longest text"),
        null=True,
        blank=True,
        help_text=_("In characters; empty: none."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A counter with an address of its own inside a store channel."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="stores", verbose_name=_("channel"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
