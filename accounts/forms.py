"""What people say of themselves and of those who belong to their workspace; and how a form of a page says no."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
)
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts import people, scopes, stale
from accounts.models import Membership, User, Workspace
from accounts.preferences import LANGUAGES, Theme
from accounts.roles import Role
from accounts.rules import RULES
from audit.refusal import Refused


@contextmanager
def refused_on(form: BaseForm) -> Iterator[None]:
    """What a verb refuses becomes an error of the form that asked: nobody types anything twice. A form's `beside` says
    at which field it stands, by its code, where the refusal itself does not: to programs the field has another name."""
    try:
        yield
    except Refused as refusal:
        error = ValidationError(stale.said(refusal.message, code=refusal.code), code=refusal.code)
        field = getattr(form, "beside", {}).get(refusal.code, refusal.field)
        form.add_error(field if field in form.fields else None, error)


class AsRead(forms.BaseForm):
    """It changes what is in force, which its page shows. Whoever was overtaken is told so, whatever else is wrong with
    what they sent: the page that tells them has the mark of what is in force by then."""

    @property
    def in_force(self) -> Mapping[str, Any]:
        return self.initial

    @property
    def mark(self) -> str:
        return stale.mark(self.in_force)

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound:
            with refused_on(self):
                stale.check(self.data, self.in_force)


class SignInForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        with refused_on(self):
            super().clean()
        return self.cleaned_data


class PasswordForm(PasswordChangeForm):
    """The old one is asked at the one door, and counted there: a page left open is no place to guess at it."""

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        try:
            person = authenticate(username=self.user.email, password=old)
        except Refused as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal
        if person != self.user:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old


class DeskPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Somebody else's, by a super admin: by the verb that writes the ledger and ends their sessions."""

    def __init__(self, user: User, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.by = by
        if field := self.fields.get("usable_password"):
            # Django puts its own together in English, before anybody's language is known; its script looks for the id.
            field.help_text = format_html(
                '{}<ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>',
                _("Whether they may sign in by a password; without one, single sign-on is left to them."),
                _("Their password is lost once it is switched off."),
            )

    def save(self, commit: bool = True) -> User:
        password = self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        changed = people.change_password(self.user.pk, password=password, by=self.by)
        self.user = changed
        return changed


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label=_("Email"), widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
    )


class ProfileForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("name", "wants_mail")
        labels = {"name": _("Name"), "wants_mail": _("Send me emails")}


class PreferencesForm(forms.Form):
    """Either may be chosen alone: the menu has a button for each."""

    language = forms.ChoiceField(choices=LANGUAGES, required=False, label=_("Language"))
    theme = forms.ChoiceField(choices=Theme.choices, required=False, label=_("Theme"))


class PlaceForm(AsRead, forms.ModelForm[Membership]):
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


class KeyForm(forms.Form):
    """What a key is called, what it is for, and how long."""

    LASTS = ((30, _("30 days")), (90, _("90 days")), (365, _("a year")), (0, _("until it is revoked")))

    name = forms.CharField(max_length=120, label=_("Name"), help_text=_("Which program has it, and where it runs."))
    lasts = forms.TypedChoiceField(choices=LASTS, coerce=int, initial=90, label=_("Good for"))
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, label=_("What it is for"))

    def __init__(self, *args: Any, to_token: bool, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        offered = [(str(scope), scope.label) for scope in scopes.offered(to_token=to_token)]
        cast(forms.MultipleChoiceField, self.fields["scopes"]).choices = offered

    @property
    def wanted(self) -> dict[str, Any]:
        days = self.cleaned_data["lasts"]
        return {
            "name": self.cleaned_data["name"],
            "scopes": self.cleaned_data["scopes"],
            "expires_at": self.now + timedelta(days=days) if days else None,
        }


class RulesForm(AsRead, forms.ModelForm[Workspace]):
    """What an approval needs."""

    class Meta:
        model = Workspace
        fields = RULES
        labels = {
            "four_eyes": _("Somebody else must approve than who wrote it"),
            "second_approver_above": _("Two moderators above so many recipients"),
            "approval_days": _("Days that an approval stands"),
            "tokens_may_decide": _("A moderator’s API token may approve and reject"),
        }
        help_texts = {
            "four_eyes": _("Without it people may judge their own campaigns, and each such decision says so."),
            "tokens_may_decide": _("A key of the workspace never does."),
        }


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        label=_("Code"),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True, "spellcheck": "false"}
        ),
    )


class StillMeForm(forms.Form):
    """That it is still they who sit there. Asked at the one door, and counted there."""

    password = forms.CharField(
        label=_("Your password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if "password" in found:
            with refused_on(self):
                if authenticate(None, username=self._user.email, password=found["password"]) is None:
                    self.add_error("password", _("This is not your password."))
        return found


class KeyNameForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Name of the key"), help_text=_("Such as “Blue key, office”."))


class AddKeyForm(KeyNameForm, StillMeForm):
    field_order = ("name", "password")


class ResetSecondStepForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        label=_("Why"),
        help_text=_("And how you know that it is they who ask. They read it in the email, and it stays in the ledger."),
    )
