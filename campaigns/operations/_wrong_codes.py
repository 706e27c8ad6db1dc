"""Wrong codes are counted, and guessing is stopped: exactly, over all processes.

Who shows codes is a key or a person who sells, in a store, for a customer, from an address. Each has a bucket in Valkey that
holds so many wrong codes and empties at so many an hour (``incentives_site.shared.rates``). What is decided about codes is told
only when every bucket has room for the wrong ones among them, and those are counted at the same time: a thousand guesses at once
are told no more than one after the other. Right codes count nothing, but a full bucket hears nothing at all: or the answer to a
right one would tell it from a wrong one. For the same reason a refusal that shows that codes were wrong, as there was room for
fewer, counts them.
"""

import math
from collections.abc import Sequence

import redis
import structlog
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from incentives_site.shared.problems import Kind, Problem
from incentives_site.shared.rates import HOUR, Bucket, count

log = structlog.get_logger(__name__)


class TooManyWrongCodes(Problem):
    code = "too-many-wrong-codes"
    title = gettext_lazy("Too many wrong codes were tried")
    kind = Kind.TOO_MANY


class CodeGuard:
    """Stands between a decision about codes and whoever asked for it. One for each request, which may decide several times.

    ``key`` or ``person`` and ``address`` say who asks and from where; an empty one is not counted. ``stores`` are those the
    asker is bound to: wrong codes count in each of them, whatever store the request names.
    """

    def __init__(self, *, key: str = "", person: str = "", address: str = "", stores: Sequence[str] = ()) -> None:
        self.key, self.person, self.address, self.stores = key, person, address, tuple(stores)
        self._told = 0

    def __call__(self, *, wrong: int, store: str = "", customer: str = "") -> None:
        """Let the decision pass and count the codes that were wrong. Raises ``TooManyWrongCodes``.

        When Valkey is away decisions pass uncounted, which is logged: a sale matters more than a rate.
        """
        who = [("key", self.key), ("person", self.person), ("customer", customer), ("address", self.address)]
        who += [("store", name) for name in sorted({store, *self.stores})]
        limits = {(kind, name): settings.WRONG_CODES[kind] for kind, name in who if name and settings.WRONG_CODES[kind]}
        if not limits:
            return
        new = max(0, wrong - self._told)
        buckets = [Bucket.of(f"wrong-codes:{kind}:{name}", most, per=HOUR, many=new) for (kind, name), most in limits.items()]
        try:
            wait = count(buckets, in_part=True).wait
        except redis.RedisError as error:
            log.warning("wrong_codes_uncounted", reason=type(error).__name__)
            return
        if wait:
            seconds = math.ceil(wait)
            raise TooManyWrongCodes(_sentence(seconds), extras={"retry_after": seconds})
        self._told += new


def _sentence(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    wait = ngettext("Try again in %(n)s minute.", "Try again in %(n)s minutes.", minutes) % {"n": minutes}
    return _("To keep codes from being guessed, none is looked at for a while.") + " " + wait
