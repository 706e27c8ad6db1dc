"""Whose account it is: only its owner's link says so, and no administrative path opens what two people wrote.

Each path is taken through its own door: the import, the API, the back office, SQL on the host. Afterwards nothing is readable,
the people concerned are told, and the audit log has its line.
"""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.models import Scope
from incentives_site.integrations.tests.factories import partner_key
from surveys import operations, queries, sealing
from surveys.models import (
    Binding,
    BindingEvent,
    BindingNotice,
    BindingRequest,
    Change,
    Employee,
    EmployeeImport,
    MeetingNote,
    MeetingSeat,
    OneOnOne,
)
from surveys.rules.addresses import looks_alike, normalised
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, confirmed
from surveys.tests.test_results import wave_of_boss

pytestmark = pytest.mark.django_db
SECRET = "I am thinking of leaving"
SHARED = "My salary"
PASSWORD, GIVEN = "Correct-Horse-77-Battery", "Given-Horse-78-Battery"
PATHS = ("", "export/", "calendar/")


def now() -> dt.datetime:
    return timezone.now()


def account(email: str, *roles: Role, password: str = "", **fields: Any) -> User:
    """With a password of its owner's own."""
    user = User.objects.create_user(email, password or None, **fields)
    if password:
        user.keep_own_password()
        user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


class Pair:
    """Bo leads Ann. Both accounts are confirmed, and both have written."""

    def __init__(self) -> None:
        self.bo = EmployeeFactory(key="bo", name="Bo", email="bo@company.test")
        self.ann = EmployeeFactory(key="ann", name="Ann", email="ann@company.test", manager=self.bo)
        self.bos, self.anns = account(self.bo.email, password=PASSWORD), account(self.ann.email, password=PASSWORD)
        confirmed(self.bos)
        confirmed(self.anns)
        self.series = arranged(self.bo, self.ann)
        self.write(self.anns, "private", SECRET)
        self.write(self.bos, "agenda", SHARED)
        BindingNotice.objects.update(sent_at=now())

    def write(self, user: User, kind: str, text: str) -> None:
        seat = operations.open_seat(public_id=self.series.public_id, user=user, now=now())
        operations.write(seat=seat, kind=kind, text=text, today=now().date())

    @property
    def path(self) -> str:
        return f"/surveys/one-on-ones/{self.series.public_id}/"

    def status(self, user: User, client: Client | None = None) -> int:
        """Of the page; nothing that was written may be in any answer that is refused."""
        client = client or client_of(user)
        notes = MeetingNote.objects.count()
        answers = [client.get(f"{self.path}{path}") for path in PATHS]
        answers.append(client.post(self.path, {"kind": "agenda", "text": "x"}))
        statuses = {answer.status_code for answer in answers}
        if statuses & {200, 302}:
            assert statuses <= {200, 302}, statuses
            assert SHARED.encode() in answers[0].content
        else:
            assert all(text.encode() not in answer.content for answer in answers for text in (SECRET, SHARED))
            assert MeetingNote.objects.count() == notes
        return answers[0].status_code


def arranged(manager: Employee, member: Employee) -> OneOnOne:
    return operations.arrange(
        manager=manager,
        member=member,
        rhythm="weekly",
        first_on=now().date(),
        starts_at=dt.time(9),
        time_zone="UTC",
        now=now(),
    )


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture
def operator() -> Client:
    return client_of(User.objects.create_superuser("operator@company.test"))


@pytest.fixture
def hr() -> Client:
    return client_of(account("hr@company.test", Role.HR))


def told() -> list[str]:
    """Who was e-mailed since this was asked last."""
    mail.outbox.clear()
    operations.send_confirmations(now=now())
    return sorted(message.to[0] for message in mail.outbox)


def kinds(employee: Employee) -> list[str]:
    return list(BindingEvent.objects.filter(employee=employee).order_by("id").values_list("kind", flat=True))


def link_in(messages: Iterable[Any]) -> str:
    (path,) = {found[0] for message in messages for found in [re.search(r"/surveys/me/confirm/\S+/", message.body)] if found}
    return path


def asked(user: User, address: str = "") -> str:
    """The path of the link, from the e-mail; asked for on the page."""
    page = client_of(user).post("/surveys/me/", {"address": address} if address else {})
    assert page.status_code == 302, page.content
    told()
    return link_in(mail.outbox)


def opened(user: User, path: str, **form: str) -> Any:
    return client_of(user).post(path, form)


def agrees(pair: Pair, user: User, decision: str = "agree") -> Any:
    client = client_of(user)
    page = client.get(f"{pair.path}seat/")
    return client.post(f"{pair.path}seat/", {"decision": decision, "version": page.context["version"]})


def admin_form(page: Any) -> dict[str, str]:
    """What a form of the back office would send as it is."""
    values = {}
    for field in page.context["adminform"].form:
        value = field.value()
        if value not in (None, False):
            values[field.html_name] = value if isinstance(value, list) else str(value)
    return values


# --- Becoming somebody ------------------------------------------------------------------------------------------------------


def test_an_account_becomes_an_employee_by_opening_the_link_that_was_sent_to_the_directorys_address() -> None:
    ann = EmployeeFactory(name="Ann", email="ann@company.test", language="de")
    user = account(ann.email, password=PASSWORD)
    assert queries.employee_of(user) is None, "an address alone opens nothing"
    page = client_of(user).get("/surveys/me/")
    assert page.context["suggestion"] == ann
    path = asked(user)
    assert [message.to for message in mail.outbox] == [[ann.email]]
    assert client_of(user).get(path).status_code == 200
    assert queries.employee_of(user) is None, "looking changes nothing"
    assert opened(user, path).status_code == 302
    assert queries.employee_of(user) == ann
    assert kinds(ann) == ["asked", "confirmed"]
    page = client_of(user).get("/surveys/me/?lang=en").content.decode()
    assert "Confirmed" in page
    assert "The account ann@company.test was confirmed from ann@company.test." in page


