"""The least that django-oscar needs to apply offers: its own apps, tables without migrations, one database."""

import os
from urllib.parse import parse_qsl, unquote, urlsplit

import oscar
from oscar.defaults import *  # noqa: F403

_parts = urlsplit(os.environ["DATABASE_URL"])
_options = dict(parse_qsl(_parts.query))

SECRET_KEY = "measured, never served"
DEBUG = False
USE_TZ = True
SITE_ID = 1
ROOT_URLCONF = "oscar.urls"
INSTALLED_APPS = oscar.INSTALLED_APPS
MIDDLEWARE = []
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(_parts.path[1:]),
        "USER": unquote(_parts.username or ""),
        "PASSWORD": unquote(_parts.password or ""),
        "HOST": _options.get("host", _parts.hostname or ""),
        "PORT": _options.get("port", str(_parts.port or "")),
        "CONN_MAX_AGE": None,
    }
}
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
OSCAR_DEFAULT_CURRENCY = "USD"


class WithoutMigrations(dict):
    """Tables are made from the models at once."""

    def __contains__(self, app: object) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


MIGRATION_MODULES = WithoutMigrations()
