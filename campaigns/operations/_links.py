"""Send a customer new links to the wallet and the preferences after the old ones have ended (``docs/profiles.md``, Links)."""

import datetime

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from customers import queries as customer_queries
from customers.models import Customer, Identity
from incentives_site.shared.jobs import enqueue

from ..queries import wallet_url

AGAIN_AFTER = datetime.timedelta(minutes=10)


def ask_for_links(*, customer: Customer, now: datetime.datetime) -> bool:
    """Have new links sent to the customer's e-mail addresses, at most once in ten minutes; whether this call has them sent."""
    may = Q(links_sent_at=None) | Q(links_sent_at__lte=now - AGAIN_AFTER)
    with transaction.atomic():
        if not Identity.objects.filter(customer=customer, kind="email").exists():
            return False
        if Customer.objects.filter(may, pk=customer.pk, erased_at=None, forwarded_to=None).update(links_sent_at=now) != 1:
            return False
        enqueue("campaigns.tasks.send_links", customer_id=customer.pk)
    return True


def send_links(*, customer: Customer) -> int:
    """Send the customer's present links to each e-mail address that identifies the customer, in their language; how many."""
    addresses = list(Identity.objects.filter(customer=customer, kind="email").order_by("value").values_list("value", flat=True))
    with translation.override(customer.language or None):
        lines = [
            _("You asked for new links. The old ones no longer work."),
            _("Your wallet: %(url)s") % {"url": wallet_url(customer)},
            _("Your preferences: %(url)s") % {"url": customer_queries.preferences_url(customer)},
            _("Anyone who has these links can open them. If you did not ask for them, you can ignore this message."),
        ]
        subject = _("Your new links")
        for address in addresses:
            EmailMessage(subject=subject, body="\n\n".join(lines), to=[address]).send()
    return len(addresses)
