"""Loads the demonstration: Complete Journey's shop data, a few live campaigns, people and partners who can sign in."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from incentives_site.demo import audiences, company, loading, people, showcase, visitors, voice
from incentives_site.demo.progress import Report


class Command(BaseCommand):
    requires_system_checks = ()  # the start has done them; they would be half of a second run
    help = "Loads the demonstration data. Safe to run again: what is there stays, what is missing is added."

    def handle(self, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demonstration is only for installations with DEMO=1.")
        self.stdout.ending = ""  # the bar is drawn over and over on one line
        report = Report(self.stdout)
        with loading.one_at_a_time():
            now = timezone.now()
            channels = loading.load_data(now, report)
            if showcase.load(channels, now):
                self.stdout.write("  live campaigns: made\n")
            made = people.ensure(Path(settings.VAR_DIR), settings.BASE_URL, visitors.ensure_sources(channels))
            self.stdout.write(
                f"  sign-ins and keys: {'made, see' if made else 'kept in'} {Path(settings.VAR_DIR) / people.FILE}\n"
            )
            if company.load(now):
                self.stdout.write("  a generated company with eight quarters of eNPS: made\n")
            if voice.load(now):
                self.stdout.write("  an open pulse, one-on-ones, feedback of customers: made\n")
            if visitors.load(now, people.marketer()):
                self.stdout.write("  events of shop, app and tills: made\n")
            if counted := audiences.load(now):
                self.stdout.write(f"  segments: {counted} made and counted\n")
