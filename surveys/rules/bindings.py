"""Who is taken for an employee, and when a seat at a one-on-one opens (``docs/surveys.md``, Who is who).

Everything that an operator or HR can change is an input here; none of it opens anything by itself.
"""

import datetime
import enum
from dataclasses import dataclass

LINK_DAYS = datetime.timedelta(days=7)
MOST_LINKS = 5  # in a day, that one account asks for
MOST_LINKS_TO_ONE = 20  # in a day, to one employee: a colleague who asks in vain must not use up what the owner needs


class Refusal(enum.StrEnum):
    """Why a link confirms nothing. The values are the codes of refusals."""

    ANOTHER_ACCOUNT = "link-of-another-account"
    USED = "link-used"
    EXPIRED = "link-expired"
    OUTDATED = "link-outdated"
    INACTIVE = "employee-inactive"
    IS_ANOTHER = "account-is-another"
    FURTHER_ADDRESS = "further-address"
    PASSWORD = "password-not-yours"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Link:
    """A link and what has become of both sides since it was sent."""

    is_own: bool
    is_used: bool
    expires_at: datetime.datetime
    is_current_address: bool
    employee_is_active: bool
    account_is_another: bool
    has_further_address: bool
    has_own_password: bool


def why_not(link: Link, now: datetime.datetime) -> Refusal | None:
    """Why this link must not confirm the account; ``None`` when it may. Who it belongs to is looked at first, so that another
    account learns nothing of its state.
    """
    wrong = (
        (not link.is_own, Refusal.ANOTHER_ACCOUNT),
        (link.is_used, Refusal.USED),
        (now >= link.expires_at, Refusal.EXPIRED),
        (not link.is_current_address, Refusal.OUTDATED),
        (not link.employee_is_active, Refusal.INACTIVE),
        (link.account_is_another, Refusal.IS_ANOTHER),
        (link.has_further_address, Refusal.FURTHER_ADDRESS),
        (not link.has_own_password, Refusal.PASSWORD),
    )
    return next((refusal for is_wrong, refusal in wrong if is_wrong), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a binding when a seat is decided."""

    access_version: int
    confirmed_version: int
    is_proven: bool
    is_held: bool

    @property
    def is_settled(self) -> bool:
        """No one else has changed how its owner signs in since the owner last opened a link sent to the confirmed address."""
        return not self.is_held and self.access_version == self.confirmed_version


def may_vouch(standing: Standing, *, own_seat_is_open: bool) -> bool:
    """Whether this participant's agreement opens the other's seat.

    Whoever sits at the meeting may always say so. Where both seats are closed, only someone whose account is settled and was
    confirmed from the address first known may: or an operator who took over both accounts would let one vouch for the other.
    """
    return own_seat_is_open or (standing.is_settled and standing.is_proven)