def test_the_token_lies_nowhere_once_it_is_sent() -> None:
    user = account(EmployeeFactory(email="ann@company.test").email)
    request = operations.ask_to_confirm(user=user, now=now())
    assert request is not None
    token = sealing.open_confirmation(request.sealed_token)
    assert len(token) >= 43, "256 bits"
    told()
    request.refresh_from_db()
    assert (bytes(request.sealed_token), request.sent_at is not None) == (b"", True)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{token}%"])  # noqa: S608
            assert cursor.fetchone()[0] == 0, table
    assert told() == []


def test_links_and_notices_go_out_after_the_commit(settings: Any, django_capture_on_commit_callbacks: Any) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True
    user = account(EmployeeFactory(email="ann@company.test").email)
    with django_capture_on_commit_callbacks(execute=True):
        client_of(user).post("/surveys/me/")
        assert mail.outbox == []
    assert [message.to for message in mail.outbox] == [["ann@company.test"]]


def test_what_the_mail_server_refuses_is_sent_with_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    user = account(EmployeeFactory(email="ann@company.test").email)
    operations.ask_to_confirm(user=user, now=now())
    from django.core.mail import EmailMessage

    def away(*_args: Any, **_options: Any) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", away)
        assert operations.send_confirmations(now=now()) == 0
    assert told() == ["ann@company.test"]


def test_an_account_with_another_address_asks_with_the_directorys_and_learns_nothing_from_it() -> None:
    ann = EmployeeFactory(email="ann@company.test")
    user = account("ann@home.test")
    answers = [client_of(user).post("/surveys/me/", {"address": text}, follow=True) for text in (ann.email, "zoe@company.test")]
    words = {re.sub(r"<time.*?</time>|Link requested.*", "", str([*page.context["messages"]])) for page in answers}
    assert len(words) == 1
    assert told() == [ann.email]
    assert client_of(user).post("/surveys/me/", {"address": user.email}).status_code == 409


@pytest.mark.parametrize(
    ("code", "status", "wait"), [("link-used", 409, 0), ("link-expired", 409, 7), ("link-of-another-account", 409, 0)]
)
def test_a_link_that_is_used_old_or_anothers_opens_nothing(
    code: str, status: int, wait: int, caplog: pytest.LogCaptureFixture
) -> None:
    ann = EmployeeFactory(email="ann@company.test")
    user, other = account(ann.email), account("other@company.test")
    path = asked(user)
    who = user
    if code == "link-used":
        assert opened(user, path).status_code == 302
        Binding.objects.update(ended_at=now())
    elif code == "link-of-another-account":
        who = other
    with time_machine.travel(now() + dt.timedelta(days=wait), tick=False):
        for page in (client_of(who).get(path), opened(who, path)):
            assert page.status_code == status
            assert code.encode() in page.content
    assert queries.employee_of(who) is None
    refused = BindingEvent.objects.filter(kind=Change.REFUSED)
    assert {(event.new, event.account_key) for event in refused} == {(code, who.pk)}
    assert code in caplog.text


def test_an_unknown_link_is_a_sentence_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    page = client_of(account("ann@company.test")).get("/surveys/me/confirm/nonsense/")
    assert (page.status_code, b"confirmation-unknown" in page.content) == (404, True)
    (line,) = [record.getMessage() for record in caplog.records if "confirmation_refused" in record.getMessage()]
    assert ("confirmation-unknown" in line, "nonsense" in line) == (True, False)


def test_only_the_newest_link_works_and_only_so_many_are_sent() -> None:
    user = account(EmployeeFactory(email="ann@company.test").email)
    first, second = asked(user), asked(user)
    assert b"link-expired" in opened(user, first).content
    assert client_of(user).get(second).status_code == 200
    for _n in range(3):
        asked(user)
    page = client_of(user).post("/surveys/me/")
    assert (page.status_code, b"asked-too-often" in page.content) == (429, True)
    with time_machine.travel(now() + dt.timedelta(days=1, seconds=1)):
        asked(user)


def test_a_link_to_an_address_that_was_corrected_meanwhile_is_void() -> None:
    ann = EmployeeFactory(email="anm@company.test")
    user = account("ann@company.test")
    path = asked(user, ann.email)
    Employee.objects.update(email="ann@company.test")
    assert b"link-outdated" in opened(user, path).content
    assert opened(user, asked(user)).status_code == 302


