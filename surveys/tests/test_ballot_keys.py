"""Who can open ballots: while a wave is open somebody with all three parts, afterwards nobody."""

import base64
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet
from django.db import connection
from psycopg import sql

from surveys import ballot_keys, operations, sealing
from surveys.models import Ballot, Wave, WaveState
from surveys.tests.factories import EmployeeFactory, SurveyFactory, answered, opened

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.SURVEY_KEYS_DIR = tmp_path / "keys"
    return tmp_path / "keys"


@pytest.fixture
def wave(folder: Path) -> Wave:
    EmployeeFactory.create_batch(8)
    found = opened()
    for score in (9, 3, 7, 10, 0, 8):
        answered(found, {"score": score})
    return found


def everything_in_the_database(wave: Wave) -> tuple[bytes, list[bytes]]:
    return bytes(wave.sealed_key or b""), [
        bytes(row) for row in Ballot.objects.filter(wave=wave).values_list("sealed", flat=True)
    ]


def test_a_copy_of_the_database_opens_nothing_once_the_wave_is_counted(
    wave: Wave, django_capture_on_commit_callbacks: Any
) -> None:
    """Taken while it was open, with CODES_KEY known: the other half of the key is destroyed."""
    key, ballots = everything_in_the_database(wave)
    assert len(ballots) == 6
    with django_capture_on_commit_callbacks(execute=True):
        assert operations.close_wave(wave=wave, now=wave.closes_at)
    with pytest.raises(ballot_keys.KeyLost):
        sealing.open_ballots(wave.public_id, key, ballots)
    assert ballot_keys.kept() == {}


def test_a_copy_of_the_database_opens_nothing_without_the_folder(wave: Wave, settings: Any, tmp_path: Path) -> None:
    key, ballots = everything_in_the_database(wave)
    settings.SURVEY_KEYS_DIR = tmp_path / "elsewhere"
    with pytest.raises(ballot_keys.KeyLost):
        sealing.open_ballots(wave.public_id, key, ballots)


def test_the_folder_opens_nothing_without_codes_key(wave: Wave, settings: Any) -> None:
    key, ballots = everything_in_the_database(wave)
    settings.CODES_KEY = "another"
    with pytest.raises(InvalidTag):
        sealing.open_ballots(wave.public_id, key, ballots)


def test_the_private_key_is_nowhere_in_the_database(wave: Wave, folder: Path) -> None:
    part = (folder / str(wave.public_id)).read_bytes()
    private = ballot_keys.private_key(wave.public_id).private_bytes_raw()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            cells = [bytes(cell) for row in cursor.fetchall() for cell in row if isinstance(cell, memoryview | bytes)]
            assert not any(secret in cell for secret in (part, private) for cell in cells)


def test_the_file_is_for_its_owner_alone(wave: Wave, folder: Path) -> None:
    assert (folder.stat().st_mode & 0o777, (folder / str(wave.public_id)).stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_ballot_that_was_changed_is_not_opened(wave: Wave) -> None:
    key, (first, *_others) = everything_in_the_database(wave)
    with pytest.raises(InvalidTag):
        sealing.open_ballots(wave.public_id, key, [first[:-1] + bytes([first[-1] ^ 1])])


def test_a_long_comment_does_not_show_in_the_length(wave: Wave) -> None:
    answered(wave, {"score": 5}, {"score": "long " * 1_000})
    assert len({len(ballot) for ballot in everything_in_the_database(wave)[1]}) == 1


def test_a_wave_whose_key_is_missing_waits_and_the_others_are_closed(wave: Wave, folder: Path, settings: Any) -> None:
    settings.SURVEY_REST_DAYS = 0
    other = opened(SurveyFactory(), at=wave.opens_at)
    file = folder / str(wave.public_id)
    part = file.read_bytes()
    file.unlink()
    assert operations.advance_surveys(now=wave.closes_at).closed == 1
    assert set(Wave.objects.values_list("pk", "state")) == {(wave.pk, WaveState.OPEN), (other.pk, WaveState.PUBLISHED)}
    assert Ballot.objects.filter(wave=wave).count() == 6, "nothing is lost"
    file.write_bytes(part)
    assert operations.advance_surveys(now=wave.closes_at).closed == 1
    wave.refresh_from_db()
    assert wave.results["answered"] == 6


def test_where_the_key_cannot_be_written_no_wave_opens(folder: Path) -> None:
    EmployeeFactory.create_batch(8)
    folder.write_text("not a folder")
    with pytest.raises(operations.CannotOpen):
        opened()
    assert not Wave.objects.exists()


def test_files_that_a_crash_left_behind_are_removed_and_those_of_open_waves_stay(wave: Wave) -> None:
    orphan = uuid.uuid4()
    ballot_keys.create(orphan)
    operations.purge_surveys(now=wave.closes_at)
    assert set(ballot_keys.kept()) == {wave.public_id, orphan}, "it may be of a wave that is being opened"
    for key in (orphan, wave.public_id):
        os.utime(ballot_keys._file(key), (0, wave.closes_at.timestamp() - 2 * DAY))
    operations.purge_surveys(now=wave.closes_at)
    assert set(ballot_keys.kept()) == {wave.public_id}


def test_a_wave_that_was_open_when_keys_left_the_database_is_counted(wave: Wave) -> None:
    before = Fernet(base64.urlsafe_b64encode(sealing._derived("wave keys"))).encrypt(Fernet.generate_key())
    Ballot.objects.filter(wave=wave).delete()
    wave.invitations.update(is_used=False)
    Wave.objects.filter(pk=wave.pk).update(sealed_key=before)
    wave.refresh_from_db()
    for score in (9, 3, 7, 10, 0):
        answered(wave, {"score": score})
    assert operations.close_wave(wave=wave, now=wave.closes_at)
    wave.refresh_from_db()
    assert wave.results["answered"] == 5
