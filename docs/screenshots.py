"""Takes the pictures of ``docs/img`` from a running demonstration: ``make screenshots``.

It calls the API as the demonstration's partners do, to have something to show (a campaign, a draft, two redemptions, a return).
So run it on a demonstration that may be thrown away: ``VAR_DIR=/tmp/pictures PORT=8080 make demo``, and beside it
``VAR_DIR=/tmp/pictures make screenshots``.
"""

import argparse
import base64
import datetime
import json
import os
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from conftest import CHROMIUM, FLAGS

PROJECT = Path(__file__).resolve().parent.parent
WIDE, NARROW, NARROWEST = (1280, 860), (390, 844), (320, 700)
CARD = "CJ0000900"
QUALITY = 62
Step = Callable[[Page], None]


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
    parser.add_argument("--only", default="", help="take only pictures whose name contains this")
    given = parser.parse_args()
    var = Path(os.environ.get("VAR_DIR") or PROJECT / "var")
    demo = json.loads((var / "demo.json").read_text(encoding="utf-8"))
    given.to.mkdir(parents=True, exist_ok=True)
    pictures = [picture for picture in plan(Shop(demo)) if given.only in picture.name]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM) if CHROMIUM.exists() else None, args=FLAGS)
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
            answer: dict[str, Any] = json.load(response)
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

    def redeem(self, code: str) -> dict[str, Any]:
        coffee = {"id": "1", "sku": "Coffee beans", "name": "Coffee beans", "quantity": 2, "unit_price": 1250}
        tea = {"id": "2", "sku": "Green tea", "name": "Green tea", "quantity": 1, "unit_price": 780}
        order = {"id": str(uuid.uuid4())}
        body = {"currency": "USD", "basket": {"lines": [coffee, tea]}, "codes": [code], "store": "high-street", "order": order}
        return self.call("till-maker", "POST", "redemptions", body)


def plan(shop: Shop) -> list[Picture]:
    """Every page, after the few calls that give them something to show. What an earlier run left is ended or used again."""
    for old in shop.call("web-shop", "GET", "campaigns?q=Autumn%20thanks&status=live")["results"]:
        shop.call("web-shop", "POST", f"campaigns/{old['id']}/end")
    drafts = shop.call("web-shop", "GET", "campaigns?q=Winter%20warmer&status=draft")["results"]
    draft = drafts[0] if drafts else shop.campaign("Winter warmer")
    live = shop.campaign("Autumn thanks")
    shop.call("web-shop", "POST", f"campaigns/{live['id']}/launch")
    incentive = live["incentives"][0]["id"]
    used, returned, held = (shop.grant(incentive, f"picture-{n}") for n in range(3))
    receipt = shop.redeem(used["code"])["id"]
    returned_receipt = shop.redeem(returned["code"])["id"]
    shop.call("till-maker", "POST", f"redemptions/{returned_receipt}/returns", {"everything": True, "reason": "Wrong size"})
    customer = shop.call("web-shop", "GET", f"customers?identity=loyalty_card:{CARD}")["id"]
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

    def calculated(page: Page) -> None:
        for name, value in {"sku": "Coffee beans", "categories": "COFFEE", "quantity": "2", "price": "12.50"}.items():
            page.fill(f"[name=line-1-{name}]", value)
        page.click("button:has-text('Calculate')")
        page.wait_for_selector("#decision-1")

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
        Picture("till", "store", "/till/", narrow=(NARROWEST,)),
        Picture("till-applies", "store", "/till/", checked_on_a_phone(held["code"]), narrow=both),
        Picture("till-refused", "store", "/till/", basket(used["code"])),
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
