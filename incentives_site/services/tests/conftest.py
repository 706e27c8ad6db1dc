"""A folder for servers."""

import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def folder():
    """Like ``tmp_path``, but open to pass through: where root runs PostgreSQL as another user, that user has to."""
    made = Path(tempfile.mkdtemp(prefix="incentives-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)
