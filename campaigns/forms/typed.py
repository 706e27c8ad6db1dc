"""How amounts, percentages, lists and local times are typed, and what is said when they cannot be understood."""

import datetime
import re
import zoneinfo
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incentives_site.shared.money import NotAnAmount, minor_digits, parse_money

PERCENT = re.compile(r"(\d{1,3})(\.\d{1,4})?")


def amount_of(text: str, currency: str) -> int:
    """Minor units of what was typed in major units. Raises ``ValidationError`` with a sentence."""
    compact = text.replace(" ", "").replace("\u00a0", "")
    if compact.startswith(("-", "−")):
        raise ValidationError(_("An amount cannot be negative."))
    try:
        return parse_money(compact, currency)
    except NotAnAmount as error:
        raise ValidationError(_refusal(error.reason, currency)) from None


def _refusal(reason: str, currency: str) -> str:
    if reason == "digits":
        digits = minor_digits(currency)
        sentence = ngettext(
            "%(currency)s has at most %(n)s digit after the point.",
            "%(currency)s has at most %(n)s digits after the point.",
            digits,
        )
        return sentence % {"currency": currency, "n": digits}
    if reason == "size":
        return _("This amount is too large to be meant.")
    return _("Type a plain amount such as 12.50.")


def amount_as_typed(amount: int | None, currency: str) -> str:
    """Minor units as they are typed: ``1250`` and ``EUR`` → ``12.50``."""
    if amount is None:
        return ""
    digits = minor_digits(currency)
    return f"{Decimal(amount).scaleb(-digits):f}"


def percent_of(text: str) -> str:
    """The percentage as the incentive language writes it. Raises ``ValidationError``."""
    compact = text.replace(" ", "").removesuffix("%")
    if compact.startswith(("-", "−")):
        raise ValidationError(_("A discount cannot be negative."))
    if not PERCENT.fullmatch(compact) and re.fullmatch(r"\d+(\.\d+)?", compact) and float(compact) > 100:
        raise ValidationError(_("Must be at most 100."))
    if not PERCENT.fullmatch(compact):
        raise ValidationError(_("Type a number such as 15 or 12.5, with at most four digits after the point."))
    if Decimal(compact) > 100:
        raise ValidationError(_("Must be at most 100."))
    if Decimal(compact) == 0:
        raise ValidationError(_("A discount of 0 % gives nothing."))
    return f"{Decimal(compact).normalize():f}"


def words_of(text: str) -> list[str]:
    """A list typed with commas or new lines, without empty and repeated entries."""
    words = (" ".join(word.split()) for word in re.split(r"[,;\n]", text))
    return list(dict.fromkeys(word for word in words if word))


def instant_of(local: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """The instant of a wall-clock time, the first of one that comes twice.

    Raises ``ValidationError`` for one that never comes.
    """
    instant = local.replace(tzinfo=zone)
    there_and_back = instant.astimezone(datetime.UTC).astimezone(zone)
    if there_and_back.replace(tzinfo=None) != local:
        raise ValidationError(_("This time does not exist: clocks are put forward then. Choose another."))
    return instant.astimezone(datetime.UTC)
