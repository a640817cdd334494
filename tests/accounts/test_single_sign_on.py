"""Signing in by OpenID Connect, against a provider that listens."""

import time
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from accounts.models import Authenticator, Identity, Invitation, Membership, User
from audit.models import Entry
from tests import factories
from tests.accounts.identity_provider import CLIENT, SECRET, Provider
from tests.pages import text_of

GUEST = "guest@elsewhere.example"


@pytest.fixture
def provider(settings):
    made = Provider()
    settings.OIDC_ISSUER, settings.OIDC_NAME = made.issuer, "Acme Login"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
    settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = 60  # it answers, however late
    yield made
    made.close()


def signed(provider, client=None, wanted="/profile/", **claims):
    """What is answered to the browser that comes back."""
    client = client or Client()
    gone = client.get("/sso/", {"next": wanted})
    assert gone.status_code == 302
    return client.get(provider.answered(gone.url, **claims))


def of(person, **more):
    return {"email": person.email, "email_verified": True, **more}


def is_signed_in(client):
    return client.get("/profile/").status_code == 200


def test_somebody_with_an_account_comes_in_and_is_known_from_then_on_by_the_providers_name_for_them(provider, author):
    client = Client(headers={"User-Agent": "Firefox"})
    link = 'href="/sso/?next=/profile/">Sign in with Acme Login</a>'
    assert link in text_of(client.get("/login/?next=/profile/"))
    assert signed(provider, client, **of(author, email=author.email.upper())).url == "/profile/"
    assert is_signed_in(client)
    other = Client()
    assert signed(provider, other, email="moved@elsewhere.example", email_verified=False).url == "/profile/"
    assert is_signed_in(other)
    entries = Entry.objects.filter(actor=author).order_by("seq")
    assert [(entry.action, entry.after) for entry in entries] == [
        ("user.identity_linked", {"issuer": provider.issuer}),
        ("user.signed_in", {"way": "single sign-on"}),
        ("user.signed_in", {"way": "single sign-on"}),
    ]


@pytest.mark.parametrize("is_taken_there", [False, True])
def test_the_second_step_is_asked_for_here_unless_the_provider_is_trusted_with_it(
    provider, settings, admin, is_taken_there
):
    """With neither, whose role needs one is led to set it up."""
    settings.OIDC_IS_SECOND_STEP = is_taken_there
    settings.SECOND_STEP_REQUIRED_FOR = frozenset({"admin"})
    client = Client()
    signed(provider, client, **of(admin))
    page = client.get("/campaigns/")
    assert page.status_code == 200 if is_taken_there else page.url.startswith("/profile/second-step/")
    Authenticator.objects.create(user=admin, sealed="", confirmed_at=timezone.now())
    again = Client()
    signed(provider, again, **of(admin))
    page = again.get("/campaigns/")
    assert page.status_code == 200 if is_taken_there else page.url.startswith("/login/second/")


def test_an_address_that_only_userinfo_tells_is_taken_if_it_is_of_the_same_person(provider, author):
    provider.userinfo = {"sub": "person-1", **of(author)}
    assert signed(provider).url == "/profile/"
    provider.userinfo = {"sub": "person-3", **of(author)}
    assert signed(provider, sub="person-2").status_code == 403


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "another-application"}, "meant for another application"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "meant for another application"),
        ({"exp": int(time.time()) - 120}, "out of date"),
        ({"exp": None}, "not signed as it should be"),
        ({"iss": "https://evil.example"}, "another provider"),
        ({"nonce": "of somebody else"}, "meant for another sign-in"),
        ({"nonce": None}, "not signed as it should be"),
        ({"email_verified": False}, "has not verified your email address"),
        ({"email_verified": None}, "has not verified your email address"),
        ({"email": GUEST}, f"There is no account for {GUEST} here"),
    ],
)
def test_what_is_not_to_be_believed_signs_nobody_in_and_says_why(provider, author, claims, why):
    client = Client()
    answer = signed(provider, client, **of(author, **claims))
    assert answer.status_code == 403 and why in text_of(answer)
    assert not is_signed_in(client)
    assert not Identity.objects.exists() and not Entry.objects.filter(action="user.signed_in").exists()


