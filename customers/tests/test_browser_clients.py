"""The official browser clients, unmodified, in a page of another site, with a public key."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from customers import operations
from customers.api import ingestion
from customers.models import Event, Identity, Rejection, Source
from customers.tests.factories import ChannelFactory
from customers.tests.test_official_clients import node  # noqa: F401  (a fixture)
from customers.tests.test_trust import token

pytestmark = pytest.mark.django_db(transaction=True)

SEGMENT = """async ([writeKey, host, customerToken]) => {
  const analytics = window.AnalyticsNext.AnalyticsBrowser.load({
    writeKey,
    cdnSettings: { integrations: { "Segment.io": { apiKey: writeKey, apiHost: host + "/v1", protocol: "http" } } },
  });
  await analytics.page("Home");
  await analytics.identify("ann", { email: "ann@shop.test" });
  await analytics.track("Product Viewed", { name: "Trail shoes" });
  await analytics.track("Order Completed", { order_id: "W-1", total: 1000000, currency: "EUR" });
  await analytics.track("Signed In", {}, { context: { customerToken } });
}"""
RUDDER = """async ([writeKey, host, customerToken]) => {
  const analytics = new window.rudderanalytics.RudderAnalytics();
  const source = { source: { id: "s", name: "s", writeKey, enabled: true, config: {}, workspaceId: "w", connections: [],
    destinations: [], dataplanes: {} } };
  await new Promise((ready) => {
    analytics.load(writeKey, "http://" + host, {
      configUrl: "http://" + host, getSourceConfig: () => source, destSDKBaseURL: "SHOP", pluginsSDKBaseURL: "SHOP",
      integrations: { All: false }, plugins: ["XhrQueue"], storage: { encryption: { version: "legacy" } },
      onLoaded: () => ready(),
    });
  });
  analytics.page("Home");
  analytics.identify("ann", { email: "ann@shop.test" });
  analytics.track("Product Viewed", { name: "Trail shoes" });
  analytics.track("Order Completed", { order_id: "W-1", total: 1000000, currency: "EUR" });
  analytics.track("Signed In", {}, { context: { customerToken }, customerToken });
}"""
CLIENTS = {
    "segment": ("@segment/analytics-next/dist/umd/index.js", SEGMENT),
    "rudder": ("@rudderstack/analytics-js/dist/npm/legacy/bundled/umd/index.js", RUDDER),
}


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><html lang=en><link rel=icon href=data:,><title>Shop</title><body>Shop</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[str]:
    """The origin of another site."""
    server = ThreadingHTTPServer(("localhost", 0), _Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_browser_client_sends_for_its_visitor_and_a_token_names_the_customer(
    client: str,
    page: Any,
    live_server: Any,
    shop: str,
    node: Path,  # noqa: F811
) -> None:
    ingestion._sources.clear()
    ingestion._backlog[:] = [0.0, False]
    file, script = CLIENTS[client]
    source = Source.objects.create(trust="browser", key="pages", name="Pages", channel=ChannelFactory(web=True), origins=[shop])
    page.goto(shop)
    page.add_script_tag(path=str(node / "node_modules" / file))
    signed = token(source, sub="ann", at=timezone.now() - dt.timedelta(minutes=1))
    page.evaluate(script.replace("SHOP", shop), [source.write_key, live_server.url.removeprefix("http://"), signed])
    ends = time.monotonic() + 20
    while Event.objects.exclude(type="merged").count() < 5 and time.monotonic() < ends:
        operations.process_events(now=timezone.now())
        page.wait_for_timeout(100)
    assert not Rejection.objects.exists()
    names = dict(Event.objects.exclude(type="merged").values_list("name", "type"))
    assert names.get("Product Viewed") == "track"
    assert names.get("Order Completed") == "unverified"
    owners = set(Identity.objects.values_list("kind", "value"))
    assert ("user_id", "ann") in owners
    assert {kind for kind, _value in owners} == {"user_id", "anonymous_id"}  # the e-mail address was only claimed
    assert Event.objects.get(name="Signed In").customer == Identity.objects.get(kind="user_id").customer
