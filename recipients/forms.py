"""What an uploader says about a file, and what somebody looks for among lists."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from recipients.querysets import RecipientListQuerySet
from recipients.statuses import Status

FILTERED = [(status.value, status.label) for status in Status if status != Status.DELETED]

PASTED = 1_000_000  # characters


class FileForm(forms.Form):
    """`allow_empty_file`: what is wrong with a file is the verb's to say."""

    beside = dict.fromkeys(("empty", "filename_missing", "incomplete", "too_large", "wrong_type"), "file")

    file = forms.FileField(
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".txt,.csv"}),
        label=_("File"),
        error_messages={"required": _("Choose a file.")},
    )


class ListForm(FileForm):
    """A file, or numbers that were pasted."""

    beside = FileForm.beside | {"bad_country": "country", "country_missing": "country", "name_missing": "name"}

    name = forms.CharField(max_length=120, label=_("Name"))
    file = forms.FileField(
        required=False, label=_("File"), allow_empty_file=True, widget=FileForm.base_fields["file"].widget
    )
    numbers = forms.CharField(
        max_length=PASTED,
        required=False,
        label=_("Numbers"),
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "+31612345678\n0612345679", "spellcheck": "false"}),
        help_text=_("One a line."),
        error_messages={"max_length": _("More than 1,000,000 characters: send them as a file.")},
    )
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
    field_order = ["name", "file", "numbers", "country", "column"]

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].initial = workspace.country

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "file" in given and "numbers" in given and (given["file"] is None) == (given["numbers"] == ""):
            self.add_error("file", _("Choose a file or paste numbers: one of the two."))
        return given


class ListFilter(forms.Form):
    """What it cannot read, it does not filter by: an old bookmark still shows a page."""

    q = forms.CharField(max_length=120, required=False)
    status = forms.ChoiceField(choices=FILTERED, required=False)
    archived = forms.BooleanField(required=False)

    def narrow(self, lists: RecipientListQuerySet) -> RecipientListQuerySet:
        self.is_valid()
        asked = self.cleaned_data
        lists = lists.archived() if asked.get("archived") else lists.live()
        if status := asked.get("status"):
            lists = lists.filter(status=status)
        return lists.filter(name__icontains=name) if (name := asked.get("q")) else lists


class NameForm(forms.Form):
    beside = {"name_missing": "name"}

    name = forms.CharField(max_length=120, label=_("Name"))
