"""Addresses of the editor and of a campaign's life. ``incentives_site.workspace.campaign_urls`` adds the pages with results."""

from django.urls import path

from . import views

CODES = "<uuid:public_id>/codes/<uuid:incentive_id>/"

urlpatterns = [
    path("new/", views.editor.new, name="new"),
    path("<uuid:public_id>/edit/", views.editor.start, name="edit"),
    path("<uuid:public_id>/edit/goal/", views.editor.goal, name="edit-goal"),
    path("<uuid:public_id>/edit/incentive/", views.editor.incentive, name="edit-incentive"),
    path("<uuid:public_id>/edit/incentive/words/", views.editor.incentive_words, name="incentive-words"),
    path("<uuid:public_id>/edit/audience/", views.editor.audience, name="edit-audience"),
    path("<uuid:public_id>/edit/audience/size/", views.typed_audience_size, name="typed-audience-size"),
    path("<uuid:public_id>/edit/channels/", views.editor.channels, name="edit-channels"),
    path("<uuid:public_id>/edit/stacking/", views.editor.stacking, name="edit-stacking"),
    path("<uuid:public_id>/edit/review/", views.editor.review, name="edit-review"),
    path(CODES, views.codes.batches, name="codes"),
    path(f"{CODES}new/", views.codes.new, name="codes-new"),
    path(f"{CODES}new/preview/", views.codes.new_preview, name="codes-preview"),
    path(f"{CODES}import/", views.codes.bring, name="codes-import"),
    path(f"{CODES}<uuid:batch_id>/", views.codes.batch, name="code-batch"),
    path(f"{CODES}<uuid:batch_id>/pause/", views.codes.step, {"verb": "pause"}, name="code-batch-pause"),
    path(f"{CODES}<uuid:batch_id>/resume/", views.codes.step, {"verb": "resume"}, name="code-batch-resume"),
    path(f"{CODES}<uuid:batch_id>/cancel/", views.codes.step, {"verb": "cancel"}, name="code-batch-cancel"),
    path(f"{CODES}<uuid:batch_id>/export/", views.codes.export, name="code-batch-export"),
    path("<uuid:public_id>/audience/", views.audience_size, name="audience-size"),
    path("<uuid:public_id>/launch/", views.lifecycle.launch, name="launch"),
    path("<uuid:public_id>/pause/", views.lifecycle.pause, name="pause"),
    path("<uuid:public_id>/resume/", views.lifecycle.resume, name="resume"),
    path("<uuid:public_id>/end/", views.lifecycle.end, name="end"),
]
