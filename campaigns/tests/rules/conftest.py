"""How many examples the promises of the stacking rule are tried on: 500 in every run, 10,000 by ``make test-deep``.

``make mutants`` tries each mutant on a few, always the same ones, and asks for no smallest counterexample.
"""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "rules", max_examples=int(os.environ.get("EXAMPLES", "500")), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "mutants", settings.get_profile("rules"), derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("RULES_PROFILE", "rules"))
