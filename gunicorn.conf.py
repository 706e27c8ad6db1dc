"""How gunicorn serves the site; found by itself in the working folder (``docs/limits.md``, ``docs/self-hosting.md``)."""

import os

# --- Limits -------------------------------------------------------------------------------------------------------------
# A statement of a page or call that takes longer is ended by PostgreSQL, and the answer is 503. Workers and commands have none.
os.environ.setdefault("STATEMENT_TIMEOUT", "25")
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
# Seconds in which a worker process must show that it lives. Threads that wait for a slow client do not count against it.
timeout = 30
graceful_timeout = 10
# Idle connections are closed soon: the proxy keeps its own.
keepalive = 5
# A worker is replaced now and then, not all at once.
max_requests = 10_000
max_requests_jitter = 1_000
# Connections of one worker, and those that the system holds while all threads are busy.
worker_connections = 1_000
backlog = 2_048
limit_request_line = 4_094
limit_request_fields = 60
limit_request_field_size = 8_190
