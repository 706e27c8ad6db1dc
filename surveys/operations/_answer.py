"""Take somebody's answers, once (``docs/anonymity.md``, From the form to the figures)."""

import datetime
import hmac
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem
from incentives_site.shared.rates import MINUTE, Bucket, seconds_to_wait, short

from .. import sealing
from ..models import AnswerSet, Invitation, Mode, Wave, WaveState
from ..rules.questions import read_answers
from ._invitation import LinkUnknown, invitation_of, use
from ._live import locked_if_live, renew_live
from ._open_wave import question_from

CODES_A_MINUTE = 30  # from one address


class AlreadyAnswered(Problem):
    code = "already-answered"
    title = gettext_lazy("This survey was answered with this link")
    kind = Kind.CONFLICT


class TooManyCodes(Problem):
    code = "too-many-codes"
    title = gettext_lazy("Too many codes")
    kind = Kind.TOO_MANY


class WaveClosed(Problem):
    code = "wave-closed"
    title = gettext_lazy("This survey is closed")
    kind = Kind.CONFLICT


def token_of_code(code: str, *, address: str, now: datetime.datetime) -> str:
    """The link that a code of an open wave stands for. Raises ``LinkUnknown`` and ``TooManyCodes``.

    To guess one of 100,000 invitations takes some 10¹⁰ tries. They are counted by the network ``address`` they come from, so
    strangers elsewhere cannot keep a shared device from working; the counter holds a hash of the address, and ends by itself.
    """
    if seconds_to_wait([Bucket.of(f"surveys:codes:{short(address)}", CODES_A_MINUTE, per=MINUTE)]):
        raise TooManyCodes(_("Too many codes were typed here. Please try again in a minute."))
    wanted = (
        "".join(c for c in code[:40].upper() if c.isascii() and c.isalnum()).replace("0", "O").replace("1", "I").replace("8", "B")
    )
    if len(wanted) == 10:
        waves = Wave.objects.filter(state=WaveState.OPEN, closes_at__gt=now)
        for key in Invitation.objects.filter(wave__in=waves).values_list("pk", flat=True).iterator(chunk_size=10_000):
            if hmac.compare_digest(sealing.invitation_code(key).replace("-", ""), wanted):
                return sealing.invitation_token(key)
    raise LinkUnknown(_("Type the code as it stands in your invitation."))


def answer(
    *, token: str, values: Mapping[str, Any], comments: Mapping[str, Any], wants_reply: bool = False, now: datetime.datetime
) -> str:
    """Like ``answer_as`` with the link. Raises ``LinkUnknown`` as well."""
    return answer_as(invitation=invitation_of(token), values=values, comments=comments, wants_reply=wants_reply, now=now)


def answer_as(
    *,
    invitation: Invitation,
    values: Mapping[str, Any],
    comments: Mapping[str, Any],
    wants_reply: bool = False,
    now: datetime.datetime,
) -> str:
    """Keep the answers; returns the key to read replies with, empty unless wanted and there is a comment.

    Raises ``WaveClosed``, ``AlreadyAnswered``, and ``Invalid`` with a sentence for each question; then nothing is kept, and the
    link can be used again.
    """
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
    sealed = sealing.seal_ballot(wave.sealed_key or b"", ballot)
    if wave.mode == Mode.ANONYMOUS and not wave.is_live:
        is_kept = use(invitation, sealed)  # one statement: a transaction of its own
    else:
        with transaction.atomic():
            wave = locked_if_live(wave)
            is_kept = use(invitation, sealed)
            if is_kept:
                renew_live(wave)
                if wave.mode != Mode.ANONYMOUS:
                    AnswerSet.objects.create(wave=wave, values=ballot["values"], invitation=invitation)
    if not is_kept:
        check_open(Invitation.objects.select_related("wave__survey").get(pk=invitation.pk), now)
        raise WaveClosed
    return thread


def check_open(invitation: Invitation, now: datetime.datetime) -> None:
    """Raises ``WaveClosed`` or ``AlreadyAnswered``."""
    wave = invitation.wave
    if invitation.is_used:
        raise AlreadyAnswered(_("Thank you: each invitation is answered once."))
    if wave.state != WaveState.OPEN or not wave.opens_at <= now < wave.closes_at:
        raise WaveClosed(_("It could be answered until %(day)s.") % {"day": wave.last_day})
