"""Write down that somebody takes out a list of customers, before it is handed out."""

import datetime

from ..models import ListExport


def begin_list_export(*, about: str, count: int, by: str, now: datetime.datetime) -> ListExport:
    return ListExport.objects.create(exported_at=now, by=by, about=about[:300], count=count)
