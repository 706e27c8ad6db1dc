"""Draw the winners of a contest: announced with a commitment to the seed, then drawn once (``docs/ledger.md``, Contests)."""

import datetime
import secrets

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import sealing
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import Account, AccountKind, ContestDraw
from ..rules.drawing import commitment_to, digest_of, drawn

MOST_WINNERS = 10_000
LONGEST_SEED = 100


class DrawAnnounced(Problem):
    code = "draw-announced"
    title = gettext_lazy("A draw of this contest is announced already")
    kind = Kind.CONFLICT


class DrawNotAnnounced(Problem):
    code = "draw-not-announced"
    title = gettext_lazy("No draw of this contest is announced")
    kind = Kind.CONFLICT


class NobodyEntered(Problem):
    code = "nobody-entered"
    title = gettext_lazy("Nobody has entered this contest")
    kind = Kind.CONFLICT


class SeedLost(Problem):
    code = "seed-lost"
    title = gettext_lazy("The seed is not the one that was committed to")
    kind = Kind.CONFLICT


def announce_draw(*, contest: str, winners: int, by: str, now: datetime.datetime, seed: str = "") -> ContestDraw:
    """Fix how many ``winners`` there will be and commit to a seed (a secret one of ours if none is given), before it is drawn.

    Raises ``Invalid`` and ``DrawAnnounced``.
    """
    errors = []
    if not 1 <= len(contest) <= 200:
        errors.append(FieldError("/contest", "bad-text", _("A contest has a key of 1 to 200 characters.")))
    if len(seed) > LONGEST_SEED:
        errors.append(FieldError("/seed", "bad-text", _("A seed has at most %(most)s characters.") % {"most": LONGEST_SEED}))
    if not 1 <= winners <= MOST_WINNERS:
        errors.append(FieldError("/winners", "out-of-range", _("From 1 to %(most)s.") % {"most": MOST_WINNERS}))
    if errors:
        raise Invalid(errors=errors)
    seed = seed or secrets.token_hex(32)
    try:
        with transaction.atomic():
            return ContestDraw.objects.create(
                contest=contest,
                winners_wanted=winners,
                commitment=commitment_to(seed),
                sealed=sealing.seal(seed),
                announced_by=by,
                announced_at=now,
            )
    except IntegrityError:
        raise DrawAnnounced(_("Draw it before you announce another.")) from None


def draw_contest(*, contest: str, by: str, now: datetime.datetime) -> ContestDraw:
    """Draw the winners among the entries there are now, and publish the seed. Once for each announcement.

    Raises ``DrawNotAnnounced``, ``NobodyEntered``, ``SeedLost``.
    """
    with transaction.atomic():
        draw = ContestDraw.objects.select_for_update().filter(contest=contest, drawn_at__isnull=True).first()
        if draw is None:
            raise DrawNotAnnounced(_("Announce it first: its commitment is published before anybody can know who wins."))
        entered = Account.objects.filter(kind=AccountKind.ENTRIES, contest=contest, balance__gt=0, customer__isnull=False)
        entries = {str(name): count for name, count in entered.values_list("customer__public_id", "balance")}
        if not entries:
            raise NobodyEntered(_("There is no entry to draw from."))
        draw.seed = sealing.open_seal(draw.sealed)
        if commitment_to(draw.seed) != draw.commitment:
            raise SeedLost(_("It was sealed with another key (CODES_KEY)."))
        draw.entries = dict(sorted(entries.items()))
        draw.entries_digest = digest_of(entries)
        draw.winners = drawn(draw.seed, entries, draw.winners_wanted)
        draw.drawn_by, draw.drawn_at = by, now
        draw.save()
    return draw
