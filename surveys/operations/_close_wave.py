"""Close a wave: count its ballots, decide what may be shown, and leave nothing that joins a person and an answer.

One transaction writes every row of the wave anew, in an order that chance made: answers, comments and invitations have one
transaction id, and their places in the tables tell nothing.
"""

import datetime
import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from .. import ballot_keys, sealing
from ..models import AnswerSet, Ballot, Comment, Invitation, Mode, Wave, WaveState
from ..rules.publishing import DEPARTMENT, EVERYBODY, Earlier, Invited, drivers, path_of, publish
from ..rules.questions import SCALES, Kind
from ..rules.scores import Participation, participation_shown
from ..rules.visibility import COMMENTS_FROM
from ._announce import announce_closed
from ._live import counted_at_close, scored_question
from ._reward import nudge

AT_ONCE = 5_000
MOST_COMPARED = 3  # earlier waves that are judged beside the one that closes
_CHANCE = secrets.SystemRandom()


def close_wave(*, wave: Wave, now: datetime.datetime) -> bool:
    """Count and publish a wave whose window is over; whether this call did. One that is closed, or still open, stays as it is.

    Raises ``ballot_keys.KeyLost`` while the file that opens its ballots is missing; then it stays open, to be closed once the
    file is back.
    """
    with transaction.atomic():
        taken = Wave.objects.filter(pk=wave.pk, state=WaveState.OPEN, closes_at__lte=now).update(state=WaveState.CLOSED)
        if taken != 1:
            return False
        wave = Wave.objects.select_for_update(of=("self",)).get(pk=wave.pk)
        kept = list(Ballot.objects.filter(wave=wave).values_list("step", "sealed"))
        opened = sealing.open_ballots(wave.public_id, wave.sealed_key or b"", [bytes(sealed) for _step, sealed in kept])
        rows = [(step, ballot) for (step, _sealed), ballot in zip(kept, opened, strict=True)]
        _CHANCE.shuffle(rows)
        everybody = [ballot for _step, ballot in rows]
        ballots, steps = counted_at_close(wave, rows)
        invited = invited_to(wave)
        wave.results = publish(
            ballots,
            wave.questions,
            k=wave.k,
            invited=invited,
            earlier=_earlier(wave) if wave.hides_few_changes else (),
            steps=steps,
            left_out=len(everybody) - len(ballots),
            hides_uniform=wave.hides_uniform,
        )
        wave.results["participation"] = _participation(invited, wave.results, wave.k)
        wave.results["commented"] = _commented(everybody, wave)
        if wave.results["figures"]:
            wave.results["drivers"] = _drivers(wave, ballots)
        _keep_answers(wave, everybody)
        _keep_comments(wave, everybody)
        _forget_order(wave)
        wave.state, wave.published_at, wave.sealed_key = WaveState.PUBLISHED, now, None
        wave.save(update_fields=["results", "state", "published_at", "sealed_key"])
        announce_closed(wave, now)
        nudge()
        transaction.on_commit(partial(ballot_keys.destroy, wave.public_id))
    return True


def invited_to(wave: Wave) -> list[Invited]:
    """Who was asked, and whether they answered, as the rules take it."""
    rows = Invitation.objects.filter(wave=wave).order_by("employee_id").values_list("employee_id", "groups", "is_used")
    return [Invited(*row) for row in rows.iterator(chunk_size=AT_ONCE)]


def _earlier(wave: Wave) -> list[Earlier]:
    """The waves of the survey before it whose invitations are kept (``_purge``): always the last that was published."""
    before = Wave.objects.filter(survey=wave.survey_id, state=WaveState.PUBLISHED, number__lt=wave.number)
    return [
        Earlier(invited_to(other), other.results.get("shown", {}), other.results.get("others", {}), other.k)
        for other in before.order_by("-number")[:MOST_COMPARED]
        if other.results.get("answered")
    ]


def _commented(ballots: Sequence[Mapping[str, Any]], wave: Wave) -> list[str]:
    """The questions whose comments may be read: enough people answered them, so that a comment is one of many (R2)."""
    answered = Counter(question for ballot in ballots for question in ballot["values"])
    return [item["key"] for item in wave.questions if answered[item["key"]] >= max(COMMENTS_FROM, wave.k)]


