"""Plan what is done about results, and say how far it is."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.audit import acting
from incentives_site.shared.problems import FieldError, Invalid, NotFound

from .. import queries
from ..models import ActionPlan, ActionState, Survey

FIELDS = frozenset({"title", "owner", "due_on", "state", "notes", "question", "dimension", "group"})
LONGEST_NOTES = 5_000


class ActionUnknown(NotFound):
    code = "action-unknown"
    title = gettext_lazy("There is no such action")


def action_by_public_id(public_id: str) -> ActionPlan:
    """Raises ``ActionUnknown``."""
    found = ActionPlan.objects.select_related("survey").filter(public_id=public_id).first()
    if found is None:
        raise ActionUnknown
    return found


def plan_action(*, survey: Survey, fields: Mapping[str, Any], by: str, now: datetime.datetime) -> ActionPlan:
    """``fields`` of ``FIELDS``. Raises ``Invalid``, also for a group that was not shown in the newest wave."""
    action = ActionPlan(survey=survey, created_by=by, created_at=now)
    with transaction.atomic(), acting(by=by, why="plan action"):
        _fill(action, fields)
        action.save()
    return action


def revise_action(*, action: ActionPlan, fields: Mapping[str, Any], by: str) -> ActionPlan:
    """Raises ``Invalid``."""
    with transaction.atomic(), acting(by=by, why="revise action"):
        locked = ActionPlan.objects.select_for_update(of=("self",)).select_related("survey").get(pk=action.pk)
        _fill(locked, fields)
        locked.save(update_fields=list(fields))
    return locked


def _fill(action: ActionPlan, fields: Mapping[str, Any]) -> None:
    if unknown := set(fields) - FIELDS:
        raise ValueError(f"no fields of an action: {unknown}")
    was = (action.dimension, action.group)
    for name, value in fields.items():
        setattr(action, name, value)
    missing = [name for name in ("title", "owner", "due_on") if not str(getattr(action, name) or "").strip()]
    errors = [FieldError(f"/{name}", "required", _("Please fill this in.")) for name in missing]
    if action.state not in ActionState.values:
        errors.append(FieldError("/state", "unknown-state", _("Choose one of the states.")))
    if len(action.notes) > LONGEST_NOTES:
        errors.append(FieldError("/notes", "too-long", _("At most 5,000 characters.")))
    wave = queries.published_waves(action.survey).first()
    if action.question and (wave is None or action.question not in {item["key"] for item in wave.questions}):
        errors.append(FieldError("/question", "unknown-question", _("Choose a question of the newest wave.")))
    now = (action.dimension, action.group)
    if any(now) and now != was and (wave is None or action.group not in queries.groups_shown(wave, action.dimension)):
        errors.append(FieldError("/group", "unknown-group", _("Choose a group whose results are shown.")))
    if errors:
        raise Invalid(errors=errors)
