"""What an admin says of a webhook."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import AsRead
from webhooks import wall
from webhooks.statuses import Event


class WebhookForm(AsRead, forms.Form):
    url = forms.CharField(
        max_length=wall.LENGTH, label=_("Address"), help_text=_("https://… of a program of yours that takes POST.")
    )
    description = forms.CharField(max_length=200, required=False, label=_("Description"))
    events = forms.MultipleChoiceField(
        choices=Event.choices, label=_("What it is told of"), widget=forms.CheckboxSelectMultiple
    )


class NewWebhookForm(WebhookForm):
    events = forms.MultipleChoiceField(
        choices=Event.choices,
        initial=list(Event.values),
        label=_("What it is told of"),
        widget=forms.CheckboxSelectMultiple,
    )
    with_numbers = forms.BooleanField(
        required=False,
        label=_("Events of messages and of suppressed numbers say which number"),
        help_text=_("Numbers leave for whoever runs that address. This cannot be changed afterwards."),
    )


def as_now(endpoint: Any) -> dict[str, Any]:
    return {"url": endpoint.url, "description": endpoint.description, "events": endpoint.events}
