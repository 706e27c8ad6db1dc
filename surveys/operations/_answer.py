"""Take somebody's answers, once (``docs/anonymity.md``, From the form to the figures)."""

import datetime
import hmac
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import FieldError, Invalid, Kind, NotFound, Problem

from .. import sealing
from ..models import AnswerSet, Ballot, Invitation, Mode, Wave, WaveState
from ..rules.questions import read_answers
from ._live import locked_if_live, renew_live
from ._open_wave import question_from

WRONG_CODES = 120  # a minute, of everybody together


class LinkUnknown(NotFound):
    code = "link-unknown"
    title = gettext_lazy("This link leads to no survey")


class AlreadyAnswered(Problem):
    code = "already-answered"
    title = gettext_lazy("This survey was answered with this link")
    kind = Kind.CONFLICT


class WaveClosed(Problem):
    code = "wave-closed"
    title = gettext_lazy("This survey is closed")
    kind = Kind.CONFLICT


def invitation_of(token: str) -> Invitation:
    """Whose link it is; looking writes nothing. Raises ``LinkUnknown``."""
    found = (
        Invitation.objects.select_related("wave__survey", "wave__incentive")
        .filter(digest=sealing.token_digest(token[:200]))
        .first()
    )
    if found is None:
        raise LinkUnknown(_("Open the link as it stands in your invitation."))
    return found


def token_of_code(code: str, *, now: datetime.datetime) -> str:
    """The link that a code of an open wave stands for. Raises ``LinkUnknown``.

    Who guesses would need some 10¹⁰ tries among 100,000 invitations; after ``WRONG_CODES`` wrong ones in a minute nobody's is
    looked at.
    """
    wanted = (
        "".join(c for c in code[:40].upper() if c.isascii() and c.isalnum()).replace("0", "O").replace("1", "I").replace("8", "B")
    )
    counter = f"surveys-wrong-codes-{now:%Y%m%d%H%M}"
    if cache.get(counter, 0) < WRONG_CODES and len(wanted) == 10:
        waves = Wave.objects.filter(state=WaveState.OPEN, closes_at__gt=now)
        for key in Invitation.objects.filter(wave__in=waves).values_list("pk", flat=True).iterator(chunk_size=10_000):
            if hmac.compare_digest(sealing.invitation_code(key).replace("-", ""), wanted):
                return sealing.invitation_token(key)
    cache.add(counter, 0, 120)
    cache.incr(counter)
    raise LinkUnknown(_("Type the code as it stands in your invitation."))


def answer(
    *, token: str, values: Mapping[str, Any], comments: Mapping[str, Any], wants_reply: bool = False, now: datetime.datetime
) -> str:
    """Keep the answers; returns the key to read replies with, empty unless wanted and there is a comment.

    Raises ``LinkUnknown``, ``WaveClosed``, ``AlreadyAnswered``, and ``Invalid`` with a sentence for each question; then nothing
    is kept, and the link can be used again.
    """
    invitation = invitation_of(token)
    wave = invitation.wave
    check_open(invitation, now)
    answered = read_answers([question_from(item) for item in wave.questions], values, comments)
    if answered.faults:
        raise Invalid(errors=[FieldError(fault.pointer, fault.code, fault.detail) for fault in answered.faults])
    if not answered.values and not answered.comments:
        raise Invalid(errors=[FieldError("", "nothing-answered", _("Please answer at least one question."))])
    thread = sealing.new_thread_key() if wants_reply and answered.comments else ""
    ballot = {
        "values": dict(answered.values),
        "comments": dict(answered.comments),
        "groups": invitation.groups,
        "threads": {
            item["key"]: sealing.thread_digest(thread, place).hex()
            for place, item in enumerate(wave.questions)
            if thread and item["key"] in answered.comments
        },
    }
    with transaction.atomic():
        wave = locked_if_live(wave)
        used = Invitation.objects.filter(pk=invitation.pk, is_used=False, wave__state=WaveState.OPEN).update(is_used=True)
        if used != 1:
            invitation.refresh_from_db()
            check_open(invitation, now)
            raise WaveClosed
        Ballot.objects.bulk_create(
            [Ballot(id=uuid.uuid4(), wave=wave, sealed=sealing.seal_ballot(wave.sealed_key or b"", ballot))]
        )
        renew_live(wave)
        if wave.mode != Mode.ANONYMOUS:
            AnswerSet.objects.create(wave=wave, values=ballot["values"], invitation=invitation)
    return thread


def check_open(invitation: Invitation, now: datetime.datetime) -> None:
    """Raises ``WaveClosed`` or ``AlreadyAnswered``."""
    wave = invitation.wave
    if invitation.is_used:
        raise AlreadyAnswered(_("Thank you: each invitation is answered once."))
    if wave.state != WaveState.OPEN or not wave.opens_at <= now < wave.closes_at:
        raise WaveClosed(_("It could be answered until %(day)s.") % {"day": wave.last_day})
