"""Addresses of surveys in the workspace. What people answer stands in the composition: its address is short."""

from django.urls import path

from .views import actions, builder, directory, feedback, meetings, overview, questions, report, results, threads

urlpatterns = [
    path("", overview.surveys, name="list"),
    path("new/", builder.new, name="new"),
    path("new/enps/", builder.new_enps, name="new-enps"),
    path("new/<slug:key>/", builder.new_from, name="new-from"),
    path("bank/", questions.bank, name="bank"),
    path("directory/", directory.tree, name="directory"),
    path("directory/import/", directory.bring_in, name="directory-import"),
    path("dates/", builder.dates, name="dates"),
    path("actions/", actions.actions, name="actions"),
    path("actions/<uuid:public_id>/", actions.action, name="action"),
    path("reviews/", feedback.reviews, name="reviews"),
    path("reviews/<uuid:public_id>/", feedback.moderate, name="moderate"),
    path("one-on-ones/", meetings.mine, name="one-on-ones"),
    path("one-on-ones/held/", meetings.held, name="one-on-ones-held"),
    path("one-on-ones/<uuid:public_id>/", meetings.meeting, name="one-on-one"),
    path("one-on-ones/<uuid:public_id>/step/", meetings.step, name="one-on-one-step"),
    path("one-on-ones/<uuid:public_id>/calendar/", meetings.calendar, name="one-on-one-calendar"),
    path("one-on-ones/<uuid:public_id>/export/", meetings.export, name="one-on-one-export"),
    path("<uuid:public_id>/", overview.survey, name="detail"),
    path("<uuid:public_id>/plan/", builder.plan, name="plan"),
    path("<uuid:public_id>/questions/", questions.questions, name="questions"),
    path("<uuid:public_id>/questions/<slug:key>/", questions.question, name="question"),
    path("<uuid:public_id>/preview/", questions.preview, name="preview"),
    path("<uuid:public_id>/poster/", overview.poster, name="poster"),
    path("<uuid:public_id>/start/", overview.start, name="start"),
    path("<uuid:public_id>/end/", overview.end, name="end"),
    path("<uuid:public_id>/copy/", overview.copy, name="copy"),
    path("<uuid:public_id>/actions/new/", actions.new, name="new-action"),
    path("<uuid:public_id>/results/", results.results, name="results"),
    path("<uuid:public_id>/results/<int:number>/comments/", results.comments, name="comments"),
    path("<uuid:public_id>/results/<int:number>/comments/reply/", threads.reply, name="reply"),
    path("<uuid:public_id>/results/<int:number>/report/", report.report, name="report"),
    path("<uuid:public_id>/results/<int:number>/export/", results.export, name="export"),
]
