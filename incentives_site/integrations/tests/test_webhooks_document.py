"""What ``docs/webhooks.md`` says: every type with its fields, and an example that verifies what is really sent."""

import ipaddress
import re
from typing import Any

import pytest
from django.conf import settings as configuration
from django.utils import timezone

from incentives_site.integrations import operations
from incentives_site.integrations.models import State
from incentives_site.integrations.rules.types import TYPES
from incentives_site.integrations.tests.factories import partner_key
from incentives_site.integrations.tests.receiver import receiving

DOCUMENT = (configuration.BASE_DIR / "docs" / "webhooks.md").read_text(encoding="utf-8")


def test_every_type_is_there_with_its_fields() -> None:
    rows = {}
    last = ""
    for types, _when, data in re.findall(r"^\| ((?:`[a-z_.]+`(?:, )?)+) \| (.*?) \| (.+) \|$", DOCUMENT, re.MULTILINE):
        last = last if data == "the same" else data
        fields = tuple(re.findall(r"`([a-z_]+)`", last))
        rows.update(dict.fromkeys(re.findall(r"`([a-z_.]+)`", types), fields))
    assert {name: rows.get(name) for name in TYPES} == TYPES


def test_every_state_is_there() -> None:
    assert [state for state in State.values if f"| `{state}` |" not in DOCUMENT] == []


@pytest.mark.django_db
def test_the_example_verifies_what_is_sent(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    example: dict[str, Any] = {}
    exec(program, example)  # noqa: S102  (our own document)
    key, _text = partner_key()
    with receiving() as receiver:
        endpoint, first = operations.add_endpoint(
            partner=key.partner, url=receiver.url, types=["grant.created"], by="x", now=timezone.now()
        )
        second = operations.rotate_secret(endpoint=endpoint, by="x", now=timezone.now())
        operations.ping(endpoint=endpoint, now=timezone.now())
        operations.deliver(clock=timezone.now)
    (received,) = receiver.received
    for secret in (first, second):
        assert example["verify"](secret, received.headers, received.body)["type"] == "webhook.ping"
    with pytest.raises(ValueError, match="not signed"):
        example["verify"](first, received.headers, received.body + b" ")
    with pytest.raises(ValueError, match="too old"):
        example["verify"](first, {**received.headers, "webhook-timestamp": "1"}, received.body)
