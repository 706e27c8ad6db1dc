"""The quick part of the loading (everything but the purchases), once for all tests of this folder."""

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from customers.models import Channel
from incentives_site.demo import households, loading, places
from incentives_site.demo.progress import Report

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="package")
def loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Channel]]:
    """Channels, stores, customers, campaigns and redemptions of the files; gives the channels. Rolled back in the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        report = Report(io.StringIO())
        channels = places.load_channels()
        places.load_stores(channels["store"], report)
        households.load(NOW, report)
        loading.load_mailings(channels, NOW, report)
        yield channels
        transaction.set_rollback(True)
