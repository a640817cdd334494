"""What an admin says of the workspace's limits."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import AsRead
from accounts.limits import HIGHEST
from accounts.models import Workspace


class LimitForm(AsRead, forms.Form):
    parts_per_day = forms.IntegerField(
        min_value=0,
        max_value=HIGHEST,
        required=False,
        label=_("Parts a day"),
        help_text=_("By the clock of the workspace. Empty is no limit."),
    )
    parts_per_month = forms.IntegerField(
        min_value=0,
        max_value=HIGHEST,
        required=False,
        label=_("Parts a month"),
        help_text=_("Of the calendar. Empty is no limit."),
    )
    destinations = forms.CharField(
        max_length=4000,
        required=False,
        label=_("Allowed destinations"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("How numbers must begin, such as 31, 998 or 7701. Empty is everywhere."),
    )

    @staticmethod
    def values_of(workspace: Workspace) -> dict[str, Any]:
        return {
            "parts_per_day": workspace.parts_per_day,
            "parts_per_month": workspace.parts_per_month,
            "destinations": ", ".join(workspace.destinations or ()),
        }

    @property
    def limits(self) -> dict[str, Any]:
        return {**self.cleaned_data, "destinations": re.split(r"[\s,;]+", self.cleaned_data["destinations"])}
