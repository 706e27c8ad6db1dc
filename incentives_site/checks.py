"""System checks: risky configuration is reported with an id and a hint, before it hurts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def configuration_is_fit_for_the_world(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Run by ``manage.py check --deploy``; the demo needs none of it."""
    found: list[CheckMessage] = []
    if settings.DEMO:
        found.append(
            Error(
                "DEMO is on: sign-ins and keys are published.",
                hint="Unset DEMO and set SECRET_KEY.",
                id="incentives.E001",
            )
        )
    if not settings.HTTPS:
        found.append(
            Warning(
                "BASE_URL is not https: wallets and keys travel in the clear.",
                hint="Put a TLS proxy in front and set BASE_URL=https://…, BEHIND_PROXY=1.",
                id="incentives.W001",
            )
        )
    if settings.CODES_KEY == settings.SECRET_KEY:
        found.append(
            Warning(
                "Codes are sealed with SECRET_KEY, which therefore can never be rotated.",
                hint="Set CODES_KEY to another random value before the first code is issued.",
                id="incentives.W002",
            )
        )
    return found


@register()
def api_rate_is_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    rate, burst = settings.API_RATE
    if burst < rate:
        return [
            Warning(
                "API_RATE_BURST is smaller than API_RATE_PER_SECOND, so the rate can never be reached.",
                hint="Set the burst to at least one second's worth of requests.",
                id="incentives.W003",
            )
        ]
    return []
