"""One settings file, fed by the environment (``docs/configuration.md``). A bad value stops the start."""

import hashlib
import re
from pathlib import Path

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from . import env
from .services.locations import local_database_url, local_redis_url
from .shared.logs import without_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("VAR_DIR") or BASE_DIR / "var")
VERSION = (
    match[1] if (match := re.search(r"^## \[?(\d\S*?)\]?( |$)", (BASE_DIR / "CHANGELOG.md").read_text(), re.MULTILINE)) else "dev"
)

# --- How this installation runs -------------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", False)
DEMO = env.boolean("DEMO", False)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not (DEBUG or DEMO):
        raise ImproperlyConfigured("SECRET_KEY must be set to at least 50 random characters (or set DEMO=1 to try it out).")
    SECRET_KEY = "insecure-demo-" + hashlib.sha256(str(BASE_DIR).encode()).hexdigest()
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Codes are looked up by a keyed hash and kept sealed; a key of their own lets SECRET_KEY rotate without touching them.
CODES_KEY = env.text("CODES_KEY") or SECRET_KEY
# What is sealed can be sealed again, so the key of seals may change (docs/secrets.md): the first seals, all of them open.
SEALING_KEY = env.text("SEALING_KEY")
SEALING_KEY_FALLBACKS = env.words("SEALING_KEY_FALLBACKS")
# The country (ISO 3166) of telephone numbers that name none; empty: such numbers are kept as their digits.
PHONE_REGION = env.text("PHONE_REGION").upper()
# How many months events stay on the timeline; 0: for ever.
EVENTS_KEPT_MONTHS = env.integer("EVENTS_KEPT_MONTHS", 0)
# What two people write in their one-on-ones is sealed with a key that nothing else uses.
# How long surveys keep what is not a sum (docs/anonymity.md).
# One half of the keys that open ballots, outside the database and its backups; shared by web servers and workers.
SURVEY_KEYS_DIR = Path(env.text("SURVEY_KEYS_DIR") or VAR_DIR / "survey-keys")
SURVEYS_KEPT = {
    "invitation_days": env.integer("SURVEYS_KEEP_INVITATIONS_DAYS", 30),
    "compared_days": env.integer("SURVEYS_KEEP_COMPARED_DAYS", 400),
    "answer_months": env.integer("SURVEYS_KEEP_ANSWERS_MONTHS", 24),
    "comment_months": env.integer("SURVEYS_KEEP_COMMENTS_MONTHS", 12),
    "note_months": env.integer("SURVEYS_KEEP_NOTES_MONTHS", 24),
}
MEETINGS_KEY = env.text("MEETINGS_KEY") or CODES_KEY
# Nobody is invited to two surveys within so many days; 0: no such guard.
SURVEY_REST_DAYS = env.integer("SURVEY_REST_DAYS", 5)
BASE_URL = env.text("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
HTTPS = BASE_URL.startswith("https://")

# --- Applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "incentives_site.accounts",
    "incentives_site.integrations",
    "customers",
    "campaigns",
    "redemptions",
    "surveys",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "health_check",
    "pgtrigger",
    "pghistory",
    "rest_framework",
    "rest_framework_api_key",
    "incentives_site.apps.SiteConfig",  # last: its back office replaces pages that others register
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "incentives_site.shared.middleware.RequestLog",
    "incentives_site.accounts.sessions.SignedSessions",
    "django.middleware.locale.LocaleMiddleware",
    "incentives_site.shared.middleware.PrivateAnswers",
    "incentives_site.shared.middleware.LanguageOfThePage",
    "incentives_site.shared.middleware.SlashOptionalApi",
    "django.middleware.common.CommonMiddleware",
    "incentives_site.shared.middleware.BoundedBodies",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "incentives_site.shared.middleware.AdminContentSecurity",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "incentives_site.shared.middleware.History",
    "incentives_site.shared.middleware.ProblemPages",
    "incentives_site.accounts.middleware.SignIn",
]
ROOT_URLCONF = "incentives_site.urls"
WSGI_APPLICATION = "incentives_site.wsgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "incentives_site.navigation.context",
            ],
        },
    }
]

