"""Which test phones get a test, and what stands in it for the columns of the list."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns import placeholders
from campaigns.models import Campaign
from campaigns.trials import LONGEST_VALUE
from recipients.models import TrialPhone
from recipients.statuses import Status as ListStatus


class TrialForm(forms.Form):
    to = forms.MultipleChoiceField(
        label=_("Test phones"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Say which test phones get it.")},
    )

    def __init__(self, given: Any, *, campaign: Campaign, phones: Collection[TrialPhone]) -> None:
        super().__init__(given, auto_id="trial_%s")
        choices = [(str(phone.pk), _named(phone)) for phone in phones]
        self._numbers = {str(phone.pk): f"+{phone.phone}" for phone in phones}
        self.fields["to"].choices = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            self.fields["to"].initial = [choices[0][0]]
        self._names = {f"value_{place}": name for place, name in enumerate(_names_in(campaign.text))}
        self.has_rows = campaign.list is not None and campaign.list.status == ListStatus.READY
        for field, name in self._names.items():
            self.fields[field] = forms.CharField(label=name, max_length=LONGEST_VALUE, required=False)

    @property
    def values(self) -> list[forms.BoundField]:
        return [self[name] for name in self._names]

    @property
    def numbers(self) -> list[str]:
        return [self._numbers[chosen] for chosen in self.cleaned_data["to"]]

    @property
    def params(self) -> dict[str, str]:
        given = {name: self.cleaned_data[field] for field, name in self._names.items()}
        return {name: value for name, value in given.items() if value}


def _named(phone: TrialPhone) -> str:
    return " · ".join(part for part in (phone.whose, phone.label, str(phone)) if part)


def _names_in(text: str) -> tuple[str, ...]:
    """Of the columns; what is wrong with a text is said when it is sent."""
    try:
        return placeholders.parse(text).names
    except ValueError:
        return ()
