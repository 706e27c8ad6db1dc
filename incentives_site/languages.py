"""The words of customers' pages in every language: which they are, and the catalogues that hold them (``docs/development.md``).

Only what customers read is collected: the workspace is in English. Catalogues are read and written here rather than by the
programs of GNU gettext, so that nothing has to be installed to change a sentence.
"""

import ast
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

from .services.locations import PROJECT

# Everything that customers' pages show: a test renders them and fails when a word comes from elsewhere.
PUBLIC = (
    "templates/preferences",
    "templates/wallet",
    "templates/customers/_balances.html",
    "templates/base_public.html",
    "templates/errors/problem.html",
    "templates/_components/document.html",
    "templates/_components/empty_state.html",
    "templates/_components/field.html",
    "templates/_components/field_notes.html",
    "templates/_components/form_errors.html",
    "templates/_components/language_menu.html",
    "templates/_components/messages.html",
    "templates/_components/status_badge.html",
    "templates/_components/theme_menu.html",
    "incentives_site/workspace/preferences_page.py",
    "incentives_site/workspace/wallet_page.py",
    "incentives_site/workspace/wallet_preferences_page.py",
    "incentives_site/shared/problem_pages.py",
    "customers/queries/_consent.py",
    "campaigns/operations/_links.py",
    "campaigns/wording",
    "templates/survey_answer",
    "surveys/wording/_answering.py",
    "surveys/wording/_groups.py",
    "surveys/wording/_privacy.py",
    "surveys/operations/_answer.py",
    "surveys/operations/_invitation.py",
    "surveys/operations/_open_feedback.py",
    "surveys/operations/_threads.py",
)
# Of files that are mostly about other things: these words alone.
FURTHER = {
    "customers/forms/_preferences.py": ("PreferencesForm", "DataRequestForm", "kind_labels"),
    "customers/operations/_consent.py": ("set_preferences",),
    "customers/operations/_data_requests.py": ("request_data",),
    "incentives_site/workspace/statement_page.py": ("balances", "_worth"),
    "incentives_site/templatetags/ui.py": ("script_texts",),
    "campaigns/queries/reading.py": ("WalletUnknown", "opened_wallet"),
    "surveys/operations/_feedback.py": ("FeedbackUnknown", "FeedbackGiven", "NotAsked", "feedback_of", "give_feedback"),
    "surveys/operations/_advance.py": ("message_for",),
}
# Of the files above: what only the workspace says.
BUT = ("group_in_words", "given_in_words", "obstacle_in_words")
# The states in which customers see what they hold (``templatetags.ui.STATUSES`` has those of everything).
STATES = ("Held", "Reserved", "Used", "Expired", "Withdrawn")
BETWEEN = "\x04"  # a word's context and the word, as catalogues write it
CALLS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2, "ngettext_lazy": 2}
# How many forms a number takes, as catalogues write it. Spanish, French and Italian have one more for millions, which none of our
# sentences meets.
PLURALS = {
    "it": "nplurals=2; plural=(n != 1);",
    "ms": "nplurals=1; plural=0;",
    "es": "nplurals=2; plural=(n != 1);",
    "de": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence as it stands in the code, with its plural where it has one, and where it was found first."""

    text: str
    plural: str = ""
    where: str = field(default="", compare=False)


def public_messages() -> list[Message]:
    """Every sentence of customers' pages, in the order of the files."""
    found: dict[str, Message] = {}
    for name in PUBLIC:
        path = PROJECT / name
        for file in sorted(path.rglob("*.*")) if path.is_dir() else [path]:
            if file.suffix in {".py", ".html"}:
                _add(found, file, ())
    for name, parts in FURTHER.items():
        _add(found, PROJECT / name, parts)
    found |= {key: Message(key, "", "incentives_site/templatetags/ui.py") for key in (f"state{BETWEEN}{word}" for word in STATES)}
    return list(found.values())


def _add(found: dict[str, Message], file: Path, parts: tuple[str, ...]) -> None:
    source, where = file.read_text(encoding="utf-8"), str(file.relative_to(PROJECT))
    for text, plural in _of_template(source) if file.suffix == ".html" else _of_code(source, parts):
        if text not in found or (plural and not found[text].plural):
            found[text] = Message(text, plural, where)


def _of_template(source: str) -> Iterator[tuple[str, str]]:
    # Django turns a template into something like Python, in which nothing but calls is left.
    like_code = templatize(source)
    for call in re.finditer(r"\b(_|gettext|ngettext)\(", like_code):
        for end in range(call.end(), len(like_code) + 1):
            if like_code[end - 1] == ")":
                try:
                    tree = ast.parse(like_code[call.start() : end].strip())
                except SyntaxError:
                    continue
                yield from _calls(tree)
                break


def _of_code(source: str, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    tree = ast.parse(source)
    for node in tree.body:
        names = {getattr(node, "name", "")} | {ast.unparse(target) for target in getattr(node, "targets", [])}
        names |= {ast.unparse(node.target)} if isinstance(node, ast.AnnAssign) else set()
        if names.isdisjoint(BUT) and (not parts or names & set(parts)):
            yield from _calls(node)


def _calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            texts = [arg.value for arg in node.args[: CALLS[node.func.id]] if isinstance(arg, ast.Constant)]
            if texts and isinstance(texts[0], str):
                yield texts[0], texts[1] if len(texts) > 1 and isinstance(texts[1], str) else ""


# --- Catalogues -----------------------------------------------------------------------------------------------------------


def folder_of(language: str) -> Path:
    return PROJECT / "locale" / language / "LC_MESSAGES"


def read_catalogue(language: str) -> dict[str, tuple[str, ...]]:
    """The translations by sentence: one for each form of a number where it has a plural."""
    path = folder_of(language) / "django.po"
    if not path.exists():
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for entry in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        values = {name: "".join(map(_unquoted, re.findall(r'"(?:[^"\\]|\\.)*"', text))) for name, text in _fields(entry)}
        if values.get("msgid"):
            key = f"{values['msgctxt']}{BETWEEN}{values['msgid']}" if "msgctxt" in values else values["msgid"]
            found[key] = tuple(text for name, text in values.items() if name.startswith("msgstr"))
    return found


def _fields(entry: str) -> list[tuple[str, str]]:
    lines = "\n".join(line for line in entry.splitlines() if not line.startswith("#"))
    return re.findall(r'^(msg\w+(?:\[\d\])?)\s+((?:"(?:[^"\\]|\\.)*"\s*)+)', lines, re.MULTILINE)


def _unquoted(text: str) -> str:
    return str(ast.literal_eval(text))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def header_of(language: str) -> str:
    return (
        f"Language: {language}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
        f"Content-Transfer-Encoding: 8bit\nPlural-Forms: {PLURALS[language]}\n"
    )


def catalogue_as_text(language: str, translations: Mapping[str, tuple[str, ...]]) -> str:
    """The catalogue as translators read it: every sentence of customers' pages, those without words empty."""
    forms = int(PLURALS[language].split("=")[1][0])
    lines = ["# What customers read. Written by `manage.py collect_words`; sentences are changed here.", 'msgid ""', 'msgstr ""']
    lines += [_quoted(line + "\n") for line in header_of(language).splitlines()]
    for message in public_messages():
        texts = translations.get(message.text, ())
        lines += ["", f"#: {message.where}"]
        lines += ["#, python-format"] if re.search(r"%(\(\w+\))?s", message.text) else []
        context, between, text = message.text.rpartition(BETWEEN)
        lines += [f"msgctxt {_quoted(context)}"] if between else []
        lines.append(f"msgid {_quoted(text)}")
        if message.plural:
            lines.append(f"msgid_plural {_quoted(message.plural)}")
            lines += [f"msgstr[{n}] {_quoted(texts[n] if n < len(texts) else '')}" for n in range(forms)]
        else:
            lines.append(f"msgstr {_quoted(texts[0] if texts else '')}")
    return "\n".join(lines) + "\n"


def compiled(language: str, translations: Mapping[str, tuple[str, ...]]) -> bytes:
    """The catalogue as Python's gettext reads it (the format of GNU ``.mo`` files)."""
    plurals = {message.text: message.plural for message in public_messages()}
    entries = {"": header_of(language)}
    for text, texts in translations.items():
        if all(texts) and text in plurals:
            entries[f"{text}\0{plurals[text]}" if plurals[text] else text] = "\0".join(texts)
    pairs = [(key.encode(), entries[key].encode()) for key in sorted(entries, key=str.encode)]
    start = 28 + 16 * len(pairs)
    tables: list[list[int]] = [[], []]
    blob = b""
    for side in (0, 1):
        for pair in pairs:
            tables[side] += [len(pair[side]), start + len(blob)]
            blob += pair[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, start)
    return head + struct.pack(f"<{4 * len(pairs)}I", *tables[0], *tables[1]) + blob
