"""Campaign pages and the public wallet."""

from .detail import detail
from .lists import campaign_list
from .wallet import wallet

__all__ = ["campaign_list", "detail", "wallet"]
