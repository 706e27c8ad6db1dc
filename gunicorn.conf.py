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
