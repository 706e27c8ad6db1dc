"""``make bench-profiles``: events a second, segments, look-ups (``docs/benchmarks.md``, Profiles).

Starts services of its own, as durable as in production: what is committed is on disk.
"""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.redeem.sides import PROJECT
from incentives_site.services.local import ThrowAwayServices
from incentives_site.services.postgres import DURABLE, Postgres

RESULTS = PROJECT / "var" / "bench" / "profiles.json"
PARTS = ("ingestion", "segments", "reading")
# Measured when asked for: it takes as long as all others together.
MODULES = {"import": "importing"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="some parts alone, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of one round")
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the file of the part import")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    print(f"Profiles; load average {os.getloadavg()[0]:.1f}", flush=True)
    for part in given.only.split(","):
        with _services():
            module = importlib.import_module(f"benchmarks.profiles.{MODULES.get(part, part)}")
            more = {"lines": given.lines} if part == "import" else {}
            for row in module.rows(given.rounds, given.seconds, **more):
                found[row["row"]] = row
                print("  " + json.dumps(row), flush=True)
    result = {"load_average": os.getloadavg()[0], "rounds": given.rounds, "seconds": given.seconds, "rows": found}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"  also in {RESULTS.relative_to(PROJECT)}")
    return 0 if all(row["met"] for row in found.values()) else 1


@contextmanager
def _services() -> Iterator[None]:
    services = ThrowAwayServices()
    services.postgres = Postgres(services.folder / "pg", DURABLE)
    try:
        services.start()
        os.environ.update(services.environment())
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
        import django
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        # Each part has a database of its own; the settings were read for the first.
        connection.close()
        from incentives_site import env

        settings.DATABASES["default"] = connection.settings_dict = {
            **connection.settings_dict,
            **env.database(os.environ["DATABASE_URL"]),
        }
        call_command("migrate", verbosity=0)
        yield
    finally:
        services.remove()


if __name__ == "__main__":
    sys.exit(main())
