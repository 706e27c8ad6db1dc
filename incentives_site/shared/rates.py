"""How often something may happen: exact over all processes, for several counts at once.

GCRA (the leaky bucket as a virtual scheduling time, ITU-T I.371) in one Lua script, so that reading and writing cannot be torn
apart by a second process. One number is kept per bucket: the theoretical arrival time of what comes next.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import redis
import structlog

from incentives_site.shared import valkey

log = structlog.get_logger(__name__)

# KEYS the buckets; ARGV, for each bucket three numbers: µs between two, µs of burst, how many come now. All may come, or none is
# counted. Answers the µs to wait, 0 when they may come.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local longest, following = 0, {}
for n, key in ipairs(KEYS) do
  local interval, burst, many = tonumber(ARGV[3*n-2]), tonumber(ARGV[3*n-1]), tonumber(ARGV[3*n])
  local arrival = tonumber(redis.call('GET', key) or now)
  if arrival < now then arrival = now end
  following[n] = arrival + interval * many
  longest = math.max(longest, following[n] - burst - now)
end
if longest > 0 then return longest end
for n, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%d', following[n]), 'PX', math.ceil((following[n] - now) / 1000) + 1000)
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One count of ``name``: ``per_minute`` may come on average, and as many at once; ``many`` come now."""

    name: str
    per_minute: int
    many: int = 1


def seconds_to_wait(buckets: Sequence[Bucket]) -> float:
    """Count ``many`` in every bucket, or in none if one has no room. Returns seconds until there is room; 0: counted.

    While Valkey is away everything may come: what is counted here is protected by more than its rate.
    """
    if not buckets:
        return 0.0
    numbers: list[int] = []
    for bucket in buckets:
        interval = 60_000_000 // bucket.per_minute
        numbers += [interval, interval * bucket.per_minute, min(bucket.many, bucket.per_minute)]
    try:
        wait = valkey.run(SCRIPT, keys=[f"rate:{bucket.name}" for bucket in buckets], args=numbers)
    except redis.RedisError as error:
        log.warning("rates_unavailable", reason=type(error).__name__)
        return 0.0
    return int(wait) / 1_000_000


def short(text: str) -> str:
    """A name for what should not be written in clear into a counter: 64 bits of BLAKE2."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
