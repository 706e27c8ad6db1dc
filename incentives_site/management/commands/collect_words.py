"""``manage.py collect_words``: bring the catalogues in step with what customers' pages say, and compile them."""

from typing import Any

from django.core.management.base import BaseCommand

from incentives_site import languages


class Command(BaseCommand):
    help = "Collects what customers' pages say into locale/, keeps the translations there are, and compiles them."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for language in languages.PLURALS:
            folder = languages.folder_of(language)
            folder.mkdir(parents=True, exist_ok=True)
            translations = languages.read_catalogue(language)
            (folder / "django.po").write_text(languages.catalogue_as_text(language, translations), encoding="utf-8")
            (folder / "django.mo").write_bytes(languages.compiled(language, translations))
            missing = [m.text for m in languages.public_messages() if not all(translations.get(m.text, ("",)))]
            self.stdout.write(f"{language}: {len(missing)} without words")
