"""Takes the pictures of ``docs/img`` from a running demonstration: ``make screenshots``.

It calls the API as the demonstration's partners do, to have something to show (campaigns, a draft, redemptions, a return, points,
batches of codes, a webhook that it receives itself), and issues a gift card in the back office. So run it on a demonstration that
may be thrown away, and that may send to this machine:
``WEBHOOK_ALLOWED_NETWORKS=127.0.0.0/8 VAR_DIR=/tmp/pictures PORT=8080 make demo``, and beside it
``VAR_DIR=/tmp/pictures make screenshots``.
"""

import argparse
import base64
import datetime
import json
import os
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from conftest import CHROMIUM, FLAGS

PROJECT = Path(__file__).resolve().parent.parent
WIDE, NARROW, NARROWEST = (1280, 860), (390, 844), (320, 700)
CARD = "CJ0000900"
QUALITY = 62
CAMPAIGNS = "/campaigns"
Step = Callable[[Page], None]


def to_results(page: Page) -> None:
    page.click("main a:has-text('How is it to work here?') >> nth=0")
    page.click("main a:has-text('Results'), header a:has-text('Results') >> nth=0")


def to_the_first(page: Page) -> None:
    page.click("main table a, main .list-group a >> nth=0")


def nothing(page: Page) -> None:
    """The page as it opens."""


@dataclass(frozen=True)
class Picture:
    """``name`` becomes the file; ``role`` who is signed in (empty: nobody); ``then`` what is done before the picture is taken."""

    name: str
    role: str
    path: str
    then: Step = nothing
    narrow: tuple[tuple[int, int], ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PROJECT / "docs" / "img", help="the folder of the pictures")
    parser.add_argument("--format", choices=["webp", "jpeg"], default="webp")
    parser.add_argument("--only", default="", help="take only pictures whose name contains one of these, with commas")
    given = parser.parse_args()
    var = Path(os.environ.get("VAR_DIR") or PROJECT / "var")
    demo = json.loads((var / "demo.json").read_text(encoding="utf-8"))
    given.to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM) if CHROMIUM.exists() else None, args=FLAGS)
        with BackOffice(browser, demo) as office, listening() as receiver:
            pictures = [
                picture
                for picture in plan(Shop(demo), office, receiver)
                if any(part in picture.name for part in given.only.split(","))
            ]
        signed_in = {role: sign_in(browser, demo, role) for role in dict.fromkeys(picture.role for picture in pictures)}
        for picture in pictures:
            for scheme in ("light", "dark"):
                for size in (WIDE, *picture.narrow):
                    path = given.to / f"{picture.name}-{scheme}{'' if size == WIDE else f'-{size[0]}'}.{given.format}"
                    take(browser, demo["base_url"], picture, signed_in[picture.role], scheme, size, path)
        browser.close()
    total = sum(path.stat().st_size for path in given.to.glob(f"*.{given.format}"))
    print(f"{len(list(given.to.glob(f'*.{given.format}')))} pictures, {total / 1024:.0f} KiB in {given.to}")  # noqa: T201


def sign_in(browser: Browser, demo: dict[str, Any], role: str) -> Any:
    """The cookies of a person of this role; none for nobody."""
    context = browser.new_context(base_url=demo["base_url"])
    if role:
        person = next(user for user in demo["users"] if user["role"] == role)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.fill("[name=login]", person["email"])
        page.fill("[name=password]", person["password"])
        page.click("main button[type=submit]")
        page.wait_for_url(demo["base_url"] + "/")
    state = context.storage_state()
    context.close()
    return state


def take(browser: Browser, base: str, picture: Picture, state: Any, scheme: Any, size: tuple[int, int], path: Path) -> None:
    viewport: Any = {"width": size[0], "height": size[1]}
    context = browser.new_context(
        base_url=base, storage_state=state, color_scheme=scheme, viewport=viewport, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(picture.path)
    picture.then(page)
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)  # charts draw themselves after the page has loaded
    # Chromium writes WebP, which Playwright's own screenshot does not offer: half the size at the same sharpness.
    kind = path.suffix[1:]
    shot = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": kind, "quality": QUALITY})
    path.write_bytes(base64.b64decode(shot["data"]))
    context.close()


