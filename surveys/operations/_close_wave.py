"""Close a wave: count its ballots, decide what may be shown, and leave nothing that joins a person and an answer.

One transaction writes every row of the wave anew, in an order that chance made: answers, tallies, comments and invitations have
one transaction id, and their places in the tables tell nothing.
"""

import datetime
import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from .. import sealing
from ..models import AnswerSet, Ballot, Comment, Invitation, Mode, Tally, Wave, WaveState
from ..rules.publishing import ANSWERED, DEPARTMENT, EVERYBODY, drivers, publish
from ..rules.questions import SCALES, Kind
from ..rules.scores import Participation, participation_shown
from ..rules.visibility import COMMENTS_FROM
from ._announce import announce_closed
from ._live import counted_at_close, scored_question
from ._reward import nudge

AT_ONCE = 5_000
_CHANCE = secrets.SystemRandom()


def close_wave(*, wave: Wave, now: datetime.datetime) -> bool:
    """Count and publish a wave whose window is over; whether this call did. One that is closed, or still open, stays as it is."""
    with transaction.atomic():
        taken = Wave.objects.filter(pk=wave.pk, state=WaveState.OPEN, closes_at__lte=now).update(state=WaveState.CLOSED)
        if taken != 1:
            return False
        wave = Wave.objects.select_for_update(of=("self",)).get(pk=wave.pk)
        kept = list(Ballot.objects.filter(wave=wave).values_list("step", "sealed"))
        opened = sealing.open_ballots(wave.sealed_key or b"", [bytes(sealed) for _step, sealed in kept])
        rows = [(step, ballot) for (step, _sealed), ballot in zip(kept, opened, strict=True)]
        _CHANCE.shuffle(rows)
        everybody = [ballot for _step, ballot in rows]
        ballots, steps = counted_at_close(wave, rows)
        invited = list(Invitation.objects.filter(wave=wave).values_list("groups", "is_used"))
        respondents = [ballot["groups"] for ballot in ballots]
        tallies = _tallied(ballots, wave.questions)
        wave.results = publish(
            tallies,
            respondents,
            k=wave.k,
            invited=[groups for groups, _is_used in invited],
            answerers=_answerers(ballots),
            steps={scored_question(wave.questions): steps},
        )
        wave.results["participation"] = _participation(invited, wave.results, wave.k)
        if wave.results["figures"]:
            wave.results["drivers"] = _drivers(wave, ballots)
        _keep_answers(wave, everybody)
        _keep_tallies(wave, tallies)
        _keep_comments(wave, everybody)
        _forget_order(wave)
        wave.state, wave.published_at, wave.sealed_key = WaveState.PUBLISHED, now, None
        wave.save(update_fields=["results", "state", "published_at", "sealed_key"])
        announce_closed(wave, now)
        nudge()
    return True


def _tallied(ballots: Sequence[Mapping[str, Any]], questions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """question → dimension → group → answer → times. Texts are not tallied: they are read as comments."""
    kinds = {item["key"]: item["kind"] for item in questions}
    found: dict[str, Any] = {}
    for ballot in ballots:
        places = [(EVERYBODY, EVERYBODY)]
        for dimension, value in ballot["groups"].items():
            places += [(dimension, key) for key in (value if isinstance(value, list) else [value]) if key]
        for question, value in ballot["values"].items():
            if kinds.get(question) == Kind.TEXT:
                continue
            said = [ANSWERED, *(json.dumps(one) for one in (value if isinstance(value, list) else [value]))]
            for dimension, group in places:
                found.setdefault(question, {}).setdefault(dimension, {}).setdefault(group, Counter()).update(said)
    return found


def _answerers(ballots: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """question → the numbers of those who answered it."""
    found: dict[str, list[int]] = {}
    for number, ballot in enumerate(ballots):
        for question in ballot["values"]:
            found.setdefault(question, []).append(number)
    return found


def _drivers(wave: Wave, ballots: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    scored = scored_question(wave.questions)
    asked = [item["key"] for item in wave.questions if item["key"] != scored and Kind(item["kind"]) in SCALES]
    return drivers([ballot["values"] for ballot in ballots], scored, asked) if scored else {}


def _participation(invited: Sequence[tuple[Mapping[str, Any], bool]], results: Mapping[str, Any], k: int) -> dict[str, Any]:
    """Percentages and bands of everybody and of the groups that are shown: of others they would tell by subtraction."""
    shown, others = results["shown"], results["others"]
    counts: dict[tuple[str, str], list[int]] = {}
    for groups, is_used in invited:
        places = [(EVERYBODY, EVERYBODY)]
        for dimension, value in groups.items():
            keys = value if isinstance(value, list) else [value]
            places += [(dimension, key) for key in keys if key in shown.get(dimension, ())]
            places += [(dimension, other) for other, parts in others.get(dimension, {}).items() if set(parts) & set(keys)]
        for place in places:
            seen = counts.setdefault(place, [0, 0])
            seen[0] += 1
            seen[1] += is_used
    found: dict[str, Any] = {}
    for (dimension, group), (people, submitted) in counts.items():
        part = participation_shown(Participation(people, submitted), k)
        if part is not None:
            found.setdefault(dimension, {})[group] = part if isinstance(part, float) else list(part)
    return found


def _keep_answers(wave: Wave, ballots: Sequence[Mapping[str, Any]]) -> None:
    if wave.mode == Mode.ANONYMOUS:
        rows = [AnswerSet(wave=wave, values=_without_texts(ballot["values"], wave.questions)) for ballot in ballots]
        AnswerSet.objects.bulk_create(rows, batch_size=AT_ONCE)
    Ballot.objects.filter(wave=wave).delete()


def _without_texts(values: Mapping[str, Any], questions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    texts = {item["key"] for item in questions if item["kind"] == Kind.TEXT}
    return {key: value for key, value in values.items() if key not in texts}


def _keep_tallies(wave: Wave, tallies: Mapping[str, Any]) -> None:
    rows = [
        Tally(wave=wave, question=question, dimension=dimension, group=group[:100], value=value[:64], times=times)
        for question, dimensions in tallies.items()
        for dimension, groups in dimensions.items()
        for group, histogram in groups.items()
        for value, times in histogram.items()
    ]
    _CHANCE.shuffle(rows)
    Tally.objects.bulk_create(rows, batch_size=AT_ONCE)


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
