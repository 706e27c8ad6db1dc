"""How long ago something was, in one unit; long ago is a date."""

import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

register = template.Library()

AS_A_DATE_AFTER = datetime.timedelta(days=30)


@register.filter
def ago(instant: datetime.datetime, now: datetime.datetime | None = None) -> str:
    """``3 hours ago``, or the day when that is more than a month back."""
    now = now or timezone.now()
    if now - instant > AS_A_DATE_AFTER:
        return str(date_format(timezone.localtime(instant), "j M Y"))
    if now - instant < datetime.timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(instant, now, depth=1)}
