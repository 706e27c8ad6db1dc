"""Every address that names an object, as everybody who may open such a page, with an object that belongs to somebody else.

Another store, another partner, another team, another two people. ``WHOSE`` says for each address to whom its object belongs; an
address that is added without a row fails, and so does a row whose address has gone.
"""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from campaigns.tests.factories import IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, StoreFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.models import Partner, WebhookDelivery, WebhookEndpoint
from incentives_site.integrations.models._partners import RESERVED_KEYS
from incentives_site.integrations.operations import ping
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions import operations, sealing
from redemptions.models import Redemption, Reservation, ReservationState
from redemptions.tests.factories import request_for
from surveys import operations as survey_operations
from surveys.tests.factories import EmployeeFactory
from surveys.tests.test_results import wave_of_boss

from .test_doors import ENDPOINTS, OURS

pytestmark = pytest.mark.django_db

STORE, PARTNER, TEAM, TWO = "a store", "a partner", "a team", "two people"
COMPANY = "the company"  # who has the role or the scope may open any of them
BEARER = "whoever holds the link"

WHOSE: dict[str, str] = {
    "till/receipts/<uuid:public_id>/": STORE,
    "till/receipts/<uuid:public_id>/return/": STORE,
    "surveys/<uuid:public_id>/results/": TEAM,
    "surveys/one-on-ones/<uuid:public_id>/": TWO,
    "surveys/one-on-ones/<uuid:public_id>/step/": TWO,
    "surveys/one-on-ones/<uuid:public_id>/calendar/": TWO,
    "surveys/one-on-ones/<uuid:public_id>/export/": TWO,
    "api/v1/redemptions/<str:public_id>": PARTNER,
    "api/v1/redemptions/<str:public_id>/returns": PARTNER,
    "api/v1/reservations/<str:public_id>": PARTNER,
    "api/v1/webhooks/<str:public_id>": PARTNER,
    "api/v1/webhooks/<str:public_id>/rotate": PARTNER,
    "api/v1/webhooks/<str:public_id>/ping": PARTNER,
    "api/v1/webhooks/<str:public_id>/deliveries": PARTNER,
    "api/v1/webhooks/<str:public_id>/deliveries/<str:delivery_id>/replay": PARTNER,
    **dict.fromkeys(
        (
            "feedback/open/<str:token>/",
            "feedback/<str:token>/",
            "wallet/<str:token>/",
            "wallet/<str:token>/preferences/",
            "wallet/<str:token>/app.webmanifest",
            "preferences/<str:token>/",
            "preferences/<str:token>/unsubscribe/",
            "s/<str:token>/",
        ),
        BEARER,
    ),
    **dict.fromkeys(
        (
            "problems/<slug:code>/",
            "campaigns/<uuid:public_id>/",
            "campaigns/<uuid:public_id>/preview/",
            "campaigns/<uuid:public_id>/edit/",
            "campaigns/<uuid:public_id>/edit/goal/",
            "campaigns/<uuid:public_id>/edit/incentive/",
            "campaigns/<uuid:public_id>/edit/incentive/words/",
            "campaigns/<uuid:public_id>/edit/audience/",
            "campaigns/<uuid:public_id>/edit/audience/size/",
            "campaigns/<uuid:public_id>/edit/channels/",
            "campaigns/<uuid:public_id>/edit/stacking/",
            "campaigns/<uuid:public_id>/edit/review/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/new/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/new/preview/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/import/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/<uuid:batch_id>/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/<uuid:batch_id>/pause/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/<uuid:batch_id>/resume/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/<uuid:batch_id>/cancel/",
            "campaigns/<uuid:public_id>/codes/<uuid:incentive_id>/<uuid:batch_id>/export/",
            "campaigns/<uuid:public_id>/audience/",
            "campaigns/<uuid:public_id>/launch/",
            "campaigns/<uuid:public_id>/pause/",
            "campaigns/<uuid:public_id>/resume/",
            "campaigns/<uuid:public_id>/end/",
            "customers/import/<uuid:public_id>/",
            "customers/import/<uuid:public_id>/change/",
            "customers/import/<uuid:public_id>/report/",
            "customers/requests/<uuid:public_id>/",
            "customers/<uuid:public_id>/",
            "customers/<uuid:public_id>/identity/",
            "customers/<uuid:public_id>/identity/change/",
            "customers/<uuid:public_id>/consent/",
            "customers/<uuid:public_id>/data/",
            "customers/<uuid:public_id>/timeline/",
            "customers/<uuid:public_id>/statement/",
            "customers/segments/<uuid:public_id>/",
            "customers/segments/<uuid:public_id>/edit/",
            "customers/segments/<uuid:public_id>/recount/",
            "customers/segments/<uuid:public_id>/stop/",
            "customers/segments/<uuid:public_id>/give-up/",
            "customers/segments/<uuid:public_id>/names/",
            "surveys/new/<slug:key>/",
            "surveys/directory/import/<uuid:public_id>/",
            "surveys/directory/import/<uuid:public_id>/change/",
            "surveys/actions/<uuid:public_id>/",
            "surveys/feedback/<uuid:public_id>/end/",
            "surveys/feedback/<uuid:public_id>/poster/",
            "surveys/reviews/<uuid:public_id>/",
            "surveys/<uuid:public_id>/",
            "surveys/<uuid:public_id>/plan/",
            "surveys/<uuid:public_id>/questions/",
            "surveys/<uuid:public_id>/questions/<slug:key>/",
            "surveys/<uuid:public_id>/preview/",
            "surveys/<uuid:public_id>/poster/",
            "surveys/<uuid:public_id>/start/",
            "surveys/<uuid:public_id>/end/",
            "surveys/<uuid:public_id>/copy/",
            "surveys/<uuid:public_id>/actions/new/",
            "surveys/<uuid:public_id>/privacy/",
            "surveys/<uuid:public_id>/results/<int:number>/comments/",
            "surveys/<uuid:public_id>/results/<int:number>/comments/reply/",
            "surveys/<uuid:public_id>/results/<int:number>/report/",
            "surveys/<uuid:public_id>/results/<int:number>/export/",
            "api/v1/customers/<str:public_id>",
            "api/v1/customers/<str:public_id>/export",
            "api/v1/customers/<str:public_id>/preferences",
            "api/v1/customers/<str:public_id>/segments",
            "api/v1/customers/<str:public_id>/timeline",
            "api/v1/customers/<str:public_id>/wallet",
            "api/v1/segments/<str:segment>",
            "api/v1/segments/<str:segment>/members",
            "api/v1/campaigns/<str:public_id>",
            "api/v1/campaigns/<str:public_id>/incentives",
            "api/v1/campaigns/<str:public_id>/launch",
            "api/v1/campaigns/<str:public_id>/pause",
            "api/v1/campaigns/<str:public_id>/resume",
            "api/v1/campaigns/<str:public_id>/end",
            "api/v1/campaigns/<str:public_id>/results",
            "api/v1/incentives/<str:public_id>",
            "api/v1/stack-groups/<str:key>",
            "api/v1/codes/batches/<str:public_id>",
            "api/v1/codes/batches/<str:public_id>/codes.csv",
            "api/v1/codes/batches/<str:public_id>/pause",
            "api/v1/codes/batches/<str:public_id>/resume",
            "api/v1/codes/batches/<str:public_id>/cancel",
            "api/v1/surveys/<str:public_id>",
            "api/v1/surveys/<str:public_id>/waves",
            "api/v1/surveys/<str:public_id>/waves/<str:number>",
            "api/v1/surveys/<str:public_id>/waves/<str:number>/results",
            "api/v1/surveys/<str:public_id>/requests",
            "api/v1/surveys/<str:public_id>/answers",
        ),
        COMPANY,
    ),
}


