"""What somebody says about numbers that must not get anything."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import AsRead
from accounts.models import Workspace
from recipients.forms import FileForm
from recipients.stop_words import LONGEST, MOST
from recipients.suppressions import LONGEST_REASON


class LookUpForm(forms.Form):
    to = forms.CharField(label=_("Number"), max_length=40, required=False)


class ReasonForm(forms.Form):
    beside = dict.fromkeys(("number_in_reason", "reason_missing", "reason_too_long"), "reason")

    reason = forms.CharField(label=_("Why"), max_length=LONGEST_REASON)


class ShowForm(ReasonForm):
    reason = forms.CharField(label=_("Why you need the numbers"), max_length=LONGEST_REASON)


class SuppressForm(ReasonForm):
    beside = ReasonForm.beside | dict.fromkeys(("already_suppressed", "bad_number"), "number")

    number = forms.CharField(max_length=40, label=_("Number"), help_text=_("In any format, such as +31 6 12345678."))
    field_order = ["number", "reason"]


class StopWordsForm(AsRead, forms.Form):
    beside = dict.fromkeys(
        ("bad_stop_word", "stop_word_too_long", "stop_words_missing", "too_many_stop_words"), "words"
    )

    words = forms.CharField(
        label=_("Stop words"),
        widget=forms.Textarea(attrs={"rows": 6}),
        max_length=(LONGEST + 2) * MOST,
        help_text=_("One a line. A message that is one of them, or begins with it, opts its sender out."),
    )

    def clean_words(self) -> list[str]:
        lines: str = self.cleaned_data["words"]
        return lines.splitlines()


class ImportForm(ReasonForm, FileForm):
    beside = ReasonForm.beside | FileForm.beside | {"bad_country": "country", "country_missing": "country"}

    country = forms.CharField(
        max_length=2,
        label=_("Country"),
        help_text=_("Two letters such as NL: what numbers without a country code belong to."),
    )
    column = forms.CharField(
        max_length=120,
        required=False,
        label=_("Column"),
        help_text=_("The heading or number of the column; the first one when empty."),
    )
    field_order = ["file", "reason", "country", "column"]

    def __init__(self, *args: Any, workspace: Workspace | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].initial = workspace.country if workspace else ""
