"""Messages are written with what they tell, signed by the standard, tried by its schedule, and sent nowhere else."""

import datetime
import ipaddress
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from incentives_site.integrations import operations
from incentives_site.integrations.models import OPEN, Partner, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage
from incentives_site.integrations.operations import _deliver, _send
from incentives_site.integrations.rules import schedule
from incentives_site.integrations.tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db

PAUSED: dict[str, Any] = {
    "type": "campaign.paused",
    "data": {"campaign": "c1", "status": "paused", "starts_at": None, "ends_at": None},
}


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def partner(key: str = "shop") -> Partner:
    return Partner.objects.get_or_create(key=key, defaults={"name": key})[0]


def endpoint(url: str, *types: str, of: str = "shop") -> tuple[WebhookEndpoint, str]:
    return operations.add_endpoint(
        partner=partner(of), url=url, types=types or ("campaign.paused",), by="key:x", now=timezone.now()
    )


def deliver() -> int:
    return operations.deliver(clock=timezone.now)


def test_a_message_arrives_signed_by_the_standard(receiver: Receiver) -> None:
    row, secret = endpoint(receiver.url)
    assert operations.announce(**PAUSED) == 1
    assert deliver() == 1
    (received,) = receiver.received
    content = received.verified(secret)
    assert (content["type"], content["data"]) == (PAUSED["type"], PAUSED["data"])
    assert received.id == WebhookMessage.objects.get().webhook_id
    assert received.path == "/hook?x=1"
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at, delivery.endpoint) == ("delivered", 1, None, row)
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.error) == (204, "")
    assert deliver() == 0


def test_what_is_rolled_back_is_told_to_nobody(receiver: Receiver) -> None:
    endpoint(receiver.url)
    with transaction.atomic():
        assert operations.announce(**PAUSED) == 1
        transaction.set_rollback(True)
    assert not WebhookMessage.objects.exists()
    assert (deliver(), receiver.received) == (0, [])


def test_the_same_key_is_told_once(receiver: Receiver) -> None:
    endpoint(receiver.url)
    assert [operations.announce(**PAUSED, key="c1") for _time in range(2)] == [1, 0]
    assert deliver() == 1


def test_data_is_what_the_documents_say(receiver: Receiver) -> None:
    with pytest.raises(LookupError):
        operations.announce(type="campaign.paused", data={"campaign": "c1"})
    with pytest.raises(LookupError):
        operations.announce(type="campaign.forgotten", data={})


def test_nobody_subscribed_costs_one_question_and_writes_nothing(django_assert_num_queries: Any, receiver: Receiver) -> None:
    endpoint(receiver.url, "grant.created")
    with django_assert_num_queries(1):
        assert operations.announce(**PAUSED) == 0
    assert not WebhookMessage.objects.exists()


def test_a_partner_is_told_its_own_affairs_and_nobody_elses(receiver: Receiver) -> None:
    _ours, our_secret = endpoint(receiver.url)
    _theirs, their_secret = endpoint(receiver.url, of="rival")
    assert operations.announce(**PAUSED, partner="shop") == 1
    deliver()
    (received,) = receiver.received
    received.verified(our_secret)
    with pytest.raises(WebhookVerificationError):
        received.verified(their_secret)
    assert operations.announce(**PAUSED, partner="nobody") == 0
    assert operations.announce(**PAUSED) == 2
    Partner.objects.filter(key="rival").update(is_active=False)
    assert operations.announce(**PAUSED) == 1
    deliver()
    assert Counter(WebhookDelivery.objects.values_list("endpoint__partner__key", "state")) == {
        ("shop", "delivered"): 3,
        ("rival", "cancelled"): 1,
    }


def test_a_body_changed_on_the_way_is_noticed(receiver: Receiver) -> None:
    _row, secret = endpoint(receiver.url)
    operations.announce(**PAUSED)
    deliver()
    received = receiver.received[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body + b" ", received.headers)


