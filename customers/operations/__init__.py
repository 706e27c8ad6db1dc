"""The verbs of customers."""

from ._consent import (
    CONSENT,
    UNCHANGED,
    WORDING,
    Choice,
    Wanted,
    change_preferences,
    move_consent,
    opt_in,
    opt_out,
    put_consent_back,
    record_consent,
    set_preferences,
    today_of,
)
from ._holdings import Holding, Moving, holdings, register, rows
from ._identify import identify
from ._ingest import NotJson, keep, replay, take
from ._learn import learn
from ._merge import CannotMerge, CannotSplit, Preview, follow_up_merges, merge, preview_merge, split
from ._partitions import tend_partitions
from ._process import Processed, process_events
from ._resolve import Resolved, Signal, resolve_all
from ._track import track

__all__ = [
    "CONSENT",
    "UNCHANGED",
    "WORDING",
    "CannotMerge",
    "CannotSplit",
    "Choice",
    "Holding",
    "Moving",
    "NotJson",
    "Preview",
    "Processed",
    "Resolved",
    "Signal",
    "Wanted",
    "change_preferences",
    "follow_up_merges",
    "holdings",
    "identify",
    "keep",
    "learn",
    "merge",
    "move_consent",
    "opt_in",
    "opt_out",
    "preview_merge",
    "process_events",
    "put_consent_back",
    "record_consent",
    "register",
    "replay",
    "resolve_all",
    "rows",
    "set_preferences",
    "split",
    "take",
    "tend_partitions",
    "today_of",
    "track",
]
