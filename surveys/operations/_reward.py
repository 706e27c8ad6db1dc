"""Keep what was promised for answering: after the close, to all at once (R12, ``docs/anonymity.md``, Rewards).

Nothing is written for one person before. Afterwards all grants of a wave have one time and come in an order that chance made, and
they hang on the invitation, which knows that somebody took part and nothing else. The answer is never looked at.
"""

import datetime
import secrets
import uuid
from collections.abc import Sequence

import structlog
from django.db import transaction

from campaigns import operations as campaign_operations
from customers import operations as customer_operations
from incentives_site.shared import jobs
from incentives_site.shared.problems import Problem

from ..models import Invitation, Reward, Wave, WaveState
from ._feedback import channel_for

log = structlog.get_logger(__name__)
FOLLOW_UP = "surveys.tasks.follow_up"
AT_ONCE = 100  # grants of one transaction
BY = "surveys"
_CHANCE = secrets.SystemRandom()


def give_rewards(*, now: datetime.datetime) -> int:
    """Grant what closed waves have promised and not given yet; how many. Safe to run twice, and at once.

    Where the campaign is not live, or gives in no channel, nothing is given and it is tried again with the next run. Whoever
    asked to be forgotten, or has an address that is none, gets nothing.
    """
    waiting = Wave.objects.filter(state=WaveState.PUBLISHED, incentive__isnull=False)
    owed = Invitation.objects.filter(is_used=True, reward=Reward.NONE)
    given = 0
    for wave in waiting.filter(pk__in=owed.values("wave")).select_related("incentive__campaign").order_by("pk"):
        given += _reward(wave, now)
    return given


def nudge() -> None:
    """After this transaction."""
    jobs.enqueue(FOLLOW_UP)


def _reward(wave: Wave, now: datetime.datetime) -> int:
    keys = list(Invitation.objects.filter(wave=wave, is_used=True, reward=Reward.NONE).values_list("pk", flat=True))
    _CHANCE.shuffle(keys)
    given = 0
    for start in range(0, len(keys), AT_ONCE):
        try:
            given += _give(wave, keys[start : start + AT_ONCE], now)
        except campaign_operations.NotGrantable as problem:
            log.warning("rewards_wait", wave=str(wave.public_id), reason=str(problem.detail))
            break
    return given


@transaction.atomic
def _give(wave: Wave, keys: Sequence[uuid.UUID], now: datetime.datetime) -> int:
    """One transaction of them, all or none; the time is that of the first."""
    Wave.objects.filter(pk=wave.pk, rewarded_at=None).update(rewarded_at=now)
    at = Wave.objects.values_list("rewarded_at", flat=True).get(pk=wave.pk) or now
    owed = Invitation.objects.filter(pk__in=keys, is_used=True, reward=Reward.NONE)
    rows = list(owed.select_for_update(of=("self",), skip_locked=True).select_related("employee"))
    _CHANCE.shuffle(rows)
    for row in rows:
        row.reward = _grant(wave, row, at)
    Invitation.objects.bulk_update(rows, ["reward"])
    return sum(row.reward == Reward.GIVEN for row in rows)


def _grant(wave: Wave, invitation: Invitation, at: datetime.datetime) -> Reward:
    incentive = wave.incentive
    channel = channel_for(wave)
    if incentive is None or channel is None:
        raise campaign_operations.NotGrantable
    try:
        with transaction.atomic():
            customer, _new = customer_operations.identify(kind="email", value=invitation.employee.email)
            campaign_operations.grant(
                customer=customer,
                incentive=incentive,
                channel=channel,
                occasion=f"wave:{wave.public_id}",
                reason="survey",
                by=BY,
                now=at,
            )
    except campaign_operations.NotGrantable:
        raise
    except Problem:
        return Reward.REFUSED
    return Reward.GIVEN
