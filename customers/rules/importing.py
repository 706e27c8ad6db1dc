"""What the columns of an imported table mean, and what a line of it says (``docs/import.md``)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# What a column may be, beside ``identity:<kind>``, ``trait:<name>`` and ``consent:<channel>`` (empty: every channel).
IGNORED = ""
SINGLE = ("name", "firstName", "lastName", "language", "time_zone")
YES = frozenset({"1", "y", "yes", "true", "t", "x", "on", "ja", "j", "si", "sì", "sí", "s", "oui", "o", "ya"})
NO = frozenset({"0", "n", "no", "false", "f", "off", "nein", "non", "tidak", "-"})
TRAIT = re.compile(r"[^0-9a-zA-Z]+")
GUESSES: Mapping[str, tuple[str, ...]] = {
    "identity:email": ("email", "e mail", "mail", "email address", "e mail address", "correo", "courriel", "emel"),
    "identity:phone": ("phone", "telephone", "mobile", "phone number", "telefon", "telefono", "teléfono", "téléphone", "handy"),
    "identity:user_id": ("user id", "userid", "customer id", "customer number", "account", "account id", "kundennummer", "id"),
    "identity:loyalty_card": ("loyalty card", "card", "card number", "card no", "kundenkarte", "carta", "carte", "tarjeta"),
    "name": ("name", "full name", "customer name", "nome", "nombre", "nom", "nama"),
    "firstName": ("first name", "firstname", "given name", "vorname", "prénom"),
    "lastName": ("last name", "lastname", "surname", "family name", "nachname", "cognome", "apellido"),
    "language": ("language", "lang", "locale", "sprache", "lingua", "idioma", "langue", "bahasa"),
    "time_zone": ("time zone", "timezone", "tz"),
    "consent:": ("consent", "newsletter", "marketing", "opt in", "optin", "marketing consent"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """What one line says. ``consents``: by channel (empty: every one), given or not. ``fault`` says why it cannot be taken."""

    named: tuple[tuple[str, str], ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    time_zone: str = ""
    consents: Mapping[str, bool] = field(default_factory=dict)
    fault: str = ""


def trait_name(column: str) -> str:
    """What a column is called as a trait."""
    return TRAIT.sub("_", column.strip()).strip("_").lower()[:60] or "column"


def guess(columns: Sequence[str]) -> list[str]:
    """What the columns are likely to be, by their heads; the others become traits."""
    found: list[str] = []
    for column in columns:
        words = TRAIT.sub(" ", column).strip().lower()
        meaning = next((target for target, heads in GUESSES.items() if words in heads), f"trait:{trait_name(column)}")
        taken = meaning in found and not meaning.startswith("identity:")
        found.append(f"trait:{trait_name(column)}" if taken else meaning if column else IGNORED)
    return found


def faults_of(meanings: Sequence[str]) -> list[str]:
    """Why columns cannot mean this together."""
    faults = []
    if not any(meaning.startswith("identity:") for meaning in meanings):
        faults.append("no-identity")
    once = [meaning for meaning in meanings if meaning != IGNORED and not meaning.startswith("identity:")]
    if len(set(once)) != len(once):
        faults.append("twice")
    return faults


def said(cells: Sequence[str], meanings: Sequence[str]) -> Said:
    """What a line says; an empty cell says nothing."""
    named: list[tuple[str, str]] = []
    traits: dict[str, str] = {}
    consents: dict[str, bool] = {}
    words = {"language": "", "time_zone": ""}
    for cell, meaning in zip(cells, meanings, strict=True):
        if not cell or meaning == IGNORED:
            continue
        what, _colon, key = meaning.partition(":")
        match what:
            case "identity":
                named.append((key, cell))
            case "trait":
                traits[key] = cell
            case "consent":
                if (word := cell.lower()) not in YES | NO:
                    return Said(fault="bad-consent")
                consents[key] = word in YES
            case "language" | "time_zone":
                words[what] = cell
            case _:
                traits[what] = cell
    if not named:
        return Said(fault="no-identity")
    return Said(tuple(named), traits, words["language"], words["time_zone"], consents)