def test_a_password_that_an_operator_gave_confirms_nothing_until_the_owner_sets_one_by_mail(operator: Client) -> None:
    EmployeeFactory(email="ann@company.test")
    form = {"email": "ann@company.test", "usable_password": "true", "password1": GIVEN, "password2": GIVEN}
    assert operator.post("/admin/accounts/user/add/", form).status_code == 302
    user = User.objects.get(email="ann@company.test")
    path = asked(user)
    assert b"password-not-yours" in opened(user, path).content
    # Whoever knows the given password can change it, so that proves nothing.
    browser = Client()
    assert browser.post("/accounts/login/", {"login": user.email, "password": GIVEN}).status_code == 302
    form = {"oldpassword": GIVEN, "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post("/accounts/password/change/", form).status_code == 302
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert b"password-not-yours" in opened(user, path).content
    set_by_mail(user, PASSWORD + "!")
    assert opened(User.objects.get(pk=user.pk), path).status_code == 302


def set_by_mail(user: User, password: str) -> None:
    """Sets a password through the e-mail of “Forgot your password?”."""
    mail.outbox.clear()
    browser = Client()
    browser.post("/accounts/password/reset/", {"email": user.email})
    (path,) = re.findall(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    done = browser.post(browser.get(path)["Location"], {"password1": password, "password2": password})
    assert done.status_code == 302
    assert User.objects.get(pk=user.pk).check_password(password)


# --- Addresses ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["ann@cоmpany.test", "ann@соре.test", "ann@xn--cmpany-2of.test", "аnn@company.test", "ann@company.tеst"],
    ids=["one Cyrillic letter", "all Cyrillic look-alikes", "punycode", "the name", "the top"],
)
def test_letters_that_look_alike_are_refused_with_a_sentence(address: str, hr: Client) -> None:
    assert looks_alike(address)
    EmployeeFactory(email="ann@company.test")
    user = account("ann@home.test")
    for page in (client_of(user).post("/surveys/me/", {"address": address}), client_of(impostor(address)).post("/surveys/me/")):
        assert page.status_code == 422
        assert b"address-looks-alike" in page.content
    assert not BindingRequest.objects.exists()
    text = f"key,name,email,department\na,Ann,{address},Sales\n"
    assert [fault["code"] for fault in imported(hr, text).faults] == ["address-looks-alike"]
    assert Employee.objects.count() == 1


def imported(hr: Client, text: str) -> EmployeeImport:
    """The file, sent by HR and read by the worker."""
    page = hr.post("/surveys/directory/import/", {"file": SimpleUploadedFile("a.csv", text.encode()), "take": "1"})
    assert page.status_code == 302
    row = EmployeeImport.objects.latest("pk")
    operations.import_employees(import_id=row.pk, clock=now)
    row.refresh_from_db()
    return row


def impostor(address: str) -> User:
    """An account whose address no form would have taken."""
    user = account("impostor@company.test")
    User.objects.filter(pk=user.pk).update(email=address)
    user.refresh_from_db()
    return user


@pytest.mark.parametrize(
    "address", ["ann@company.test", "anna@münchen.test", "佐藤@テスト.test", "анна@почта.test", "x@a-1.test"]
)
def test_ordinary_addresses_are_not_refused(address: str) -> None:
    assert not looks_alike(address)


def test_addresses_are_compared_as_people_read_them() -> None:
    assert normalised(" Ann@Company.TEST ") == normalised("ａｎｎ@ｃompany.test") == "ann@company.test"
    assert normalised("a@xn--mnchen-3ya.test") == normalised("a@MÜNCHEN.test")
    assert normalised("ann@cоmpany.test") != normalised("ann@company.test")


def test_an_address_in_other_letters_is_no_second_account(operator: Client) -> None:
    """Neither form nor database takes one address in two spellings; and two employees with one are a question for HR."""
    user = account("ann@company.test")
    form = {"email": "ANN@company.test", "usable_password": "false"}
    assert operator.post("/admin/accounts/user/add/", form).status_code == 200
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="ANN@company.test")
    EmployeeFactory(email="ann@company.test")
    EmployeeFactory(email="Ann@company.test")
    page = client_of(user).post("/surveys/me/")
    assert (page.status_code, b"address-ambiguous" in page.content) == (409, True)


def test_a_directory_with_a_circle_or_an_empty_department_confirms_as_any_other() -> None:
    ann = EmployeeFactory(email="ann@company.test", department=DepartmentFactory(key="void", path=[]))
    boss = EmployeeFactory(manager=ann)
    Employee.objects.filter(pk=ann.pk).update(manager=boss)
    user = account(ann.email, Role.MANAGER)
    assert opened(user, asked(user)).status_code == 302
    for path in ("/", "/surveys/me/", "/surveys/one-on-ones/"):
        assert client_of(user).get(path).status_code == 200


# --- Administrative paths -----------------------------------------------------------------------------------------------------


def test_hr_moves_the_address_in_an_import(pair: Pair, hr: Client) -> None:
    thief = account("thief@company.test", Role.HR)
    text = "key,name,email,department\nann,Ann,thief@company.test,Sales\n"
    imported(hr, text)
    assert told() == ["ann@company.test", "thief@company.test"]
    event = BindingEvent.objects.get(kind=Change.DIRECTORY_ADDRESS)
    assert (event.old, event.new, event.by) == ("ann@company.test", "thief@company.test", f"user:{hr_account().pk}")
    assert pair.status(thief) == 404
    assert pair.status(pair.anns) == 200, "the binding stays where it is"
    # The link that would move it goes to the address that was confirmed, and tells the account that is confirmed.
    assert client_of(thief).post("/surveys/me/").status_code == 302
    assert told() == ["ann@company.test"] * 2
    assert queries.employee_of(thief) is None


def hr_account() -> User:
    return User.objects.get(email="hr@company.test")


def test_a_personnel_system_moves_the_address_over_the_api(pair: Pair) -> None:
    thief = account("thief@company.test")
    _row, key = partner_key(scopes=[Scope.EMPLOYEES])
    row = {"key": "ann", "name": "Ann", "email": thief.email, "department": "Sales"}
    client = Client(headers={"Authorization": f"Api-Key {key}"})
    dry = client.put("/api/v1/employees", {"employees": [row], "is_dry_run": True}, content_type="application/json")
    assert (dry.status_code, told()) == (200, [])
    assert client.put("/api/v1/employees", {"employees": [row]}, content_type="application/json").status_code == 200
    assert told() == ["ann@company.test", "thief@company.test"]
    assert BindingEvent.objects.get(kind=Change.DIRECTORY_ADDRESS).by.startswith("key:")
    assert (pair.status(thief), pair.status(pair.anns)) == (404, 200)


