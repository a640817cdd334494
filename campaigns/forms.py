"""A campaign's content as its author types it, step by step; times are in the workspace's zone."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.forms import AsRead
from accounts.models import Workspace
from campaigns.drafts import FOREIGN_TIMES, MOST_PARTS_PER_SECOND, content_of
from campaigns.models import Campaign
from campaigns.statuses import Mode
from channels.models import Channel, Route
from recipients.models import RecipientList
from recipients.statuses import Status as ListStatus
from senders.models import Sender


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


MODES_IN_WORDS = {
    Mode.ON_APPROVAL: _("It leaves as soon as a moderator has approved it."),
    Mode.SCHEDULED: _("It leaves at one minute that you choose, to everybody as fast as the carrier takes it."),
    Mode.SPREAD: _("It is spread evenly from one time to another, so that answers do not come all at once."),
    Mode.TRIGGER: _("A program of yours names a number, and the message leaves at once. No list, one approval."),
}


class Stale(forms.Form):
    """`seen` is when the content on the page was last edited."""

    seen = forms.DateTimeField(required=False, input_formats=["%Y-%m-%dT%H:%M:%S.%f%z"], widget=forms.HiddenInput)


def need(form: forms.Form, *names: str) -> None:
    """What a draft may lack, and nothing that is submitted: such a field is not called optional."""
    for name in names:
        if name in form.fields:
            setattr(form.fields[name], "is_needed", True)  # noqa: B010 - the page asks for it


class ModeForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("For you and your colleagues."))
    mode = forms.ChoiceField(
        label=_("When it is sent"), choices=Mode.choices, widget=forms.RadioSelect, initial=Mode.ON_APPROVAL
    )

    @property
    def cards(self) -> list[dict[str, Any]]:
        chosen = self["mode"].value()
        return [
            {"value": mode.value, "label": mode.label, "words": words, "is_chosen": chosen == mode}
            for mode, words in MODES_IN_WORDS.items()
        ]

    @property
    def changes(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @staticmethod
    def values_of(campaign: Campaign) -> dict[str, Any]:
        return {"name": campaign.name, "mode": campaign.mode}


class MessageForm(forms.Form):
    sender = forms.ModelChoiceField(Sender.objects.none(), label=_("Sender"))
    text = forms.CharField(
        label=_("Text"),
        max_length=10_000,
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "required": True}),
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        need(self, "text")
        sender: Any = self.fields["sender"]
        sender.queryset = Sender.objects.of(workspace).usable().order_by("name", "pk")

    @property
    def changes(self) -> dict[str, Any]:
        """Textareas end lines with CRLF; a message has LF."""
        return {**self.cleaned_data, "text": self.cleaned_data["text"].replace("\r\n", "\n")}

    @staticmethod
    def values_of(campaign: Campaign) -> dict[str, Any]:
        return {"sender": campaign.sender_id, "text": campaign.text}


class RecipientsForm(forms.Form):
    list = forms.ModelChoiceField(RecipientList.objects.none(), required=False, label=_("List"))

    def __init__(self, *args: Any, workspace: Workspace, campaign: Campaign, **kwargs: Any) -> None:
        """The list that the campaign has already stays on offer, whatever became of it; so does one on its way."""
        super().__init__(*args, **kwargs)
        of_workspace = RecipientList.objects.of(workspace)
        on_offer = Q(status__in=[ListStatus.READY, ListStatus.PREPARING], archived_at=None) | Q(pk=campaign.list_id)
        listed: Any = self.fields["list"]
        listed.queryset = of_workspace.filter(on_offer)

    @property
    def changes(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @staticmethod
    def values_of(campaign: Campaign) -> dict[str, Any]:
        return {"list": campaign.list_id}


class TimeForm(forms.Form):
    """Only the times of the mode."""

    send_at = MomentField(label=_("Send at"))
    date_from = MomentField(label=_("From"))
    date_to = MomentField(label=_("Until"))
    daily_from = ClockField(label=_("Each day from"), help_text=_("Outside these hours it waits. Both empty: all day."))
    daily_to = ClockField(label=_("Each day until"), help_text=_("May be after midnight: 20:00 until 02:00."))
    not_after = MomentField(label=_("Deadline"), help_text=_("What is not sent by then, is not sent at all."))
    parts_per_second = forms.IntegerField(
        label=_("Parts a second, at most"),
        required=False,
        min_value=1,
        max_value=MOST_PARTS_PER_SECOND,
        help_text=_("Empty: as fast as the carrier allows."),
    )
    carrier = forms.ChoiceField(label=_("Route or channel"), required=False)

    def __init__(self, *args: Any, mode: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in FOREIGN_TIMES[Mode(mode)]:
            del self.fields[name]
        need(self, "send_at", "date_from", "date_to", *(["not_after"] if mode == Mode.TRIGGER else []))
        self._channels = {f"channel:{channel.pk}": channel for channel in Channel.objects.active().order_by("name")}
        self._routes = {f"route:{route.pk}": route for route in Route.objects.active().order_by("name")}
        groups: dict[Any, dict[str, Any]] = {_("Routes"): self._routes, _("Channels"): self._channels}
        carriers = [(name, [*rows.items()]) for name, rows in groups.items() if rows]
        carrier: Any = self.fields["carrier"]
        carrier.choices = [("", _("The default channel")), *carriers]

    @property
    def carriers(self) -> dict[str, Any]:
        carrier = self.cleaned_data.get("carrier", "")
        return {"channel": self._channels.get(carrier), "route": self._routes.get(carrier)}

    @property
    def changes(self) -> dict[str, Any]:
        given = {name: value for name, value in self.cleaned_data.items() if name != "carrier"}
        return {**given, **self.carriers}

    @staticmethod
    def values_of(campaign: Campaign) -> dict[str, Any]:
        content = content_of(campaign)
        carrier = f"route:{content.route.pk}" if content.route else f"channel:{campaign.channel_id}"
        values = {name: getattr(content, name) for name in TimeForm.base_fields if name != "carrier"}
        return values | {"carrier": carrier}


class SavedTextForm(AsRead, forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("For you and your colleagues."))
    text = forms.CharField(label=_("Text"), max_length=10_000, strip=False, widget=forms.Textarea(attrs={"rows": 6}))
