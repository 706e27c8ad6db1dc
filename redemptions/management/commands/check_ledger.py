"""``manage.py check_ledger``: prove the books, and end with 1 when anything differs."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from redemptions import operations


class Command(BaseCommand):
    help = "Recomputes every balance, lot and limit, and ends with 1 when anything differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        run = operations.check_ledger(now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not run.faults, "seconds": run.seconds, "faults": run.faults}))
        elif not run.faults:
            self.stdout.write(f"The ledger is in order ({run.seconds:.2f} s).")
        else:
            for fault in run.faults:
                self.stdout.write(f"{fault['code']}: {fault['count']} × not so: {fault['sentence']} Ids: {fault['examples']}")
        if run.faults:
            raise SystemExit(1)
