"""The Celery application. Tasks live in each app's ``tasks.py``; schedules are database rows (django-celery-beat)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")

app = Celery("incentives_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
