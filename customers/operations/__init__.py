"""The verbs of customers."""

from ._consent import (
    UNCHANGED,
    WORDING,
    Choice,
    move_consent,
    opt_in,
    opt_out,
    put_consent_back,
    record_consent,
    set_preferences,
)
from ._identify import identify
from ._learn import learn
from ._track import track

__all__ = [
    "UNCHANGED",
    "WORDING",
    "Choice",
    "identify",
    "learn",
    "move_consent",
    "opt_in",
    "opt_out",
    "put_consent_back",
    "record_consent",
    "set_preferences",
    "track",
]
