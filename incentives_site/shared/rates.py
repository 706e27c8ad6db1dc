"""How often something may happen: exact over all processes, for several counts at once. The one home of such counts.

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

SECOND = 1_000_000  # µs, as everywhere below
MINUTE, HOUR = 60 * SECOND, 3_600 * SECOND

# KEYS the buckets; ARGV[1] 1 where a part may be counted; then, for each bucket three numbers: µs between two, µs of burst, how
# many come now. Answers {µs to wait, µs that the fullest bucket still has room for}.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local in_part, longest, room, arrivals, followings = ARGV[1] == '1', 0, nil, {}, {}
for n, key in ipairs(KEYS) do
  local interval, burst, many = tonumber(ARGV[3*n-1]), tonumber(ARGV[3*n]), tonumber(ARGV[3*n+1])
  local arrival = math.max(tonumber(redis.call('GET', key) or now), now)
  local asked = in_part and 1 or many
  longest = math.max(longest, arrival + interval * asked - burst - now)
  followings[n] = arrival + interval * many
end
if longest > 0 then return {longest, 0} end
for n, key in ipairs(KEYS) do
  local interval, burst, many = tonumber(ARGV[3*n-1]), tonumber(ARGV[3*n]), tonumber(ARGV[3*n+1])
  local following = followings[n]
  if following > now + burst then longest = math.max(longest, interval); following = now + burst end
  local left = burst - (following - now)
  if room == nil or left < room then room = left end
  if many > 0 then
    redis.call('SET', key, string.format('%d', following), 'PX', math.ceil((following - now) / 1000) + 1000)
  end
end
return {longest, room or 0}
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One count. ``interval`` (µs) passes on average between two, ``most`` may come at once, ``many`` come now."""

    name: str
    interval: int
    most: int
    many: int = 1

    @classmethod
    def of(cls, name: str, most: int, *, per: int, many: int = 1) -> "Bucket":
        """``most`` in so many µs, and as many at once."""
        return cls(name, per // most, most, many)


@dataclass(frozen=True, slots=True)
class Counted:
    """``wait``: seconds until there is room, 0 when everything was counted. ``room``: µs of burst left in the fullest bucket."""

    wait: float
    room: int


def count(buckets: Sequence[Bucket], *, in_part: bool = False) -> Counted:
    """Count ``many`` in every bucket, or in none if one has no room for them.

    ``in_part``: room for one is enough. Then each bucket is filled as far as it goes, and ``wait`` says that it was not enough;
    ``many`` may be 0, which only asks. Raises ``redis.RedisError`` while Valkey is away: the caller says what happens then.
    """
    numbers = [int(in_part)]
    for bucket in buckets:
        numbers += [bucket.interval, bucket.interval * bucket.most, bucket.many]
    wait, room = valkey.run(SCRIPT, keys=[bucket.name for bucket in buckets], args=numbers)
    return Counted(int(wait) / SECOND, int(room))


def seconds_to_wait(buckets: Sequence[Bucket]) -> float:
    """``count``, for what is protected by more than its rate: while Valkey is away everything may come, which is logged."""
    if not buckets:
        return 0.0
    try:
        return count(buckets).wait
    except redis.RedisError as error:
        log.warning("rates_unavailable", reason=type(error).__name__)
        return 0.0


def short(text: str) -> str:
    """A name for what should not be written in clear into a counter: 64 bits of BLAKE2."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
