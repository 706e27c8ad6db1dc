"""Addresses of webhooks for partners."""

from django.urls import path

from . import webhooks

urlpatterns = [
    path("webhooks", webhooks.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<str:public_id>", webhooks.WebhookDetail.as_view(), name="webhook"),
    path("webhooks/<str:public_id>/rotate", webhooks.WebhookRotate.as_view(), name="webhook-rotate"),
    path("webhooks/<str:public_id>/ping", webhooks.WebhookPing.as_view(), name="webhook-ping"),
    path("webhooks/<str:public_id>/deliveries", webhooks.WebhookDeliveries.as_view(), name="webhook-deliveries"),
    path("webhooks/<str:public_id>/deliveries/<str:delivery_id>/replay", webhooks.WebhookReplay.as_view(), name="webhook-replay"),
]