def of(whose: str) -> list[str]:
    return [address for address, owner in WHOSE.items() if owner == whose]


def test_every_address_that_names_an_object_says_whose_it_is() -> None:
    named = {address for address, _pattern in OURS if "<" in address}
    assert named == set(WHOSE), "Say in WHOSE to whom the object of a new address belongs."


def client_of(*roles: Role, email: str = "someone@example.com", **fields: Any) -> Client:
    user = User.objects.create_user(email, **fields)
    user.groups.set(Group.objects.filter(name__in=roles))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


# --- Another store ------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _something_applies() -> None:
    IncentiveFactory()


def sold(store: Any = None, *, source: str = "till", order: str = "A-1", customer: Any = None) -> Redemption:
    channel = store.channel if store else ChannelFactory(web=True)
    request = request_for(channel=channel.key, store=store.key if store else "", customer=customer)
    return operations.redeem(request, source=source, order_key=order, placed_at=None, by="x", now=NOON)


@pytest.mark.parametrize("role", [Role.STORE, Role.MARKETER, Role.OPERATOR])
@pytest.mark.parametrize("address", of(STORE))
class TestAnotherStore:
    def answers(self, client: Client, address: str, redemption: Redemption) -> list[int]:
        path = "/" + address.replace("<uuid:public_id>", str(redemption.public_id))
        return [client.get(path).status_code, client.post(path, {"intent": "preview-all"}).status_code]

    def test_its_receipts_are_refused(self, address: str, role: Role) -> None:
        mine, theirs = StoreFactory(), StoreFactory()
        client = client_of(role, store_keys=[mine.key])
        for redemption in (sold(theirs), sold(order="web")):
            for status in self.answers(client, address, redemption):
                assert status in {403, 405}, (address, role)  # 405: asked for with GET where only a form is sent
            assert 403 in self.answers(client, address, redemption)
        assert 403 not in self.answers(client, address, sold(mine, order="A-2"))

    def test_whom_an_operator_gives_more_serves_every_store(self, address: str, role: Role) -> None:
        client = client_of(role, store_keys=[StoreFactory().key], may_serve_all_stores=True)
        assert 403 not in self.answers(client, address, sold(StoreFactory()))
        free = client_of(role, email="unbound@example.com")
        assert 403 not in self.answers(free, address, sold(StoreFactory(), order="A-2"))


