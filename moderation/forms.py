"""What a moderator says with a decision. `round` is that of the content on the page where they decided."""

from django import forms

from campaigns.forms import MomentField


class DecisionForm(forms.Form):
    round = forms.IntegerField(widget=forms.HiddenInput)


class ApprovalForm(DecisionForm):
    reason = forms.CharField(
        label="Note", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2, "cols": 60})
    )


class RejectionForm(DecisionForm):
    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text="The author reads this.",
    )


class RescheduleForm(DecisionForm):
    """The time is in the current zone: the desk makes it that of the campaign's workspace."""

    send_at = MomentField(label="New time", required=True)
