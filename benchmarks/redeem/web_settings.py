"""The product's own settings, with the yardsticks beside its addresses. A key's rate is not what is measured."""

from incentives_site.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.redeem.web_urls"
API_RATE = (1_000_000, 1_000_000)