def _drivers(wave: Wave, ballots: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    scored = scored_question(wave.questions)
    asked = [item["key"] for item in wave.questions if item["key"] != scored and Kind(item["kind"]) in SCALES]
    return drivers([ballot["values"] for ballot in ballots], scored, asked) if scored else {}


def _participation(invited: Sequence[Invited], results: Mapping[str, Any], k: int) -> dict[str, Any]:
    """Of everybody and of the groups that are shown: of others it would tell by subtraction.

    Where figures are shown, how many answered stands beside them, so a band would hide nothing: under ten people there is none.
    """
    shown, others = results["shown"], results["others"]
    counts: dict[tuple[str, str], list[int]] = {}
    for one in invited:
        places = [(EVERYBODY, EVERYBODY)]
        for dimension in one.groups:
            keys = path_of(one.groups, dimension)
            places += [(dimension, key) for key in keys if key in shown.get(dimension, ())]
            places += [(dimension, other) for other, parts in others.get(dimension, {}).items() if set(parts) & set(keys)]
        for place in places:
            seen = counts.setdefault(place, [0, 0])
            seen[0] += 1
            seen[1] += one.took_part
    found: dict[str, Any] = {}
    for (dimension, group), (people, submitted) in counts.items():
        part = participation_shown(Participation(people, submitted), k)
        if isinstance(part, float):
            found.setdefault(dimension, {})[group] = part
        elif part is not None and not results["figures"]:
            found.setdefault(dimension, {})[group] = list(part)
    return found


def _keep_answers(wave: Wave, ballots: Sequence[Mapping[str, Any]]) -> None:
    if wave.mode == Mode.ANONYMOUS:
        rows = [AnswerSet(wave=wave, values=_without_texts(ballot["values"], wave.questions)) for ballot in ballots]
        AnswerSet.objects.bulk_create(rows, batch_size=AT_ONCE)
    Ballot.objects.filter(wave=wave).delete()


def _without_texts(values: Mapping[str, Any], questions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    texts = {item["key"] for item in questions if item["kind"] == Kind.TEXT}
    return {key: value for key, value in values.items() if key not in texts}


def _keep_comments(wave: Wave, ballots: Sequence[Mapping[str, Any]]) -> None:
    """Apart from the answers. Of which department only where it is shown and not divided further, ten of it answered, and ten of
    the others are left: so that how many wrote tells of no group that is not shown.
    """
    respondents = [ballot["groups"] for ballot in ballots]
    shown = set(wave.results["shown"].get(DEPARTMENT, ()))
    texts = {item["key"] for item in wave.questions if item["kind"] == Kind.TEXT}
    paths = [groups.get(DEPARTMENT) or [] for groups in respondents]
    sizes = Counter(path[-1] for path in paths if path)
    divided = {department for path in paths for department in path[:-1]}
    named = {department for department, count in sizes.items() if count >= COMMENTS_FROM and department in shown - divided}
    rest = len(respondents) - sum(sizes[department] for department in named)
    if 0 < rest < COMMENTS_FROM and named:
        named.remove(min(named, key=lambda department: sizes[department]))
    rows = []
    for ballot in ballots:
        said = {**ballot["comments"], **{key: value for key, value in ballot["values"].items() if key in texts}}
        path = ballot["groups"].get(DEPARTMENT) or [""]
        for question, text in said.items():
            digest = bytes.fromhex(ballot["threads"].get(question, "")) or None
            department = path[-1] if path[-1] in named else ""
            rows.append(Comment(wave=wave, question=question, text=text, department=department, thread_digest=digest))
    _CHANCE.shuffle(rows)
    Comment.objects.bulk_create(rows, batch_size=AT_ONCE)


def _forget_order(wave: Wave) -> None:
    """The invitations again, in an order that chance made: which were used first is written nowhere any more."""
    if wave.mode != Mode.ANONYMOUS:
        return
    table = Invitation._meta.db_table
    # Who was reminded would say that somebody answered late.
    Invitation.objects.filter(wave=wave).update(reminders=0)
    columns = ", ".join(str(field.column) for field in Invitation._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH gone AS (DELETE FROM {table} WHERE wave_id = %s RETURNING {columns}) "  # noqa: S608  (names of a model)
            f"SELECT {columns} FROM gone ORDER BY gen_random_uuid()",
            [wave.pk],
        )
        rows = cursor.fetchall()
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({', '.join(['%s'] * len(rows[0]))})" if rows else "SELECT 1",  # noqa: S608
            [[json.dumps(value) if isinstance(value, dict) else value for value in row] for row in rows],
        )
