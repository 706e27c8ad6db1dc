"""Amounts: ``int`` minor units of an ISO 4217 currency, rounded in one place, spread without losing a cent."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

# Digits after the decimal point, ISO 4217; every currency not named here has two.
MINOR_DIGITS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
CURRENCIES = frozenset(
    (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY "
        "COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR "
        "IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR "
        "MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD "
        "SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF "
        "XPF YER ZAR ZMW ZWL "
    ).split()
)
LARGEST_AMOUNT = 10**13  # a hundred billion in a currency with two digits; more is a mistake, and sums stay far inside bigint


def minor_digits(currency: str) -> int:
    return MINOR_DIGITS.get(currency, 2)


def round_half_up(value: Decimal) -> int:
    """The one rounding of the product: to whole minor units, halves away from zero (ISO 4217 amounts, commercial rounding)."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def share_of(amount: int, percent: Decimal) -> int:
    """``percent`` of ``amount`` minor units, rounded half up."""
    return round_half_up(Decimal(amount) * percent / 100)


def rate_of(amount: int, millionths: int) -> int:
    """``millionths`` of ``amount`` (both not negative), rounded half up; ``share_of`` in integers, for the hot path."""
    return (amount * millionths + 500_000) // 1_000_000


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide ``amount`` in proportion to ``weights`` by largest remainder; ties go to the earliest.

    The parts always add up to ``amount``; a weight of zero gets nothing; with no weight at all nothing is given.

    >>> spread(1000, [2000, 4500, 6000])
    [160, 360, 480]
    >>> spread(100, [1, 1, 1])
    [34, 33, 33]
    """
    total = sum(weights)
    if total <= 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    if sum(parts) == amount:
        return parts
    remainders = [amount * weight % total for weight in weights]
    # Sorting is stable, also in reverse: of equal remainders the earliest stays first.
    for index in sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def format_money(amount: int, currency: str) -> str:
    """``1234567`` and ``EUR`` → ``12,345.67 EUR``; never for arithmetic."""
    digits = minor_digits(currency)
    sign, whole = ("−" if amount < 0 else ""), abs(amount)
    number = f"{whole // 10**digits:,}" + (f".{whole % 10**digits:0{digits}d}" if digits else "")
    return f"{sign}{number} {currency}"


TYPED = re.compile(r"(?P<sign>[-−]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:(?P<point>[.,])(?P<decimals>\d+))?")


class NotAnAmount(ValueError):
    """``reason`` is ``shape`` (no plain number), ``digits`` (more decimals than the currency, or ambiguous) or ``size``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def parse_money(text: str, currency: str) -> int:
    """What a person typed in major units (``12.50``, ``12,50``, ``1,234.50``) as minor units.

    Raises ``NotAnAmount`` when it is not a plain number, has more decimals than the currency, is beyond ``LARGEST_AMOUNT``, or
    could be read in two ways (``1,234`` in a currency with three decimals).
    """
    digits = minor_digits(currency)
    typed = TYPED.fullmatch(text.strip()) if len(text) <= 40 else None
    if typed is None or (not text.isascii() and "−" not in text):
        raise NotAnAmount("shape")
    whole, decimals = typed["whole"], typed["decimals"] or ""
    if ("," in whole and (typed["point"] == "," or digits == 3)) or len(decimals) > digits:
        raise NotAnAmount("digits")
    minor = int(whole.replace(",", "")) * 10**digits + int(decimals.ljust(digits, "0") or 0)
    if minor > LARGEST_AMOUNT:
        raise NotAnAmount("size")
    return int(-minor if typed["sign"] else minor)
