"""Whose link it is, and its use: one prepared statement each, as many answer in the minutes after the messages went out."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Incentive
from incentives_site.shared.prepared import prepared_cursor
from incentives_site.shared.problems import NotFound

from .. import sealing
from ..models import Invitation, Survey, Wave

# What answering and its page read; everything else of the rows is fetched if somebody asks for it.
_FIELDS: dict[Any, tuple[str, ...]] = {
    Invitation: ("id", "wave_id", "employee_id", "groups", "is_used"),
    Wave: (
        "id", "public_id", "survey_id", "number", "opens_at", "closes_at", "state", "mode", "k", "questions", "invited",
        "is_live", "incentive_id", "sealed_key",
    ),
    Survey: ("id", "public_id", "kind", "title", "introduction", "languages", "is_one_page", "time_zone"),
    Incentive: ("id", "name"),
}  # fmt: skip
_JSON = frozenset({"groups", "questions", "title", "introduction", "languages"})
_COLUMNS = ", ".join(f"{model._meta.model_name}.{name}" for model, names in _FIELDS.items() for name in names)
_FIND = f"""
SELECT {_COLUMNS} FROM surveys_invitation invitation
JOIN surveys_wave wave ON wave.id = invitation.wave_id JOIN surveys_survey survey ON survey.id = wave.survey_id
LEFT JOIN campaigns_incentive incentive ON incentive.id = wave.incentive_id
WHERE invitation.digest = %s::bytea
"""  # noqa: S608  (names of models)
# The wave first, as a close does it, so that neither waits for what the other holds. Where a close is at work this waits for it,
# looks again, and finds no open wave; where this is first, the close waits and counts the ballot.
_USE = """
WITH open_wave AS (SELECT id FROM surveys_wave WHERE id = %s AND state = 'open' FOR KEY SHARE),
used AS (
    UPDATE surveys_invitation i SET is_used = true FROM open_wave w
    WHERE i.id = %s::uuid AND i.wave_id = w.id AND NOT i.is_used RETURNING i.wave_id
)
INSERT INTO surveys_ballot (id, wave_id, sealed) SELECT %s::uuid, wave_id, %s::bytea FROM used
"""


class LinkUnknown(NotFound):
    code = "link-unknown"
    title = gettext_lazy("This link leads to no survey")


def invitation_of(token: str) -> Invitation:
    """Whose link it is, with its wave and survey; looking writes nothing. Raises ``LinkUnknown``."""
    with prepared_cursor() as cursor:
        cursor.execute(_FIND, [sealing.token_digest(token[:200])])
        row = cursor.fetchone()
    if row is None:
        raise LinkUnknown(_("Open the link as it stands in your invitation."))
    values = list(row)
    invitation, wave, survey, incentive = (_from(model, names, values) for model, names in _FIELDS.items())
    invitation.wave, wave.survey = wave, survey
    wave.incentive = incentive if incentive.pk else None
    return invitation  # type: ignore[no-any-return]


def _from(model: Any, names: Sequence[str], values: list[Any]) -> Any:
    """Takes its columns off the front of ``values``."""
    mine, values[:] = values[: len(names)], values[len(names) :]
    read = [
        json.loads(value) if name in _JSON and isinstance(value, str) else value for name, value in zip(names, mine, strict=True)
    ]
    return model.from_db("default", names, read)


def use(invitation: Invitation, sealed: bytes) -> bool:
    """Keep a ballot for an invitation that was not used, in a wave that is open; whether it was kept."""
    with prepared_cursor() as cursor:
        cursor.execute(_USE, [invitation.wave_id, invitation.pk, uuid.uuid4(), sealed])
        return bool(cursor.rowcount == 1)