@pytest.mark.parametrize("algorithm", ["RS256", "HS256", "none"])
def test_what_another_key_or_none_has_signed_is_not_believed(provider, author, algorithm):
    keys = {"RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048), "HS256": SECRET * 4, "none": None}
    provider.signs_with, provider.algorithm = keys[algorithm], algorithm
    answer = signed(provider, **of(author))
    assert answer.status_code == 403 and "not signed as it should be" in text_of(answer)


def test_only_the_browser_that_began_comes_back_and_once(provider, author):
    client, victim = Client(), Client()
    back = provider.answered(client.get("/sso/").url, **of(author))
    assert victim.get(back).status_code == 403
    assert "was not begun in this browser" in text_of(victim.get("/sso/callback/?code=x&state=y"))
    assert client.get(back).url == "/"
    client.post("/logout/")
    assert client.get(back).status_code == 403
    assert not is_signed_in(client) and not is_signed_in(victim)


def test_a_provider_that_is_another_or_does_not_answer_is_said_so(provider, author):
    provider.says_it_is = "https://evil.example"
    answer = Client().get("/sso/")
    assert answer.status_code == 502 and "another provider" in text_of(answer)
    provider.says_it_is = provider.issuer
    client = Client()
    back = provider.answered(client.get("/sso/").url, **of(author))
    provider.is_broken = True
    assert "It cannot be reached" in text_of(client.get(back))
    assert Client().get("/sso/").status_code == 502
    provider.is_broken = False
    client.get("/sso/")
    state = next(iter(client.session["socialaccount_states"]))
    assert "You did not sign in there." in text_of(client.get(f"/sso/callback/?error=access_denied&state={state}"))


def test_who_is_switched_off_stays_out_known_or_not(provider, author):
    for _ in range(2):
        User.objects.filter(pk=author.pk).update(is_active=False)
        answer = signed(provider, **of(author))
        assert answer.status_code == 403 and "switched off" in text_of(answer)
        User.objects.filter(pk=author.pk).update(is_active=True)
        signed(provider, **of(author))


def test_an_account_has_one_owner_there(provider, author):
    signed(provider, **of(author))
    answer = signed(provider, **of(author, sub="person-2"))
    assert answer.status_code == 403 and "belongs to somebody else" in text_of(answer)


def test_whoever_is_invited_gets_an_account_without_a_password(provider, workspace):
    invited = factories.invitation(workspace, email=GUEST)
    Invitation.objects.filter(pk=invited.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert signed(provider, email=GUEST, email_verified=True).status_code == 403
    Invitation.objects.filter(pk=invited.pk).update(expires_at=timezone.now() + timedelta(days=1))
    client = Client()
    assert signed(provider, client, email=GUEST, email_verified=True, name="Gus").url == "/profile/"
    made = User.objects.get(email=GUEST)
    assert (made.name, made.has_usable_password(), is_signed_in(client)) == ("Gus", False, True)
    assert Membership.objects.get(user=made).workspace == workspace
    invited.refresh_from_db()
    assert (invited.status, invited.accepted_by) == ("accepted", made)


def test_passwords_can_be_left_to_super_admins(provider, settings, author):
    settings.OIDC_ONLY = True
    boss = factories.user(is_superuser=True)
    codes = [
        Client().post("/login/", {"username": person.email, "password": factories.PASSWORD}).status_code
        for person in (author, boss)
    ]
    assert codes == [400, 302]
    assert "Only super admins sign in by a password." in text_of(Client().get("/login/"))
    assert signed(provider, **of(author)).url == "/profile/"


def test_nobody_is_sent_elsewhere(provider, author):
    assert signed(provider, wanted="https://evil.example/", **of(author)).url == "/"
    assert signed(provider, wanted="//evil.example/", **of(author)).url == "/"


def test_without_a_provider_there_is_nothing(client, db):
    assert client.get("/sso/").status_code == client.get("/sso/callback/").status_code == 404
    assert "/sso/" not in text_of(client.get("/login/"))
    for path in ("/accounts/login/", "/accounts/signup/", "/accounts/", "/oidc/openid_connect/login/"):
        assert client.get(path).status_code == 404
    assert resolve("/sso/").url_name == "single_sign_on"
