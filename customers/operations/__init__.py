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
from ._erase import erase, erase_events, erase_identities, erase_purchases, lift_suppression, marks_of_purchases
from ._export import export
from ._holdings import Erasing, Holding, Moving, as_rows, holdings, register, rows
from ._identify import Suppressed, identify
from ._ingest import NotJson, keep, replay, take
from ._insight import refresh_all, refresh_insight
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
    "Erasing",
    "Holding",
    "Moving",
    "NotJson",
    "Preview",
    "Processed",
    "Resolved",
    "Signal",
    "Suppressed",
    "Wanted",
    "as_rows",
    "change_preferences",
    "erase",
    "erase_events",
    "erase_identities",
    "erase_purchases",
    "export",
    "follow_up_merges",
    "holdings",
    "identify",
    "keep",
    "learn",
    "lift_suppression",
    "marks_of_purchases",
    "merge",
    "move_consent",
    "opt_in",
    "opt_out",
    "preview_merge",
    "process_events",
    "put_consent_back",
    "record_consent",
    "refresh_all",
    "refresh_insight",
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