# --- Something to show -------------------------------------------------------------------------------------------------


class Shop:
    """The web shop and the till maker, calling from outside."""

    def __init__(self, demo: dict[str, Any]) -> None:
        self.base = demo["base_url"]
        self.keys = {key["partner"]: key["key"] for key in demo["api_keys"]}

    def call(self, partner: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {
            "Authorization": f"Api-Key {self.keys[partner]}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/api/v1/{path}", data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the demonstration's own address
            answer: dict[str, Any] = json.loads(response.read() or b"{}")
        return answer

    def campaign(self, name: str, *, group: str = "default") -> dict[str, Any]:
        """A campaign in draft, complete."""
        ends_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=40)
        incentive = {
            "key": "ten-percent",
            "name": f"{name}: 10 % off",
            "claim": "grant",
            "effect": {"type": "percent_off", "percent": "10", "max_amount": 2000},
            "conditions": {"all": [{"fact": "basket.initial_total", "op": ">=", "value": 2000}]},
            "group": group,
            "valid_days": 30,
            "total_uses": 500,
        }
        fields = {
            "name": name,
            "goal": "retention",
            "promise": "Ten percent off your next shop of 20 dollars or more: collect it online, use it in any store.",
            "currency": "USD",
            "time_zone": "America/New_York",
            "ends_at": ends_at.isoformat(),
            "audience": {"all": [{"fact": "customer.orders", "op": ">=", "value": 20}]},
            "channels": ["web", "app", "store"],
            "budget": 250_000,
            "incentives": [incentive],
        }
        return self.call("web-shop", "POST", "campaigns", fields)

    def grant(self, incentive: str, occasion: str) -> dict[str, Any]:
        customer = {"identity": {"kind": "loyalty_card", "value": CARD}}
        return self.call("web-shop", "POST", "grants", {"customer": customer, "incentive": incentive, "occasion": occasion})

    def club(self) -> None:
        """Points and credit for one customer, as they are come by: earned on an order, and some of them spent on another."""
        fields = {
            "name": "Club points",
            "goal": "retention",
            "currency": "USD",
            "channels": ["web", "store"],
            "incentives": [
                {
                    "key": "points",
                    "name": "Club points",
                    "awards": [{"type": "points", "per": 100, "points": 3}],
                    "points_per_customer": 2000,
                    "when_short": "clip",
                },
                {
                    "key": "credit",
                    "name": "2 % back",
                    "awards": [{"type": "credit", "percent": "2"}],
                    "conditions": {"all": [{"fact": "basket.initial_total", "op": ">=", "value": 10000}]},
                },
            ],
        }
        if self.call("web-shop", "GET", "campaigns?q=Club%20points&status=live")["results"]:
            return
        campaign = self.call("web-shop", "POST", "campaigns", fields)
        self.call("web-shop", "POST", f"campaigns/{campaign['id']}/launch")
        customer = {"identity": {"kind": "loyalty_card", "value": CARD}}
        for price, tenders in ((18900, []), (4600, [{"type": "points", "amount": 150}, {"type": "credit", "amount": 100}])):
            machine = {"id": "1", "sku": "Espresso machine", "name": "Espresso machine", "quantity": 1, "unit_price": price}
            body = {"currency": "USD", "basket": {"lines": [machine]}, "customer": customer, "tenders": tenders}
            self.call("web-shop", "POST", "redemptions", {**body, "channel": "web", "order": {"id": str(uuid.uuid4())}})

    def codes(self) -> tuple[str, str, str]:
        """A campaign, its incentive and a batch of codes of it that is done."""
        found = self.call("web-shop", "GET", "campaigns?q=Letter%20box&status=draft")["results"]
        if not found:
            fields = {"name": "Letter box codes", "goal": "acquisition", "currency": "USD", "channels": ["web", "store"]}
            effect = {"type": "percent_off", "percent": "15"}
            incentive = {"key": "letter", "name": "15 % for new neighbours", "claim": "code", "effect": effect}
            found = [self.call("web-shop", "POST", "campaigns", {**fields, "incentives": [incentive]})]
        incentive_id = found[0]["incentives"][0]["id"]
        batches = self.call("web-shop", "GET", f"codes/batches?incentive={incentive_id}")["results"]
        if not batches:
            large = {"incentive": incentive_id, "name": "Letter box, autumn", "pattern": "AUTUMN-####-####-####", "count": 40_000}
            batches = [self.call("web-shop", "POST", "codes/batches", {**large, "has_check": True})]
            small = {"incentive": incentive_id, "name": "Fair, stand 4", "pattern": "FAIR-####-####", "count": 250}
            self.call("web-shop", "POST", "codes/batches", small)
        while self.call("web-shop", "GET", f"codes/batches/{batches[-1]['id']}")["state"] != "done":
            time.sleep(1)
        return found[0]["id"], incentive_id, batches[-1]["id"]

    def webhook(self, url: str) -> None:
        """Be told of grants and redemptions at ``url``, and nowhere else."""
        for old in self.call("web-shop", "GET", "webhooks")["results"]:
            self.call("web-shop", "DELETE", f"webhooks/{old['id']}")
        types = ["grant.created", "redemption.created", "redemption.returned"]
        self.call("web-shop", "POST", "webhooks", {"url": url, "types": types})

    def redeem(self, code: str) -> dict[str, Any]:
        coffee = {"id": "1", "sku": "Coffee beans", "name": "Coffee beans", "quantity": 2, "unit_price": 1250}
        tea = {"id": "2", "sku": "Green tea", "name": "Green tea", "quantity": 1, "unit_price": 780}
        order = {"id": str(uuid.uuid4())}
        body = {"currency": "USD", "basket": {"lines": [coffee, tea]}, "codes": [code], "store": "high-street", "order": order}
        return self.call("till-maker", "POST", "redemptions", body)


class BackOffice:
    """An operator in the back office, for what partners cannot do."""

    def __init__(self, browser: Browser, demo: dict[str, Any]) -> None:
        self.context = browser.new_context(base_url=demo["base_url"], storage_state=sign_in(browser, demo, "operator"))

    def __enter__(self) -> "BackOffice":
        self.page = self.context.new_page()
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def programme(self) -> None:
        """What a point is worth, unless somebody has said so."""
        self.page.goto("/admin/campaigns/loyaltyprogramme/")
        if not self.page.locator("#result_list tbody tr").count():
            self.page.goto("/admin/campaigns/loyaltyprogramme/add/")
            self.page.fill("[name=name]", "Club")
            self.page.fill("[name=point_values]", "USD 1")
            self.page.fill("[name=pending_days]", "0")
            self.page.fill("[name=valid_months]", "12")
            self.page.click("[name=_save]")
            self.page.wait_for_url("**/loyaltyprogramme/")

    def gift_card(self, amount: str) -> str:
        """The code of a new card; it is shown this once."""
        self.page.goto("/admin/redemptions/giftcard/issue")
        self.page.fill("[name=amount]", amount)
        self.page.select_option("[name=currency]", "USD")
        self.page.locator("form:has([name=amount]) button[type=submit]").click()
        said = self.page.get_by_text("The code is").first.inner_text()
        return said.removeprefix("The code is ").split(" ")[0]

    def newest(self, table: str) -> str:
        """The address of the newest row of a list; ``table`` may have a query."""
        self.page.goto(f"/admin/{table}")
        return self.page.locator("#result_list tbody a").first.get_attribute("href") or ""


@contextmanager
def listening() -> Iterator[str]:
    """The address of a receiver of webhooks that is out of order at first, so that there are attempts to look at."""

    class Receiver(BaseHTTPRequestHandler):
        seen = 0

        def do_POST(self) -> None:  # the name that http.server asks for
            self.rfile.read(int(self.headers["Content-Length"]))
            type(self).seen += 1
            self.send_response(503 if self.seen == 1 else 204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/incentives"
        server.shutdown()


def plan(shop: Shop, office: BackOffice, receiver: str) -> list[Picture]:
    """Every page, after the few calls that give them something to show. What an earlier run left is ended or used again."""
    for old in shop.call("web-shop", "GET", "campaigns?q=Autumn%20thanks&status=live")["results"]:
        shop.call("web-shop", "POST", f"campaigns/{old['id']}/end")
    drafts = shop.call("web-shop", "GET", "campaigns?q=Winter%20warmer&status=draft")["results"]
    draft = drafts[0] if drafts else shop.campaign("Winter warmer")
    office.programme()
    shop.club()
    shop.webhook(receiver)
    card = office.gift_card("5.00")
    coded, coded_incentive, batch = shop.codes()
    live = shop.campaign("Autumn thanks")
    shop.call("web-shop", "POST", f"campaigns/{live['id']}/launch")
    incentive = live["incentives"][0]["id"]
    used, returned, held = (shop.grant(incentive, f"picture-{n}") for n in range(3))
    receipt = shop.redeem(used["code"])["id"]
    returned_receipt = shop.redeem(returned["code"])["id"]
    shop.call("till-maker", "POST", f"redemptions/{returned_receipt}/returns", {"everything": True, "reason": "Wrong size"})
    customer = shop.call("web-shop", "GET", f"customers?identity=loyalty_card:{CARD}")["id"]
    nina, namesake = (
        shop.call("web-shop", "GET", f"customers?identity=email:{address}")["id"]
        for address in ("nina.keller@mail.example", "n.keller@office.example")
    )
    incomplete = shop.call("web-shop", "GET", "campaigns?q=New%20parents")["results"][0]["id"]

    def basket(code: str) -> Step:
        def fill(page: Page) -> None:
            for row, (article, price) in enumerate([("Coffee beans", "12.50"), ("Green tea", "7.80")]):
                page.fill(f"[name=line-{row}-article]", article)
                page.fill(f"[name=line-{row}-price]", price)
            page.fill("[name=code]", code)
            page.press("[name=code]", "Enter")
            page.wait_for_selector(".app-applies, .app-refused")

        return fill

    def split(page: Page) -> None:
        page.fill("[name=customer]", CARD)
        basket(held["code"])(page)
        page.check("[name=pay-use_points]")
        page.fill("[name=pay-points]", "2.50")
        page.check("[name=pay-use_credit]")
        page.fill("[name=pay-card]", card)
        page.press("[name=pay-card]", "Enter")
        page.wait_for_selector("[aria-label='Gift cards of this sale']")
        page.locator("#outcome-title").evaluate("title => title.closest('section').scrollIntoView()")

    def one_unit(page: Page) -> None:
        page.fill("[name=units-0]", "1")
        page.click("#return button[value=preview]")
        page.wait_for_selector("[data-testid=pay-back]")
        page.locator("#return").scroll_into_view_if_needed()

    def calculated(page: Page) -> None:
        for name, value in {"sku": "Coffee beans", "categories": "COFFEE", "quantity": "2", "price": "12.50"}.items():
            page.fill(f"[name=line-1-{name}]", value)
        page.click("button:has-text('Calculate')")
        page.wait_for_selector("#decision-1")

    def a_file(page: Page) -> None:
        people = b"E-mail;Name;Card number;Newsletter\nanna.berg@mail.example;Anna Berg;;yes\nnobody;Eva Kern;;no\n"
        page.set_input_files("[name=file]", {"name": "fair.csv", "mimeType": "text/csv", "buffer": people})
        page.click("main form button[type=submit]")
        page.fill("[name=wording]", "Fair 2026, card 3")
        page.click("button[value=check]")
        page.wait_for_selector("button[value=run]")

    def to_the_problem(page: Page) -> None:
        page.locator("main .alert").last.scroll_into_view_if_needed()

    def to_the_results(page: Page) -> None:
        page.locator("h2:has-text('What it has brought')").evaluate("title => title.closest('.card').scrollIntoView()")

    def checked_on_a_phone(code: str) -> Step:
        def fill(page: Page) -> None:
            basket(code)(page)
            page.locator("#outcome-title").evaluate("title => title.closest('section').scrollIntoView()")

        return fill

    both, small = (NARROW, NARROWEST), (NARROW,)
    edit, wallet = f"/campaigns/{draft['id']}/edit", held["wallet_url"].removeprefix(shop.base)
    return [
        Picture("home", "marketer", "/", narrow=small),
        Picture("home-store", "store", "/"),
        Picture("home-hr", "hr", "/"),
        Picture("survey-results", "hr", "/surveys/", to_results),
        Picture("one-on-one", "manager", "/surveys/one-on-ones/", to_the_first),
        Picture("campaigns", "marketer", "/campaigns/", narrow=small),
        Picture("campaign", "marketer", f"/campaigns/{_welcome_back(shop)}/", narrow=small),
        Picture("campaign-results", "marketer", f"/campaigns/{_welcome_back(shop)}/", to_the_results),
        Picture("editor-1-goal", "marketer", f"{edit}/goal/"),
        Picture("editor-2-incentive", "marketer", f"{edit}/incentive/", narrow=small),
        Picture("editor-3-audience", "marketer", f"{edit}/audience/"),
        Picture("editor-4-channels", "marketer", f"{edit}/channels/"),
        Picture("editor-5-stacking", "marketer", f"{edit}/stacking/"),
        Picture("editor-6-review", "marketer", f"{edit}/review/"),
        Picture("preview", "marketer", f"/campaigns/{_welcome_back(shop)}/preview/", calculated, narrow=small),
        Picture("editor-obstacle", "marketer", f"/campaigns/{incomplete}/edit/review/", to_the_problem),
        Picture("customers", "store", "/customers/?q=Household+90"),
        Picture("customer", "marketer", f"/customers/{customer}/", narrow=small),
        Picture("customer-behaviour", "marketer", f"/customers/{nina}/", narrow=small),
        Picture("identity", "marketer", f"/customers/{nina}/identity/", narrow=small),
        Picture("identity-compare", "marketer", f"/customers/{namesake}/identity/?with={nina}"),
        Picture("events", "operator", "/customers/events/?paused=1", narrow=small),
        Picture("import", "marketer", "/customers/import/", a_file, narrow=small),
        Picture("till", "store", "/till/", narrow=(NARROWEST,)),
        Picture("till-applies", "store", "/till/", checked_on_a_phone(held["code"]), narrow=both),
        Picture("till-refused", "store", "/till/", basket(used["code"])),
        Picture("till-split", "store", "/till/", split, narrow=small),
        Picture("return", "store", f"/till/receipts/{receipt}/", one_unit, narrow=small),
        Picture("statement", "marketer", f"/customers/{customer}/statement/", narrow=small),
        Picture("codes", "marketer", f"{CAMPAIGNS}/{coded}/codes/{coded_incentive}/", narrow=small),
        Picture("codes-batch", "marketer", f"{CAMPAIGNS}/{coded}/codes/{coded_incentive}/{batch}/"),
        Picture("webhooks", "operator", "/admin/integrations/webhookdelivery/"),
        Picture("webhook-delivery", "operator", office.newest("integrations/webhookdelivery/?state__exact=failed")),
        Picture("receipt", "store", f"/till/receipts/{receipt}/", narrow=small),
        Picture("receipt-returned", "store", f"/till/receipts/{returned_receipt}/"),
        Picture("receipts", "store", "/till/receipts/"),
        Picture("wallet", "", wallet, narrow=both),
        Picture("sign-in", "", "/accounts/login/", narrow=(NARROWEST,)),
        Picture("api-docs", "marketer", "/api/docs/"),
        Picture("problem", "", "/problems/decision-changed/"),
        Picture("problems", "", "/problems/"),
        Picture("back-office", "operator", "/admin/"),
        Picture("back-office-list", "operator", "/admin/campaigns/campaign/"),
    ]


def _welcome_back(shop: Shop) -> str:
    """The demonstration's own campaign with redemptions over several days."""
    found: str = shop.call("web-shop", "GET", "campaigns?q=Welcome%20back")["results"][0]["id"]
    return found


if __name__ == "__main__":
    main()
