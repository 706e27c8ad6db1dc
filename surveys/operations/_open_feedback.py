"""Take what a customer answers without saying who they are, and keep the promise to whoever brings the code they were given.

The two never meet: an answer is kept with its week and nothing else; a code is made of chance, and noted only when it is used.
"""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from django.core import signing
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import operations as campaign_operations
from customers import queries as customer_queries
from incentives_site.shared.problems import FieldError, Invalid, Kind, NotFound, Problem

from .. import sealing
from ..models import Claim, Mode, OpenAnswer, Survey, SurveyKind, SurveyStatus
from ..rules.questions import read_answers
from ._feedback import FeedbackUnknown, NotAsked, channel_for, score_of
from ._open_wave import question_from, questions_of

SALT = "open feedback"
MOST_TRIES = 20  # of one code, in an hour
KINDS = ("email", "loyalty_card")


class ClaimUnknown(NotFound):
    code = "claim-unknown"
    title = gettext_lazy("This is no code of ours")


class ClaimUsed(Problem):
    code = "claim-used"
    title = gettext_lazy("This code was used")
    kind = Kind.CONFLICT


class NothingToClaim(Problem):
    code = "nothing-to-claim"
    title = gettext_lazy("There is nothing to claim any more")
    kind = Kind.CONFLICT


def open_url(survey: Survey) -> str:
    """Where everybody may answer: for a poster, a receipt, a page."""
    return reverse("feedback-open", args=[signing.Signer(salt=SALT).sign_object(str(survey.public_id))])


def survey_of(token: str) -> Survey:
    """Raises ``FeedbackUnknown`` for a forged or broken link, ``NotAsked`` for a survey that is not open to everybody now."""
    try:
        key = uuid.UUID(signing.Signer(salt=SALT).unsign_object(token))
        survey = Survey.objects.select_related("incentive__campaign").get(public_id=key)
    except (signing.BadSignature, ValueError, TypeError, Survey.DoesNotExist):
        raise FeedbackUnknown(_("Open the link as it stands in your message.")) from None
    if survey.kind != SurveyKind.FEEDBACK or survey.mode != Mode.ANONYMOUS or survey.status != SurveyStatus.RUNNING:
        raise NotAsked(_("It is not a running customer survey."))
    return survey


def give_openly(*, survey: Survey, values: Mapping[str, Any], today: datetime.date) -> str:
    """Keep an answer of nobody in particular; the code to claim what was promised, if something was. Raises ``Invalid``."""
    asked = questions_of(survey)
    answered = read_answers([question_from(item) for item in asked], values, {})
    if answered.faults:
        raise Invalid(errors=[FieldError(fault.pointer, fault.code, fault.detail) for fault in answered.faults])
    if not answered.values:
        raise Invalid(errors=[FieldError("", "nothing-answered", _("Please answer at least one question."))])
    OpenAnswer.objects.create(
        survey=survey,
        week=today - datetime.timedelta(days=today.weekday()),
        values=dict(answered.values),
        score=score_of(asked, answered.values),
    )
    return sealing.claim_code(survey.public_id) if survey.incentive_id else ""


def claim(*, code: str, kind: str, value: str, now: datetime.datetime) -> str:
    """Grant what was promised to the customer with this identity, once for a code and once for a customer; what it is called.

    Raises ``ClaimUnknown``, ``ClaimUsed``, ``NothingToClaim``; ``Invalid`` for an identity that nobody has, and then the code
    stays good.
    """
    code = sealing.plain_code(code)
    survey = next((one for one in _promising() if sealing.is_claim_code(one.public_id, code)), None)
    if survey is None or survey.incentive is None:
        raise ClaimUnknown(_("Type it as it stood on the page that thanked you."))
    _count_a_try(code, now)
    channel = channel_for(survey)
    try:
        if kind not in KINDS:
            raise customer_queries.CustomerUnknown
        customer = customer_queries.by_identity(kind, value)
    except Problem:
        raise Invalid(errors=[FieldError("/who", "unknown", _("Nobody here has this address or number."))]) from None
    if channel is None:
        raise NothingToClaim(_("The campaign that promised it is over."))
    try:
        with transaction.atomic():
            Claim.objects.create(survey=survey, digest=sealing.claim_digest(code))
            _grant, is_new = campaign_operations.grant(
                customer=customer,
                incentive=survey.incentive,
                channel=channel,
                occasion=f"claim:{survey.public_id}",
                reason="survey",
                by="customer",
                now=now,
            )
            if not is_new:
                raise ClaimUsed(_("You have what was promised already: it is in your wallet."))
    except IntegrityError:
        raise ClaimUsed(_("Each code is good once.")) from None
    except campaign_operations.NotGrantable:
        raise NothingToClaim(_("The campaign that promised it is over.")) from None
    return survey.incentive.name


def _promising() -> list[Survey]:
    found = Survey.objects.filter(kind=SurveyKind.FEEDBACK, mode=Mode.ANONYMOUS, incentive__isnull=False)
    return list(found.exclude(status=SurveyStatus.DRAFT).select_related("incentive__campaign"))


def _count_a_try(code: str, now: datetime.datetime) -> None:
    """Or whoever has a code could ask with it who is a customer."""
    counter = f"surveys-claims-{sealing.claim_digest(code).hex()}-{now:%Y%m%d%H}"
    cache.add(counter, 0, 3_600)
    if cache.incr(counter) > MOST_TRIES:
        raise ClaimUnknown(_("It was tried too often. Try again in an hour."))