def test_an_operator_moves_the_address_in_the_back_office(pair: Pair, operator: Client) -> None:
    thief = account("thief@company.test")
    path = f"/admin/surveys/employee/{pair.ann.pk}/change/"
    form = admin_form(operator.get(path)) | {"email": thief.email, "key": "someone"}
    assert operator.post(path, form).status_code == 302
    assert told() == ["ann@company.test"] * 2 + ["thief@company.test"] * 2
    assert kinds(pair.ann)[-2:] == [Change.DIRECTORY_ADDRESS, Change.DIRECTORY_KEY]
    assert (pair.status(thief), pair.status(pair.anns)) == (404, 200)


def test_a_swap_of_two_entries_swaps_no_account(pair: Pair) -> None:
    thief = account("thief@company.test")
    entry = EmployeeFactory(key="thief", email=thief.email, department=pair.ann.department)
    confirmed(thief)
    told()
    rows = [
        {"key": "ann", "name": "Ann", "email": "thief@company.test", "department": "Sales"},
        {"key": "thief", "name": "Thief", "email": "ann@company.test", "department": "Sales"},
    ]
    operations.bring_in_employees(rows=rows, by="test", now=now())
    assert (queries.employee_of(thief), queries.employee_of(pair.anns)) == (entry, pair.ann)
    assert (pair.status(thief), pair.status(pair.anns)) == (404, 200)
    assert sorted(set(told())) == ["ann@company.test", "thief@company.test"]


def test_an_operator_changes_the_address_of_accounts(pair: Pair, operator: Client) -> None:
    """The victim's account gets another address, and the operator's own account the victim's."""
    thief = account("thief@company.test")
    for user, email in ((pair.anns, "x@company.test"), (thief, "ann@company.test")):
        path = f"/admin/accounts/user/{user.pk}/change/"
        assert operator.post(path, admin_form(operator.get(path)) | {"email": email}).status_code == 302
    assert told() == ["ann@company.test", "bo@company.test", "x@company.test"]
    event = BindingEvent.objects.get(kind=Change.ACCOUNT_ADDRESS)
    assert (event.old, event.new) == ("ann@company.test", "x@company.test")
    thief.refresh_from_db()
    pair.anns.refresh_from_db()
    assert (pair.status(thief), pair.status(pair.anns)) == (404, 404)
    assert queries.employee_of(pair.anns) is None
    # Its owner confirms it from the old address; then Bo agrees.
    path = asked(pair.anns)
    assert [message.to for message in mail.outbox] == [["ann@company.test"]]
    assert opened(pair.anns, path).status_code == 302
    assert queries.employee_of(pair.anns) == pair.ann
    assert pair.status(pair.anns) == 403
    assert agrees(pair, pair.bos).status_code == 302
    assert pair.status(pair.anns) == 200


def test_an_operator_adds_an_address_that_signs_in(pair: Pair, operator: Client) -> None:
    """A further address of allauth's receives links that reset the password."""
    form = {"user": pair.anns.pk, "email": "thief@company.test", "verified": "on", "primary": "on"}
    assert operator.post("/admin/account/emailaddress/add/", form).status_code == 302
    assert told() == ["ann@company.test", "bo@company.test", "thief@company.test"]
    assert kinds(pair.ann)[-1] == Change.FURTHER_ADDRESS
    assert pair.status(pair.anns) == 404
    path = asked(pair.anns)
    assert b"further-address" in opened(pair.anns, path).content
    EmailAddress.objects.all().delete()
    assert opened(pair.anns, path).status_code == 302
    assert pair.status(pair.anns) == 403


def test_an_operator_plants_an_address_before_the_account_is_confirmed(operator: Client) -> None:
    user = account(EmployeeFactory(email="ann@company.test").email)
    form = {"user": user.pk, "email": "thief@company.test", "verified": "on", "primary": "on"}
    assert operator.post("/admin/account/emailaddress/add/", form).status_code == 302
    assert b"further-address" in opened(user, asked(user)).content
    assert queries.employee_of(user) is None


def test_an_operator_creates_a_second_account_for_the_same_employee(pair: Pair, operator: Client) -> None:
    form = {"email": "ann.doe@company.test", "usable_password": "false"}
    assert operator.post("/admin/accounts/user/add/", form).status_code == 302
    second = User.objects.get(email="ann.doe@company.test")
    path = asked(second, "ann@company.test")
    assert sorted(message.to[0] for message in mail.outbox) == ["ann@company.test"] * 2
    assert pair.status(second) == 404
    # Whoever reads the old mailbox moves the binding; texts stay closed until the other participant agrees.
    assert opened(second, path).status_code == 302
    assert (queries.employee_of(second), queries.employee_of(pair.anns)) == (pair.ann, None)
    assert sorted(set(told())) == ["ann.doe@company.test", "ann@company.test", "bo@company.test"]
    assert (pair.status(second), pair.status(pair.anns)) == (403, 404)
    assert {Change.MOVED, Change.CONFIRMED} <= set(kinds(pair.ann))
    assert agrees(pair, pair.bos, "decline").status_code == 302
    assert pair.status(second) == 403
    assert agrees(pair, pair.bos).status_code == 302
    assert pair.status(second) == 200