class TestAtTheCounter:
    def test_the_list_and_the_search_show_the_own_store_only(self) -> None:
        mine, theirs = StoreFactory(), StoreFactory()
        own, other = sold(mine), sold(theirs, order="B-7")
        client = client_of(Role.STORE, store_keys=[mine.key])
        page = client.get("/till/receipts/").content.decode()
        assert str(own.public_id) in page
        assert str(other.public_id) not in page
        for words in ("B-7", str(other.public_id), str(other.public_id)[:8]):
            assert str(other.public_id) not in client.get("/till/receipts/", {"q": words}).content.decode().replace(words, "")
        scanned = client.get("/till/receipts/", {"q": sealing.reference(other.pk)}, follow=True)
        assert scanned.status_code == 403
        assert b"another store" in scanned.content

    def test_a_customers_page_sums_up_receipts_of_the_own_store_only(self) -> None:
        mine, theirs = StoreFactory(), StoreFactory()
        customer = CustomerFactory()
        own, other = sold(mine, customer=customer), sold(theirs, order="B-7", customer=customer)
        client = client_of(Role.STORE, store_keys=[mine.key])
        for path in (f"/customers/{customer.public_id}/", f"/customers/{customer.public_id}/timeline/"):
            page = client.get(path).content.decode()
            assert str(own.public_id) in page
            assert str(other.public_id) not in page
            assert theirs.name not in page
        everything = client_of(Role.MARKETER, email="all@example.com").get(f"/customers/{customer.public_id}/").content.decode()
        assert str(other.public_id) in everything

    def test_a_refused_return_takes_nothing_back(self) -> None:
        redemption = sold(StoreFactory())
        client = client_of(Role.STORE, store_keys=[StoreFactory().key])
        path = f"/till/receipts/{redemption.public_id}/return/"
        assert client.post(path, {"intent": "confirm", "everything": "1", "reason": "x"}).status_code == 403
        assert not redemption.returns.exists()


# --- Another partner ----------------------------------------------------------------------------------------------------


