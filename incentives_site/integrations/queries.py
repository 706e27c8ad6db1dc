"""Reads: a key by its text, and whether it speaks for a channel or a store; a partner's webhooks."""

import uuid

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.prepared import prepared_cursor
from incentives_site.shared.problems import Kind, NotFound, Problem
from incentives_site.shared.rows import columns, row_as

from .models import ApiKey, Partner, WebhookDelivery, WebhookEndpoint

# Asked before every call, so it is written out; and asked anew each time, so a key that is revoked has made its last call.
_KEY = f"""
SELECT {columns(ApiKey, "k")}, {columns(Partner, "p")}
FROM integrations_apikey k JOIN integrations_partner p ON p.id = k.partner_id
WHERE k.prefix = %s::text AND NOT k.revoked AND p.is_active
"""  # noqa: S608  (put together from fixed pieces; the value is a parameter)
_KEY_COLUMNS = len(ApiKey._meta.concrete_fields)


class ChannelNotYours(Problem):
    code = "channel-not-yours"
    title = _("This key does not speak for that channel")
    kind = Kind.FORBIDDEN


class StoreNotYours(Problem):
    code = "store-not-yours"
    title = _("This key does not speak for that store")
    kind = Kind.FORBIDDEN


class StoreMissing(Problem):
    code = "store-missing"
    title = _("This key has to name the store")


class WebhookUnknown(NotFound):
    code = "webhook-unknown"
    title = _("There is no such webhook")


class DeliveryUnknown(NotFound):
    code = "delivery-unknown"
    title = _("There is no such delivery")


def find_key(text: str) -> ApiKey | None:
    """The usable key with this text and its partner, in one query; ``None`` when unknown, revoked, expired or switched off."""
    prefix, dot, _secret = text.partition(".")
    if not dot or len(text) > 200 or "\x00" in text:
        return None
    with prepared_cursor() as cursor:
        cursor.execute(_KEY, [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    key = row_as(ApiKey, row[:_KEY_COLUMNS])
    if (key.expiry_date and key.expiry_date <= timezone.now()) or not key.is_valid(text):
        return None
    key.partner = row_as(Partner, row[_KEY_COLUMNS:])
    return key


def channel_of(key: ApiKey, wanted: str | None) -> str:
    """The channel key a call is about: the one named if the key is bound to it, else the key's first.

    Raises ``ChannelNotYours``.
    """
    if wanted is None:
        return key.channel_keys[0]
    if wanted not in key.channel_keys:
        raise ChannelNotYours(_("Its channels are: %(channels)s.") % {"channels": ", ".join(key.channel_keys)})
    return wanted


def store_of(key: ApiKey, wanted: str | None) -> str | None:
    """The store key a call is about, ``None`` when none is named and the key is bound to none.

    A key that is bound to one store always speaks for it, one that is bound to several has to name it: limits and wrong codes
    are counted by store. Raises ``StoreMissing``, ``StoreNotYours``.
    """
    if not wanted:
        if len(key.store_keys) > 1:
            raise StoreMissing(_("Its stores are: %(stores)s.") % {"stores": ", ".join(key.store_keys)})
        return key.store_keys[0] if key.store_keys else None
    if key.store_keys and wanted not in key.store_keys:
        raise StoreNotYours
    return wanted


# --- Webhooks -------------------------------------------------------------------------------------------------------------


def webhooks(partner: Partner) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(partner=partner, removed_at=None)


def webhook_by_public_id(partner: Partner, public_id: str) -> WebhookEndpoint:
    """One of the partner's own. Raises ``WebhookUnknown``."""
    key = _uuid(public_id)
    found = webhooks(partner).filter(public_id=key).first() if key else None
    if found is None:
        raise WebhookUnknown
    return found


def deliveries(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """What was and is sent there, with every attempt."""
    return WebhookDelivery.objects.filter(endpoint=endpoint).select_related("message").prefetch_related("tries")


def delivery_by_public_id(endpoint: WebhookEndpoint, public_id: str) -> WebhookDelivery:
    """Raises ``DeliveryUnknown``."""
    key = _uuid(public_id)
    found = deliveries(endpoint).filter(public_id=key).select_related("endpoint").first() if key else None
    if found is None:
        raise DeliveryUnknown
    return found


# For statements that ask it beside other things, of the type ``%(told)s``.
ANYBODY_TOLD = "EXISTS (SELECT FROM integrations_webhookendpoint WHERE is_active AND %(told)s::text = ANY(types))"


def is_anybody_told(type: str) -> bool:
    """Whether some endpoint subscribed to ``type``: for those who would otherwise write, or ask the database what to say."""
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT {ANYBODY_TOLD}", {"told": type})
        return bool(cursor.fetchone()[0])


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
