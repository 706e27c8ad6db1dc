"""Pages about customers."""

from .admission import READERS
from .data_requests import data_requests, settle_data_request
from .events import live_events, send_again
from .identity import change_identity, identity
from .imports import change_import, customer_import, export_list, import_report, imports
from .search import search

__all__ = [
    "READERS",
    "change_identity",
    "change_import",
    "customer_import",
    "data_requests",
    "export_list",
    "identity",
    "import_report",
    "imports",
    "live_events",
    "search",
    "send_again",
    "settle_data_request",
]
