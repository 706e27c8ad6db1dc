"""Codes of another system, over the pages: stored by the request, taken by the worker, reported line by line."""

import errno
import io
import os
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import operations
from campaigns.models import BatchState, CodeBatch, CodeFile, CodeFilePiece, Incentive
from campaigns.tests.factories import IncentiveFactory
from incentives_site.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer() -> User:
    user = User.objects.create_user("mara@example.com")
    user.groups.add(Group.objects.get(name="marketer"))
    return user


@pytest.fixture
def incentive() -> Incentive:
    return IncentiveFactory(claim="code")


def address(name: str, incentive: Incentive, *more: object) -> str:
    return reverse(f"campaigns:{name}", args=[incentive.campaign.public_id, incentive.public_id, *more])


def imported(incentive: Incentive, body: bytes) -> CodeBatch:
    """Sent, and not yet in the hand of a worker."""
    return operations.order_import(incentive=incentive, file=io.BytesIO(body), size=len(body), by="user:1", now=timezone.now())


def test_an_import_is_taken_by_the_worker_and_reported(client: Client, marketer: Any, incentive: Incentive) -> None:
    client.force_login(marketer)

    def send(content: bytes) -> CodeBatch:
        file = SimpleUploadedFile("codes.csv", content, "text/csv")
        shown = client.post(address("codes-import", incentive), {"file": file, "uses_per_code": "1"}, follow=True)
        assert "The file is stored. Its lines are being read." in shown.content.decode()
        assert "Look again" in shown.content.decode()
        return CodeBatch.objects.get(state=BatchState.WAITING)

    def worked(batch: CodeBatch) -> str:
        operations.import_codes(batch_id=batch.pk, clock=timezone.now)
        return client.get(address("code-batch", incentive, batch.public_id)).content.decode()

    shown = worked(send(b"code\nWELCOME-0001\nWELCOME-0001\nAB\n"))
    assert "Of 3 lines, 1 were taken and 2 refused." in shown
    assert "The code stands earlier in the file." in shown
    assert "1 of 1" in shown
    assert "The file is not CSV in UTF-8." in worked(send(b"\xff\xfe\x00"))
    shown = worked(send(b"AB\n"))
    assert "None of the lines could be imported." in shown
    assert "Of 1 lines, 0 were taken and 1 refused." in shown
    assert not CodeFilePiece.objects.exists()


def test_an_import_under_way_shows_how_far_it_is(client: Client, marketer: Any, incentive: Incentive) -> None:
    client.force_login(marketer)
    batch = imported(incentive, b"WELCOME-0001\n" * 7)
    CodeBatch.objects.filter(pk=batch.pk).update(state=BatchState.RUNNING)
    CodeFile.objects.update(position=3, lines=7)
    shown = client.get(address("code-batch", incentive, batch.public_id)).content.decode()
    assert "3 of 7 lines" in shown
    assert "Pause" not in shown
    client.post(address("code-batch-cancel", incentive, batch.public_id))
    assert not CodeFile.objects.exists()


def test_too_large_a_file_is_refused_unread(client: Client, marketer: Any, incentive: Incentive) -> None:
    client.force_login(marketer)

    class Untouched(io.BytesIO):
        def read(self, *_size: int | None) -> bytes:
            raise AssertionError("The body was read.")

    for path, most in ((address("codes-import", incentive), 20), (address("codes-new", incentive), 5)):
        refused = client.generic(
            "POST",
            path,
            b"x",
            content_type="multipart/form-data; boundary=x",
            CONTENT_LENGTH=str((most + 1) * 1024 * 1024),
            **{"wsgi.input": Untouched()},
        )
        assert refused.status_code == 413
        assert f"A file here has at most {most} MB." in refused.content.decode()


def test_a_full_disk_is_said(
    client: Client, marketer: Any, incentive: Incentive, full_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(marketer)
    client.raise_request_exception = False

    def send() -> Any:
        file = SimpleUploadedFile("codes.csv", b"WELCOME-0001\n" * 300_000, "text/csv")
        return client.post(address("codes-import", incentive), {"file": file, "uses_per_code": "1"})

    with full_disk("campaigns_codefilepiece"):
        in_the_database = send()

    def full(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # Django writes what is longer than 2.5 MB to a temporary file.
    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)
    for answer in (in_the_database, send()):
        assert answer.status_code == 503
        assert "no room left" in answer.content.decode()
        assert answer["Retry-After"]
    assert not CodeBatch.objects.exists()
