"""Confirm that an account belongs to an employee: ask for a link, open it. Nothing else binds an account.

``bind`` is where single sign-on would come in, once the product has it: the identity provider then vouches for the employee
instead of a link, and everything after it stays the same.
"""

import datetime
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.accounts.models import User
from incentives_site.shared.jobs import enqueue
from incentives_site.shared.problems import Kind, NotFound, Problem

from .. import queries, sealing
from ..models import Binding, BindingRequest, Change, Employee, How
from ..rules.addresses import looks_alike, normalised
from ..rules.bindings import LINK_DAYS, MOST_LINKS, MOST_LINKS_TO_ONE, Link, Refusal, why_not
from ._access import save_binding
from ._notices import SEND, record, tell, tell_participants

log = structlog.get_logger(__name__)
DAY = datetime.timedelta(days=1)


class NotInDirectory(Problem):
    code = "not-in-directory"
    title = gettext_lazy("Your address is not in the directory")
    kind = Kind.CONFLICT


class AddressAmbiguous(Problem):
    code = "address-ambiguous"
    title = gettext_lazy("Two people in the directory have this address")
    kind = Kind.CONFLICT


class AddressLooksAlike(Problem):
    code = "address-looks-alike"
    title = gettext_lazy("This address mixes letters of different alphabets")
    kind = Kind.INVALID


class AlreadyConfirmed(Problem):
    code = "already-confirmed"
    title = gettext_lazy("Your account is confirmed already")
    kind = Kind.CONFLICT


class AskedTooOften(Problem):
    code = "asked-too-often"
    title = gettext_lazy("Too many links were requested")
    kind = Kind.TOO_MANY


class ConfirmationUnknown(NotFound):
    code = "confirmation-unknown"
    title = gettext_lazy("This link is not known")


class LinkOfAnotherAccount(Problem):
    code = Refusal.ANOTHER_ACCOUNT.value
    title = gettext_lazy("This link belongs to another account")
    kind = Kind.CONFLICT


class LinkUsed(Problem):
    code = Refusal.USED.value
    title = gettext_lazy("This link has been used")
    kind = Kind.CONFLICT


class LinkExpired(Problem):
    code = Refusal.EXPIRED.value
    title = gettext_lazy("This link has expired")
    kind = Kind.CONFLICT


class LinkOutdated(Problem):
    code = Refusal.OUTDATED.value
    title = gettext_lazy("This link went to an address that no longer counts")
    kind = Kind.CONFLICT


class EmployeeInactive(Problem):
    code = Refusal.INACTIVE.value
    title = gettext_lazy("The entry in the directory is no longer active")
    kind = Kind.CONFLICT


class AccountIsAnother(Problem):
    code = Refusal.IS_ANOTHER.value
    title = gettext_lazy("Your account belongs to another employee")
    kind = Kind.CONFLICT


class FurtherAddress(Problem):
    code = Refusal.FURTHER_ADDRESS.value
    title = gettext_lazy("Your account has a second sign-in address")
    kind = Kind.CONFLICT


class PasswordNotYours(Problem):
    code = Refusal.PASSWORD.value
    title = gettext_lazy("Set a password of your own first")
    kind = Kind.CONFLICT


def _refused(refusal: Refusal) -> Problem:
    """Each refusal with what to do about it."""
    return {
        Refusal.ANOTHER_ACCOUNT: lambda: LinkOfAnotherAccount(
            _("Sign in with the account that asked for it. Nothing has changed.")
        ),
        Refusal.USED: lambda: LinkUsed(_("Each link works once. Request a new one if you need to confirm your account again.")),
        Refusal.EXPIRED: lambda: LinkExpired(_("Links work for seven days, and only the newest one. Request a new link.")),
        Refusal.OUTDATED: lambda: LinkOutdated(_("The address has changed since the link was sent. Request a new link.")),
        Refusal.INACTIVE: lambda: EmployeeInactive(_("Ask HR to activate your entry in the directory.")),
        Refusal.IS_ANOTHER: lambda: AccountIsAnother(_("Sign in with the account that is meant for this employee.")),
        Refusal.FURTHER_ADDRESS: lambda: FurtherAddress(
            _("Its mailbox could be used to sign in as you. Ask an operator to remove it, then open the link again.")
        ),
        Refusal.PASSWORD: lambda: PasswordNotYours(
            _(
                "An operator may know the present one. Sign out, choose “Forgot your password?”, set a new password through the "
                "e-mail you receive, then open the link again."
            )
        ),
    }[refusal]()


