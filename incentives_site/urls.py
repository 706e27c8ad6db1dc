"""Composition: every address of the site, the one place that knows all apps."""

from django.contrib import admin
from django.urls import include, path

from surveys.views import answer as survey_answers
from surveys.views import feedback
from surveys.views.threads import thread as survey_thread

from . import api_pages, health, problem_catalogue
from .workspace import home

api = [
    path("", include("customers.api.urls")),
    path("", include("campaigns.api.urls")),
    path("", include("redemptions.api.urls")),
    path("", include("surveys.api.urls")),
    path("", include("incentives_site.integrations.api.urls")),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("campaigns/", include("incentives_site.workspace.campaign_urls")),
    path("customers/", include("incentives_site.workspace.customer_urls")),
    path("till/", include("redemptions.urls")),
    path("reply/", survey_thread, name="survey-thread"),
    path("feedback/claim/", feedback.claim, name="feedback-claim"),
    path("feedback/open/<str:token>/", feedback.answer_openly, name="feedback-open"),
    path("feedback/<str:token>/", feedback.answer, name="feedback"),
    path("surveys/", include(("surveys.urls", "surveys"))),
    path("wallet/", include("incentives_site.workspace.wallet_urls")),
    path("preferences/", include("incentives_site.workspace.preferences_urls")),
    path("s/", survey_answers.code, name="survey-code"),
    path("s/<str:token>/", survey_answers.answer, name="survey-answer"),
    path("accounts/", include("incentives_site.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("api/v1/", include((api, "api"))),
    path("api/schema/", api_pages.Schema.as_view(), name="api-schema"),
    path("api/docs/", api_pages.Documents.as_view(), name="api-docs"),
    path("problems/", problem_catalogue.index, name="problems"),
    path("problems/<slug:code>/", problem_catalogue.detail, name="problem"),
    path("", include("customers.api.ingestion_urls")),
    path("healthz", health.healthz, name="healthz"),
]

handler500 = "incentives_site.shared.problem_pages.server_error"
