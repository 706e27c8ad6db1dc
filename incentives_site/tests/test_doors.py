"""Every address as every role: who may open what is written here, and nowhere else by accident.

The test walks the URL configuration itself, so an address that is added without a line here fails.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from campaigns import queries as campaign_queries
from campaigns.operations import order_codes
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory
from customers import queries as customer_queries
from customers.models import DataRequestKind
from customers.operations import define_segment, request_data
from customers.tests.factories import NOON
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.models import Scope
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions.operations import redeem
from redemptions.tests.factories import request_for
from surveys import operations as survey_operations
from surveys.models import Invitation
from surveys.tests.factories import EmployeeFactory, SurveyFactory, closed, link_of, opened

pytestmark = pytest.mark.django_db

EVERYBODY = frozenset(Role)
CAMPAIGN_READERS = frozenset({Role.MARKETER, Role.ANALYST, Role.OPERATOR})
CAMPAIGN_WRITERS = frozenset({Role.MARKETER, Role.OPERATOR})
CUSTOMER_READERS = frozenset({Role.MARKETER, Role.ANALYST, Role.STORE, Role.OPERATOR})
CASHIERS = frozenset({Role.STORE, Role.MARKETER, Role.OPERATOR})
HR_AND_MANAGERS = frozenset({Role.HR, Role.MANAGER})
STRANGERS = None  # open without signing in

# Address (as the URL configuration spells it) → who may open it.
PAGES: dict[str, frozenset[Role] | None] = {
    "": EVERYBODY,
    "campaigns/": CAMPAIGN_READERS,
    "campaigns/<uuid:public_id>/": CAMPAIGN_READERS,
    "campaigns/<uuid:public_id>/preview/": CAMPAIGN_READERS,
    "customers/": CUSTOMER_READERS,
    "customers/events/": CAMPAIGN_READERS,
    "customers/import/": CAMPAIGN_WRITERS,
    "customers/import/<uuid:public_id>/": CAMPAIGN_WRITERS,
    "customers/import/<uuid:public_id>/change/": CAMPAIGN_WRITERS,
    "customers/import/<uuid:public_id>/report/": CAMPAIGN_WRITERS,
    "customers/export/": CAMPAIGN_WRITERS,
    "customers/requests/": frozenset({Role.OPERATOR}),
    "customers/requests/<uuid:public_id>/": frozenset({Role.OPERATOR}),
    "customers/events/again/": frozenset({Role.OPERATOR}),
    "customers/segments/": CAMPAIGN_READERS,
    "customers/segments/new/": CAMPAIGN_READERS,
    "customers/segments/new-list/": CAMPAIGN_READERS,
    "customers/segments/typed/": CAMPAIGN_READERS,
    "customers/segments/overlap/": CAMPAIGN_READERS,
    "customers/segments/<uuid:public_id>/": CAMPAIGN_READERS,
    "customers/segments/<uuid:public_id>/edit/": CAMPAIGN_READERS,
    "customers/segments/<uuid:public_id>/recount/": CAMPAIGN_READERS,
    "customers/segments/<uuid:public_id>/stop/": CAMPAIGN_READERS,
    "customers/segments/<uuid:public_id>/give-up/": CAMPAIGN_READERS,
    "customers/segments/<uuid:public_id>/names/": CAMPAIGN_READERS,
    "customers/<uuid:public_id>/": CUSTOMER_READERS,
    "customers/<uuid:public_id>/timeline/": CUSTOMER_READERS,
    "customers/<uuid:public_id>/identity/": CUSTOMER_READERS,
    "customers/<uuid:public_id>/identity/change/": CAMPAIGN_WRITERS,
    "customers/<uuid:public_id>/consent/": CASHIERS,
    "customers/<uuid:public_id>/data/": frozenset({Role.OPERATOR}),
    "customers/<uuid:public_id>/statement/": CAMPAIGN_READERS,
    "till/": CASHIERS,
    "till/receipts/": CASHIERS,
    "till/receipts/<uuid:public_id>/": CASHIERS,
    "till/receipts/<uuid:public_id>/return/": CASHIERS,
    "wallet/<str:token>/": STRANGERS,
    "wallet/<str:token>/preferences/": STRANGERS,
    "wallet/<str:token>/app.webmanifest": STRANGERS,
    "wallet/worker.js": STRANGERS,
    "surveys/directory/": frozenset({Role.HR, Role.OPERATOR}),
    "surveys/directory/import/": frozenset({Role.HR, Role.OPERATOR}),
    "surveys/directory/import/<uuid:public_id>/": frozenset({Role.HR, Role.OPERATOR}),
    "surveys/directory/import/<uuid:public_id>/change/": frozenset({Role.HR, Role.OPERATOR}),
    "s/": STRANGERS,
    "s/<str:token>/": STRANGERS,
    "preferences/<str:token>/": STRANGERS,
    "preferences/<str:token>/unsubscribe/": STRANGERS,
    "surveys/": HR_AND_MANAGERS,
    "surveys/reviews/": CAMPAIGN_WRITERS,
    "surveys/reviews/<uuid:public_id>/": CAMPAIGN_WRITERS,
    "feedback/<str:token>/": STRANGERS,
    "feedback/claim/": STRANGERS,
    "feedback/open/<str:token>/": STRANGERS,
    "reply/": STRANGERS,
    "surveys/one-on-ones/": EVERYBODY,
    "surveys/one-on-ones/held/": frozenset({Role.HR}),
    "surveys/<uuid:public_id>/results/": HR_AND_MANAGERS,
    "surveys/<uuid:public_id>/results/<int:number>/comments/": frozenset({Role.HR}),
    "surveys/<uuid:public_id>/results/<int:number>/export/": frozenset({Role.HR}),
    "surveys/feedback/": CAMPAIGN_READERS,
    "surveys/feedback/new/": CAMPAIGN_WRITERS,
    "surveys/feedback/<uuid:public_id>/end/": CAMPAIGN_WRITERS,
    "surveys/feedback/<uuid:public_id>/poster/": CAMPAIGN_READERS,
    "surveys/<uuid:public_id>/results/<int:number>/comments/reply/": frozenset({Role.HR}),
    "api/schema/": STRANGERS,
    "api/docs/": STRANGERS,
    "problems/": STRANGERS,
    "problems/<slug:code>/": STRANGERS,
    "healthz": STRANGERS,
}
# Open to two people, whatever their roles: surveys/tests/test_meetings.py.
OF_TWO = "surveys/one-on-ones/<uuid:public_id>/"
# Third parties' addresses, which bring their own doors: tested as a whole below; v1 and beacon in customers/tests/test_ingestion.
FOREIGN = ("accounts/", "i18n/", "admin/", "v1/", "beacon/")
WRITING_STEPS = (
    "new/", "edit/", "launch/", "pause/", "resume/", "end/", "remove", "incentives/", "import/", "cancel/", "export/",
)  # fmt: skip


# The same for everybody: whoever caches them learns nothing of anybody.
FOR_ANYBODY = {"api/schema/", "api/docs/", "problems/", "problems/<slug:code>/", "wallet/worker.js"}


def may_be_kept(response: Any) -> bool:
    """Whether a browser or a proxy may keep the answer. It must say ``private, no-store``, and nothing else, to forbid it."""
    return bool(response.get("Cache-Control", "") != "private, no-store")


def addresses(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, address)
        else:
            yield address, entry


OURS = [(address, pattern) for address, pattern in addresses() if not address.startswith(FOREIGN)]
OUR_PAGES = [(address, pattern) for address, pattern in OURS if not address.startswith(("api/v1/", OF_TWO))]
ENDPOINTS = [(address, pattern) for address, pattern in OURS if address.startswith("api/v1/")]


def admitted(address: str) -> frozenset[Role] | None:
    if address in PAGES:
        return PAGES[address]
    if address.startswith("surveys/"):
        return frozenset({Role.HR})
    if address.startswith("campaigns/"):
        return CAMPAIGN_WRITERS if any(step in address for step in WRITING_STEPS) else CAMPAIGN_READERS
    raise AssertionError(f"Say in this test who may open {address}.")


@pytest.fixture
def fill() -> dict[str, str]:
    """Real values for the variable parts of addresses."""
    grant, incentive = GrantFactory(), IncentiveFactory()
    with_codes = IncentiveFactory(claim="code")
    batch = order_codes(incentive=with_codes, count=1, pattern="####-####-####", by="x", now=NOON)
    redemption = redeem(request_for(), source="till", order_key="1", placed_at=None, by="x", now=NOON)
    published = published_survey()
    EmployeeFactory()
    invitation = Invitation.objects.filter(wave=opened(SurveyFactory(), at=timezone.now())).first()
    assert invitation is not None
    asked, _new = request_data(customer=grant.customer, kind=DataRequestKind.EXPORT, typed="", language="", now=NOON)
    openly = SurveyFactory(kind="feedback", asked=[{"key": "nps", "kind": "nps"}])
    return {
        "feedback/open": survey_operations.open_url(openly).rstrip("/").rpartition("/")[2],
        "surveys/feedback": str(openly.public_id),
        "s": link_of(invitation),
        "request": str(asked.public_id),
        "customers": str(grant.customer.public_id),
        "segments": str(define_segment(name="S", rule=None, by="x", now=NOON).public_id),
        "campaigns": str(CampaignFactory().public_id),
        "codes": str(with_codes.campaign.public_id),
        "with_codes": str(with_codes.public_id),
        "till": str(redemption.public_id),
        "preferences": customer_queries.preferences_url(grant.customer).rstrip("/").rpartition("/")[2],
        "wallet": campaign_queries.wallet_url(grant.customer).rstrip("/").rpartition("/")[2],
        "incentive": str(incentive.public_id),
        "batch": str(batch.public_id),
        "feedback": feedback_token(grant.customer),
        "surveys": str(published),
    }


def feedback_token(customer: Any) -> str:
    survey = SurveyFactory(kind="feedback", mode="named", asked=[{"key": "nps", "kind": "nps"}])
    feedback, _new = survey_operations.ask(survey=survey, customer=customer, occasion="1", now=NOON)
    return survey_operations.feedback_url(feedback).rstrip("/").rpartition("/")[2]


def published_survey() -> Any:
    """A survey whose first wave is published; the manager of the tests is in the directory."""
    EmployeeFactory(email=f"{Role.MANAGER}@example.com")
    wave = closed(opened())
    return wave.survey.public_id


def path_to(address: str, fill: dict[str, str]) -> str:
    special = ("feedback/open", "surveys/feedback")
    first = next((known for known in special if address.startswith(f"{known}/<")), address.partition("/")[0])
    values = {
        "<uuid:public_id>": fill["codes"]
        if "/codes/" in address
        else fill["segments"]
        if "/segments/" in address
        else fill["request"]
        if "/requests/" in address
        else fill.get(first, fill["campaigns"]),
        "<uuid:incentive_id>": fill["with_codes" if "/codes/" in address else "incentive"],
        "<uuid:batch_id>": fill["batch"],
        "<uuid:incentive_public_id>": fill["incentive"],
        "<str:token>": fill.get(first, fill["wallet"]),
        "<slug:code>": "invalid",
        "<slug:key>": "score" if "questions" in address else "wellbeing",
        "<slug:step>": "goal",
        "<str:step>": "goal",
        "<int:number>": "1",
    }
    for variable, value in values.items():
        address = address.replace(variable, value)
    assert "<" not in address, f"Give the test a value for a variable of {address}"
    return "/" + address


@pytest.mark.parametrize(("address", "pattern"), OUR_PAGES, ids=[address for address, _pattern in OUR_PAGES])
def test_a_page_opens_for_those_it_is_for_and_for_nobody_else(address: str, pattern: URLPattern, fill: dict[str, str]) -> None:
    who, path = admitted(address), path_to(address, fill)
    stranger = Client(raise_request_exception=False).get(path)
    assert may_be_kept(stranger) is (address in FOR_ANYBODY), path
    if who is STRANGERS:
        assert stranger.status_code == 200, path
        return
    assert stranger.status_code == 302, path
    assert stranger["Location"].startswith("/accounts/login/"), path
    for role in Role:
        client = Client(raise_request_exception=False)
        user = User.objects.create_user(f"{role}@example.com")
        user.groups.add(Group.objects.get(name=role.value))
        client.force_login(user)
        for response in (client.get(path), client.post(path)):
            assert not may_be_kept(response), path
            assert response.status_code < 500, (path, role, response.status_code)
            assert (response.status_code == 403) is (role not in who), (path, role, response.status_code)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_the_back_office_is_for_staff(role: Role) -> None:
    client = Client()
    user = User.objects.create_user(f"{role}@example.com")
    user.groups.add(Group.objects.get(name=role.value))
    client.force_login(user)
    for model in admin.site._registry:
        response = client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/")
        assert response.status_code == 302


@pytest.mark.parametrize(("address", "pattern"), ENDPOINTS, ids=[address for address, _pattern in ENDPOINTS])
def test_an_endpoint_answers_to_a_key_with_the_scope_it_names(address: str, pattern: URLPattern) -> None:
    view: Any = pattern.callback.view_class  # type: ignore[attr-defined]
    assert view.required_scopes, f"{address} names no scope"
    assert set(view.required_scopes.values()) <= set(Scope)
    path = "/" + re.sub("<str:[a-z]+_id>", "00000000-0000-0000-0000-000000000000", address)
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        response = Client().generic(method, path, "{}", content_type="application/json")
        assert response.status_code == 401, (method, path)
        assert not may_be_kept(response), path


@pytest.mark.parametrize("address", ["accounts/signup/", "accounts/email/", "accounts/2fa/", "accounts/password/change/"])
def test_nobody_signs_up_and_own_pages_need_signing_in(client: Client, address: str) -> None:
    response = client.get(f"/{address}")
    if address == "accounts/signup/":
        assert b"<form" not in response.content.partition(b"<main")[2].partition(b"</main>")[0] or response.status_code in {
            302,
            403,
        }
        client.post(f"/{address}", {"email": "a@example.com", "password1": "x7!kkQppw", "password2": "x7!kkQppw"})
        assert not User.objects.exists()
    else:
        assert response.status_code == 302


@pytest.mark.parametrize("address", sorted(address for address, _pattern in addresses() if address.startswith(FOREIGN)))
def test_no_answer_of_a_third_partys_page_is_kept(address: str, client: Client) -> None:
    path = "/" + re.sub(r"<[^>]+>|\(\?P<[^>]+>[^)]*\)|[\^$]|\\Z", "1", address)
    assert not may_be_kept(client.get(path)), path
    client.force_login(User.objects.create_superuser("root@example.com"))
    assert not may_be_kept(client.get(path)), path


@pytest.mark.parametrize("path", ["/nowhere/", "/campaigns", "/api/v1/nowhere", "/wallet/forged/", "/s/forged/"])
def test_no_error_is_kept(path: str, client: Client) -> None:
    assert not may_be_kept(client.get(path))


def test_static_files_are_kept_and_public_pages_unless_they_show_who_is_signed_in(client: Client) -> None:
    assert "private" not in client.get("/static/css/app.css").get("Cache-Control", "")
    assert may_be_kept(client.get("/problems/"))
    client.force_login(User.objects.create_superuser("root@example.com"))
    assert not may_be_kept(client.get("/problems/"))
    assert may_be_kept(client.get("/api/schema/"))


def test_an_answer_to_a_partner_is_not_kept() -> None:
    partner = PartnerClient(partner_key()[1])
    for path in ("customers", "campaigns", "segments", "webhooks"):
        response = partner.get(path)
        assert response.status_code < 500
        assert not may_be_kept(response), path
