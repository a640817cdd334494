"""A campaign's content as its author types it; times are in the workspace's zone."""

from typing import Any

from django import forms

from accounts.models import Workspace
from campaigns.drafts import MOST_PARTS_PER_SECOND, Content, content_of
from campaigns.models import Campaign
from campaigns.statuses import Mode
from channels.models import Channel, Route
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


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class ClockField(forms.TimeField):
    widget = ClockInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, input_formats=["%H:%M"], **kwargs)


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
    carrier = forms.ChoiceField(label="Route or channel", required=False)
    daily_from = ClockField(label="Each day from", help_text="Outside these hours it waits. Both empty: all day.")
    daily_to = ClockField(label="Each day until", help_text="May be after midnight: 20:00 until 02:00.")
    parts_per_second = forms.IntegerField(
        label="Parts a second, at most",
        required=False,
        min_value=1,
        max_value=MOST_PARTS_PER_SECOND,
        help_text="Empty: as fast as the carrier allows.",
    )
    text = forms.CharField(max_length=10_000, strip=False, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, *args: Any, workspace: Workspace, chosen: RecipientList | None = None, **kwargs: Any) -> None:
        """`chosen` is the list that the campaign has already: it stays on offer, whatever became of it."""
        super().__init__(*args, **kwargs)
        lists = RecipientList.objects.of(workspace)
        offered = lists.usable() | lists.filter(pk=chosen.pk) if chosen else lists.usable()
        fields: dict[str, Any] = self.fields
        fields["sender"].queryset = Sender.objects.of(workspace).usable().order_by("name", "pk")
        fields["list"].queryset = offered.order_by("-pk")
        self._channels = {f"channel:{channel.pk}": channel for channel in Channel.objects.active().order_by("name")}
        self._routes = {f"route:{route.pk}": route for route in Route.objects.active().order_by("name")}
        groups: dict[str, dict[str, Any]] = {"Routes": self._routes, "Channels": self._channels}
        carriers = [(name, [*rows.items()]) for name, rows in groups.items() if rows]
        fields["carrier"].choices = [("", "The default channel"), *carriers]

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
        carrier = given.pop("carrier")
        return Content(**given, channel=self._channels.get(carrier), route=self._routes.get(carrier))

    @staticmethod
    def values_of(campaign: Campaign) -> dict[str, Any]:
        content = content_of(campaign)
        carrier = f"route:{content.route.pk}" if content.route else f"channel:{campaign.channel_id}"
        values = {name: getattr(content, name) for name in CampaignForm.base_fields if name != "carrier"}
        return values | {"carrier": carrier}
