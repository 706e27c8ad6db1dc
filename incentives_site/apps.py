"""The project's own application: system checks, management commands, the home page."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SiteConfig(AppConfig):
    name = "incentives_site"
    label = "site"
    verbose_name = _("Site")

    def ready(self) -> None:
        from . import celery_app, checks  # noqa: F401  (registers the system checks)

        # Every process can enqueue every task: Celery itself looks for them in the worker only.
        celery_app.loader.import_default_modules()
