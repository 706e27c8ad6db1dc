"""How it felt: eNPS, pulse surveys, one-on-ones and feedback."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    name = "surveys"
    verbose_name = _("Surveys")

    def ready(self) -> None:
        from customers import operations as customers  # here: models are loaded by then

        from .operations import FEEDBACK

        customers.register(FEEDBACK)
