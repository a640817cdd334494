"""Nobody says by a form what is not theirs to say: whose a row is, how far it is, who decided, what it cost."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.forms import BaseModelForm, ModelForm
from django.test import RequestFactory
from django.urls import get_resolver

from accounts.models import Invitation, Membership, User
from accounts.roles import Role
from campaigns.models import Campaign
from recipients.admin import Everywhere
from recipients.models import RecipientList
from senders.models import Sender
from tests import factories
from tests.config.test_roles import FORBIDDEN
from tests.pages import signed_in, text_of


def ours(kind=BaseModelForm):
    """Every ModelForm of our rooms; the addresses are loaded, and with them every module that has one."""
    assert get_resolver().url_patterns
    below = {form for child in kind.__subclasses__() for form in {child, *ours(child)}}
    rooms = {config.name for config in apps.get_app_configs() if not config.name.startswith("django.")}
    return {form for form in below if form.__module__.split(".")[0] in rooms}


def test_every_form_of_a_model_names_its_fields_and_none_that_is_not_to_be_said():
    pages = {form for form in ours() if form._meta.model and form.__module__.endswith("forms")}
    assert len(pages) >= 4
    for form in pages:
        assert form._meta.fields and form._meta.fields != "__all__" and not form._meta.exclude, form
        assert set(form.base_fields) & set(FORBIDDEN) == set(), form


# What a super admin gives there: an account may be staff, and a membership has its two ends.
SAID_ON_THE_DESK = {
    "accounts.user": {"is_staff", "is_superuser"},
    "accounts.membership": {"user", "workspace"},
    "moderation.cannedreason": {"workspace"},
    "moderation.blockedterm": {"workspace"},
}


@pytest.mark.django_db
def test_every_register_of_the_desk_writes_only_what_it_names():
    request = RequestFactory().get("/admin/")
    request.user = factories.user(is_superuser=True, is_staff=True)
    for model, register in admin.site._registry.items():
        writes = register.has_add_permission(request) or register.has_change_permission(request)
        if not writes or isinstance(register, Everywhere):  # which has no form of its model: ours calls the verb
            continue
        fields = set(register.get_form(request).base_fields) - set(register.get_readonly_fields(request))
        said = SAID_ON_THE_DESK.get(model._meta.label_lower, set())
        assert fields & set(FORBIDDEN) <= said, (model, fields & set(FORBIDDEN))


@pytest.fixture
def other():
    return factories.workspace()


@pytest.fixture
def smuggled(other):
    """What a page was never asked for, in every post."""
    stranger = factories.user()
    rows = {"workspace": other.pk, "workspace_id": other.pk, "user": stranger.pk, "created_by": stranger.pk}
    return {**{name: value for name, value in FORBIDDEN.items() if not isinstance(value, list)}, **rows}


def test_a_profile_makes_nobody_more_than_they_are(workspace, author, smuggled):
    signed_in(author, workspace).post("/profile/", {**smuggled, "name": "Eva", "email": "x@y.example"})
    email = author.email
    author.refresh_from_db()
    assert (author.name, author.email, author.is_superuser, author.is_staff) == ("Eva", email, False, False)


def test_a_new_person_is_what_the_invitation_says(workspace, admin, smuggled):
    from accounts import invitations

    client, made = signed_in(factories.user()), factories.invitation(workspace, "guest@acme.example", by=admin)
    client.logout()
    client.get(f"/invitation/{invitations.token_of(made)}/")
    passwords = {"password1": factories.PASSWORD, "password2": factories.PASSWORD}
    wanted = {**smuggled, "name": "G", "role": "admin", "is_moderator": "on", "email": "boss@acme.example", **passwords}
    client.post("/invitation/", wanted)
    user = User.objects.get(email="guest@acme.example")
    place = Membership.objects.get(user=user)
    assert (user.is_superuser, user.is_staff, place.role, place.is_moderator) == (False, False, "author", False)
    assert (place.workspace, place.pk != 1 or user.pk != 1) == (workspace, True)
    assert not User.objects.filter(email="boss@acme.example").exists()


def test_an_invitation_and_a_changed_place_stay_in_their_workspace(workspace, admin, author, smuggled, other):
    page = signed_in(admin, workspace)
    page.post("/members/invite/", {**smuggled, "email": "guest@acme.example", "role": "author"})
    made = Invitation.objects.get()
    assert (made.workspace, made.invited_by, made.status) == (workspace, admin, "pending")
    place = Membership.objects.get(user=author)
    page.post(f"/members/{place.pk}/", {**smuggled, "role": "moderator"})
    place.refresh_from_db()
    assert (place.workspace, place.user, place.role) == (workspace, author, Role.MODERATOR)
    assert not Membership.objects.of(other).exists()


def test_a_sender_a_list_and_a_draft_belong_to_whoever_made_them_and_to_the_workspace(workspace, admin, smuggled):
    page = signed_in(admin, workspace)
    sender = factories.sender(workspace)
    page.post("/senders/new/", {**smuggled, "name": "Smuggler", "saddr": "Smuggler", "reason": "Ours."})
    made = Sender.objects.get(name="Smuggler")
    assert (made.workspace, made.created_by) == (workspace, admin) and made.status != "approved"
    listed = factories.ready_list(workspace)
    page.post(f"/lists/{listed.pk}/rename/", {**smuggled, "name": "Renamed"})
    kept = RecipientList.objects.get(pk=listed.pk)
    assert (kept.workspace, kept.created_by, kept.digest) == (workspace, listed.created_by, listed.digest)
    assert (kept.name, kept.accepted, kept.status) == ("Renamed", listed.accepted, "ready")
    factories.channel()
    answer = page.post("/campaigns/new/", {**smuggled, "name": "Sale", "sender": sender.pk, "mode": "on_approval"})
    assert answer.status_code == 302, text_of(answer)
    campaign = Campaign.objects.get(name="Sale")
    shown = (campaign.workspace, campaign.created_by, campaign.status, campaign.submitted_by, campaign.started_at)
    assert shown == (workspace, admin, "draft", None, None)
    page.post(f"/campaigns/{campaign.pk}/edit/message/", {**smuggled, "text": "Half price."})
    campaign.refresh_from_db()
    assert (campaign.workspace, campaign.status, campaign.created_by) == (workspace, "draft", admin)


def test_every_model_form_of_the_desk_is_known_here():
    assert all(issubclass(form, ModelForm) for form in ours())
