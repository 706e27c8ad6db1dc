"""Tell HR by e-mail that a wave is counted: the score with its margin, participation, what changed and whether that is real.

All it says comes through the same functions as the page, so it never says what the page would not (R9).
"""

import datetime

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incentives_site.accounts.roles import Role

from .. import queries
from ..models import Wave, WaveState
from ..queries import WHOLE, Answered, Place
from ..wording import in_language

log = structlog.get_logger(__name__)
TOLD_WITHIN = datetime.timedelta(days=7)  # what was counted longer ago is no news
MOST_GROUPS = 5


def send_digests(*, now: datetime.datetime) -> int:
    """One message to all of HR for each wave that was counted in the last days and not told of; how many.

    It is noted in the transaction it is sent in: one that the mail server refused goes out with the next run.
    """
    waiting = Wave.objects.filter(state=WaveState.PUBLISHED, told_at=None, published_at__gt=now - TOLD_WITHIN)
    sent = 0
    for key in list(waiting.order_by("published_at").values_list("pk", flat=True)):
        try:
            sent += _send(key, now)
        except OSError as error:  # smtplib's errors are OSErrors
            log.warning("mail_not_sent", reason=type(error).__name__)
            break
    return sent


@transaction.atomic
def _send(key: int, now: datetime.datetime) -> int:
    hr = get_user_model().objects.filter(groups__name=Role.HR.value, is_active=True)
    readers = sorted({str(email) for email in hr.values_list("email", flat=True) if email})
    if not readers or Wave.objects.filter(pk=key, told_at=None).update(told_at=now) != 1:
        return 0
    subject, body = digest_of(Wave.objects.select_related("survey").get(pk=key))
    EmailMessage(subject=subject, body=body, bcc=readers).send()
    return 1


def digest_of(wave: Wave) -> tuple[str, str]:
    """Subject and text."""
    title = in_language(wave.survey.title, wave.survey.languages) or _("Without title")
    before = queries.published_waves(wave.survey).filter(number__lt=wave.number).first()
    item = next((item for item in wave.questions if item["kind"] in queries.SCORED), None)
    found = queries.answered(wave, item, before=before) if item else None
    lines = [
        _("Wave %(number)s of “%(title)s” is closed and counted.") % {"number": wave.number, "title": title},
        _participation(wave),
        *(_score(found) if found else []),
        *(_groups(wave, item, before) if item and before else []),
        _("All results, and how sure they are: %(url)s")
        % {"url": settings.BASE_URL + reverse("surveys:results", args=[wave.survey.public_id]) + f"?wave={wave.number}"},
    ]
    subject = _("Results: %(title)s, wave %(number)s") % {"title": title, "number": wave.number}
    return " ".join(subject.split()), "\n\n".join(lines)


def _participation(wave: Wave) -> str:
    shown = queries.participation(wave)
    if shown is None:
        return _("Participation: not enough people.")
    if isinstance(shown, list):
        return _("Participation: between %(low)s and %(high)s %%.") % {"low": shown[0], "high": shown[1]}
    return _("Participation: %(percent)s %% of %(invited)s.") % {"percent": round(shown), "invited": wave.invited}


def _score(found: Answered) -> list[str]:
    if found.score is None:
        return [_("Score: not enough answers.")]
    score = found.score
    said = [
        ngettext(
            "Score: %(value)s, with 95 %% certainty between %(low)s and %(high)s, of %(n)s answer.",
            "Score: %(value)s, with 95 %% certainty between %(low)s and %(high)s, of %(n)s answers.",
            found.answered or 0,
        )
        % {"value": score.shown, "low": score.low, "high": score.high, "n": found.answered}
    ]
    if score.change is None:
        return [*said, _("There is no wave before it to compare with.")]
    return [*said, _change(_("The company"), score.change.difference, score.change.direction)]


def _change(name: str, difference: float, direction: int) -> str:
    told = {"name": name, "points": f"{difference:+.0f}".replace("-", "−")}
    if not direction:
        return _("%(name)s: no clear change from the wave before (%(points)s is within what chance makes).") % told
    told["how"] = _("better") if direction > 0 else _("lower")
    return (
        _("%(name)s: %(how)s than in the wave before (%(points)s), and real: chance makes that in one of twenty at most.") % told
    )


def _groups(wave: Wave, item: dict[str, object], before: Wave) -> list[str]:
    """Departments that are shown in both waves and really changed, the largest change first."""
    changes = []
    for key, name in queries.names_shown(wave, "department"):
        score = queries.answered(wave, item, Place("department", key), before=before).score if key != WHOLE.group else None
        if score is not None and score.change is not None and score.change.direction:
            changes.append((abs(score.change.difference), _change(name, score.change.difference, score.change.direction)))
    return [line for _size, line in sorted(changes, reverse=True)[:MOST_GROUPS]]
