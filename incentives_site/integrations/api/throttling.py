"""How often a key may call: exact over all processes (``incentives_site.shared.rates``)."""

import math
from typing import TYPE_CHECKING

import redis
import structlog
from django.conf import settings
from rest_framework import throttling
from rest_framework.request import Request

from incentives_site.shared.rates import SECOND, Bucket, count

if TYPE_CHECKING:  # DRF imports this module while it builds its views
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)


class KeyThrottle(throttling.BaseThrottle):
    """``API_RATE_PER_SECOND`` with a burst, per key. When Valkey is away calls pass: a sale matters more than a rate."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        rate, burst = settings.API_RATE
        interval = SECOND // rate
        self._wait = 0.0
        try:
            counted = count([Bucket(f"rate:{request.user.pk}", interval, burst)])
        except redis.RedisError as error:
            log.warning("throttle_unavailable", reason=type(error).__name__)
            return True
        self._wait = counted.wait
        view.rate_limit = (burst, counted.room // interval, math.ceil(self._wait or 1 / rate))  # type: ignore[attr-defined]
        return not counted.wait

    def wait(self) -> float:
        return self._wait
