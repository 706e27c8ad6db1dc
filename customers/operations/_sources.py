"""Say how a source keeps its key, and give it another (``docs/profiles.md``, Sources and evidence)."""

from django.db import transaction

from ..models import Source, new_write_key
from ..rules.trust import Trust


def choose_trust(*, source: Source, trust: Trust, renew_key: bool = False) -> bool:
    """Decide what the source may say from now on; returns whether it has a new write key, which its senders then need.

    A key that has been public cannot become secret: a source that changes to ``server`` gets a new one. Only where the
    question was
    never answered before does ``renew_key=False`` keep the key, as the operator then says that it never left the servers.
    """
    with transaction.atomic():
        row = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
        was_public = row.is_trust_chosen and row.trust != Trust.SERVER
        row.trust, row.is_trust_chosen = trust.value, True
        is_renewed = renew_key or (trust is Trust.SERVER and was_public)
        if is_renewed:
            row.write_key = new_write_key()
        row.save(update_fields=["trust", "is_trust_chosen", "write_key_digest", "write_key_sealed"])
    source.refresh_from_db()
    return is_renewed