def ask_to_confirm(*, user: User, now: datetime.datetime, address: str = "") -> BindingRequest | None:
    """Ask for a link that confirms this account; it is sent after commit.

    ``address`` is the person's address in the directory where the account has another. The link goes to the address that was
    confirmed last, else to the directory's: never to one that was only typed or changed. ``None`` when no one has the typed
    address, which the caller does not tell. Raises ``AlreadyConfirmed``, ``NotInDirectory`` (of the account's own address only),
    ``AddressAmbiguous``, ``AddressLooksAlike`` and ``AskedTooOften``.
    """
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=user.pk)  # two clicks at once count as two
        own = queries.binding_of(user)
        employee = _own_entry(own) if own else _entry_at(user, address)
        if employee is None:
            log.info("confirmation_not_sent", reason="no such address")
            return None
        return _request(user, employee, now)


def _own_entry(own: Binding) -> Employee:
    same = normalised(own.employee.email) == normalised(own.address)
    if same and queries.standing_of(own).is_settled:
        raise AlreadyConfirmed(_("There is nothing to confirm."))
    return own.employee


def _entry_at(user: User, typed: str) -> Employee | None:
    wanted = normalised(typed or user.email)
    if looks_alike(wanted):
        raise AddressLooksAlike(_("Such an address can be mistaken for another one. Ask an operator to correct it."))
    found = queries.employees_at(wanted)
    if len(found) > 1:
        raise AddressAmbiguous(_("Ask HR to correct the directory."))
    if not found and wanted == normalised(user.email):
        raise NotInDirectory(_("Ask HR to add you, or enter the address that HR has of you."))
    return found[0] if found else None


def _request(user: User, employee: Employee, now: datetime.datetime) -> BindingRequest:
    recent = BindingRequest.objects.filter(asked_at__gt=now - DAY)
    if recent.filter(account=user).count() >= MOST_LINKS or recent.filter(employee=employee).count() >= MOST_LINKS_TO_ONE:
        raise AskedTooOften(_("Use the link that was sent, or try again tomorrow."))
    BindingRequest.objects.filter(account=user, used_at=None, expires_at__gt=now).update(expires_at=now, sealed_token=b"")
    token = sealing.new_confirmation_token()
    request = BindingRequest.objects.create(
        account=user,
        employee=employee,
        address=queries.address_to_confirm(employee),
        token_digest=sealing.confirmation_digest(token),
        sealed_token=sealing.seal_confirmation(token),
        asked_at=now,
        expires_at=now + LINK_DAYS,
    )
    event = record(Change.ASKED, employee=employee, account=user, now=now, by=f"user:{user.pk}", new=request.address)
    live = queries.binding_of_employee(employee)
    if live is not None and live.account_id != user.pk:
        tell(event, [live.account_address, live.address], language=employee.language)
    enqueue(SEND)
    return request


@dataclass(frozen=True, slots=True)
class Pending:
    """What a link would do: who confirms whom, and instead of which account."""

    request: BindingRequest
    employee: Employee
    replaces: Binding | None
    directory_address: str

    @property
    def may_adopt(self) -> bool:
        """Whether the directory has another address by now, to which later links could go."""
        return normalised(self.directory_address) != normalised(self.request.address)


def open_link(*, token: str, user: User, now: datetime.datetime) -> Pending:
    """What the link would do; changes nothing. Raises what ``confirm`` raises, and records a refusal."""
    request = _found(token)
    _check(request, user, now)
    return _pending(request, user)


