"""What an uploader says about a file, and what somebody looks for among lists."""

from typing import Any

from django import forms

from accounts.models import Workspace
from recipients.querysets import RecipientListQuerySet
from recipients.statuses import Status

FILTERED = [(status.value, status.label) for status in Status if status != Status.DELETED]


class FileForm(forms.Form):
    """`allow_empty_file`: what is wrong with a file is the verb's to say."""

    file = forms.FileField(
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".txt,.csv"}),
        error_messages={"required": "Choose a file."},
    )


class ListForm(FileForm):
    name = forms.CharField(max_length=120)
    country = forms.CharField(
        max_length=2, help_text="Two letters such as NL: what numbers without a country code belong to."
    )
    column = forms.CharField(
        max_length=120, required=False, help_text="The heading or number of the column; the first one when empty."
    )
    field_order = ["name", "file", "country", "column"]

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].initial = workspace.country


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
    name = forms.CharField(max_length=120)
