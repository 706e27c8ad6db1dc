"""The project's own application: system checks, management commands, the home page."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from . import schedules


class SiteConfig(AppConfig):
    name = "incentives_site"
    label = "site"
    verbose_name = _("Site")

    def ready(self) -> None:
        post_migrate.connect(schedules.make_missing, sender=self, dispatch_uid="schedules")
        from . import checks  # noqa: F401  (registers the system checks)

        # Every process can enqueue every task: Celery itself looks for them in the worker only.
        autodiscover_modules("tasks")
