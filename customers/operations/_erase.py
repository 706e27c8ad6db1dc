"""Forget a customer: no trace of who it was remains, every sum stays, and it stays out (``docs/consent.md``, Erasure)."""

import contextlib
import datetime
import json
import uuid
from collections.abc import Collection, Iterable, Sequence

from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast, Concat

from incentives_site.integrations.operations import forget_mentions

from .. import sealing
from ..models import (
    Customer,
    DataRequest,
    Erasure,
    Event,
    Export,
    Identity,
    KeptApart,
    ListExport,
    Merge,
    Purchase,
    Rejection,
    Suppression,
)
from ..queries import identity_rules, normalised
from ..rules.consent import EVERYTHING, Statement, Wishes, as_data
from ..rules.identities import plain, telling
from ..rules.resolution import Identifier
from ..rules.timeline import EventType
from ._consent import allow_erasing
from ._holdings import Erasing, holdings
from ._imports import forget_in_imports
from ._process import forget_waiting
from ._resolve import hold

# Events that are called after an incentive. Other names may be anything: the number of an order, the title of a page.
CALLED_AFTER_INCENTIVES = (EventType.GRANTED, EventType.REDEEMED, EventType.WITHDRAWN, EventType.EXPIRED)
OWN_SOURCES = ("campaigns", "redemptions")
# What is shorter stands in too many texts that are about somebody else.
SHORTEST = 4


def erase(*, customer: Customer, by: str, now: datetime.datetime) -> Erasure:
    """Forget the customer, and all that became part of it; the receipt, which names nobody.

    Its identifiers are remembered by keyed hash and let nobody in again (``lift_suppression`` undoes that for one). The rows that
    sums are made of stay, under a customer without name, facts or identifiers and with another public id. Nothing of it can be
    undone. One transaction: everything or nothing.
    """
    with transaction.atomic():
        # In the order of ids, as merges take them, so that two never wait for each other in a circle.
        forgotten = _forget_in_files(customer, now)
        found = Customer.objects.select_for_update(of=("self",)).filter(Q(pk=customer.pk) | Q(forwarded_to=customer))
        parts = list(found.order_by("pk"))
        erasing = Erasing(
            pks=[part.pk for part in parts],
            public_ids=[str(part.public_id) for part in parts],
            names={str(part.public_id): str(uuid.uuid4()) for part in parts},
            now=now,
        )
        allow_erasing()
        texts = {part.display_name for part in parts if part.display_name}
        named = set(Identity.objects.filter(customer__in=erasing.pks).values_list("kind", "value"))
        texts |= {value for _kind, value in named}
        counts = {holding.name: sum(holding.count(part) for part in parts) for holding in holdings()}
        counts |= forgotten
        counts["identities"] = _suppress(erasing, named)
        counts["waiting_events"] = forget_waiting(identifiers=named, texts=_telling(named))
        marks = [*erasing.public_ids]
        for holding in holdings():
            if holding.marks is not None:
                marks += holding.marks(erasing.pks)
        for holding in reversed(holdings()):
            if holding.erase is not None:
                holding.erase(erasing)
        counts |= forget_mentions(marks)
        _forget_in_back_office(erasing, texts)
        _forget_rejections(texts)
        _forget_lists(texts)
        _forget_merges(erasing)
        Export.objects.filter(customer__in=erasing.pks).delete()
        for part in parts:
            Customer.objects.filter(pk=part.pk).update(
                public_id=erasing.names[str(part.public_id)],
                display_name="",
                traits={},
                traits_at={},
                claims={},
                facts={},
                # Nobody is addressed any more who cannot be asked.
                consent=as_data(Wishes({EVERYTHING: Statement(EVERYTHING, False, now)})),
                time_zone="",
                language="",
                erased_at=now,
            )
        return Erasure.objects.create(
            digest=sealing.digest("public_id", str(customer.public_id)), erased_at=now, by=by, counts=counts
        )


def lift_suppression(*, kind: str, value: str) -> bool:
    """Let somebody in again who was erased and has come back; whether there was anything to lift. Raises ``Misunderstood``."""
    kind, value = normalised(kind, value, identity_rules())
    deleted, _by_model = Suppression.objects.filter(digest=sealing.digest(kind, value)).delete()
    return deleted > 0


