"""Prove the books and keep what was found, so that the back office can show it."""

import dataclasses
import datetime
import time

import structlog
from django.db import connection, transaction

from .. import queries
from ..models import CheckRun

log = structlog.get_logger(__name__)
KEPT_RUNS = 100


def check_ledger(*, now: datetime.datetime) -> CheckRun:
    """One run over one snapshot. Writes the outcome; the oldest outcomes are forgotten."""
    started = time.monotonic()
    with transaction.atomic():
        if not connection.savepoint_ids:  # ours is the outermost: all statements shall see one instant
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        faults = [dataclasses.asdict(fault) for fault in queries.prove()]
    run = CheckRun.objects.create(ran_at=now, seconds=round(time.monotonic() - started, 3), faults=faults)
    CheckRun.objects.exclude(pk__in=CheckRun.objects.order_by("-id").values("pk")[:KEPT_RUNS]).delete()
    if faults:
        log.error("ledger_not_in_order", faults=[fault["code"] for fault in faults])
    return run
