"""When a survey is asked, in words."""

import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..rules.schedules import Every


def schedule_in_words(
    every: str, anchor_on: datetime.date | None, opens_at: datetime.time | None, time_zone: str, open_days: int
) -> str:
    """Such as "Every Monday at 09:00 (Europe/Rome), open for 7 days."."""
    lasts = ngettext("open for %(n)s day", "open for %(n)s days", open_days) % {"n": open_days}
    if anchor_on is None or opens_at is None:
        return _("Once, as soon as it is started, %(lasts)s.") % {"lasts": lasts}
    said = {
        "at": opens_at.strftime("%H:%M"),
        "zone": time_zone,
        "lasts": lasts,
        "weekday": date_format(anchor_on, "l"),
        "day": anchor_on.day,
        "date": date_format(anchor_on, "j F Y"),
    }
    if not every:
        return _("Once, on %(date)s at %(at)s (%(zone)s), %(lasts)s.") % said
    sentence = {
        Every.WEEKLY: _("Every %(weekday)s at %(at)s (%(zone)s), %(lasts)s."),
        Every.FORTNIGHTLY: _("Every second %(weekday)s from %(date)s at %(at)s (%(zone)s), %(lasts)s."),
        Every.MONTHLY: _("Every month on day %(day)s, from %(date)s, at %(at)s (%(zone)s), %(lasts)s."),
        Every.QUARTERLY: _("Every three months from %(date)s at %(at)s (%(zone)s), %(lasts)s."),
        Every.THIRTEEN_WEEKS: _("Every thirteen weeks from %(date)s at %(at)s (%(zone)s), %(lasts)s."),
    }[Every(every)] % said
    if every in {Every.MONTHLY, Every.QUARTERLY} and anchor_on.day > 28:
        sentence += " " + _("In a shorter month on its last day.")
    return sentence + " " + _("A weekend moves to the Monday after.")