def _forget_in_files(customer: Customer, now: datetime.datetime) -> dict[str, int]:
    """Files that wait first, then what names the customer, then the customer: as whoever brings in a file takes them."""
    mine = Identity.objects.filter(Q(customer=customer) | Q(customer__forwarded_to=customer))
    named = set(mine.values_list("kind", "value"))
    counts = {"waiting_files": forget_in_imports(texts=_telling(named), now=now)}
    hold(named)
    return counts


def _telling(named: Iterable[Identifier]) -> set[str]:
    return {text for kind, value in named if (text := telling(kind, value))}


def _suppress(erasing: Erasing, known: Collection[Identifier]) -> int:
    Suppression.objects.bulk_create(
        (Suppression(digest=sealing.digest(kind, value), since=erasing.now) for kind, value in sorted(known)),
        ignore_conflicts=True,
    )
    return len(known)


# --- What customers itself holds --------------------------------------------------------------------------------------------


def erase_identities(erasing: Erasing) -> None:
    Identity.objects.filter(customer__in=erasing.pks).delete()


def erase_events(erasing: Erasing) -> None:
    """That something happened stays, with what kind of thing it was, where and when."""
    events = Event.objects.filter(customer__in=erasing.pks)
    events.exclude(type__in=CALLED_AFTER_INCENTIVES, source__in=OWN_SOURCES).update(name="")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_event SET properties = '{}', context = '{}', message_id = 'erased:' || id, "
            "public_id = gen_random_uuid() WHERE customer_id = ANY(%s)",
            [list(erasing.pks)],
        )


def marks_of_purchases(pks: Sequence[int]) -> Iterable[str]:
    return map(str, Purchase.objects.filter(customer__in=pks).values_list("public_id", flat=True))


def erase_purchases(erasing: Erasing) -> None:
    """What was bought for how much stays; the number of the order goes."""
    Purchase.objects.filter(customer__in=erasing.pks).update(order_key=Concat(Value("erased:"), Cast(F("pk"), CharField())))


def erase_data_requests(erasing: Erasing) -> None:
    """The receipt says that there were some."""
    DataRequest.objects.filter(customer__in=erasing.pks).delete()


def _forget_merges(erasing: Erasing) -> None:
    of_them = Q(survivor__in=erasing.pks) | Q(merged__in=erasing.pks)
    Merge.objects.filter(of_them).delete()
    KeptApart.objects.filter(Q(one__in=erasing.pks) | Q(other__in=erasing.pks)).delete()


def _forget_rejections(texts: Iterable[str]) -> None:
    """Events that were refused are kept as they came: those in which one of the texts stands, however it is written."""
    wanted = {_plain(text) for text in texts} - {""}
    gone = []
    for pk, body in Rejection.objects.values_list("pk", "body").iterator(chunk_size=1000):
        # As JSON it is written with escapes; what was cut off is no JSON any more, and has to be read as it is.
        with contextlib.suppress(ValueError):
            body = json.dumps(json.loads(body), ensure_ascii=False)
        found = _plain(body)
        if any(text in found for text in wanted):
            gone.append(pk)
    Rejection.objects.filter(pk__in=gone).delete()


def _forget_lists(texts: Iterable[str]) -> None:
    """What somebody searched for, to take out the list that was found."""
    wanted = {_plain(text) for text in texts} - {""}
    for row in ListExport.objects.all():
        if any(text in _plain(row.about) for text in wanted):
            row.about = "search"
            row.save(update_fields=["about"])


def _plain(text: str) -> str:
    short = plain(text)
    return short if len(short) >= SHORTEST else ""


def _forget_in_back_office(erasing: Erasing, texts: Iterable[str]) -> None:
    """The log of the back office, and the addresses in the audit trail of other things."""
    mentions = Q(
        content_type__app_label="customers", content_type__model="customer", object_id__in=[str(pk) for pk in erasing.pks]
    )
    for text in [*texts, *erasing.public_ids]:
        if len(text) >= SHORTEST:
            mentions |= Q(object_repr__icontains=text) | Q(change_message__icontains=text)
    LogEntry.objects.filter(mentions).update(object_repr="", change_message="")
    with connection.cursor() as cursor:
        for old, new in erasing.names.items():
            cursor.execute(
                "UPDATE pghistory_context SET metadata = replace(metadata::text, %(old)s, %(new)s)::jsonb "
                "WHERE strpos(metadata::text, %(old)s) > 0",
                {"old": old, "new": new},
            )
