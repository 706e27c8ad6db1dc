"""The product's own settings, with one more address: the yardstick. A key's rate is not what is measured."""

from incentives_site.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.engine.web_urls"
API_RATE = (1_000_000, 1_000_000)