def test_an_operator_resets_the_password(pair: Pair, operator: Client) -> None:
    form = {"password1": GIVEN, "password2": GIVEN, "usable_password": "true", "set-password": "1"}
    assert operator.post(f"/admin/accounts/user/{pair.anns.pk}/password/", form).status_code == 302
    browser = Client(raise_request_exception=False)
    assert browser.post("/accounts/login/", {"login": pair.anns.email, "password": GIVEN}).status_code == 302
    assert pair.status(pair.anns, browser) == 403
    assert told() == ["ann@company.test", "bo@company.test"]
    event = BindingEvent.objects.get(kind=Change.PASSWORD)
    assert event.by == f"user:{User.objects.get(email='operator@company.test').pk}"
    # Bo cannot even agree while the operator knows the password.
    assert b"password-not-yours" in agrees(pair, pair.bos).content
    set_by_mail(pair.anns, PASSWORD)
    pair.anns.refresh_from_db()
    assert pair.status(pair.anns) == 403
    assert agrees(pair, pair.bos).status_code == 302
    assert pair.status(pair.anns) == 200


def test_a_command_sets_the_password(pair: Pair) -> None:
    pair.anns.set_password(GIVEN)
    pair.anns.save()
    assert pair.status(pair.anns) == 403
    assert told() == ["ann@company.test", "bo@company.test"]
    assert BindingEvent.objects.get(kind=Change.PASSWORD).by == "system"


def test_an_operator_removes_the_second_factor(pair: Pair, operator: Client) -> None:
    factor = Authenticator(user=pair.anns, type=Authenticator.Type.TOTP, data={"secret": "x"})
    owner = client_of(pair.anns)
    with_request(owner, pair.anns, factor.save)
    assert pair.status(pair.anns, owner) == 200, "the owner added it"
    assert operator.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"}).status_code == 302
    assert pair.status(pair.anns) == 403
    assert told() == ["ann@company.test", "bo@company.test"]
    assert kinds(pair.ann)[-1] == Change.SECOND_FACTOR
    assert agrees(pair, pair.bos).status_code == 302
    assert pair.status(pair.anns) == 200


def with_request(client: Client, user: User, work: Any) -> None:
    """``work`` in a request the user is signed in to, as allauth's pages do it."""
    from allauth.core import context
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = user
    with context.request_context(request):
        work()


def test_an_account_that_is_activated_again_waits(pair: Pair, operator: Client) -> None:
    path = f"/admin/accounts/user/{pair.anns.pk}/change/"
    form = admin_form(operator.get(path))
    active = form.pop("is_active")
    assert operator.post(path, form).status_code == 302
    assert kinds(pair.ann)[-1] == Change.ACCOUNT_OFF
    assert operator.post(path, form | {"is_active": active}).status_code == 302
    assert kinds(pair.ann)[-1] == Change.ACCOUNT_ON
    assert set(told()) == {"ann@company.test", "bo@company.test"}
    assert pair.status(User.objects.get(pk=pair.anns.pk)) == 403


def test_an_operator_deletes_the_account_and_makes_another_with_its_address(pair: Pair, operator: Client) -> None:
    assert operator.post(f"/admin/accounts/user/{pair.anns.pk}/delete/", {"post": "yes"}).status_code == 302
    assert told() == ["ann@company.test"]
    assert kinds(pair.ann)[-1] == Change.ACCOUNT_DELETED
    Employee.objects.filter(pk=pair.ann.pk).update(email="thief@company.test")
    again = account("ann@company.test")
    assert pair.status(again) == 404
    thief = account("thief@company.test")
    path = asked(thief)
    assert [message.to for message in mail.outbox] == [["ann@company.test"]], "to the address that was confirmed"
    assert opened(thief, path).status_code == 302
    assert pair.status(thief) == 403
    assert "bo@company.test" in told()


def test_an_employee_who_is_removed_and_brought_in_again_is_the_same_account(pair: Pair, hr: Client, operator: Client) -> None:
    thief = account("thief@company.test")
    only_bo = [{"key": "bo", "name": "Bo", "email": "bo@company.test", "department": "Sales"}]
    operations.bring_in_employees(rows=only_bo, deactivates_missing=True, by="test", now=now())
    assert (kinds(pair.ann)[-1], pair.status(pair.anns)) == (Change.LEFT, 404)
    back = {"key": "ann", "name": "Ann", "email": thief.email, "department": "Sales"}
    operations.bring_in_employees(rows=[*only_bo, back], by="test", now=now())
    assert kinds(pair.ann)[-2:] == [Change.DIRECTORY_ADDRESS, Change.RETURNED]
    assert {"ann@company.test", "thief@company.test"} == set(told())
    assert (pair.status(thief), pair.status(pair.anns)) == (404, 200)
    # Who was ever confirmed cannot be deleted, so no entry takes the place of theirs.
    page = operator.post(f"/admin/surveys/employee/{pair.ann.pk}/delete/", {"post": "yes"})
    assert page.status_code == 200
    assert Employee.objects.filter(pk=pair.ann.pk).exists()


# --- The database -------------------------------------------------------------------------------------------------------------


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_password_hash_is_written_or_restored_with_sql(pair: Pair) -> None:
    old = User.objects.get(pk=pair.anns.pk)
    other = account("thief@company.test", password=GIVEN)
    sql(
        "UPDATE accounts_user SET password = %s, own_password = %s WHERE id = %s",
        other.password,
        other.own_password,
        pair.anns.pk,
    )
    assert pair.status(User.objects.get(pk=pair.anns.pk)) == 403
    assert told() == ["ann@company.test", "bo@company.test"]
    assert kinds(pair.ann)[-1] == Change.OUTSIDE
    sql("UPDATE accounts_user SET password = %s WHERE id = %s", old.password, pair.anns.pk)
    assert pair.status(User.objects.get(pk=pair.anns.pk)) == 403, "putting it back opens nothing again"


