"""What somebody says to register a sender, and what carriers shall see of it."""

import uuid
from pathlib import Path
from typing import Any

from django import forms
from django.core.validators import FileExtensionValidator
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

EVIDENCE_MAX_BYTES = 10 * 1024**2


class SenderForm(forms.Form):
    beside = dict.fromkeys(("name_missing", "name_taken"), "name")

    name = forms.CharField(
        max_length=80, label=_("Name"), help_text=_("For you and your colleagues; recipients do not see it.")
    )


class RevisionForm(forms.Form):
    beside = {"bad_saddr": "saddr", "reason_missing": "reason"}

    saddr = forms.CharField(
        label=_("What recipients see"),
        max_length=20,
        help_text=_("A name of at most 11 characters, a short code, or an international number."),
    )
    reason = forms.CharField(
        max_length=2000,
        required=False,
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Why it is yours to use."),
    )
    evidence = forms.FileField(
        required=False,
        label=_("Evidence"),
        validators=[FileExtensionValidator(["pdf", "png", "jpg", "jpeg"])],
        help_text=_("A document or picture that shows it: PDF, PNG or JPEG."),
    )

    def clean_evidence(self) -> Any:
        """Under a random name: what a file was called at home says nothing here, and cannot be guessed."""
        file = self.cleaned_data["evidence"]
        if not file:
            return None
        if file.size > EVIDENCE_MAX_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(limit)s.") % {"limit": filesizeformat(EVIDENCE_MAX_BYTES)}
            )
        file.name = f"{uuid.uuid4()}{Path(file.name).suffix.lower()}"
        return file
