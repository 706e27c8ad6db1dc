"""The verbs of campaigns and their refusals."""

from ._batches import (
    TextsForgotten,
    WrongBatchState,
    begin_export,
    cancel_batch,
    make_codes,
    order_codes,
    pause_batch,
    resume_batch,
    shape_of,
    tidy_batches,
    unfinished_batches,
)
from ._decide import TooComplex, bounded, decide
from ._draft import KEEP, draft, revise
from ._grant import NotGrantable, NotHeld, OptedOut, expire_grants, grant, withdraw
from ._groups import GroupTerms, check_group, define_group, revise_group
from ._holdings import TARGETED, WALLET
from ._import_codes import MOST_BYTES as MOST_IMPORTED_BYTES
from ._import_codes import import_codes, order_import, unfinished_imports
from ._incentives import CodeTaken, GivenByOthers, add_incentive, add_incentives, remove_incentive, revise_incentive
from ._lifecycle import advance, end, launch, obstacles, pause, resume, target_audience
from ._limits import Demand, as_parameter, consume, consuming, merged, restore
from ._links import ask_for_links, send_links
from ._problems import WrongStatus, invalid, understood
from ._rename_subject import rename_subject
from ._taking import REVISABLE, check_revisable
from ._terms import LIMITS, Terms, fresh_terms, terms_of
from ._use import give_back_codes, give_back_grants, release_grants, reserve_grants, use_codes, use_grants
from ._wrong_codes import CodeGuard, TooManyWrongCodes

__all__ = [
    "KEEP",
    "LIMITS",
    "MOST_IMPORTED_BYTES",
    "REVISABLE",
    "TARGETED",
    "WALLET",
    "CodeGuard",
    "CodeTaken",
    "Demand",
    "GivenByOthers",
    "GroupTerms",
    "NotGrantable",
    "NotHeld",
    "OptedOut",
    "Terms",
    "TextsForgotten",
    "TooComplex",
    "TooManyWrongCodes",
    "WrongBatchState",
    "WrongStatus",
    "add_incentive",
    "add_incentives",
    "advance",
    "as_parameter",
    "ask_for_links",
    "begin_export",
    "bounded",
    "cancel_batch",
    "check_group",
    "check_revisable",
    "consume",
    "consuming",
    "decide",
    "define_group",
    "draft",
    "end",
    "expire_grants",
    "fresh_terms",
    "give_back_codes",
    "give_back_grants",
    "grant",
    "import_codes",
    "invalid",
    "launch",
    "make_codes",
    "merged",
    "obstacles",
    "order_codes",
    "order_import",
    "pause",
    "pause_batch",
    "release_grants",
    "remove_incentive",
    "rename_subject",
    "reserve_grants",
    "restore",
    "resume",
    "resume_batch",
    "revise",
    "revise_group",
    "revise_incentive",
    "send_links",
    "shape_of",
    "target_audience",
    "terms_of",
    "tidy_batches",
    "understood",
    "unfinished_batches",
    "unfinished_imports",
    "use_codes",
    "use_grants",
    "withdraw",
]
