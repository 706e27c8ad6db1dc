"""``make bench``: every measurement, one after the other, each in a process of its own."""

import subprocess
import sys

MEASUREMENTS = ("loading", "engine", "refusals", "codes", "redeem")


def main() -> int:
    results = [subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode for name in MEASUREMENTS]
    return max(results)


if __name__ == "__main__":
    sys.exit(main())
