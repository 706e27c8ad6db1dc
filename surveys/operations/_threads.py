"""Talk under a comment with somebody nobody knows: only who holds the key from the thank-you page is its author (R13)."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import FieldError, Invalid, Kind, NotFound, Problem

from .. import sealing
from ..models import Comment, Reply, WaveState
from ..rules.questions import MOST_QUESTIONS

LONGEST_REPLY = 2_000
MOST_REPLIES = 50


class ThreadUnknown(NotFound):
    code = "thread-unknown"
    title = gettext_lazy("No comment belongs to this key")


class ThreadClosed(Problem):
    code = "thread-closed"
    title = gettext_lazy("Its author has closed this conversation")
    kind = Kind.CONFLICT


def comments_of(key: str) -> list[Comment]:
    """The comments whose author holds ``key``, in the order of the questions, once the wave is published. Raises
    ``ThreadUnknown``.
    """
    digests = [sealing.thread_digest(key.strip()[:100], question) for question in range(MOST_QUESTIONS)]
    found = Comment.objects.filter(thread_digest__in=digests, wave__state=WaveState.PUBLISHED).select_related("wave__survey")
    if not found:
        raise ThreadUnknown(_("Enter it as it stood on the page that thanked you; it works once the survey is closed."))
    return sorted(found, key=lambda comment: digests.index(bytes(comment.thread_digest or b"")))


def reply(*, comment: Comment, text: str, by: str = "", is_author: bool = False) -> Reply:
    """One more message, from HR or from the author. Raises ``ThreadClosed`` for one without key or closed, and ``Invalid``."""
    text = "".join(c for c in text if c != "\x00" and not "\ud800" <= c <= "\udfff").strip()
    if not 1 <= len(text) <= LONGEST_REPLY:
        raise Invalid(errors=[FieldError("/text", "bad-text", _("From 1 to %(most)s characters.") % {"most": LONGEST_REPLY})])
    with transaction.atomic():
        locked = Comment.objects.select_for_update(of=("self",)).get(pk=comment.pk)
        if locked.is_closed or locked.thread_digest is None:
            raise ThreadClosed(_("Nobody would read it."))
        count = locked.replies.count()
        if count >= MOST_REPLIES:
            raise ThreadClosed(_("It has become too long."))
        return Reply.objects.create(
            comment=locked, is_author=is_author, by="" if is_author else by[:100], text=text, position=count
        )


def close_thread(*, comment: Comment) -> None:
    """Only the author closes it: who calls this has shown the key."""
    Comment.objects.filter(pk=comment.pk).update(is_closed=True)