def test_an_older_row_of_the_binding_is_restored(pair: Pair, operator: Client) -> None:
    """Closed after a reset of the password; the row of before, with its open seat, changes nothing."""
    fields = [field for field in Binding._meta.concrete_fields if field.column != "id"]
    before = Binding.objects.filter(account=pair.anns).values_list(*[field.attname for field in fields]).get()
    columns = ", ".join(f"{field.column} = %s" for field in fields)
    form = {"password1": GIVEN, "password2": GIVEN, "usable_password": "true", "set-password": "1"}
    assert operator.post(f"/admin/accounts/user/{pair.anns.pk}/password/", form).status_code == 302
    told()
    sql(f"UPDATE surveys_binding SET {columns} WHERE account_id = {pair.anns.pk}", *before)  # noqa: S608
    user = User.objects.get(pk=pair.anns.pk)
    user.keep_own_password()
    sql("UPDATE accounts_user SET own_password = %s WHERE id = %s", user.own_password, user.pk)
    assert pair.status(user) == 403
    assert told() == ["ann@company.test", "bo@company.test"]
    assert kinds(pair.ann)[-1] == Change.OUTSIDE


def test_a_binding_that_ended_is_restored(pair: Pair) -> None:
    second = account("ann.doe@company.test")
    assert opened(second, asked(second, "ann@company.test")).status_code == 302
    told()
    sql("UPDATE surveys_binding SET ended_at = now() WHERE account_id = %s", second.pk)
    sql("UPDATE surveys_binding SET ended_at = NULL WHERE account_id = %s", pair.anns.pk)
    assert pair.status(pair.anns) == 404
    assert queries.employee_of(pair.anns) is None
    assert kinds(pair.ann)[-1] == Change.TAMPERED
    assert set(told()) == {"ann@company.test", "ann.doe@company.test"}
    assert pair.status(pair.anns) == 404
    assert kinds(pair.ann).count(Change.TAMPERED) == 1


def test_a_binding_or_a_seat_is_written_with_sql(pair: Pair) -> None:
    thief = account("thief@company.test")
    handed_over = "UPDATE surveys_binding SET account_id = %s, account_key = %s WHERE account_id = %s"
    sql(handed_over, thief.pk, thief.pk, pair.anns.pk)
    assert pair.status(thief) == 404
    assert queries.employee_of(thief) is None
    assert kinds(pair.ann)[-1] == Change.TAMPERED
    assert "ann@company.test" in told()
    sql(handed_over, pair.anns.pk, pair.anns.pk, thief.pk)
    assert pair.status(pair.anns) == 200
    operations.access_changed(account=pair.anns.pk, kind=Change.PASSWORD, by="x", now=now())
    sql("UPDATE surveys_meetingseat SET access_version = access_version + 1")
    assert pair.status(pair.anns) == 403


def test_the_audit_log_can_be_neither_changed_nor_deleted(pair: Pair, operator: Client, hr: Client) -> None:
    event = BindingEvent.objects.filter(employee=pair.ann).first()
    assert event is not None
    for change in (
        lambda: event.delete(),
        lambda: event.save(),
        lambda: BindingEvent.objects.all().delete(),
        lambda: BindingEvent.objects.update(by="someone else"),
    ):
        with pytest.raises(TypeError, match="append only"):
            change()
    for statement in ("UPDATE surveys_bindingevent SET by = 'x'", "DELETE FROM surveys_bindingevent"):
        with pytest.raises(IntegrityError, match="append only"), transaction.atomic():
            sql(statement)
    path = f"/admin/surveys/bindingevent/{event.pk}/"
    assert operator.post(f"{path}change/", {"by": "x"}).status_code == 404
    assert operator.post(f"{path}delete/", {"post": "yes"}).status_code == 404
    for model in ("binding", "bindingrequest", "bindingevent", "meetingseat"):
        assert operator.get(f"/admin/surveys/{model}/add/").status_code == 404, "none of them is in the back office"
    assert hr.post("/surveys/directory/accounts/").status_code == 405
    event.refresh_from_db()
    assert event.by != "x"


# --- What the owner does, and what others agree to ------------------------------------------------------------------------------


def test_what_the_owner_changes_closes_nothing(pair: Pair, settings: Any) -> None:
    browser = Client()
    assert browser.post("/accounts/login/", {"login": pair.anns.email, "password": PASSWORD}).status_code == 302
    form = {"oldpassword": PASSWORD, "password1": GIVEN, "password2": GIVEN}
    assert browser.post("/accounts/password/change/", form).status_code == 302
    assert pair.status(pair.anns, browser) == 200
    set_by_mail(pair.anns, PASSWORD)
    # A hash that is made again with another hasher at the next sign-in is the same password.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    browser = Client()
    assert browser.post("/accounts/login/", {"login": pair.anns.email, "password": PASSWORD}).status_code == 302
    user = User.objects.get(pk=pair.anns.pk)
    assert user.password.startswith("pbkdf2")
    assert user.has_own_password
    assert pair.status(user, browser) == 200
    factor = Authenticator(user=user, type=Authenticator.Type.WEBAUTHN, data={})
    with_request(browser, user, factor.save)
    with_request(browser, user, factor.record_usage)
    with_request(browser, user, factor.delete)
    assert pair.status(user) == 200
    assert told() == []
    assert Binding.objects.get(account=user).access_version == 0


