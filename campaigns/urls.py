"""Addresses of the editor and of a campaign's life. ``incentives_site.workspace.campaign_urls`` adds the pages with results."""

from django.urls import path

from . import views

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
    path("<uuid:public_id>/audience/", views.audience_size, name="audience-size"),
    path("<uuid:public_id>/launch/", views.lifecycle.launch, name="launch"),
    path("<uuid:public_id>/pause/", views.lifecycle.pause, name="pause"),
    path("<uuid:public_id>/resume/", views.lifecycle.resume, name="resume"),
    path("<uuid:public_id>/end/", views.lifecycle.end, name="end"),
]
