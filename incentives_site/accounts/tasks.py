"""Work around signing in that waits for nobody."""

from typing import Any

from allauth.usersessions.models import UserSession
from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.mail import send_mail
from django.core.management import call_command
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from . import operations
from .models import TallyKind, User
from .operations._devices import REMEMBERED


@shared_task(name="accounts.tasks.clear_sessions")
def clear_sessions(**_ignored: Any) -> None:
    """Daily: delete sessions that have expired, counts of wrong sign-ins that are over, and browsers not seen for long."""
    call_command("clearsessions")
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    now = timezone.now()
    operations.forget_old_tallies(now=now)
    operations.forget_devices(unused_since=now - REMEMBERED)


@shared_task(name="accounts.tasks.tell_of_lock", autoretry_for=(OSError,), retry_backoff=True, max_retries=5)
def tell_of_lock(*, user: int, address: str, kind: str, **_ignored: Any) -> None:
    """Tell an account's owner by e-mail that signing in to it is paused, and what to do."""
    owner = User.objects.filter(pk=user, is_active=True).first()
    if owner is None:
        return
    context = {
        "address": address,
        "kind": kind,
        "minutes": int(operations.LOCK.total_seconds() // 60),
        "limit": operations.LIMITS[TallyKind(kind)],
        "reset_url": settings.BASE_URL + reverse("account_reset_password"),
    }
    text = render_to_string("account/email/locked.txt", context)
    send_mail(_("Signing in to your account is paused"), text, settings.DEFAULT_FROM_EMAIL, [owner.email])
