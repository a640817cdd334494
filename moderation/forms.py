"""What a moderator says with a decision. `round` is that of the content on the page where they decided."""

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaigns.forms import MomentField
from moderation.models import CannedReason

LONGEST_REASON = 2000


class DecisionForm(forms.Form):
    round = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, workspace_id: int, about: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace_id, self.about = workspace_id, about


class ApprovalForm(DecisionForm):
    reason = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
        help_text=_("It is kept with the decision, and the author reads it."),
    )


class RejectionForm(DecisionForm):
    """A canned reason, words of one's own, or both: the canned one stands first."""

    canned = forms.ModelChoiceField(
        CannedReason.objects.none(), label=_("A reason that is at hand"), required=False, empty_label="—"
    )
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text=_("The author reads this."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = CannedReason.objects.for_workspace(self.workspace_id).filter(
            about=self.about, language=(get_language() or "en").split("-")[0]
        )
        field = self.fields["canned"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = offered.order_by("pk")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        canned = given.pop("canned", None)
        said = [canned.text] if canned else []
        said += [given["reason"].strip()] if given.get("reason", "").strip() else []
        if not said and "reason" in given:
            self.add_error("reason", forms.Field.default_error_messages["required"])
        return {**given, "reason": "\n".join(said)}


class RescheduleForm(DecisionForm):
    """The time is in the current zone: the desk makes it that of the campaign's workspace."""

    beside = dict.fromkeys(("time_in_the_past", "deadline_passed"), "send_at")

    send_at = MomentField(label=_("New time"), required=True)


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("A note for moderators"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
        help_text=_("Authors do not see it."),
    )
