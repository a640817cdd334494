"""What an admin says of how long the workspace keeps things."""

from django import forms

from accounts.forms import AsRead
from accounts.keeping import DAYS
from accounts.models import Workspace


class RetentionForm(AsRead, forms.ModelForm[Workspace]):
    class Meta:
        model = Workspace
        fields = DAYS