class TestTryingAgain:
    def test_a_receiver_that_is_down_is_tried_by_the_schedule_and_then_given_up(self, receiver: Receiver) -> None:
        start = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
        wanted = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
        waited = []
        with time_machine.travel(start, tick=False) as clock:
            _row, secret = endpoint(receiver.url)
            operations.announce(**PAUSED)
            receiver.answers = [500] * 20
            before = start
            while (due := WebhookDelivery.objects.get().next_attempt_at) is not None:
                clock.move_to(due - datetime.timedelta(milliseconds=1))
                assert deliver() == 0
                clock.move_to(due)
                assert deliver() == 1
                receiver.received[-1].verified(secret)
                waited.append((due - before).total_seconds())
                before = due
        assert len(waited) == 10
        for seconds, least in zip(waited, wanted, strict=True):
            assert least <= seconds <= least * (1 + schedule.JITTER)
        assert len({received.id for received in receiver.received}) == 1
        assert WebhookDelivery.objects.get().state == "gave_up"
        assert set(WebhookAttempt.objects.values_list("status", "error")) == {(500, "status")}

    def test_a_replay_begins_the_schedule_anew_under_the_same_id(self, receiver: Receiver) -> None:
        endpoint(receiver.url)
        operations.announce(**PAUSED)
        WebhookDelivery.objects.update(state="gave_up", next_attempt_at=None, attempts=10)
        receiver.answers = [503]
        operations.replay(delivery=WebhookDelivery.objects.get(), now=timezone.now())
        assert deliver() == 1
        delivery = WebhookDelivery.objects.get()
        assert (delivery.state, delivery.attempts) == ("failed", 1)
        with time_machine.travel(delivery.next_attempt_at or 0, tick=False):
            assert deliver() == 1
        assert len({received.id for received in receiver.received}) == 1
        assert WebhookDelivery.objects.get().state == "delivered"

    def test_gone_switches_the_endpoint_off_and_cancels_what_is_on_its_way(self, receiver: Receiver) -> None:
        row, _secret = endpoint(receiver.url)
        receiver.answers = [410] * 2
        for _message in range(5):
            operations.announce(**PAUSED)
        deliver()
        row.refresh_from_db()
        assert (row.is_active, row.disabled_why, row.disabled_at is not None) == (False, "gone", True)
        assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"cancelled"}
        assert len(receiver.received) <= 2
        assert operations.announce(**PAUSED) == 0
        with pytest.raises(operations.WebhookDisabled):
            operations.replay(delivery=WebhookDelivery.objects.all()[0], now=timezone.now())
        operations.set_active(endpoint=row, is_active=True, by="user:1", now=timezone.now())
        assert operations.announce(**PAUSED) == 1

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_any_2xx_is_delivered(self, receiver: Receiver, status: int) -> None:
        endpoint(receiver.url)
        receiver.answers = [status]
        operations.announce(**PAUSED)
        deliver()
        assert WebhookDelivery.objects.get().state == "delivered"

    @pytest.mark.parametrize("status", [300, 304, 400, 404, 429, 500, 503])
    def test_anything_else_is_tried_again(self, receiver: Receiver, status: int) -> None:
        endpoint(receiver.url)
        receiver.answers = [status]
        operations.announce(**PAUSED)
        deliver()
        assert WebhookDelivery.objects.get().state == "failed"

    def test_one_that_does_not_listen_is_tried_again(self, receiver: Receiver) -> None:
        with receiving() as gone:
            endpoint(gone.url)
        operations.announce(**PAUSED)
        deliver()
        assert WebhookAttempt.objects.get().error == "connection-refused"


