"""Who somebody is in the directory. ``employee_of`` is the one answer to it, wherever that opens something.

It rests on what the person confirmed (``operations.confirm``), and never on an address that is the same somewhere.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db.models import OuterRef, Q, QuerySet, Subquery

from incentives_site.accounts.backend import SECOND_FACTORS
from incentives_site.accounts.models import User

from .. import sealing
from ..models import Binding, BindingEvent, BindingRequest, Change, Employee, MeetingSeat
from ..rules.addresses import looks_alike, normalised
from ..rules.bindings import Standing

log = structlog.get_logger(__name__)


def employee_of(user: Any) -> Employee | None:
    """The employee this account belongs to: confirmed, not on hold, and active. With the department. One query."""
    found = binding_of(user)
    return found.employee if found and not found.held_at and found.employee.is_active else None


def binding_of(user: Any) -> Binding | None:
    """The account's live binding, also one that is on hold; ``None`` for a row that does not match its mark or the audit log.

    Such a row was written past the product, or comes from an older copy of the database.
    """
    found = _live(account=getattr(user, "pk", None))
    if found is not None and not is_genuine(found):
        log.warning("binding_not_genuine", binding=str(found.public_id))
        return None
    return found


def live_row_of(user: Any) -> Binding | None:
    """The account's live row, genuine or not."""
    return _live(account=getattr(user, "pk", None))


def binding_of_employee(employee: Employee) -> Binding | None:
    """The same, from the other side."""
    found = _live(employee=employee.pk)
    return found if found is not None and is_genuine(found) else None


def bindings_of_employees(employees: Iterable[int]) -> dict[int, Binding]:
    """Genuine live bindings by the employee's id; one query."""
    rows = _with_newest(Binding.objects.filter(employee__in=set(employees), ended_at=None)).select_related("employee", "account")
    return {row.employee_id: row for row in rows if is_genuine(row)}


def _live(**who: int | None) -> Binding | None:
    if None in who.values():
        return None
    rows = _with_newest(Binding.objects.filter(ended_at=None, **who))
    return rows.select_related("employee__department", "account").first()


def _with_newest(rows: QuerySet[Binding]) -> QuerySet[Binding]:
    confirmed = BindingEvent.objects.filter(employee=OuterRef("employee"), kind=Change.CONFIRMED)
    return rows.annotate(newest=Subquery(confirmed.order_by("-id").values("binding")[:1]))


def is_genuine(binding: Binding) -> bool:
    """Whether the product wrote this row, and it is the last one that was confirmed for its employee."""
    is_newest = getattr(binding, "newest", None) == binding.public_id
    return is_newest and binding.account_id == binding.account_key and _has_mark(binding)


def _has_mark(binding: Binding) -> bool:
    return sealing.is_mark(binding.mark, mark_of(binding))


def mark_of(binding: Binding) -> bytes:
    return sealing.binding_mark(
        binding.public_id,
        binding.account_key,
        binding.employee_id,
        binding.address,
        binding.is_proven,
        _instant(binding.confirmed_at),
        _instant(binding.held_at),
        binding.access_version,
        binding.confirmed_version,
        bytes(binding.access).hex(),
    )


def mark_of_seat(seat: MeetingSeat) -> bytes:
    return sealing.binding_mark("seat", seat.series_id, seat.side, seat.binding_id, seat.access_version, seat.is_open)


def _instant(at: datetime.datetime | None) -> str:
    return at.astimezone(datetime.UTC).isoformat() if at else ""


def standing_of(binding: Binding) -> Standing:
    return Standing(
        access_version=binding.access_version,
        confirmed_version=binding.confirmed_version,
        is_proven=binding.is_proven,
        is_held=binding.held_at is not None,
    )


# --- How an account signs in ------------------------------------------------------------------------------------------------


