"""How often a key may call: exact over all processes.

GCRA (the leaky bucket as a virtual scheduling time, ITU-T I.371) in one Lua script, so that reading and writing cannot be torn
apart by a second process. One number is kept per key: the theoretical arrival time of the next request.
"""

import math
from typing import TYPE_CHECKING

import redis
import structlog
from django.conf import settings
from rest_framework import throttling
from rest_framework.request import Request

from incentives_site.shared import valkey

if TYPE_CHECKING:  # DRF imports this module while it builds its views
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

# KEYS[1] the bucket; ARGV[1] µs between two requests; ARGV[2] µs of burst. Answers {allowed, µs to wait, µs of burst left}.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = tonumber(redis.call('GET', KEYS[1]) or now)
if arrival < now then arrival = now end
local following = arrival + interval
if following - burst > now then return {0, following - burst - now, 0} end
redis.call('SET', KEYS[1], string.format('%d', following), 'PX', math.ceil((following - now) / 1000) + 1000)
return {1, 0, burst - (following - now)}
"""


class KeyThrottle(throttling.BaseThrottle):
    """``API_RATE_PER_SECOND`` with a burst, per key. When Valkey is away calls pass: a sale matters more than a rate."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        rate, burst = settings.API_RATE
        interval = 1_000_000 // rate
        self._wait = 0.0
        try:
            allowed, wait, left = valkey.run(SCRIPT, keys=[f"rate:{request.user.pk}"], args=[interval, burst * interval])
        except redis.RedisError as error:
            log.warning("throttle_unavailable", reason=type(error).__name__)
            return True
        self._wait = wait / 1_000_000
        view.rate_limit = (burst, left // interval, math.ceil(self._wait or 1 / rate))  # type: ignore[attr-defined]
        return bool(allowed)

    def wait(self) -> float:
        return self._wait
