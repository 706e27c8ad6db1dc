"""The audit log of confirmed accounts, and the e-mails about it: rows that are written with the change and sent after it."""

import datetime
from collections.abc import Iterable

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from incentives_site.accounts.models import User
from incentives_site.shared.jobs import enqueue

from .. import queries, sealing
from ..models import Binding, BindingEvent, BindingNotice, BindingRequest, Change, Employee, MeetingSeat, OneOnOne
from ..rules.addresses import normalised
from ..wording import change_in_words

log = structlog.get_logger(__name__)
SEND = "surveys.tasks.confirm"


def record(
    kind: Change,
    *,
    employee: Employee,
    now: datetime.datetime,
    by: str,
    binding: Binding | None = None,
    account: User | None = None,
    old: str = "",
    new: str = "",
) -> BindingEvent:
    """Write one line of the audit log. ``account`` is the binding's own unless another is named."""
    address = account.email if account else binding.account_address if binding else ""
    event = BindingEvent.objects.create(
        at=now,
        kind=kind,
        employee=employee,
        binding=binding.public_id if binding else None,
        account_key=account.pk if account else binding.account_id if binding else None,
        account_address=address,
        old=old[:254],
        new=new[:254],
        by=by[:100],
    )
    log.info("binding_changed", kind=kind.value, employee=employee.key, by=by)
    return event


def tell(event: BindingEvent, addresses: Iterable[str], *, language: str) -> None:
    """E-mail the person concerned, at every address that may be theirs: once for each."""
    unique = {normalised(address): address for address in addresses if address}
    BindingNotice.objects.bulk_create(
        [BindingNotice(event=event, address=address, language=language) for address in unique.values()]
    )
    enqueue(SEND)


def tell_participants(event: BindingEvent, binding: Binding) -> None:
    """E-mail everyone who meets the person, and whose one-on-one is closed to the account until they agree."""
    open_already = MeetingSeat.objects.filter(binding=binding, access_version=binding.access_version, is_open=True)
    series = list(meetings_of(event.employee).exclude(pk__in=open_already.values("series")))
    others = {one.pk: _other(one, event.employee) for one in series}
    bound = queries.bindings_of_employees(other.pk for other in others.values())
    notices = []
    for one in series:
        other = others[one.pk]
        theirs = bound.get(other.pk)
        addresses = [theirs.address, theirs.account_address] if theirs else [other.email]
        unique = {normalised(address): address for address in addresses}
        notices += [
            BindingNotice(event=event, address=address, language=other.language, series=one) for address in unique.values()
        ]
    BindingNotice.objects.bulk_create(notices)
    enqueue(SEND)


def meetings_of(employee: Employee) -> QuerySet[OneOnOne]:
    """All their one-on-ones, also those that have ended."""
    return OneOnOne.objects.filter(Q(manager=employee) | Q(member=employee)).select_related("manager", "member").order_by("pk")


def _other(series: OneOnOne, employee: Employee) -> Employee:
    return series.member if series.manager_id == employee.pk else series.manager


# --- Sending ------------------------------------------------------------------------------------------------------------------


def send_confirmations(*, now: datetime.datetime) -> int:
    """Send links that were asked for, and notices of changes; how many. What the mail server refuses waits for the next run."""
    BindingRequest.objects.filter(sent_at=None, expires_at__lte=now).exclude(sealed_token=b"").update(sealed_token=b"")
    sent = 0
    try:
        for key in list(
            BindingRequest.objects.filter(sent_at=None, expires_at__gt=now).order_by("pk").values_list("pk", flat=True)
        ):
            sent += _send_link(key, now)
        for key in list(BindingNotice.objects.filter(sent_at=None).order_by("pk").values_list("pk", flat=True)):
            sent += _send_notice(key, now)
    except OSError as error:  # smtplib's errors are OSErrors
        log.warning("mail_not_sent", reason=type(error).__name__)
    return sent


@transaction.atomic
def _send_link(key: int, now: datetime.datetime) -> int:
    """One link. Its token is forgotten in the transaction it is sent in."""
    row = BindingRequest.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=key, sent_at=None)
    request = row.select_related("account", "employee").first()
    token = sealing.open_confirmation(request.sealed_token) if request else ""
    if request is None or not token:
        return 0
    BindingRequest.objects.filter(pk=key).update(sent_at=now, sealed_token=b"")
    link_message(request, token).send()
    return 1


@transaction.atomic
def _send_notice(key: int, now: datetime.datetime) -> int:
    row = BindingNotice.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=key, sent_at=None)
    notice = row.select_related("event__employee", "series").first()
    if notice is None:
        return 0
    BindingNotice.objects.filter(pk=key).update(sent_at=now)
    notice_message(notice).send()
    return 1


def link_message(request: BindingRequest, token: str) -> EmailMessage:
    """The link that confirms an account, to the employee's address."""
    employee = request.employee
    with translation.override(_language(employee.language)):
        lines = [
            _("Hello %(name)s,") % {"name": employee.name},
            _(
                "The account %(account)s asks to be confirmed as you. If this was you, sign in with that account and open this "
                "link:"
            )
            % {"account": request.account.email},
            settings.BASE_URL + reverse("surveys:confirm", args=[token]),
            _("The link works once, for that account only, for seven days. Do not forward it."),
            _("If this was not you, do nothing: nothing changes. Tell your HR team if it happens again."),
        ]
        subject = _("Confirm your account")
        return EmailMessage(subject=subject, body="\n\n".join(lines), to=[request.address])


def notice_message(notice: BindingNotice) -> EmailMessage:
    """What happened, and what to do. It says nothing that the audit log does not say."""
    event = notice.event
    name = event.employee.name
    with translation.override(_language(notice.language)):
        if notice.series is None:
            subject = _("Your account in the directory has changed")
            lines = [
                _("Hello %(name)s,") % {"name": name},
                change_in_words(event),
                _("What is open to your account, and all earlier changes: %(url)s")
                % {"url": settings.BASE_URL + reverse("surveys:me")},
                _("If you do not recognise this change, tell your HR team, and the people you meet in one-on-ones."),
            ]
        else:
            subject = _("Your one-on-one with %(name)s: please check") % {"name": name}
            lines = [
                _("This is about %(name)s, with whom you have a one-on-one.") % {"name": name},
                change_in_words(event),
                _(
                    "Until you agree, the account of %(name)s cannot open this one-on-one. Ask %(name)s in person before you "
                    "agree: %(url)s"
                )
                % {
                    "name": name,
                    "url": settings.BASE_URL + reverse("surveys:one-on-one-seat", args=[notice.series.public_id]),
                },
            ]
        return EmailMessage(subject=" ".join(subject.split()), body="\n\n".join(lines), to=[notice.address])


def _language(wanted: str) -> str:
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
