"""``manage.py let_in_again email ann@example.com``: somebody who was erased has come back on purpose."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from customers import operations
from customers.rules.faults import Misunderstood


class Command(BaseCommand):
    help = "Lets an identifier in again that belonged to an erased customer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", help="such as email")
        parser.add_argument("value")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            was_out = operations.lift_suppression(kind=options["kind"], value=options["value"])
        except Misunderstood as error:
            raise CommandError(" ".join(str(fault.detail) for fault in error.faults)) from None
        self.stdout.write("It is let in again." if was_out else "It was not kept out.")
