"""Loads the demonstration: Complete Journey's shop data, a few live campaigns, people and partners who can sign in."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from incentives_site.demo import loading
from incentives_site.demo.progress import Report


class Command(BaseCommand):
    help = "Loads the demonstration data. Safe to run again: what is there stays, what is missing is added."

    def handle(self, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demonstration is only for installations with DEMO=1.")
        self.stdout.ending = ""  # the bar is drawn over and over on one line
        report = Report(self.stdout)
        with loading.one_at_a_time():
            loading.load_data(timezone.now(), report)
