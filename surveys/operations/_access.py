"""What happens to a confirmed account and to an employee: the binding never moves; what anyone but the owner does closes seats.

``surveys.listening`` calls these for every change it hears of. ``binding_in_use`` finds the others, before anything is opened.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from incentives_site.accounts.models import User

from .. import queries, sealing
from ..models import Binding, BindingEvent, Change, Employee, OneOnOne
from ._notices import record, tell, tell_participants

HOLDS = frozenset({Change.ACCOUNT_ADDRESS, Change.FURTHER_ADDRESS})


def save_binding(binding: Binding, **changes: object) -> None:
    """Write a live binding with its mark. Whoever changes one holds its lock."""
    for name, value in changes.items():
        setattr(binding, name, value)
    binding.mark = queries.mark_of(binding)
    binding.save()


def locked_binding(**which: object) -> Binding | None:
    """The live binding, locked; ``None`` where the row is not genuine."""
    rows = Binding.objects.select_for_update(of=("self",)).select_related("employee").filter(ended_at=None, **which)
    found = rows.first()
    genuine = queries.binding_of_employee(found.employee) if found else None
    return found if genuine is not None and found is not None and genuine.pk == found.pk else None


def binding_in_use(*, user: User, now: datetime.datetime) -> Binding | None:
    """The account's binding, after noticing what no code of ours saw: a script, a restored row, a row from elsewhere."""
    found = queries.binding_of(user)
    if found is None:
        row = queries.live_row_of(user)
        if row is not None:
            _notice_row(row, now)
        return None
    if not sealing.is_mark(found.access, queries.access_of(user.pk)):
        access_changed(account=user.pk, kind=Change.OUTSIDE, by="system", now=now)
        return queries.binding_of(user)
    return found


def is_access_as_noted(*, account: int) -> bool:
    """Whether the account signs in as its live binding has noted; true without one."""
    row = Binding.objects.filter(account=account, ended_at=None).first()
    return row is None or sealing.is_mark(row.access, queries.access_of(account))


@transaction.atomic
def _notice_row(row: Binding, now: datetime.datetime) -> None:
    """Once for each row: it is looked at again with every page."""
    if BindingEvent.objects.filter(employee=row.employee, kind=Change.TAMPERED, binding=row.public_id).exists():
        return
    event = record(Change.TAMPERED, employee=row.employee, binding=row, now=now, by="system")
    last = BindingEvent.objects.filter(employee=row.employee, kind=Change.CONFIRMED).order_by("-id").first()
    known = [last.account_address, last.new] if last else []
    tell(event, [row.account_address, row.address, row.employee.email, *known], language=row.employee.language)


@transaction.atomic
def access_changed(
    *, account: int, kind: Change, by: str, now: datetime.datetime, old: str = "", new: str = "", also: Sequence[str] = ()
) -> None:
    """Anyone but the owner changed how the account signs in: every seat of its binding closes, and both sides are told.

    A change of address also puts the binding on hold, until its owner confirms it from the address that was confirmed before.
    """
    binding = locked_binding(account=account)
    if binding is None:
        return
    held = {"held_at": binding.held_at or now} if kind in HOLDS else {}
    address = {"account_address": new} if kind == Change.ACCOUNT_ADDRESS else {}
    save_binding(binding, access_version=binding.access_version + 1, access=queries.access_of(account), **held, **address)
    event = record(kind, employee=binding.employee, binding=binding, now=now, by=by, old=old, new=new)
    tell(event, [binding.address, binding.account_address, old, *also], language=binding.employee.language)
    tell_participants(event, binding)


@transaction.atomic
def access_renewed(*, account: int) -> None:
    """The owner changed how the account signs in: seats stay as they are."""
    binding = locked_binding(account=account)
    if binding is not None:
        save_binding(binding, access=queries.access_of(account))


@transaction.atomic
def account_deactivated(*, account: int, by: str, now: datetime.datetime) -> None:
    binding = locked_binding(account=account)
    if binding is not None:
        event = record(Change.ACCOUNT_OFF, employee=binding.employee, binding=binding, now=now, by=by)
        tell(event, [binding.address, binding.account_address], language=binding.employee.language)


@transaction.atomic
def account_deleted(*, account: int, by: str, now: datetime.datetime) -> None:
    """The binding ends. The next account of this employee is confirmed from the address that was confirmed last."""
    binding = (
        Binding.objects.select_for_update(of=("self",)).select_related("employee").filter(account=account, ended_at=None).first()
    )
    if binding is None:
        return
    Binding.objects.filter(pk=binding.pk).update(ended_at=now)
    event = record(Change.ACCOUNT_DELETED, employee=binding.employee, binding=binding, now=now, by=by)
    tell(event, [binding.address, binding.account_address], language=binding.employee.language)


# --- The directory -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DirectoryChange:
    """One employee's entry became another: an address, a key, or whether it is active (``old`` and ``new`` empty)."""

    employee: Employee
    kind: Change
    old: str = ""
    new: str = ""


@transaction.atomic
def directory_changed(*, changes: Sequence[DirectoryChange], by: str, now: datetime.datetime) -> None:
    """Record and tell; no binding moves. Only of people whom it concerns: those with an account or a one-on-one."""
    people = {change.employee.pk for change in changes}
    bindings: dict[int, Binding] = {}
    for binding in Binding.objects.filter(employee__in=people).order_by("confirmed_at", "pk"):
        bindings[binding.employee_id] = binding
    pairs = OneOnOne.objects.filter(Q(manager__in=people) | Q(member__in=people)).values_list("manager", "member")
    meeting = {one for pair in pairs for one in pair}
    for change in changes:
        employee, last = change.employee, bindings.get(change.employee.pk)
        if last is None and employee.pk not in meeting:
            continue
        live = last if last is not None and last.ended_at is None else None
        event = record(change.kind, employee=employee, binding=live, now=now, by=by, old=change.old, new=change.new)
        addresses = [last.address, last.account_address] if last else [queries.first_known_address(employee)]
        if change.kind == Change.DIRECTORY_ADDRESS:
            addresses += [change.old, change.new]
        tell(event, [*addresses, employee.email], language=employee.language)
