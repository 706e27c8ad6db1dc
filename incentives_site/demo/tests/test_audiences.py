"""Segments over the people of the demonstration."""

import pytest

from customers import queries
from customers.models import Channel, Customer, Segment, SegmentState
from incentives_site.demo import audiences, visitors

from .conftest import NOW

pytestmark = pytest.mark.django_db


def test_they_are_counted_once_and_have_people(loaded: dict[str, Channel]) -> None:
    visitors.ensure_sources(loaded)
    visitors.load(NOW, "user:1")
    assert audiences.load(NOW) == len(audiences.RULES) + 1
    assert audiences.load(NOW) == 0
    rows = {row.key: row for row in Segment.objects.all()}
    assert {row.state for row in rows.values()} == {SegmentState.GOOD}
    sizes = {row.key: queries.sizes([row]).get(row.pk, 0) for row in rows.values()}
    assert sizes["seen-lately"] > 0
    assert sizes[audiences.PANEL] == min(
        audiences.PANELISTS, Customer.objects.filter(display_name__startswith="Household").count()
    )
