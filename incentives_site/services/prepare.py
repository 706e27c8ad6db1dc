"""``python -m incentives_site.services.prepare``: the schema, then the demo data, in one process as each start costs seconds."""

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("seed_demo")


if __name__ == "__main__":
    main()
