"""The routes of webhooks, for `config.api_urls`."""

from django.urls import path

from webhooks import api

urlpatterns = [
    path("webhooks/", api.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<int:pk>/", api.OneWebhook.as_view(), name="webhook"),
    path("webhooks/<int:pk>/rotate/", api.RotateWebhook.as_view(), name="webhook-rotate"),
    path("webhooks/<int:pk>/enable/", api.EnableWebhook.as_view(), name="webhook-enable"),
    path("webhooks/<int:pk>/disable/", api.DisableWebhook.as_view(), name="webhook-disable"),
    path("webhooks/<int:pk>/test/", api.TryWebhook.as_view(), name="webhook-test"),
    path("webhooks/<int:pk>/deliveries/", api.Deliveries.as_view(), name="webhook-deliveries"),
    path("webhooks/deliveries/<int:pk>/", api.OneDelivery.as_view(), name="webhook-delivery"),
    path("webhooks/deliveries/<int:pk>/redeliver/", api.Redeliver.as_view(), name="webhook-redeliver"),
]
