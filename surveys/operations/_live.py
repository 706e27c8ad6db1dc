"""The company's score while a wave is open, where the survey promises that (R6): in steps, never of the last few.

Each step is counted with the answer that completes it, in its transaction, while the wave is locked: two steps cannot take the
same ballots, and none is ever smaller than the rule allows. Waves without live score are not locked.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .. import sealing
from ..models import Ballot, Wave
from ..rules.publishing import ANSWERED, SUM
from ..rules.questions import Kind
from ..rules.scores import of_histogram
from ..rules.uniformity import are_alike
from ..rules.visibility import left_out_at_close, step_of_live

NO_SCORE = 0  # the step of a ballot that says nothing of the score
SCORED = (Kind.ENPS, Kind.NPS)


def scored_question(questions: Sequence[Mapping[str, Any]]) -> str:
    """The one that is shown before the close; empty when nothing is scored."""
    return next((item["key"] for item in questions if item["kind"] in SCORED), "")


def locked_if_live(wave: Wave) -> Wave:
    """First in the transaction of an answer: as a close does it, so that neither waits for the other's invitation."""
    return Wave.objects.select_for_update(of=("self",), no_key=True).get(pk=wave.pk) if wave.is_live else wave


def renew_live(locked: Wave) -> None:
    """In the transaction of an answer, after its ballot was kept."""
    wave, key = locked, scored_question(locked.questions)
    if not wave.is_live or not key:
        return
    waiting = Ballot.objects.filter(wave=wave, step=None)
    step = step_of_live(locked.k, locked.invited)
    if waiting.count() < step:
        return
    rows = list(waiting)
    said = sealing.open_ballots(locked.public_id, locked.sealed_key or b"", [bytes(row.sealed) for row in rows])
    without = [row.pk for row, ballot in zip(rows, said, strict=True) if key not in ballot["values"]]
    Ballot.objects.filter(pk__in=without).update(step=NO_SCORE)
    counted = [(row, ballot["values"][key]) for row, ballot in zip(rows, said, strict=True) if key in ballot["values"]]
    if len(counted) < step or (wave.hides_uniform and are_alike([value for _row, value in counted])):
        return  # of people who all answered alike the step would say what each of them answered
    number = locked.live.get("steps", 0) + 1
    Ballot.objects.filter(pk__in=[row.pk for row, _value in counted]).update(step=number)
    counts = of_histogram(Counter(value for _row, value in counted))
    net = counts.promoters - counts.detractors
    shown = Counter(locked.live.get("figures", {}).get(key, {}))
    shown.update({ANSWERED: len(counted), SUM: net})
    locked.live = {"steps": number, "figures": {key: dict(shown)}}
    locked.save(update_fields=["live"])


def counted_at_close(
    wave: Wave, rows: Sequence[tuple[int | None, dict[str, Any]]]
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Of ``(step, ballot)``: the ballots that are in figures, and by number in these what each step had shown, from the first.

    Those who gave a score after the last step are in no figure where they are too few, or too much alike, to be told from the
    difference.
    """
    key = scored_question(wave.questions)
    if not wave.is_live or not wave.live or not key:
        return [ballot for _step, ballot in rows], []
    late = [ballot for step, ballot in rows if step is None and key in ballot["values"]]
    said = [ballot["values"][key] for ballot in late]
    if left_out_at_close(len(late), wave.k) or (late and wave.hides_uniform and are_alike(said)):
        rows = [(step, ballot) for step, ballot in rows if step is not None or key not in ballot["values"]]
    shown = [
        [number for number, (step, _ballot) in enumerate(rows) if step and step <= last]
        for last in range(1, wave.live["steps"] + 1)
    ]
    return [ballot for _step, ballot in rows], shown
