"""``python -m incentives_site.services``: start, stop and use the embedded services from a terminal."""

import argparse
import os
import signal
import subprocess
import sys

from . import demo, local, locations
from .processes import ServiceError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m incentives_site.services", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help="start PostgreSQL and Valkey and leave them running")
    commands.add_parser("stop", help="stop a demonstration, PostgreSQL and Valkey")
    commands.add_parser("status", help="say what runs and where; exit code 1 when something does not")
    run = commands.add_parser("run", help="run the demonstration: services, data, web, worker and beat")
    run.add_argument("--reset", action="store_true", help="delete the data first")
    run.add_argument("--with-parent", action="store_true", help="stop when the calling process stops")
    using = commands.add_parser("with", help="run a command with the services up; stop those this started")
    using.add_argument("--throw-away", action="store_true", help="use empty services in a temporary folder")
    using.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    given = parser.parse_args(arguments)
    try:
        match given.command:
            case "start":
                return start()
            case "stop":
                return demo.stop()
            case "status":
                return status()
            case "run":
                return demo.run(reset=given.reset, with_parent=given.with_parent)
            case _:
                argv = given.argv[1:] if given.argv[:1] == ["--"] else given.argv
                if not argv:
                    parser.error("with needs a command: with -- python manage.py shell")
                return use(argv, throw_away=given.throw_away)
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1


def start() -> int:
    services = local.LocalServices(locations.data_folder())
    services.start()
    for name, value in services.environment().items():
        print(f"{name}={value}")
    return 0


def status() -> int:
    services = local.LocalServices(locations.data_folder())
    all_ready = True
    for name, service in (("PostgreSQL", services.postgres), ("Valkey", services.valkey)):
        if service is None:
            print(f"{name}: elsewhere, as the environment says")
            continue
        ready = service.is_ready()
        all_ready = all_ready and ready
        print(f"{name}: {'running' if ready else 'stopped'}, {service.url()}")
    return 0 if all_ready else 1


def use(argv: list[str], *, throw_away: bool) -> int:
    """Runs a command; its exit code is ours. A terminal sends Ctrl-C to both, so only SIGTERM is passed on."""
    child: subprocess.Popen[bytes] | None = None
    signal.signal(signal.SIGTERM, lambda *_: child.terminate() if child else sys.exit(143))
    with local.running(throw_away=throw_away) as environment:
        signal.signal(signal.SIGINT, lambda *_: None)
        try:
            child = subprocess.Popen(argv, env=os.environ | environment)
        except OSError as error:
            raise ServiceError(f"{argv[0]} cannot be run: {error.strerror}.") from error
        code = child.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main())