def test_a_new_account_of_an_employee_opens_no_earlier_meeting_until_the_other_agrees() -> None:
    bo, ann = EmployeeFactory(name="Bo", email="bo@company.test"), EmployeeFactory(name="Ann", email="ann@company.test")
    bos = account(bo.email)
    confirmed(bos)
    series = arranged(bo, ann)
    boss = client_of(bos)
    boss.post(f"/surveys/one-on-ones/{series.public_id}/", {"kind": "agenda", "text": SHARED})
    anns = account(ann.email)
    assert opened(anns, asked(anns)).status_code == 302
    page = client_of(anns).get(f"/surveys/one-on-ones/{series.public_id}/")
    assert (page.status_code, SHARED.encode() in page.content, b"seat-closed" in page.content) == (403, False, True)
    assert b"closed until Bo agrees" in client_of(anns).get("/surveys/one-on-ones/").content
    assert [one.who for one in operations.waiting_for(user=bos, now=now())] == [ann]
    assert b"ann@company.test" in boss.get("/surveys/one-on-ones/").content
    assert b"Waiting for you" in boss.get("/surveys/me/").content
    seat = f"/surveys/one-on-ones/{series.public_id}/seat/"
    version = boss.get(seat).context["version"]
    assert boss.post(seat, {"decision": "agree", "version": version}).status_code == 302
    assert SHARED.encode() in client_of(anns).get(f"/surveys/one-on-ones/{series.public_id}/").content
    assert operations.waiting_for(user=bos, now=now()) == []
    assert arranged(ann, EmployeeFactory()).seats.count() == 1, "what is arranged later is open at once"


def test_only_what_was_shown_is_agreed_to(pair: Pair) -> None:
    operations.access_changed(account=pair.anns.pk, kind=Change.ACCOUNT_ON, by="x", now=now())
    boss = client_of(pair.bos)
    version = boss.get(f"{pair.path}seat/").context["version"]
    operations.access_changed(account=pair.anns.pk, kind=Change.SECOND_FACTOR, by="x", now=now())
    page = boss.post(f"{pair.path}seat/", {"decision": "agree", "version": version})
    assert (page.status_code, b"nothing-to-decide" in page.content) == (409, True)
    assert pair.status(pair.anns) == 403
    for form in ({}, {"decision": "perhaps"}, {"decision": "agree", "version": "\x00"}):
        assert boss.post(f"{pair.path}seat/", form).status_code in {200, 409}
    assert pair.status(pair.anns) == 403


def test_two_accounts_that_an_operator_took_over_cannot_vouch_for_each_other(pair: Pair, operator: Client) -> None:
    form = {"password1": GIVEN, "password2": GIVEN, "usable_password": "true", "set-password": "1"}
    for user in (pair.anns, pair.bos):
        assert operator.post(f"/admin/accounts/user/{user.pk}/password/", form).status_code == 302
        user.refresh_from_db()
        user.keep_own_password()  # as if the operator read the mail, too
        User.objects.filter(pk=user.pk).update(own_password=user.own_password)
    for user in (pair.anns, pair.bos):
        page = agrees(pair, user)
        assert (page.status_code, b"confirm-first" in page.content) == (403, True)
        assert pair.status(user) == 403
    # Each opens a link sent to the address confirmed before; then each agrees.
    for user in (pair.anns, pair.bos):
        assert opened(user, asked(user)).status_code == 302
    for user in (pair.anns, pair.bos):
        assert agrees(pair, user).status_code == 302
    assert {pair.status(user) for user in (pair.anns, pair.bos)} == {200}


def test_two_people_who_met_before_accounts_were_confirmed_agree_with_each_other() -> None:
    bo, ann = EmployeeFactory(email="bo@company.test"), EmployeeFactory(email="ann@company.test")
    series = arranged(bo, ann)
    users = [account(person.email) for person in (bo, ann)]
    for user in users:
        assert opened(user, asked(user)).status_code == 302
    for user in users:
        client, path = client_of(user), f"/surveys/one-on-ones/{series.public_id}/seat/"
        page = client.get(path)
        assert client.post(path, {"decision": "agree", "version": page.context["version"]}).status_code == 302
    for user in users:
        assert operations.open_seat(public_id=series.public_id, user=user, now=now())


def test_addresses_moved_before_anyone_confirmed_let_nobody_vouch() -> None:
    """HR moves both addresses to mailboxes of its own before either of the two has confirmed an account."""
    bo, ann = EmployeeFactory(email="bo@company.test"), EmployeeFactory(email="ann@company.test")
    series = arranged(bo, ann)
    thieves = []
    for person in (bo, ann):
        thief = account(f"thief-{person.pk}@company.test")
        person.email = thief.email
        person.save()
        assert opened(thief, asked(thief)).status_code == 302
        thieves.append(thief)
    assert {"bo@company.test", "ann@company.test"} <= set(BindingNotice.objects.values_list("address", flat=True))
    for thief in thieves:
        client, path = client_of(thief), f"/surveys/one-on-ones/{series.public_id}/seat/"
        version = client.get(path).context["version"]
        assert client.post(path, {"decision": "agree", "version": version}).status_code == 403
        with pytest.raises(operations.SeatClosed):
            operations.open_seat(public_id=series.public_id, user=thief, now=now())


def test_a_manager_whose_access_was_changed_arranges_nothing_before_confirming_again(pair: Pair) -> None:
    cy = EmployeeFactory(name="Cy", manager=pair.bo)
    operations.access_changed(account=pair.bos.pk, kind=Change.PASSWORD, by="x", now=now())
    form = {"member": str(cy.public_id), "rhythm": "weekly", "first_on": "2026-12-01", "starts_at": "10:00", "time_zone": "UTC"}
    assert client_of(pair.bos).post("/surveys/one-on-ones/", form).status_code == 403
    assert OneOnOne.objects.count() == 1
    assert opened(pair.bos, asked(pair.bos)).status_code == 302
    assert client_of(pair.bos).post("/surveys/one-on-ones/", form).status_code == 302


