"""Works through what sources send, and judges customers who changed otherwise, for as long as it runs."""

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections
from django.utils import timezone

from customers import operations

IDLE = 0.1  # seconds between two looks when nothing waits
ELSEWHERE = 1.0  # seconds until somebody who is at it may have ended


class Command(BaseCommand):
    help = "Works through the events that sources send. Ends by SIGTERM, or with --once when nothing waits."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing waits")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        self.is_ending = False
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._end)
        while not self.is_ending:
            try:
                done = operations.process_events(now=timezone.now())
                judged = operations.judge_changed(now=timezone.now())
            except OperationalError as error:
                self.stderr.write(f"The database is away: {error}".strip())
                close_old_connections()
                time.sleep(ELSEWHERE)
                continue
            if done is None:
                time.sleep(ELSEWHERE)
            elif not done.requests and not judged:
                if once:
                    break
                time.sleep(IDLE)

    def _end(self, *_signal: object) -> None:
        self.is_ending = True
