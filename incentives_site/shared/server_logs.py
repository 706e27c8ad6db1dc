"""How gunicorn logs: addresses without their secrets, visitors without their network address.

``gunicorn.conf.py`` names it, so every way of starting the web uses it. There is no access log unless one is asked for: the
application writes a line for each request itself.
"""

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

from .masking import masked_message, masked_path

ACCESS_FORMAT = '%(t)s "%(m)s %(U)s %(H)s" %(s)s %(B)s bytes %(M)s ms'
# What a format may ask for: neither headers, cookies, referrer and browser, nor who it was.
_SHOWN = ("t", "s", "m", "H", "b", "B", "T", "D", "M", "L", "p")
_VISITOR = re.compile(r"\bip=\S+")


class WithoutSecrets(logging.Filter):
    """Masks a record for every handler: the message and the text of its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _VISITOR.sub("ip=…", masked_message(record.getMessage())), None
        if record.exc_info:
            record.exc_text = masked_message(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


class MaskingLogger(Logger):
    """gunicorn's logger; set as ``logger_class``."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            if not any(isinstance(one, WithoutSecrets) for one in log.filters):
                log.addFilter(WithoutSecrets())

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        """What an access log may say, whatever its format asks for; the rest reads as ``-``."""
        given = super().atoms(resp, req, environ, request_time)
        path = masked_path(given["U"] or "")
        shown = {name: given[name] for name in _SHOWN}
        return {**shown, "U": path, "r": f"{given['m']} {path} {given['H']}", "q": ""}
