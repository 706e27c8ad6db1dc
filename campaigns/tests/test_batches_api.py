"""Batches of codes over the partners' API: made, looked at, taken out, brought from another system."""

import csv
import io
import tracemalloc
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import operations, queries
from campaigns.models import Code, CodeBatch, CodeFilePiece, Incentive
from campaigns.operations import _import_codes
from campaigns.tests.factories import IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory
from incentives_site.integrations.models import Scope
from incentives_site.integrations.tests.factories import PartnerClient, partner_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> PartnerClient:
    ChannelFactory()
    ChannelFactory(web=True)
    return PartnerClient(partner_key()[1])


@pytest.fixture
def incentive() -> Incentive:
    return IncentiveFactory(claim="code")


def order(client: PartnerClient, incentive: Incentive, **fields: Any) -> Any:
    return client.post(
        "codes/batches", {"incentive": str(incentive.public_id), "count": 40, "prefix": "fall", "length": 10, **fields}
    )


def made(response: Any) -> CodeBatch:
    batch = CodeBatch.objects.get(public_id=response.json()["id"])
    operations.make_codes(batch_id=batch.pk, clock=lambda: NOON)
    return batch


def send(client: PartnerClient, incentive: Incentive, text: str | bytes, key: str = "", **query: str) -> Any:
    asked = "&".join(f"{name}={value}" for name, value in {"incentive": str(incentive.public_id), **query}.items())
    return client.client.post(
        f"/api/v1/codes/batches/import?{asked}",
        text if isinstance(text, bytes) else text.encode(),
        content_type="text/csv",
        headers={**client.headers, "Idempotency-Key": key or uuid.uuid4().hex},
    )


def rows(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


class TestMaking:
    def test_asked_for_made_and_taken_out(self, client: PartnerClient, incentive: Incentive) -> None:
        response = order(client, incentive, has_check=True, expires_at="2030-01-01T00:00:00Z", uses_per_code=2)
        assert response.status_code == 202, response.content
        body = response.json()
        assert (body["state"], body["made"], body["pattern"]) == ("waiting", 0, "FALL-####-####-##")
        made(response)
        read = client.get(f"codes/batches/{body['id']}").json()
        assert (read["state"], read["made"], read["exported_at"]) == ("done", 40, None)
        file = client.get(f"codes/batches/{body['id']}/codes.csv")
        assert file["Content-Type"] == "text/csv; charset=utf-8"
        found = rows(file)
        assert len({row["code"] for row in found}) == 40
        assert {(row["uses_left"], row["expires_at"]) for row in found} == {("2", "2030-01-01T00:00:00+00:00")}
        assert client.get(f"codes/batches/{body['id']}").json()["exported_at"]

    def test_the_same_call_again_makes_no_second_batch(self, client: PartnerClient, incentive: Incentive) -> None:
        body = {"incentive": str(incentive.public_id), "count": 5, "pattern": "####-####-####"}
        first, second = (client.post("codes/batches", body, key="once") for _ in range(2))
        assert first.json() == second.json()
        assert second["Idempotent-Replayed"] == "true"
        assert CodeBatch.objects.count() == 1

    def test_paused_resumed_cancelled(self, client: PartnerClient, incentive: Incentive) -> None:
        path = f"codes/batches/{order(client, incentive).json()['id']}"
        states = [client.post(f"{path}/{step}").json()["state"] for step in ("pause", "resume", "cancel")]
        assert states == ["paused", "waiting", "cancelled"]
        refused = client.post(f"{path}/resume")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong-batch-state")
        refused = client.get(f"{path}/codes.csv")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong-batch-state")

    def test_all_are_listed_newest_first_by_incentive_campaign_and_state(
        self, client: PartnerClient, incentive: Incentive
    ) -> None:
        other = IncentiveFactory(claim="code")
        first, second, third = (order(client, row) for row in (incentive, incentive, other))
        made(first)
        ids = [response.json()["id"] for response in (third, second, first)]

        def found(**query: str) -> list[str]:
            return [row["id"] for row in client.get("codes/batches", **query).json()["results"]]

        assert found() == ids
        assert found(incentive=str(incentive.public_id)) == ids[1:]
        assert found(campaign=str(other.campaign.public_id)) == ids[:1]
        assert found(state="done") == ids[2:]
        assert client.get("codes/batches", state="done").json()["results"] == [client.get(f"codes/batches/{ids[2]}").json()]
        page = client.get("codes/batches", limit="2").json()
        assert [row["id"] for row in page["results"]] == ids[:2]
        assert page["next"]
        assert client.get("codes/batches", state="lost").json()["errors"][0]["pointer"] == "#/state"
        assert client.get("codes/batches", incentive="lost").json()["code"] == "incentive-unknown"
        with CaptureQueriesContext(connection) as few:
            client.get("codes/batches", limit="1")
        with CaptureQueriesContext(connection) as many:
            client.get("codes/batches")
        assert len(few) == len(many)

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"length": 5}, "#/pattern", "too-few-codes"),
            ({"pattern": "####"}, "#/pattern", "one-of-two"),
            ({"alphabet": "ABCABCABCABC"}, "#/alphabet", "bad-alphabet"),
            ({"count": 0}, "#/count", "min-value"),
            ({"expires_at": "2001-01-01T00:00:00Z"}, "#/expires_at", "ends-in-the-past"),
            ({"colour": "red"}, "#/colour", "unknown-field"),
        ],
    )
    def test_a_fault_is_named_by_its_pointer(
        self, client: PartnerClient, incentive: Incentive, change: dict[str, Any], pointer: str, code: str
    ) -> None:
        response = order(client, incentive, **{"count": 1_000, **change})
        assert response.status_code == 422
        assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
        assert not CodeBatch.objects.exists()

    def test_scopes(self, client: PartnerClient, incentive: Incentive) -> None:
        batch = made(order(client, incentive))
        reader = PartnerClient(partner_key(partner="reader", scopes=[Scope.CAMPAIGNS_READ])[1])
        assert reader.get(f"codes/batches/{batch.public_id}").status_code == 200
        assert len(reader.get("codes/batches").json()["results"]) == 1
        quoting = PartnerClient(partner_key(partner="quoting", scopes=[Scope.QUOTES])[1])
        assert quoting.get("codes/batches").status_code == 403
        assert reader.get(f"codes/batches/{batch.public_id}/codes.csv").status_code == 403
        assert order(reader, incentive).status_code == 403
        assert send(reader, incentive, "ABCDEF").status_code == 403
        assert client.get("codes/batches/nonsense").json()["code"] == "batch-unknown"