def confirm(*, token: str, user: User, now: datetime.datetime, adopts_directory_address: bool = False) -> Binding:
    """Bind the account that asked for this link to its employee, or confirm it again. Works once.

    ``adopts_directory_address``: later links go to the directory's present address. Raises ``ConfirmationUnknown``,
    ``LinkOfAnotherAccount``, ``LinkUsed``, ``LinkExpired``, ``LinkOutdated``, ``EmployeeInactive``, ``AccountIsAnother``,
    ``FurtherAddress`` and ``PasswordNotYours``; then nothing has changed.
    """
    request = _found(token)
    _check(request, user, now)
    with transaction.atomic():
        # The employee first: of two links that are opened at once, the second sees what the first has done.
        Employee.objects.select_for_update(of=("self",)).get(pk=request.employee_id)
        if BindingRequest.objects.filter(pk=request.pk, used_at=None).update(used_at=now) != 1:
            raise _refused(Refusal.USED)
        request = _found(token)
        pending = _pending(request, user)
        address = pending.directory_address if adopts_directory_address else request.address
        return bind(user=user, employee=pending.employee, address=address, how=How.LINK, now=now)


def _found(token: str) -> BindingRequest:
    digest = sealing.confirmation_digest(token[:200])
    found = BindingRequest.objects.select_related("employee__department", "account").filter(token_digest=digest).first()
    if found is None:
        log.warning("confirmation_refused", code=ConfirmationUnknown.code)
        raise ConfirmationUnknown(_("Open the link exactly as it was sent, or request a new one."))
    return found


def _check(request: BindingRequest, user: User, now: datetime.datetime) -> None:
    employee = request.employee
    own = queries.live_row_of(user)
    refusal = why_not(
        Link(
            is_own=request.account_id == user.pk,
            is_used=request.used_at is not None,
            expires_at=request.expires_at,
            is_current_address=normalised(queries.address_to_confirm(employee)) == normalised(request.address),
            employee_is_active=employee.is_active,
            account_is_another=own is not None and own.employee_id != employee.pk,
            has_further_address=bool(queries.further_addresses(user.pk, user.email, request.address)),
            has_own_password=user.has_own_password,
        ),
        now,
    )
    if refusal is not None:
        log.warning("confirmation_refused", code=refusal.value, employee=employee.key)
        record(Change.REFUSED, employee=employee, account=user, now=now, by=f"user:{user.pk}", new=refusal.value)
        raise _refused(refusal)


def _pending(request: BindingRequest, user: User) -> Pending:
    live = queries.binding_of_employee(request.employee)
    replaces = live if live is not None and live.account_id != user.pk else None
    return Pending(request, request.employee, replaces, request.employee.email)


def bind(*, user: User, employee: Employee, address: str, how: How, now: datetime.datetime) -> Binding:
    """Make the account the employee's, in place of another or again; both are told, and so is everyone the employee meets.

    The caller has made sure who it is: ``confirm`` by a link. No door calls this by itself. A new binding, and one whose access
    someone else changed, opens no one-on-one until the other participant agrees.
    """
    by = f"user:{user.pk}"
    with transaction.atomic():
        last = queries.last_binding_of(employee)
        first = queries.first_known_address(employee)
        live = Binding.objects.select_for_update(of=("self",)).filter(employee=employee, ended_at=None).first()
        told = [address, user.email, employee.email, first]
        if live is not None and live.account_id == user.pk:
            told.append(live.address)
            save_binding(
                live,
                account_address=user.email,
                address=address,
                confirmed_at=now,
                held_at=None,
                confirmed_version=live.access_version,
                access=queries.access_of(user.pk),
            )
            binding = live
        else:
            if live is not None:
                Binding.objects.filter(pk=live.pk).update(ended_at=now)
                moved = record(
                    Change.MOVED, employee=employee, binding=live, now=now, by=by, old=live.account_address, new=user.email
                )
                tell(moved, [live.address, live.account_address, *told], language=employee.language)
            binding = Binding(
                account=user,
                account_key=user.pk,
                employee=employee,
                account_address=user.email,
                address=address,
                how=how,
                is_proven=last.is_proven if last else normalised(first or address) == normalised(address),
                confirmed_at=now,
                access=queries.access_of(user.pk),
            )
            save_binding(binding)
        event = record(Change.CONFIRMED, employee=employee, binding=binding, now=now, by=by, new=address)
        tell(event, told, language=employee.language)
        tell_participants(event, binding)
    return binding
