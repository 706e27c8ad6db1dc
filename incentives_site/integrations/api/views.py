"""What every partner endpoint shares: rate headers, and POSTs that are safe to repeat."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from incentives_site.shared.problems import Invalid

from .. import operations, queries
from ..models import ApiKey
from .authentication import Caller


class IdempotencyKeyMissing(Invalid):
    code = "idempotency-key-missing"
    title = _("This call needs an Idempotency-Key")


class PartnerView(APIView):
    """A partner's endpoint. ``required_scopes`` maps methods to scopes."""

    required_scopes: ClassVar[dict[str, str]] = {}

    @property
    def caller(self) -> Caller:
        return self.request.user  # type: ignore[return-value]

    @property
    def key(self) -> ApiKey:
        return self.caller.key

    def channel_key(self, wanted: str | None) -> str:
        return queries.channel_of(self.key, wanted)

    def store_key(self, wanted: str | None) -> str | None:
        return queries.store_of(self.key, wanted)

    def once(self, request: Request, work: Callable[[], tuple[int, dict[str, Any]]]) -> Response:
        """Answer with ``work()``, run at most once for this partner and ``Idempotency-Key``; later calls replay the answer.

        ``work`` returns a status and a JSON-able body and runs inside the transaction that stores them. A refusal stores nothing.
        """
        key = request.headers.get("Idempotency-Key", "")
        if not re.fullmatch(r"[!-~]{1,255}", key):
            raise IdempotencyKeyMissing(_("Send 1 to 255 visible ASCII characters, the same again when you retry."))
        canonical = json.dumps(
            [request.method, request.path_info, request.data],
            sort_keys=True,
            separators=(",", ":"),
        )
        answer = operations.answer_once(
            partner=self.caller.partner,
            key=key,
            fingerprint=hashlib.sha256(canonical.encode()).digest(),
            work=work,
        )
        return Response(
            answer.body,
            status=answer.status,
            headers={"Idempotent-Replayed": "true"} if answer.replayed else None,
        )

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if limit := getattr(self, "rate_limit", None):
            response["RateLimit-Policy"] = f'"key";q={limit[0]}'
            response["RateLimit"] = f'"key";r={limit[1]};t={limit[2]}'
        return response