class TestExporting:
    def test_a_long_file_is_never_in_memory(self, incentive: Incentive) -> None:
        terms: dict[str, Any] = {"pattern": "####-####-####", "by": "x", "now": NOON}
        batch = operations.order_codes(incentive=incentive, count=30_000, **terms)
        operations.make_codes(batch_id=batch.pk, clock=lambda: NOON)
        sizes = []
        tracemalloc.start()
        try:
            with CaptureQueriesContext(connection) as asked:
                total = sum(len(piece) for piece in queries.codes_as_csv(batch))
            sizes.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert total > 30_000 * 16
        assert len(asked) == 7  # five thousand at a time
        assert sizes[0] < 8 * 1024 * 1024


def taken(client: PartnerClient, response: Any) -> Any:
    """What the batch of an accepted import says after a worker has had it."""
    assert response.status_code == 202, response.content
    body = response.json()
    assert (body["state"], body["made"], body["report"]) == ("waiting", 0, None)
    assert not Code.objects.filter(batch__public_id=body["id"]).exists()
    operations.import_codes(batch_id=CodeBatch.objects.get(public_id=body["id"]).pk, clock=lambda: NOON)
    assert not CodeFilePiece.objects.exists()
    return client.get(f"codes/batches/{body['id']}").json()


class TestImporting:
    def test_what_can_be_taken_is_taken_and_the_rest_is_reported(self, client: PartnerClient, incentive: Incentive) -> None:
        taken(client, send(client, incentive, "TAKEN-0001\n"))
        text = "id;Code\r\n1;WELCOME-0001\r\n2;welcome 0001\r\n3;AB1\r\n4;\r\n5;TAKEN0001\r\n6;BAD<CODE>1\r\n7;WELCOME-0002\r\n"
        body = taken(client, send(client, incentive, "\ufeff" + text, name="Old%20shop"))
        assert (body["name"], body["state"], body["count"], body["made"]) == ("Old shop", "done", 2, 2)
        assert (body["failure"], body["failure_code"]) == (None, None)
        assert body["report"] == {
            "lines": 7,
            "refused": 5,
            "by_reason": {"repeated": 1, "too-short": 1, "empty": 1, "taken": 1, "bad-characters": 1},
            "first": [
                {"line": 3, "reason": "repeated"}, {"line": 4, "reason": "too-short"}, {"line": 5, "reason": "empty"},
                {"line": 6, "reason": "taken"}, {"line": 7, "reason": "bad-characters"},
            ],
        }  # fmt: skip
        exported = rows(client.get(f"codes/batches/{body['id']}/codes.csv"))
        assert [row["code"] for row in exported] == ["WELCOME-0001", "WELCOME-0002"]

    def test_the_request_only_stores_the_file_sealed(self, client: PartnerClient, incentive: Incentive) -> None:
        response = send(client, incentive, "WELCOME-0001\n" * 3)
        stored = b"".join(bytes(body) for body in CodeFilePiece.objects.values_list("body", flat=True))
        assert len(stored) > 30
        assert b"WELCOME" not in stored
        assert taken(client, response)["made"] == 1

    def test_repeated_far_apart(self, client: PartnerClient, incentive: Incentive) -> None:
        lines = [f"CODE{n:06}" for n in range(_import_codes.PIECE + 10)]
        report = taken(client, send(client, incentive, "\n".join([*lines, lines[0]])))["report"]
        assert (report["lines"], report["by_reason"]) == (len(lines) + 1, {"repeated": 1})

    def test_the_same_file_again_is_replayed(self, client: PartnerClient, incentive: Incentive) -> None:
        first, second = (send(client, incentive, "WELCOME-0001\n", key="once") for _ in range(2))
        assert first.json() == second.json()
        assert send(client, incentive, "WELCOME-0009\n", key="once").json()["code"] == "idempotency-key-reused"
        assert send(client, incentive, "WELCOME-0001\n", key="once", name="x").json()["code"] == "idempotency-key-reused"
        assert CodeBatch.objects.count() == 1

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (b"\xff\xfe\x00A", "not-csv"),
            (b"A" * 20_000, "not-csv"),
            (b"WELCOME1\n" + b"B" * 20_000, "not-csv"),
            (b"WELCOME1\n" * 20_000 + b"\xff", "not-csv"),
            (b"AB\nCD\n", "nothing-to-import"),
            (b"", "nothing-to-import"),
            (b"code\n", "nothing-to-import"),
        ],
    )
    def test_of_what_is_no_list_of_codes_nothing_is_taken(
        self, client: PartnerClient, incentive: Incentive, text: bytes, code: str
    ) -> None:
        response = send(client, incentive, text)
        if not text:
            assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "empty")
            return
        body = taken(client, response)
        assert (body["state"], body["failure_code"], body["made"]) == ("failed", code, 0)
        assert body["failure"].endswith(".")
        assert not Code.objects.exists()

    def test_too_long_a_file_is_refused_unread(
        self, client: PartnerClient, incentive: Incentive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(operations, "MOST_IMPORTED_BYTES", 1_000)

        class Untouched(io.BytesIO):
            def read(self, *_size: int | None) -> bytes:
                raise AssertionError("The body was read.")

        response = client.client.generic(
            "POST",
            f"/api/v1/codes/batches/import?incentive={incentive.public_id}",
            b"WELCOME-0001\n" * 100,
            content_type="text/csv",
            headers={**client.headers, "Idempotency-Key": "1"},
            **{"wsgi.input": Untouched()},
        )
        assert (response.status_code, response.json()["code"]) == (413, "body-too-large")
        assert not CodeBatch.objects.exists()

    def test_other_bodies_are_refused(self, client: PartnerClient, incentive: Incentive) -> None:
        response = client.post(f"codes/batches/import?incentive={incentive.public_id}", {"code": "WELCOME-0001"})
        assert response.status_code == 415

    def test_terms_in_the_query_are_checked(self, client: PartnerClient, incentive: Incentive) -> None:
        for name, value in (("uses_per_code", "0"), ("colour", "red"), ("expires_at", "yesterday")):
            response = send(client, incentive, "WELCOME-0001\n", **{name: value})
            assert [error["pointer"] for error in response.json()["errors"]] == [f"#/{name}"]

    def test_refused_lines_are_counted_beyond_a_thousand(self, client: PartnerClient, incentive: Incentive) -> None:
        report = taken(client, send(client, incentive, "WELCOME-0001\n" + "AB\n" * 1_200))["report"]
        assert (report["refused"], len(report["first"])) == (1_200, 1_000)

    def test_an_import_is_cancelled_but_not_paused(self, client: PartnerClient, incentive: Incentive) -> None:
        path = f"codes/batches/{send(client, incentive, 'WELCOME-0001').json()['id']}"
        paused = client.post(f"{path}/pause")
        assert (paused.status_code, paused.json()["code"]) == (409, "wrong-batch-state")
        assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
        assert not CodeFilePiece.objects.exists()
        operations.import_codes(batch_id=CodeBatch.objects.get().pk, clock=lambda: NOON)
        assert not Code.objects.exists()

    def test_a_full_disk_is_said(self, client: PartnerClient, incentive: Incentive, full_disk: Any) -> None:
        client.client.raise_request_exception = False
        with full_disk("campaigns_codefilepiece"):
            response = send(client, incentive, "WELCOME-0001\n")
        assert (response.status_code, response.json()["code"]) == (503, "storage-full")
        assert response["Retry-After"]
        assert not CodeBatch.objects.exists()
