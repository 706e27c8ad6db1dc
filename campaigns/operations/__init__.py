"""The verbs of campaigns and their refusals."""

from ._draft import KEEP, REVISABLE, draft, revise
from ._grant import NotGrantable, NotHeld, expire_grants, grant, withdraw
from ._incentives import CodeTaken, add_incentive, remove_incentive, revise_incentive
from ._lifecycle import advance, end, launch, obstacles, pause, resume, target_audience
from ._limits import Demand, consume, restore
from ._problems import WrongStatus, invalid, understood
from ._use import give_back_grants, use_grants

__all__ = [
    "KEEP",
    "REVISABLE",
    "CodeTaken",
    "Demand",
    "NotGrantable",
    "NotHeld",
    "WrongStatus",
    "add_incentive",
    "advance",
    "consume",
    "draft",
    "end",
    "expire_grants",
    "give_back_grants",
    "grant",
    "invalid",
    "launch",
    "obstacles",
    "pause",
    "remove_incentive",
    "restore",
    "resume",
    "revise",
    "revise_incentive",
    "target_audience",
    "understood",
    "use_grants",
    "withdraw",
]
