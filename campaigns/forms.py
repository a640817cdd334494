"""A campaign's content as its author types it; times are in the workspace's zone."""

from typing import Any

from django import forms

from accounts.models import Workspace
from campaigns.drafts import Content, content_of
from campaigns.models import Campaign
from campaigns.statuses import Mode
from channels.models import Channel
from recipients.models import RecipientList
from senders.models import Sender

# The fields for times that a mode does not have: what a hidden field still holds does not count.
FOREIGN_TIMES = {
    Mode.ON_APPROVAL: ("send_at", "date_from", "date_to"),
    Mode.SCHEDULED: ("date_from", "date_to"),
    Mode.SPREAD: ("send_at",),
}


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class MomentField(forms.DateTimeField):
    widget = MomentInput

    def __init__(self, *, required: bool = False, **kwargs: Any) -> None:
        super().__init__(required=required, **kwargs)


class CampaignForm(forms.Form):
    name = forms.CharField(max_length=120)
    mode = forms.ChoiceField(
        label="When it is sent", choices=Mode.choices, widget=forms.RadioSelect, initial=Mode.ON_APPROVAL
    )
    send_at = MomentField(label="Send at")
    date_from = MomentField(label="From")
    date_to = MomentField(label="Until")
    not_after = MomentField(label="Deadline", help_text="What is not sent by then, is not sent at all.")
    sender = forms.ModelChoiceField(Sender.objects.none())
    list = forms.ModelChoiceField(Sender.objects.none(), required=False, empty_label="Choose later")
    channel = forms.ModelChoiceField(Channel.objects.none(), required=False, empty_label="The default channel")
    text = forms.CharField(max_length=10_000, strip=False, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, *args: Any, workspace: Workspace, chosen: RecipientList | None = None, **kwargs: Any) -> None:
        """`chosen` is the list that the campaign has already: it stays on offer, whatever became of it."""
        super().__init__(*args, **kwargs)
        lists = RecipientList.objects.of(workspace)
        offered = lists.usable() | lists.filter(pk=chosen.pk) if chosen else lists.usable()
        fields: dict[str, Any] = self.fields
        fields["sender"].queryset = Sender.objects.of(workspace).usable().order_by("name", "pk")
        fields["list"].queryset = offered.order_by("-pk")
        fields["channel"].queryset = Channel.objects.active().order_by("name")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name in FOREIGN_TIMES.get(given.get("mode", ""), ()):
            given[name] = None
            self.errors.pop(name, None)
        return given

    @property
    def content(self) -> Content:
        """Textareas end lines with CRLF; a message has LF."""
        given = {**self.cleaned_data, "text": self.cleaned_data["text"].replace("\r\n", "\n")}
        return Content(**given)

    @staticmethod
    def values_of(campaign: Campaign) -> dict[str, Any]:
        content = content_of(campaign)
        return {name: getattr(content, name) for name in CampaignForm.base_fields}
