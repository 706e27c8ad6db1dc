"""All steps of the loading in their order. Safe to run again at any time, also after a kill at any instant."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from customers.models import Channel

from . import coupon_uses, households, mailings, matching, places, purchases
from .progress import Report

LOCK = 7_302_117  # names the loading among PostgreSQL's advisory locks


def load_data(now: dt.datetime, report: Report) -> dict[str, Channel]:
    """Loads what is missing of the files; returns the channels by key."""
    channels = places.load_channels()
    places.load_stores(channels["store"], report)
    households.load(now, report)
    load_mailings(channels, now, report)
    loaded = purchases.load(channels["store"], now, report)
    if loaded or purchases.facts_are_missing():
        step = report.step("facts", 0)
        step(purchases.refresh_facts())
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # the planner learns the new sizes of the tables at once
        step.finish()
    return channels


def load_mailings(channels: dict[str, Channel], now: dt.datetime, report: Report) -> None:
    """The campaigns of the files with all that happened in them, in one transaction: all of it is there or nothing."""
    if mailings.are_loaded():
        return
    offered, uses = mailings.coupons(), mailings.coupon_uses()
    matches = matching.match(uses, offered, matching.baskets_of(uses))
    used_at = {(m.use.household, m.use.upc, m.use.mailing): m.redeemed_at for m in matches if m.use.nth == 1}
    with transaction.atomic():
        mailings.load(offered, used_at, channels, now, report)
        coupon_uses.load(matches, channels, now, report)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A second loading waits for the first, then finds everything done. PostgreSQL lets go of the lock of a killed one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
