"""The project's own application: system checks, management commands, the home page."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _
from django_structlog.signals import bind_extra_request_metadata

from . import schedules
from .shared.logs import hide_visitors


class SiteConfig(AppConfig):
    name = "incentives_site"
    label = "site"
    verbose_name = _("Site")

    def ready(self) -> None:
        # Sent for apps with models only, so not for this one.
        post_migrate.connect(schedules.make_missing, sender=apps.get_app_config("django_celery_beat"), dispatch_uid="schedules")
        bind_extra_request_metadata.connect(hide_visitors, dispatch_uid="hide-visitors")
        from . import checks  # noqa: F401  (registers the system checks)

        # Every process can enqueue every task: Celery itself looks for them in the worker only.
        autodiscover_modules("tasks")
