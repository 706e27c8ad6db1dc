"""``make attack-browser-key``: what a stranger can do with the key in a page's source, against a demonstration that runs.

Attacks only with what such a stranger has: the write key of the source ``web-pages``, an account and a wallet link of their own.
The victim's wallet, preferences and profile must stay as they are. Ends with 1 when an attack succeeds.
"""

import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

WAIT = 20.0  # seconds for events to be processed
# What is another on each load of a page: tokens of forms, and how much longer something is valid.
_ONCE = re.compile(
    r'csrf[^>]*|"X-CSRFToken": *"[^"]*"|nonce="[^"]*"|\(another [^)]*\)|<p[^>]*data-wallet-offline.*?</p>', re.DOTALL
)


class Demo:
    """The running demonstration: as a stranger's browser reaches it, and, to check, as a partner's server does."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.base = told["base_url"].rstrip("/")
        self.public = next(row["key"] for row in told["write_keys"] if row["source"] == "web-pages")
        self.secret = next(row["key"] for row in told["write_keys"] if row["source"] == "web-shop")
        self.partner = next(row["key"] for row in told["api_keys"] if row["partner"] == "web-shop")
        self.run = uuid.uuid4().hex[:8]

    def fetch(self, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(path if "://" in path else self.base + path, data, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def beacon(self, kind: str, **event: Any) -> int:
        """As a page of any site sends it: plain text, the key in the address."""
        body = {"messageId": uuid.uuid4().hex, **event}
        return self.fetch(f"/beacon/v1/{kind}?writeKey={self.public}", body, **{"Content-Type": "text/plain"})[0]

    def api(self, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Api-Key {self.partner}", "Content-Type": "application/json"}
        if body is not None:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        status, text = self.fetch(f"/api/v1/{path}", body, **headers)
        if status >= 400:
            raise SystemExit(f"The demonstration answered {status} to {path}: {text[:300]}")
        return json.loads(text)

    def customer(self, name: str) -> dict[str, Any]:
        """A customer known by an e-mail address, with an incentive in the wallet and a link to it."""
        address = f"{name}-{self.run}@mail.example"
        self.tell_server({"userId": f"{name}-{self.run}", "traits": {"email": address}})
        self.settle()
        incentive = next(
            one["id"]
            for campaign in self.api("campaigns?status=live")["results"]
            for one in self.api(f"campaigns/{campaign['id']}")["incentives"]
            if one.get("claim") == "grant"
        )
        grant = self.api(
            "grants",
            {"customer": {"identity": {"kind": "email", "value": address}}, "incentive": incentive, "occasion": self.run},
        )
        found = self.api(f"customers?identity=email:{address}")
        return {"email": address, "id": found["id"], "wallet": grant["wallet_url"], "code": grant["code"]}

    def page(self, url: str) -> tuple[int, str]:
        status, text = self.fetch(url)
        return status, _ONCE.sub("", text)

    def look(self, who: dict[str, Any]) -> Any:
        profile = self.api(f"customers/{who['id']}")
        preferences = self.api(f"customers/{who['id']}/preferences")
        return (
            self.page(who["wallet"]),
            {key: profile[key] for key in ("id", "identities", "traits", "consent")},
            {key: value for key, value in profile["facts"].items() if key in ("orders", "spend", "points", "tier")},
            {key: value for key, value in preferences.items() if key not in ("url", "unsubscribe")},
        )

    def tell_server(self, event: dict[str, Any]) -> None:
        """As the shop's own server tells of a customer."""
        key = base64.b64encode(f"{self.secret}:".encode()).decode()
        self.fetch("/v1/identify", {"messageId": uuid.uuid4().hex, **event}, Authorization=f"Basic {key}")

    def settle(self) -> None:
        """Wait until what was sent before has been processed: events are processed in the order in which they arrived."""
        name = f"settle-{uuid.uuid4().hex}"
        self.tell_server({"userId": name})
        ends = time.monotonic() + WAIT
        while time.monotonic() < ends:
            headers = {"Authorization": f"Api-Key {self.partner}"}
            if self.fetch(f"/api/v1/customers?identity=user_id:{name}", **headers)[0] == 200:
                return
            time.sleep(0.2)
        raise SystemExit("The demonstration does not process events: nothing was shown.")


def main() -> int:
    path = Path(os.environ.get("VAR_DIR", "var")) / "demo.json"
    if not path.exists():
        raise SystemExit(f"Start the demonstration first (make demo): there is no {path}.")
    demo = Demo(json.loads(path.read_text(encoding="utf-8")))
    victim, attacker = demo.customer("victim"), demo.customer("attacker")
    before = demo.look(victim)
    if before[0][0] != 200 or victim["code"] not in before[0][1]:
        raise SystemExit("The victim's wallet does not show the code, so nothing could be shown.")

    evil = f"evil-{demo.run}"
    sent = [
        demo.beacon(
            "identify",
            anonymousId=evil,
            traits={"email": victim["email"], "name": "Eve"},
            context={"externalIds": [{"type": "email", "id": attacker["email"]}], "locale": "fr-FR"},
        ),
        demo.beacon("identify", userId=attacker["email"], anonymousId=evil, traits={"email": attacker["email"]}),
        demo.beacon("alias", userId=victim["email"], previousId=evil),
        demo.beacon("track", event="Subscribed", anonymousId=evil, context={"traits": {"email": victim["email"]}}),
        demo.beacon("track", event="Unsubscribed", anonymousId=evil, context={"traits": {"email": victim["email"]}}),
        demo.beacon(
            "track",
            event="Order Completed",
            anonymousId=evil,
            properties={"order_id": evil, "total": 1_000_000, "currency": "USD"},
            context={"traits": {"email": attacker["email"]}},
        ),
    ]
    demo.settle()
    after = demo.look(victim)
    attackers_wallet = demo.page(attacker["wallet"])
    mine = demo.api(f"customers/{attacker['id']}")
    visitor = demo.api(f"customers?identity=anonymous_id:{evil}")
    checks = {
        "the key was taken, so the attack took place": all(status == 200 for status in sent),
        "the attacker's wallet link does not show the victim's code": victim["code"] not in attackers_wallet[1],
        "the victim and the attacker are two customers": after[1]["id"] != mine["id"] != visitor["id"],
        "the victim's wallet, profile, consent and preferences are as they were": after == before,
        "no order, spend or points came from the forged order": not any(
            who["facts"].get(name) for who in (mine, visitor) for name in ("orders", "spend", "points")
        ),
        "the visitor is identified by nothing but its own id": [one["kind"] for one in visitor["identities"]] == ["anonymous_id"],
    }
    for sentence, holds in checks.items():
        sys.stdout.write(f"{'ok    ' if holds else 'FAILED'}  {sentence}\n")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
