"""For which days, and by what, somebody asks for statistics: in an address, of a page or of the API."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from channels.models import Channel
from reports.statistics import BY, LONGEST, Asked
from senders.models import Sender

USUAL = 30  # days, up to today


class StatisticsForm(forms.Form):
    """What is left out is the last thirty days, by day."""

    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    by = forms.ChoiceField(label=_("By"), required=False, choices=list(BY.items()))
    sender = forms.ModelChoiceField(
        label=_("Sender"), required=False, queryset=Sender.objects.none(), empty_label=_("Any sender")
    )
    channel = forms.ModelChoiceField(
        label=_("Channel"), required=False, queryset=Channel.objects.none(), empty_label=_("Any channel")
    )

    def __init__(self, data: Mapping[str, str], *, workspace: Workspace, today: date) -> None:
        given = {name: value for name, value in data.items() if value}
        until = _day(given.get("until", "")) or today
        usual = {"since": until - timedelta(days=USUAL - 1), "until": until, "by": "day"}
        super().__init__({**usual, **given})
        self.fields["sender"].queryset = Sender.objects.of(workspace).order_by("name")  # type: ignore[attr-defined]
        self.fields["channel"].queryset = Channel.objects.order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if since and until and since > until:
            self.add_error("since", _("The first day is after the last one."))
        elif since and until and (until - since).days >= LONGEST:
            self.add_error("since", _("A year at most: %(days)s days.") % {"days": LONGEST})
        return found

    @property
    def asked(self) -> Asked:
        """Of a valid form."""
        found = self.cleaned_data
        return Asked(
            since=found["since"],
            until=found["until"],
            by=found["by"],
            sender=found["sender"].pk if found["sender"] else None,
            channel=found["channel"].pk if found["channel"] else None,
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