def access_of(account: int) -> bytes:
    """A keyed hash of how this account signs in, as the database has it now: address, password, second factors."""
    row = User.objects.filter(pk=account).values_list("email", "password").first() or ("", "")
    factors = Authenticator.objects.filter(user=account, type__in=SECOND_FACTORS).order_by("pk").values_list("pk", "type")
    return sealing.access_mark(account, normalised(row[0]), row[1], *factors, *further_addresses(account, row[0]))


def further_addresses(account: int, *own: str) -> list[str]:
    """Addresses that sign in to the account, or reset its password, beside those that are the owner's."""
    known = set(map(normalised, own))
    found = EmailAddress.objects.filter(user=account).order_by("email").values_list("email", flat=True)
    return [address for address in map(normalised, found) if address not in known]


# --- Asking ------------------------------------------------------------------------------------------------------------------


def employees_at(address: str) -> list[Employee]:
    """Active employees whose address in the directory is this one, after normalising both. Only ever a suggestion."""
    wanted = normalised(address)
    if not wanted or looks_alike(wanted):
        return []
    found = Employee.objects.filter(email__iexact=wanted, is_active=True).select_related("department").order_by("pk")
    return [employee for employee in found if normalised(employee.email) == wanted]


def suggestion_for(user: Any) -> Employee | None:
    """“Is this you?”: the only employee with the account's address, while no account is confirmed as them."""
    found = employees_at(user.email)
    return found[0] if len(found) == 1 and not Binding.objects.filter(employee=found[0], ended_at=None).exists() else None


def first_known_address(employee: Employee) -> str:
    """The address that the directory had when the employee's first one-on-one was arranged; empty without one."""
    found = BindingEvent.objects.filter(employee=employee, kind=Change.NOTED).order_by("id").values_list("new", flat=True)
    return found.first() or ""


def last_binding_of(employee: Employee) -> Binding | None:
    """The live one, or the one that ended last; rows without their mark do not count."""
    return next(filter(_has_mark, Binding.objects.filter(employee=employee).order_by("-confirmed_at", "-id")), None)


def address_to_confirm(employee: Employee) -> str:
    """Where links go: to the address that was confirmed last, else to the one in the directory."""
    last = last_binding_of(employee)
    return last.address if last else employee.email


def waiting_request(user: Any, now: datetime.datetime) -> BindingRequest | None:
    """The link this account has asked for and not opened."""
    return BindingRequest.objects.filter(account=user.pk, used_at=None, expires_at__gt=now).order_by("-id").first()


# --- Reading the log ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """What HR or an operator looks for: part of a name, key or address; a kind of change."""

    text: str = ""
    kind: str = ""


def confirmed_accounts(search: Search) -> QuerySet[Binding]:
    """Live bindings, by name."""
    found = Binding.objects.filter(ended_at=None).select_related("employee", "account").order_by("employee__name", "pk")
    return found.filter(_about(search.text, "address")) if search.text else found


def changes(search: Search) -> QuerySet[BindingEvent]:
    """The audit log, the newest first."""
    found = BindingEvent.objects.select_related("employee").order_by("-id")
    if search.kind in Change.values:
        found = found.filter(kind=search.kind)
    return found.filter(_about(search.text, "old") | Q(new__icontains=search.text)) if search.text else found


def _about(text: str, address: str) -> Q:
    names = ("employee__name", "employee__key", "employee__email", "account_address", address)
    wanted = Q()
    for name in names:
        wanted |= Q(**{f"{name}__icontains": text})
    return wanted


def newest_changes(bindings: Iterable[Binding], kinds: Iterable[Change]) -> dict[uuid.UUID, BindingEvent]:
    """The newest line of these kinds for each binding; one query."""
    wanted = [binding.public_id for binding in bindings]
    rows = BindingEvent.objects.filter(binding__in=wanted, kind__in=list(kinds)).select_related("employee").order_by("id")
    return {row.binding: row for row in rows if row.binding}


def history_of(employee: Employee, most: int = 20) -> Sequence[BindingEvent]:
    """The newest lines of the audit log about this employee."""
    return list(BindingEvent.objects.filter(employee=employee).order_by("-id")[:most])