def test_later_links_go_to_a_new_address_once_the_owner_says_so_from_the_old_one(pair: Pair) -> None:
    pair.ann.email = "ann@new.test"
    pair.ann.save()
    told()
    page = client_of(pair.anns).get("/surveys/me/").content.decode()
    assert "ann@new.test" in page
    path = asked(pair.anns)
    assert [message.to for message in mail.outbox] == [["ann@company.test"]]
    assert b'name="adopts"' in client_of(pair.anns).get(path).content
    assert opened(pair.anns, path, adopts="1").status_code == 302
    assert queries.address_to_confirm(pair.ann) == "ann@new.test"
    assert set(told()) == {"ann@company.test", "ann@new.test"}
    assert pair.status(pair.anns) == 200
    assert client_of(pair.anns).post("/surveys/me/").status_code == 409


def test_third_parties_learn_nothing_of_the_seats(pair: Pair) -> None:
    operations.access_changed(account=pair.anns.pk, kind=Change.PASSWORD, by="x", now=now())
    third = account("third@company.test", *Role)
    EmployeeFactory(email=third.email, manager=pair.bo)
    confirmed(third)
    for client in (client_of(third), client_of(account("none@company.test", *Role))):
        for answer in (client.get(f"{pair.path}seat/"), client.post(f"{pair.path}seat/", {"decision": "agree", "version": "x"})):
            assert answer.status_code == 404
    assert MeetingSeat.objects.filter(is_open=False).count() == 0


# --- Who am I, everywhere -------------------------------------------------------------------------------------------------------


def test_an_address_that_is_the_same_opens_no_results_and_no_home() -> None:
    wave = wave_of_boss()
    same = account("boss@company.test", Role.MANAGER)
    path = f"/surveys/{wave.survey.public_id}/results/"
    assert client_of(same).get(path).status_code == 403
    assert client_of(same).get("/").context["me"] is None
    assert client_of(same).get("/surveys/one-on-ones/").context["me"] is None
    assert opened(same, asked(same)).status_code == 302
    assert client_of(same).get(path).status_code == 200
    operations.access_changed(account=same.pk, kind=Change.ACCOUNT_ADDRESS, by="x", now=now())
    assert client_of(same).get(path).status_code == 403


def test_no_code_compares_addresses_to_say_who_somebody_is() -> None:
    from pathlib import Path

    from django.conf import settings

    found = [
        path.relative_to(settings.BASE_DIR).as_posix()
        for folder in ("surveys", "incentives_site")
        for path in (Path(settings.BASE_DIR) / folder).rglob("*.py")
        if "tests" not in path.parts and re.search(r"email__iexact|\.user\.email|user\.email\b", path.read_text())
    ]
    # Signing in itself; what is shown or counted; the suggestion "is this you?" and where links go.
    assert set(found) <= {
        "incentives_site/accounts/models.py",
        "incentives_site/accounts/forms.py",
        "incentives_site/templatetags/ui.py",
        "incentives_site/demo/voice.py",
        "surveys/admin.py",
        "surveys/operations/_bindings.py",
        "surveys/queries/_bindings.py",
        "surveys/views/admission.py",
        "surveys/views/me.py",
    }


def test_hr_and_operators_read_the_log_and_cannot_tell_who_meets_whom(pair: Pair, hr: Client, operator: Client) -> None:
    operations.access_changed(account=pair.anns.pk, kind=Change.SECOND_FACTOR, by="user:1", now=now())
    agrees(pair, pair.bos)
    EmployeeFactory(key="zed", name="Zed", email="zed@company.test")
    confirmed(account("zed@company.test"))
    path = "/surveys/directory/accounts/"
    page = hr.get(path)
    assert {row.employee.name for row in page.context["bound"]} == {"Ann", "Bo", "Zed"}
    only = hr.get(path, {"q": "ann@company", "kind": "agreed"})
    assert [row.employee.name for row in only.context["bound"]] == ["Ann"]
    assert [(event.kind, by) for event, _sentence, by in only.context["rows"]] == [("agreed", "the other participant")]
    assert "Bo" not in only.content.decode().partition("<main")[2].partition("</main>")[0]
    assert client_of(account("o@company.test", Role.OPERATOR)).get(path).status_code == 200
    for role in (Role.MANAGER, Role.MARKETER, Role.ANALYST, Role.STORE):
        assert client_of(account(f"{role}@company.test", role)).get(path).status_code == 403
    for model in ("meetingseat", "bindingnotice"):
        assert operator.get(f"/admin/surveys/{model}/").status_code == 404
    assert not set(BindingEvent.objects.values_list("by", flat=True)) & {f"user:{pair.bos.pk}"} - {f"user:{pair.bos.pk}"}


def test_an_owner_reads_their_own_history_and_nobody_elses(pair: Pair) -> None:
    operations.access_changed(account=pair.anns.pk, kind=Change.PASSWORD, by="system", now=now())
    page = client_of(pair.anns).get("/surveys/me/").content.decode()
    assert "Someone other than the owner set the password" in page
    assert "Closed to your account" in page
    assert "Someone other" not in client_of(pair.bos).get("/surveys/me/").content.decode()


def test_the_pages_ask_the_database_at_most_five_times_for_each_series(pair: Pair, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        member = EmployeeFactory(manager=pair.bo, email=f"m{number}@company.test")
        arranged(pair.bo, member)
        confirmed(account(member.email), agreed=False)
    client = client_of(pair.bos)
    for path in ("/surveys/one-on-ones/", "/surveys/me/"):
        with django_assert_max_num_queries(20 + 5 * 13):
            assert client.get(path).status_code == 200
