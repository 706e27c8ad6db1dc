"""The project: settings, composition of the four apps, and what they share."""

from .celery import app as celery_app

__all__ = ["celery_app"]
