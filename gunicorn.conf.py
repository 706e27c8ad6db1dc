"""How the web is served. gunicorn reads this file by itself where it is started in this folder; options of a command line win."""

import os

from incentives_site.shared.server_logs import ACCESS_FORMAT, MaskingLogger

host = os.environ.get("HOST") or "127.0.0.1"
bind = f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT') or '8000'}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
control_socket_disable = True

# The application logs every request, without secrets. An access log that is asked for has none either (docs/secrets.md#logs).
logger_class = MaskingLogger
accesslog = None
access_log_format = ACCESS_FORMAT

# --- Limits -------------------------------------------------------------------------------------------------------------
# A statement of a page or call that takes longer is ended by PostgreSQL, and the answer is 503. Workers and commands have none.
os.environ.setdefault("STATEMENT_TIMEOUT", "25")
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
