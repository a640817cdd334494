"""What the list of campaigns may be asked for."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from reports.campaign_search import NEWEST, ORDERS
from senders.models import Sender

STATUSES = [("", _("Any status")), ("active", _("Active")), ("broken", _("Failed or expired")), *Status.choices]
SORTS = [(f"{sign}{name}", name) for name in ORDERS for sign in ("", "-")]


class _Author(forms.ModelChoiceField[User]):
    def label_from_instance(self, obj: User) -> str:
        return obj.get_short_name()


class CampaignFilter(forms.Form):
    """Every field may be empty, and what cannot be read does not narrow: `cleaned` leaves it out."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=120,
        strip=True,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name of a campaign or list")}),
    )
    status = forms.ChoiceField(label=_("Status"), required=False, choices=STATUSES)
    mode = forms.ChoiceField(label=_("Mode"), required=False, choices=[("", _("Any mode")), *Mode.choices])
    sender = forms.ModelChoiceField(
        label=_("Sender"), required=False, queryset=Sender.objects.none(), empty_label=_("Any sender")
    )
    author = _Author(label=_("Author"), required=False, queryset=User.objects.none(), empty_label=_("Any author"))
    since = forms.DateField(
        label=_("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    archived = forms.BooleanField(label=_("Archived ones"), required=False)
    sort = forms.ChoiceField(required=False, choices=[("", ""), *SORTS], widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, workspace: Workspace) -> None:
        super().__init__(data)
        self.fields["sender"].queryset = Sender.objects.of(workspace).order_by("name", "pk")  # type: ignore[attr-defined]
        written = Campaign.objects.of(workspace).values("created_by")
        self.fields["author"].queryset = User.objects.filter(pk__in=written).order_by("name", "email")  # type: ignore[attr-defined]

    @property
    def cleaned(self) -> dict[str, Any]:
        self.is_valid()
        return self.cleaned_data

    @property
    def sort_by(self) -> str:
        return self.cleaned.get("sort") or NEWEST

    @property
    def narrows(self) -> bool:
        return any(value for name, value in self.cleaned.items() if name != "sort")
