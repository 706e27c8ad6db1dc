"""Where the embedded PostgreSQL and Valkey listen: Unix sockets below the data folder, no TCP.

Imported by the settings, so it starts nothing and imports nothing but the standard library.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

PROJECT = Path(__file__).resolve().parent.parent.parent
LONGEST_SOCKET_FOLDER = 80  # a Unix socket path has at most 107 bytes, and the server adds its own file name


def data_folder() -> Path:
    """The folder of everything the installation writes: ``VAR_DIR``, else ``var`` beside ``manage.py``."""
    return Path(os.environ.get("VAR_DIR") or PROJECT / "var").resolve()


def socket_folder(home: Path) -> Path:
    """The folder of a service's socket: below its home, or a short one in the temporary folder when that path is too long."""
    folder = home.resolve() / "sock"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    return Path(tempfile.gettempdir()) / ("incentives-" + hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12])


def postgres_url(home: Path, database: str = "incentives") -> str:
    return f"postgresql://postgres@/{database}?host={quote(str(socket_folder(home)))}&port=5432"


def valkey_url(home: Path) -> str:
    return f"unix://{socket_folder(home) / 'valkey.sock'}"


def local_database_url(var: Path) -> str:
    return postgres_url(var / "pg")


def local_redis_url(var: Path) -> str:
    return valkey_url(var / "valkey")
