"""Where a partner wants to be told: make, change, remove, another secret, a ping, and again what was not received."""

import datetime
import ipaddress
import secrets
import socket
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared import jobs
from incentives_site.shared.audit import acting
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from .. import sealing
from ..models import OPEN, Disabled, Partner, State, WebhookDelivery, WebhookEndpoint, WebhookMessage, WebhookSecret
from ..rules import addresses, signing
from ..rules.types import PING, TYPES
from ._announce import DELIVER

MOST_ENDPOINTS = 20
MOST_SECRETS = 5
OVERLAP = datetime.timedelta(days=1)


class TooManyWebhooks(Problem):
    code = "too-many-webhooks"
    title = gettext_lazy("There are too many webhooks")
    kind = Kind.CONFLICT


class WebhookDisabled(Problem):
    code = "webhook-disabled"
    title = gettext_lazy("This webhook is switched off")
    kind = Kind.CONFLICT


def add_endpoint(
    *, partner: Partner, url: str, types: Sequence[str], by: str, now: datetime.datetime
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which is told this once. Raises ``Invalid`` and ``TooManyWebhooks``."""
    wanted = _checked_types(types)
    check_url(url)
    with transaction.atomic(), acting(by=by, why="add webhook"):
        Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
        if WebhookEndpoint.objects.filter(partner=partner, removed_at=None).count() >= MOST_ENDPOINTS:
            raise TooManyWebhooks(_("A partner has at most %(number)s.") % {"number": MOST_ENDPOINTS})
        endpoint = WebhookEndpoint.objects.create(partner=partner, url=url, types=wanted, created_at=now)
        return endpoint, _add_secret(endpoint, now)


def revise_endpoint(
    *,
    endpoint: WebhookEndpoint,
    by: str,
    now: datetime.datetime,
    url: str | None = None,
    types: Sequence[str] | None = None,
    is_active: bool | None = None,
) -> WebhookEndpoint:
    """Change what is named. Switching off cancels what is on its way; it can be replayed later. Raises ``Invalid``."""
    wanted = None if types is None else _checked_types(types)
    if url is not None:
        check_url(url)
    with transaction.atomic(), acting(by=by, why="revise webhook"):
        locked = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        locked.url = locked.url if url is None else url
        locked.types = locked.types if wanted is None else wanted
        locked.save(update_fields=["url", "types"])
        if is_active is True:
            _switch_on(locked)
        elif is_active is False:
            switch_off(locked, why=Disabled.PARTNER, now=now)
    return locked


def set_active(*, endpoint: WebhookEndpoint, is_active: bool, by: str, now: datetime.datetime) -> None:
    """An operator switches it on or off."""
    with transaction.atomic(), acting(by=by, why="switch webhook"):
        locked = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        if is_active:
            _switch_on(locked)
        else:
            switch_off(locked, why=Disabled.OPERATOR, now=now)


def remove_endpoint(*, endpoint: WebhookEndpoint, by: str, now: datetime.datetime) -> None:
    """For good: its secrets are deleted and nothing is sent any more. Its history stays for the back office."""
    with transaction.atomic(), acting(by=by, why="remove webhook"):
        locked = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        switch_off(locked, why=Disabled.PARTNER, now=now)
        locked.removed_at = locked.removed_at or now
        locked.save(update_fields=["removed_at"])
        WebhookSecret.objects.filter(endpoint=locked).delete()


def rotate_secret(*, endpoint: WebhookEndpoint, by: str, now: datetime.datetime, overlap: datetime.timedelta = OVERLAP) -> str:
    """Another secret, told this once. The others go on signing beside it for ``overlap``, at most ``MOST_SECRETS`` in all."""
    with transaction.atomic(), acting(by=by, why="rotate webhook secret"):
        WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        others = WebhookSecret.objects.filter(endpoint=endpoint)
        others.filter(Q(expires_at=None) | Q(expires_at__gt=now + overlap)).update(expires_at=now + overlap)
        others.filter(expires_at__lte=now).delete()
        kept = others.order_by("-created_at", "-pk").values("pk")[: MOST_SECRETS - 1]
        others.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
        return _add_secret(endpoint, now)


def ping(*, endpoint: WebhookEndpoint, now: datetime.datetime) -> WebhookDelivery:
    """Send a message that means nothing, to see whether it arrives. Raises ``WebhookDisabled``."""
    with transaction.atomic():
        _check_active(endpoint)
        name = secrets.token_hex(16)
        message = WebhookMessage.objects.create(
            key=f"{PING}:{name}", type=PING, data={"webhook": str(endpoint.public_id)}, partner=endpoint.partner, created_at=now
        )
        jobs.enqueue(DELIVER)
        return WebhookDelivery.objects.create(
            message=message, endpoint=endpoint, state=State.PENDING, next_attempt_at=now, created_at=now
        )


def replay(*, delivery: WebhookDelivery, now: datetime.datetime) -> WebhookDelivery:
    """Send it again now, and by the whole schedule if need be, with the id it had. Raises ``WebhookDisabled``."""
    with transaction.atomic():
        _check_active(delivery.endpoint)
        WebhookDelivery.objects.filter(pk=delivery.pk).update(state=State.PENDING, attempts=0, next_attempt_at=now, claim=None)
        jobs.enqueue(DELIVER)
    delivery.refresh_from_db()
    return delivery


def check_url(url: str) -> None:
    """Raises ``Invalid`` with the pointer ``/url`` unless messages may be sent there.

    Delivery looks again, at the address it really connects to: names can be made to lead elsewhere at any time.
    """
    target = addresses.read(url)
    if isinstance(target, str):
        raise Invalid(errors=[FieldError("/url", target, _SENTENCES[target])])
    found = resolve(target)
    if not found:
        raise Invalid(errors=[FieldError("/url", "host-unknown", _("This host name leads nowhere."))])
    if addresses.choose(found, settings.WEBHOOK_ALLOWED_NETWORKS) is None:
        text = _("It leads into a network that messages are not sent to.")
        raise Invalid(errors=[FieldError("/url", "address-not-allowed", text)])


def resolve(target: addresses.Target) -> list[addresses.Address]:
    """Every address the host stands for, however it is spelt; empty when there is none."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(entry[4][0]) for entry in found]


def switch_off(endpoint: WebhookEndpoint, *, why: Disabled, now: datetime.datetime) -> None:
    """Send nothing more to a locked endpoint, and cancel what is on its way."""
    if endpoint.is_active:
        endpoint.is_active, endpoint.disabled_at, endpoint.disabled_why = False, now, why
        endpoint.save(update_fields=["is_active", "disabled_at", "disabled_why"])
    WebhookDelivery.objects.filter(endpoint=endpoint, state__in=OPEN).update(
        state=State.CANCELLED, next_attempt_at=None, claim=None
    )


def _switch_on(endpoint: WebhookEndpoint) -> None:
    if endpoint.removed_at is not None:
        raise WebhookDisabled(_("It was removed: make a new one."))
    endpoint.is_active, endpoint.disabled_at, endpoint.disabled_why = True, None, ""
    endpoint.save(update_fields=["is_active", "disabled_at", "disabled_why"])


def _check_active(endpoint: WebhookEndpoint) -> None:
    """The endpoint, held until the end of the transaction so that nobody switches it off meanwhile."""
    if not WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk, is_active=True).exists():
        raise WebhookDisabled(_("Switch it on first."))


def _add_secret(endpoint: WebhookEndpoint, now: datetime.datetime) -> str:
    secret = secrets.token_bytes(signing.SECRET_BYTES)
    WebhookSecret.objects.create(endpoint=endpoint, sealed=sealing.seal(secret), created_at=now)
    return signing.spell(secret)


def _checked_types(types: Sequence[str]) -> list[str]:
    text = _("Nothing of this type is told. There are: %(types)s.") % {"types": ", ".join(TYPES)}
    errors = [FieldError(f"/types/{at}", "type-unknown", text) for at, name in enumerate(types) if name not in TYPES]
    if not types:
        errors.append(FieldError("/types", "empty-list", _("Name at least one type.")))
    if errors:
        raise Invalid(errors=errors)
    return list(dict.fromkeys(types))


_SENTENCES = {
    "bad-url": gettext_lazy("This is not an address that starts with http:// or https:// and has at most 2,000 characters."),
    "userinfo-not-allowed": gettext_lazy("An address has no user name and no password."),
    "fragment-not-allowed": gettext_lazy("An address has nothing after a “#”."),
    "port-not-allowed": gettext_lazy("The port is 80, 443 or from 1024 on."),
}
