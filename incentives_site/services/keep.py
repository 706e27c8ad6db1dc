"""``python -m incentives_site.services.keep COMMAND``: run it, and run it again when it ends, later and later.

What systemd does with ``Restart=always`` in production. A worker that dies because its broker did (kombu's reconnecting is not to
be relied on, celery/celery#10205) must not end the demonstration, nor stay dead.
"""

import signal
import subprocess
import sys
import time
from types import FrameType

FIRST_PAUSE = 0.5  # seconds
LONGEST_PAUSE = 15.0
STEADY = 30.0  # who ran so long has recovered: the next pause is a short one again


class Stopped(BaseException):
    """Somebody asked us to end."""


def main(command: list[str]) -> int:
    child: subprocess.Popen[bytes] | None = None

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, stop)
    pause = FIRST_PAUSE
    try:
        while True:
            started = time.monotonic()
            child = subprocess.Popen(command)
            code = child.wait()
            if time.monotonic() - started > STEADY:
                pause = FIRST_PAUSE
            print(f"{command[0]} ended with {code}; it starts again in {pause:g} s.", flush=True)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    except Stopped:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        if child is not None:
            child.terminate()
            child.wait()
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
