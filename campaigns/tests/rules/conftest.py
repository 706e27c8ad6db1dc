"""How many examples the promises of the stacking rule are tried on: 500 in every run, 10,000 by ``make test-deep``."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "rules", max_examples=int(os.environ.get("EXAMPLES", "500")), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rules")
