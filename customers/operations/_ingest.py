"""Take what a source sends: durable before it is answered, worked through afterwards (``docs/ingestion.md``)."""

import datetime
import json

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import Kind, Problem

from ..models import Intake, Rejection, Source
from ..rules import protocol
from ._secrets import mask_secrets
from ._tokens import seal_tokens


class NotJson(Problem):
    code = "not-json"
    title = gettext_lazy("The body is not JSON")
    kind = Kind.INVALID


def take(*, source: Source, kind: str, body: bytes, now: datetime.datetime) -> int:
    """Keep a request for a route that means ``kind`` (empty: a batch), to be processed in turn; how many events it has.

    Nothing of it is judged yet but that it is JSON of the right shape. Raises ``NotJson``.
    """
    try:
        data, _is_strict = protocol.parse(body)
    except ValueError:
        raise NotJson(_("The body has to be a JSON object in UTF-8.")) from None
    return keep(source=source, kind=kind, data=data, body=body, now=now)


def keep(*, source: Source, kind: str, data: object, body: bytes, now: datetime.datetime) -> int:
    """Like ``take``, for who has parsed the body already. Neither the source's key nor secret codes are kept with it."""
    events = protocol.events_of(data, kind)
    if events is None:
        raise NotJson(_("A batch is an object with a list called batch; other routes take one event, an object."))
    if events:
        # Before it is on disk: what was written there once stays in files until the database has written over it.
        has_key = isinstance(data, dict) and data.pop("writeKey", None) is not None
        has_tokens = seal_tokens(data, events) > 0
        if mask_secrets([data]) or has_key or has_tokens:
            body = json.dumps(data).encode()
        Intake.objects.bulk_create([Intake(source=source, kind=kind, body=body, received_at=now)])
    return len(events)


def replay(*, rejection: Rejection, now: datetime.datetime) -> bool:
    """Send a refused event again, as it came; whether this call did it. It is judged anew."""
    if Rejection.objects.filter(pk=rejection.pk, replayed_at=None).update(replayed_at=now) != 1:
        return False
    body = b'{"batch": [' + rejection.body.encode("utf-8", "surrogatepass") + b"]}"
    Intake.objects.create(source=rejection.source, kind="", body=body, received_at=now)
    return True