class TestAnotherPartner:
    @pytest.mark.parametrize("address", of(PARTNER))
    def test_its_objects_do_not_exist_for_others(self, address: str) -> None:
        ChannelFactory(web=True)
        store = StoreFactory()
        shop, _text = partner_key(partner="shop")
        redemption = sold(store, source="shop")
        reservation = Reservation.objects.create(
            source="shop", order_key="R", decision={}, created_at=NOON, expires_at=NOON + dt.timedelta(hours=1), actor="x"
        )
        endpoint = WebhookEndpoint.objects.create(
            partner=shop.partner, url="https://example.com/", types=["redemption.created"], created_at=NOON
        )
        delivery = ping(endpoint=endpoint, now=NOON)
        first = next(
            row
            for name, row in [("redemptions", redemption), ("reservations", reservation), ("webhooks", endpoint)]
            if name in address
        )
        path = address.removeprefix("api/v1/").replace("<str:public_id>", str(first.public_id))
        path = path.replace("<str:delivery_id>", str(delivery.public_id))
        other = PartnerClient(partner_key(partner="other")[1])
        view: Any = dict(ENDPOINTS)[address].callback.view_class  # type: ignore[attr-defined]
        for method in view.required_scopes:
            body = {"everything": True, "reason": "x"} if "returns" in path else {}
            send = getattr(other, method.lower())
            response = send(path) if method in {"GET", "DELETE"} else send(path, body)
            assert response.status_code == 404, (method, path, response.content)
        reservation.refresh_from_db()
        assert reservation.state == ReservationState.ACTIVE
        assert not redemption.returns.exists()
        assert WebhookEndpoint.objects.filter(removed_at=None).count() == 1
        assert WebhookDelivery.objects.count() == 1

    def test_a_key_reads_and_returns_only_in_its_stores(self) -> None:
        mine, theirs = StoreFactory(), StoreFactory()
        key = PartnerClient(partner_key(channels=("store",), store_keys=[mine.key])[1])
        own, other = sold(mine, source="shop"), sold(theirs, source="shop", order="A-2")
        wanted = {"everything": True, "reason": "x"}
        assert key.get(f"redemptions/{own.public_id}").status_code == 200
        for response in (
            key.get(f"redemptions/{other.public_id}"),
            key.post(f"redemptions/{other.public_id}/returns", wanted),
        ):
            assert (response.status_code, response.json()["code"]) == (403, "redemption-of-another-store")
        assert not other.returns.exists()
        assert key.post(f"redemptions/{own.public_id}/returns", wanted).status_code == 201

    @pytest.mark.parametrize("path", ["quotes", "redemptions", "reservations"])
    def test_a_key_of_several_stores_names_one_of_them(self, path: str) -> None:
        stores = [StoreFactory(), StoreFactory()]
        key = PartnerClient(partner_key(channels=("store",), store_keys=[store.key for store in stores])[1])
        body: dict[str, Any] = {"currency": "USD", "basket": request_for().basket, "channel": "store"}
        if path != "quotes":
            body["order"] = {"id": "A-1"}
        for missing in ({}, {"store": ""}):
            response = key.post(path, {**body, **missing})
            assert response.status_code == 422, (path, missing, response.content)
        assert key.post(path, body).json()["code"] == "store-missing"
        assert key.post(path, {**body, "store": StoreFactory().key}).status_code == 403
        assert key.post(path, {**body, "store": stores[1].key}).json().get("code") not in {"store-missing", "store-not-yours"}

    @pytest.mark.parametrize("name", [*RESERVED_KEYS, "Till", "TILL"])
    def test_no_partner_is_called_as_a_part_of_the_product(self, name: str) -> None:
        with pytest.raises(ValidationError, match="used by the product"):
            Partner(key=name, name="x").full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            Partner.objects.create(key=name, name="x")
        admin = Client()
        admin.force_login(User.objects.create_superuser("root@example.com"))
        page = admin.post("/admin/integrations/partner/add/", {"key": name, "name": "x", "is_active": "on"})
        assert page.status_code == 200
        assert b"used by the product" in page.content


# --- Another team, another two ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("address", of(TWO))
def test_what_two_people_write_opens_to_no_third(address: str, role: Role) -> None:
    boss = EmployeeFactory(email="bo@company.test")
    member = EmployeeFactory(email="ann@company.test", manager=boss)
    EmployeeFactory(email="third@company.test", manager=boss)
    series = survey_operations.arrange(
        manager=boss,
        member=member,
        rhythm="fortnightly",
        first_on=dt.date(2026, 3, 23),
        starts_at=dt.time(9),
        time_zone="Europe/Rome",
    )
    path = "/" + address.replace("<uuid:public_id>", str(series.public_id))
    for email in ("third@company.test", "stranger@company.test"):
        client = client_of(role, email=email)
        for response in (client.get(path), client.post(path, {})):
            assert response.status_code in {403, 404, 405}, (path, email, response.status_code)
    assert client_of(role, email="ann@company.test").get(path).status_code in {200, 405}


@pytest.mark.parametrize("address", of(TEAM))
@pytest.mark.parametrize("role", list(Role))
def test_a_manager_sees_no_other_team(address: str, role: Role) -> None:
    found = wave_of_boss()
    EmployeeFactory(email="else@company.test", key="else", name="Else Where")
    path = "/" + address.replace("<uuid:public_id>", str(found.survey.public_id))
    client = client_of(role, email="else@company.test")
    for query in ({}, {"group": "manager:boss"}, {"group": "department:it"}, {"by": "manager"}):
        response = client.get(path, query)
        if role not in {Role.HR, Role.MANAGER}:
            assert response.status_code == 403
        elif role == Role.MANAGER:
            assert response.context["place"].group not in {"boss", "it"}
            assert response.context["heat_map"] is None
            assert b"Bo Boss" not in response.content