class TestHostileReceivers:
    @pytest.mark.parametrize("way", ["silent", "dripping headers", "endless continues"])
    def test_one_that_takes_its_time_is_left_after_the_time_out(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        monkeypatch.setattr(_send, "SECONDS", 0.6)
        gone = threading.Event()

        def dawdle(handler: Any) -> bool:
            handler.connection.settimeout(0.2)
            while not gone.wait(0.05):
                if way == "dripping headers":
                    handler.wfile.write(b"x")
                elif way == "endless continues":
                    handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return True

        receiver.before_answering = dawdle
        endpoint(receiver.url)
        operations.announce(**PAUSED)
        begun = time.perf_counter()
        deliver()
        gone.set()
        assert time.perf_counter() - begun < 3
        attempt = WebhookAttempt.objects.get()
        assert (attempt.status, attempt.error) == (None, "timeout")
        assert 500 <= attempt.duration_ms < 2_500

    def test_an_answer_without_end_is_left_too_and_its_status_counts(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_send, "SECONDS", 0.6)
        gone = threading.Event()

        def drip(handler: Any) -> bool:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not gone.wait(0.05):
                handler.wfile.write(b"x")
            return True

        receiver.before_answering = drip
        endpoint(receiver.url)
        operations.announce(**PAUSED)
        begun = time.perf_counter()
        deliver()
        gone.set()
        assert time.perf_counter() - begun < 3
        attempt = WebhookAttempt.objects.get()
        assert (attempt.status, attempt.error, attempt.delivery.state) == (200, "", "delivered")

    def test_the_answer_is_read_so_far_and_no_further(self, receiver: Receiver) -> None:
        sent: list[int] = []

        def flood(handler: Any) -> bool:
            handler.wfile.write(b"HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n" + b"\x00<b>")
            try:
                while len(sent) < 100_000:
                    handler.wfile.write(b"y" * 10_000)
                    sent.append(10_000)
            except OSError:
                pass
            return True

        receiver.before_answering = flood
        endpoint(receiver.url)
        operations.announce(**PAUSED)
        deliver()
        attempt = WebhookAttempt.objects.get()
        assert (attempt.status, attempt.error) == (500, "status")
        assert attempt.excerpt == " <b>" + "y" * 996
        time.sleep(0.2)
        assert sum(sent) < 50_000_000

    @pytest.mark.parametrize(
        "answer",
        [b"", b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 100_000, b"HTTP/1.1 99999 OK\r\n\r\n"],
    )
    def test_an_answer_that_is_no_http_is_a_failure(self, receiver: Receiver, answer: bytes) -> None:
        def babble(handler: Any) -> bool:
            handler.wfile.write(answer)
            return True

        receiver.before_answering = babble
        endpoint(receiver.url)
        operations.announce(**PAUSED)
        deliver()
        assert WebhookDelivery.objects.get().state == "failed"
        assert WebhookAttempt.objects.count() == 1

    def test_one_that_does_not_answer_leaves_room_for_the_others(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_send, "SECONDS", 2.0)
        gone = threading.Event()
        with receiving(before_answering=lambda handler: gone.wait(10)) as silent:
            slow, _secret = endpoint(silent.url)
            quick, _secret = endpoint(receiver.url, of="rival")
            for _message in range(20):
                operations.announce(**PAUSED)
            begun = time.perf_counter()
            monkeypatch.setattr(_deliver, "SECONDS", 1.0)
            deliver()
            gone.set()
        assert time.perf_counter() - begun < 6
        assert len(receiver.received) == 20
        assert len(silent.received) == _deliver.AT_ONCE_PER_ENDPOINT
        assert WebhookDelivery.objects.filter(endpoint=slow, state__in=OPEN).count() == 20
        assert WebhookDelivery.objects.filter(endpoint=quick, state="delivered").count() == 20


def test_no_secret_is_logged(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    row, secret = endpoint(receiver.url + "&token=hidden")
    other = operations.rotate_secret(endpoint=row, by="key:x", now=timezone.now())
    receiver.answers = [500]
    operations.announce(**PAUSED)
    deliver()
    assert "webhook_attempt" in caplog.text
    for hidden in (secret, other, secret.removeprefix("whsec_"), "hidden", "v1,"):
        assert hidden not in caplog.text


def test_old_messages_are_forgotten_but_not_those_on_their_way(receiver: Receiver) -> None:
    endpoint(receiver.url)
    now = timezone.now()
    old = now - datetime.timedelta(days=31)
    operations.announce(**PAUSED, key="done", now=old)
    deliver()
    operations.announce(**PAUSED, key="open", now=old)
    operations.announce(**PAUSED, key="new", now=now)
    assert [operations.forget_old_messages(now=now) for _time in range(2)] == [1, 0]
    assert set(WebhookMessage.objects.values_list("key", flat=True)) == {"campaign.paused:open", "campaign.paused:new"}


@pytest.mark.django_db(transaction=True)
def test_it_is_sent_as_soon_as_it_is_committed(receiver: Receiver) -> None:
    endpoint(receiver.url)
    with transaction.atomic():
        operations.announce(**PAUSED)
        time.sleep(0.1)
        assert receiver.received == []
    assert len(receiver.received) == 1
    with transaction.atomic():
        operations.announce(**PAUSED)
        transaction.set_rollback(True)
    assert len(receiver.received) == 1


@pytest.fixture
def nudges_get_lost() -> Iterator[None]:
    """Tasks go to the broker, where nobody listens."""
    before = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = False
    yield
    current_app.conf.task_always_eager = before


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nudges_get_lost")
class TestSeveralProcesses:
    def test_many_workers_deliver_each_message_once(self, receiver: Receiver) -> None:
        endpoint(receiver.url)
        endpoint(receiver.url, of="rival")
        for _message in range(25):
            operations.announce(**PAUSED)
        gate, done = threading.Barrier(4), []

        def work() -> None:
            try:
                gate.wait(timeout=30)
                done.append(deliver())
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sum(done) == 50
        assert set(Counter(received.id for received in receiver.received).values()) == {2}
        assert len(receiver.received) == WebhookDelivery.objects.filter(state="delivered", attempts=1).count() == 50

    def test_the_task_leaves_it_to_the_process_that_is_at_it(self, receiver: Receiver) -> None:
        entered, go_on, done = threading.Event(), threading.Event(), []

        def hold(handler: Any) -> None:
            entered.set()
            go_on.wait(10)

        receiver.before_answering = hold
        endpoint(receiver.url)
        operations.announce(**PAUSED)

        def work() -> None:
            try:
                done.append(operations.deliver_alone(clock=timezone.now))
            finally:
                connection.close()

        first = threading.Thread(target=work)
        first.start()
        assert entered.wait(10)
        operations.announce(**PAUSED)
        assert operations.deliver_alone(clock=timezone.now) == 0
        go_on.set()
        first.join(timeout=30)
        assert done == [2]
        assert operations.deliver_alone(clock=timezone.now) == 0

    def test_killed_between_sending_and_writing_it_is_sent_again_under_the_same_id(self, receiver: Receiver) -> None:
        _row, secret = endpoint(receiver.url)
        operations.announce(**PAUSED)
        database = connection.settings_dict
        url = f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?host={database['HOST']}"
        program = (
            "import django; django.setup()\n"
            "from django.utils import timezone\n"
            "from incentives_site.integrations import operations\n"
            "operations.deliver_alone(clock=timezone.now)\n"
        )
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "incentives_site.settings",
            "DEMO": "1",
            "DATABASE_URL": url + (f"&port={database['PORT']}" if database["PORT"] else ""),
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        worker: list[subprocess.Popen[bytes]] = []
        started = threading.Event()

        def kill(handler: Any) -> bool:
            started.wait(10)
            worker[0].kill()
            worker[0].wait(10)
            return True

        receiver.before_answering = kill
        worker.append(subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=settings.BASE_DIR))
        started.set()
        assert worker[0].wait(timeout=60) == -9
        assert len(receiver.received) == 1
        assert WebhookDelivery.objects.get().state == "pending"
        assert not WebhookAttempt.objects.exists()
        receiver.before_answering = lambda handler: None
        assert deliver() == 0  # the lease of the dead has not ended yet
        with time_machine.travel(timezone.now() + _deliver.LEASE):
            assert operations.deliver_alone(clock=timezone.now) == 1
        first, second = receiver.received
        assert (first.id, first.body) == (second.id, second.body)
        assert first.verified(secret)
        assert WebhookDelivery.objects.get().state == "delivered"