# --- Stores of data -------------------------------------------------------------------------------------------------
DATABASES = {
    "default": env.database(
        env.text("DATABASE_URL") or local_database_url(VAR_DIR), statement_timeout=env.integer("STATEMENT_TIMEOUT", 0)
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.text("REDIS_URL") or local_redis_url(VAR_DIR)
CACHES = {
    "default": {
        "BACKEND": "incentives_site.shared.valkey.Cache",
        "LOCATION": REDIS_URL,
    }
}

# --- People who sign in ---------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["incentives_site.accounts.backend.AccountBackend"]
PASSWORD_HASHERS = [
    "incentives_site.accounts.passwords.Scrypt",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "incentives_site.accounts.passwords.MaximumLengthValidator", "OPTIONS": {"max_length": 128}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "incentives_site.accounts.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
# An address says who somebody is in the directory of employees: operators change it in the back office, nobody their own.
ACCOUNT_MAX_EMAIL_ADDRESSES = 1
# Wrong passwords and codes are counted by incentives_site.accounts.operations, exactly; allauth's own counts are not exact, and
# would let a stranger lock the owner of an account out.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_FORMS = {"change_password": "incentives_site.accounts.forms.ChangePasswordForm"}
MFA_FORMS = {
    "authenticate": "incentives_site.accounts.forms.CodeForm",
    "reauthenticate": "incentives_site.accounts.forms.CodeAgainForm",
    "add_webauthn": "incentives_site.accounts.forms.NewPasskeyForm",
}
SESSION_ENGINE = "incentives_site.accounts.sessions"
MFA_ADAPTER = "incentives_site.accounts.second_factors.SealedSecrets"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# A passkey cannot be guessed; the rate only bounds the work.
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
MFA_TOTP_ISSUER = "Incentives"
# Accounts are made by an operator, so there is no address to verify before a second factor is added.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# --- Pages ----------------------------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
# The languages of customers: public pages, refusals in the API, an operator's own sentences.
LANGUAGES = [
    ("en", _("English")),
    ("it", _("Italian")),
    ("ms", _("Malay")),
    ("es", _("Spanish")),
    ("de", _("German")),
    ("fr", _("French")),
]
# Those in which the workspace has all its words: half a page in another language helps nobody.
WORKSPACE_LANGUAGES = ["en"]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["incentives_site.formats"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Hashed names need collectstatic, which belongs to the build of an image; elsewhere files are served where they lie.
HASHED_STATIC = env.boolean("HASHED_STATIC", False)
STATIC_ROOT = Path(env.text("STATIC_ROOT") or BASE_DIR / "staticfiles") if HASHED_STATIC else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if HASHED_STATIC
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not HASHED_STATIC
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

# --- Security -------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS and env.boolean("SSL_REDIRECT", True)
BEHIND_PROXY = env.boolean("BEHIND_PROXY", False)
# How many proxies of the operator's append to X-Forwarded-For; 0: the header is not read.
TRUSTED_PROXY_HOPS = env.integer("TRUSTED_PROXY_HOPS", 0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Other hosts below the domain are not ours to decide about.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and env.boolean("HSTS_SUBDOMAINS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
# Browsers take cookies of this name from this host alone, over https, for all of it: no other host of the domain can plant one.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, LANGUAGE_COOKIE_NAME = (
    f"__Host-{name}" if HTTPS else name for name in ("sessionid", "csrftoken", "language")
)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "incentives_site.shared.problem_pages.csrf_failure"

# Shown first where nothing says otherwise: new campaigns, the till before anything is live.
DEFAULT_CURRENCY = env.text("DEFAULT_CURRENCY", "USD").upper()

# --- Partners' API --------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["incentives_site.integrations.api.authentication.PartnerKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["incentives_site.integrations.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["incentives_site.integrations.api.throttling.KeyThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["incentives_site.shared.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "incentives_site.shared.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "incentives_site.shared.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "incentives_site.shared.problem_details.handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_FORMATTER_CLASS": "incentives_site.shared.problem_details.Formatter",
    "NESTED_FIELD_SEPARATOR": "/",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Incentives API",
    "DESCRIPTION": "Quotes, redemptions, grants, profiles and results. Amounts are whole minor units, instants RFC 3339 UTC.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "campaigns.api.openapi.add_language",
    ],
}
# Requests per second and burst of one key, exact over all processes.
API_RATE = (
    env.integer("API_RATE_PER_SECOND", 50, minimum=1),
    env.integer("API_RATE_BURST", 200, minimum=1),
)
# Events a minute, and at once, with a public key: of one visitor, from one address, and of the key.
PUBLIC_EVENTS_PER_MINUTE = (
    env.integer("PUBLIC_EVENTS_PER_VISITOR", 600, minimum=1),
    env.integer("PUBLIC_EVENTS_PER_ADDRESS", 6_000, minimum=1),
    env.integer("PUBLIC_EVENTS_PER_KEY", 120_000, minimum=1),
)
# Wrong codes an hour, and at once, before no code is looked at any more; 0: not counted. Exact over all processes.
WRONG_CODES = {
    "key": env.integer("WRONG_CODES_PER_KEY", 3600),
    "person": env.integer("WRONG_CODES_PER_PERSON", 300),
    "store": env.integer("WRONG_CODES_PER_STORE", 300),
    "customer": env.integer("WRONG_CODES_PER_CUSTOMER", 30),
    "address": env.integer("WRONG_CODES_PER_ADDRESS", 3600),
}
# Where webhooks may go although it is no public address: the operator's own networks.
WEBHOOK_ALLOWED_NETWORKS = env.networks("WEBHOOK_ALLOWED_NETWORKS")

# --- Work after the answer ------------------------------------------------------------------------------------------
BROKER_IS_VALKEY = not env.text("CELERY_BROKER_URL")
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL") or REDIS_URL.replace("unix://", "redis+socket://")
# Redelivery after a killed worker: longer than the longest task; the sweep runs every 5 s (kombu's default is 100 s).
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 1800,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # Longer than a worker waits for the next task in one call (1 s), short enough that a hanging Valkey is found out.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ALWAYS_EAGER = env.boolean("TASKS_EAGER", False)
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# Mails carry links that let their bearer in: they are printed for developers and in the demonstration only.
EMAIL_BACKEND = env.text("EMAIL_BACKEND") or (
    "django.core.mail.backends.console.EmailBackend" if DEBUG or DEMO else "incentives_site.shared.mail.NotSent"
)
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, minimum=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "incentives@localhost")

# --- Logs: one JSON line an event, with the request id; never bodies, keys or codes -------------------------------------
DEFAULT_EXCEPTION_REPORTER_FILTER = "incentives_site.shared.error_reports.NoValues"
LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
_shared_processors = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
    # Tracebacks of libraries become text here; what would have secrets cut out of it comes after.
    structlog.processors.format_exc_info,
    without_secrets,
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": _shared_processors,
        },
        "plain": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.dev.ConsoleRenderer(colors=False),
            "foreign_pre_chain": _shared_processors,
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain" if DEBUG else "json",
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Without Django's own handler, which mails errors to ADMINS with what was sent.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "propagate": False},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        without_secrets,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

# --- Back office ----------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": _("Incentives back office"),
    "SITE_HEADER": _("Incentives"),
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "DASHBOARD_CALLBACK": "redemptions.admin.alert_of_the_proof",
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}
