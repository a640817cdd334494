"""What people say of themselves and of those who belong to their workspace; and how a form of a page says no."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.forms import BaseForm
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, User
from accounts.preferences import LANGUAGES, Theme
from accounts.roles import Role
from audit.refusal import Refused


@contextmanager
def refused_on(form: BaseForm) -> Iterator[None]:
    """What a verb refuses becomes an error of the form that asked: nobody types anything twice."""
    try:
        yield
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)


class ProfileForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("name", "wants_mail")
        labels = {"name": _("Name"), "wants_mail": _("Send me emails")}


class PreferencesForm(forms.Form):
    """Either may be chosen alone: the menu has a button for each."""

    language = forms.ChoiceField(choices=LANGUAGES, required=False, label=_("Language"))
    theme = forms.ChoiceField(choices=Theme.choices, required=False, label=_("Theme"))


class PlaceForm(forms.ModelForm[Membership]):
    """What a member is."""

    class Meta:
        model = Membership
        fields = ("role", "is_moderator")
        labels = {"role": _("Role"), "is_moderator": _("May approve and reject, too")}
        help_texts = {"is_moderator": _("For an author. A moderator and an admin may anyway.")}


class InvitationForm(PlaceForm):
    email = forms.EmailField(label=_("Email"), help_text=_("They get a link, with an account here or without one."))
    role = forms.ChoiceField(choices=Role.choices, initial=Role.AUTHOR, label=_("Role"))

    field_order = ("email", "role", "is_moderator")


class NewcomerForm(BaseUserCreationForm[User]):
    """Whoever accepts an invitation without an account: its address is not theirs to choose."""

    class Meta:
        model = User
        fields = ("name",)
        labels = {"name": _("Name")}


class AskForm(forms.Form):
    wanted = forms.CharField(max_length=120, label=_("Code or name of the workspace"))
    message = forms.CharField(
        max_length=500,
        required=False,
        label=_("Message"),
        help_text=_("Who you are, and what you want to do there."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class RefusalForm(forms.Form):
    reason = forms.CharField(
        max_length=500, required=False, label=_("Reason"), help_text=_("They read it in the email.")
    )
