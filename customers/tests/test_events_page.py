"""Events as they arrive on a page: newest first, filtered, opened, polled for; what was refused is sent again."""

import base64
import datetime as dt
import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from customers import operations, queries
from customers.models import Event, Intake, Rejection, SeenMessage, Source
from customers.queries import WantedEvents
from customers.tests.factories import ChannelFactory, CustomerFactory
from incentives_site.accounts.models import User

pytestmark = pytest.mark.django_db

PAGE = "/customers/events/"


@pytest.fixture
def source() -> Source:
    return Source.objects.create(
        trust="server", key="shop", name="Web shop", channel=ChannelFactory(web=True), write_key="w" * 32
    )


def sign_in(client: Client, role: str) -> Client:
    user = User.objects.create_user(f"{role}@example.com")
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


def send(source: Source, *events: dict[str, Any]) -> None:
    now = timezone.now()
    operations.take(source=source, kind="", body=json.dumps({"batch": list(events)}).encode(), now=now)
    operations.process_events(now=now)


def track(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "userId": "ann", **fields}


def test_events_are_shown_with_whom_they_were_about_and_why(client: Client, source: Source) -> None:
    sign_in(client, "analyst")
    send(source, track("First look", anonymousId="c1"), track("Second look", properties={"size": "42"}))
    send(source, track("Bob's look", userId="bob", anonymousId="c1"))
    page = client.get(PAGE).content.decode()
    assert page.index("Bob&#x27;s look") < page.index("Second look") < page.index("First look")
    assert "&quot;size&quot;: &quot;42&quot;" in page
    assert "account <span" in page
    assert "cookie c1 was not used:" in page
    assert "spoke against it" in page
    assert "w" * 32 not in page


def test_a_source_cannot_say_itself_who_was_meant(source: Source) -> None:
    send(source, track("Look", context={"identity": {"dropped": [["email", "eve@shop.test", "limit"]]}}))
    assert Event.objects.get().context["identity"] == {"named": [["user_id", "ann"]]}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("source=shop", {"Looked", "Bought"}),
        ("source=app", set()),
        ("type=page", set()),
        ("type=nonsense", {"Looked", "Bought"}),
        ("name=BOU", {"Bought"}),
        ("who=user_id:ann", {"Looked"}),
        ("who=ann", {"Looked"}),
        ("who=c9", {"Bought"}),
        ("who=nobody", set()),
        ("who=%00&name=%00", {"Looked", "Bought"}),
    ],
)
def test_filters(client: Client, source: Source, query: str, shown: set[str]) -> None:
    sign_in(client, "marketer")
    send(source, track("Looked"), track("Bought", userId=None, anonymousId="c9"))
    page = client.get(f"{PAGE}?{query}").content.decode()
    assert set(re.findall(r'<strong class="anywhere">(\w+)', page)) == shown


def test_what_is_older_than_a_day_is_shown_only_when_asked_for(source: Source) -> None:
    now = timezone.now()
    send(source, track("Old", timestamp=(now - dt.timedelta(days=3)).isoformat()))
    assert queries.live_events(WantedEvents(), now=now) == []
    assert [event.name for event in queries.live_events(WantedEvents(is_any_time=True), now=now)] == ["Old"]


def test_polling_brings_what_is_newer_and_nothing_else(client: Client, source: Source) -> None:
    sign_in(client, "marketer")
    send(source, track("First"))
    page = client.get(PAGE).content.decode()
    polled = re.search(r'hx-get="([^"]+)"\s+hx-trigger="every 2s"', page)
    assert polled
    address = polled[1].replace("&amp;", "&")
    quiet = client.get(address, headers={"HX-Request": "true"})
    # A new minute brings the chart anew, whose floor is a `<line>`.
    assert not re.search(r"<li[ >]", quiet.content.decode())
    assert "HX-Trigger" not in quiet
    send(source, track("Second"))
    more = client.get(address, headers={"HX-Request": "true"})
    assert "Second" in more.content.decode()
    assert "First" not in more.content.decode()
    assert "<html" not in more.content.decode()
    assert json.loads(more["HX-Trigger"]) == {"announce": "1 new event"}
    assert client.get(f"{PAGE}?after=0&shown=300", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert "every 2s" not in client.get(f"{PAGE}?paused=1").content.decode()


def test_a_refused_event_is_shown_with_its_reason_and_sent_again_by_an_operator(client: Client, source: Source) -> None:
    send(source, {"type": "purchase", "userId": "ann"})
    rejection = Rejection.objects.get()
    sign_in(client, "marketer")
    assert "The type is none of track" in client.get(PAGE).content.decode()
    assert client.post(PAGE + "again/", {"rejection": rejection.pk}).status_code == 403
    client.logout()
    sign_in(client, "operator")
    assert "Send again" in client.get(PAGE).content.decode()
    done = client.post(PAGE + "again/", {"rejection": rejection.pk, "source": "shop"}, follow=True)
    assert "It is judged anew" in done.content.decode()
    assert done.redirect_chain[0][0] == f"{PAGE}?source=shop"
    assert "1 request waits." in done.content.decode()
    assert Intake.objects.count() == 1
    for again in (rejection.pk, "", "x", "9" * 40):
        assert "It was sent again before." in client.post(PAGE + "again/", {"rejection": again}, follow=True).content.decode()
    assert Intake.objects.count() == 1


def test_an_empty_page_says_how_to_connect_a_source_and_shows_the_key_to_operators(client: Client, source: Source) -> None:
    sign_in(client, "operator")
    page = client.get(PAGE).content.decode()
    assert "Nothing yet" in page
    assert "w" * 32 in page
    Source.objects.all().delete()
    assert "Make a source" in client.get(PAGE).content.decode()


def test_the_snippet_of_the_page_works(client: Client, source: Source) -> None:
    sign_in(client, "operator")
    page = client.get(PAGE).content.decode().replace("&quot;", '"').replace("&#x27;", "'")
    said = re.search(r"""-u "([^"]+)" \\\s+-d '([^']+)'""", page)
    assert said
    answer = Client().post(
        "/v1/track",
        said[2],
        content_type="application/x-www-form-urlencoded",
        HTTP_AUTHORIZATION="Basic " + base64.b64encode(said[1].encode()).decode(),
    )
    assert answer.json() == {"success": True}
    operations.process_events(now=timezone.now())
    assert "Product Viewed" in client.get(PAGE).content.decode()


def test_events_are_counted_by_the_minute() -> None:
    cache.clear()
    now = timezone.now().replace(second=30)
    for n, back in enumerate((0, 60, 61, 4000)):
        SeenMessage.objects.create(digest=f"00000000-0000-0000-0000-{n:012d}", seen_at=now - dt.timedelta(seconds=back))
    counted = queries.per_minute(now=now)
    assert len(counted) == 30
    assert [count for _minute, count in counted[-3:]] == [0, 2, 1]


def test_the_page_asks_as_often_for_many_as_for_few(client: Client, source: Source, django_assert_max_num_queries: Any) -> None:
    sign_in(client, "operator")
    send(source, *(track(f"Look {n}", userId=f"u{n}") for n in range(40)), *({"type": "no"} for _ in range(9)))
    CustomerFactory()
    with django_assert_max_num_queries(14):
        assert client.get(PAGE).status_code == 200
