"""What personnel systems are told of waves (``docs/webhooks.md``), in the transaction in which it happens."""

import datetime
from typing import Any

from incentives_site.integrations.operations import announce

from ..models import Wave
from ..queries import WHOLE, Place, participation


def participation_as_data(wave: Wave, place: Place = WHOLE) -> dict[str, str] | None:
    """How many of those who were asked took part, as far as it may be shown: percentages, alike where it is no band."""
    found = participation(wave, place)
    if found is None:
        return None
    at_least, at_most = found if isinstance(found, list) else (found, found)
    return {"at_least": f"{at_least:.2f}", "at_most": f"{at_most:.2f}"}


def announce_opened(wave: Wave, now: datetime.datetime) -> None:
    data = {**_of(wave), "opens_at": wave.opens_at, "closes_at": wave.closes_at}
    announce(type="survey.wave.opened", key=str(wave.public_id), data=data, now=now)


def announce_closed(wave: Wave, now: datetime.datetime) -> None:
    """No figures: how they may be read is said with them, on the page and over the API."""
    data = {**_of(wave), "published_at": wave.published_at, "participation": participation_as_data(wave)}
    announce(type="survey.wave.closed", key=str(wave.public_id), data=data, now=now)


def _of(wave: Wave) -> dict[str, Any]:
    return {"survey": wave.survey.public_id, "wave": wave.public_id, "number": wave.number, "invited": wave.invited}
