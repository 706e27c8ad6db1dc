"""What the page *Privacy* says to HR and works councils (``docs/anonymity.md`` has the proofs)."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from ..models import Mode


@dataclass(frozen=True, slots=True)
class Protection:
    """A rule that decides what is shown; ``is_on`` is ``None`` where it cannot be switched off."""

    name: str
    text: str
    cost: str
    is_on: bool | None = None


def what_is_kept(mode: str) -> list[str]:
    """What the system stores of each answer."""
    kept = {
        Mode.ANONYMOUS: _("Answers are stored without a name, and nothing is stored that connects an answer with a person."),
        Mode.CONFIDENTIAL: _("Answers are stored with a reference to the person. The reference is not shown on any page."),
        Mode.NAMED: _("Answers are stored with the person’s name."),
    }[Mode(mode)]
    return [
        kept,
        _("Who was invited and whether they answered is stored. It is not stored when they answered."),
        _("While the survey is open, answers are encrypted. They are opened and counted once, when it closes."),
        _("Only the published results remain afterwards; the figures of groups that are not shown are not stored anywhere."),
    ]


def who_sees_what(mode: str) -> list[tuple[str, str]]:
    """Readers and what they can read."""
    return [
        (_("HR"), _("The published results and comments. Never who answered, and never a single answer.")),
        (_("Managers"), _("The published results of their own team, or of the next larger group that is shown.")),
        (_("Colleagues"), _("Nothing, unless HR shares the report.")),
        (_("System administrators"), _("The same pages as HR only if they have the HR role; no page shows single answers.")),
        (
            _("Someone with a copy of the database"),
            _("Before the close: who has answered, and encrypted answers. After the close: answers without names or groups.")
            if mode == Mode.ANONYMOUS
            else _("Before the close: who has answered, and encrypted answers. After the close: answers with the reference."),
        ),
    ]


def protections(k: int, *, hides_uniform: bool, hides_few_changes: bool) -> list[Protection]:
    """The rules in the order in which they are applied."""
    return [
        Protection(
            _("Groups that cannot be told apart"),
            _(
                "Adding and subtracting the published figures, in any way, never gives a result about fewer than %(k)s people: "
                "all people who share the same published groups are at least %(k)s."
            )
            % {"k": k},
            _("Small groups are not shown, or are shown together as “Others”."),
        ),
        Protection(
            _("Joiners and leavers"),
            _("Compared with the previous wave, no difference comes from fewer than %(k)s people who joined, left or moved.")
            % {"k": k},
            _("A small team with hardly any change is not shown in the next wave."),
            hides_few_changes,
        ),
        Protection(
            _("Groups that agree"),
            _("Where all or all but one of a group gave the same kind of answer, the figure would reveal each answer."),
            _("Such a group is not shown for that question, even if the news is good."),
            hides_uniform,
        ),
        Protection(
            _("Detail of distributions"),
            _("The full distribution is shown from %(large)s people, three classes below, or only the score or mean.")
            % {"large": 3 * k},
            _("For small groups you see a score with its margin, but not who is at the ends of the scale."),
        ),
        Protection(
            _("Comments"),
            _("Comments are shown from ten people who answered the question, in random order and without a date."),
            _("A comment can still reveal its author by what it says."),
        ),
    ]


def how_to_check() -> list[str]:
    """For somebody who does not want to take our word for it."""
    return [
        _("Export the results as CSV and list the people of each group from the directory."),
        _("Try to combine groups so that fewer people than the smallest group remain. No combination does."),
        _("The proofs, and a program that attacks random companies, are part of the product: see docs/anonymity.md."),
    ]
