"""What an uploader says about a file."""

from typing import Any

from django import forms

from accounts.models import Workspace


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
