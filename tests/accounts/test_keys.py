"""Keys of programs: shown once, kept as a digest, good for a while, gone at once; made and revoked on pages."""

import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import entering, keys, members
from accounts.models import ApiKey, Membership, User
from accounts.roles import Role
from accounts.scopes import OF_TOKENS, Scope
from audit import walls
from audit.models import Entry
from audit.refusal import Refused
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race

ANYTHING = "/api/v1/campaigns/"


@pytest.fixture
def page(workspace, admin):
    return signed_in(admin, workspace)


def form(**fields):
    return {"name": "The shop’s till", "lasts": "90", "scopes": ["campaigns:read", "lists:write"], **fields}


def secret_in(response):
    return response.content.decode().partition('id="secret">')[2].partition("<")[0]


def test_a_secret_is_shown_once_and_kept_as_its_digest(page, workspace, admin):
    made = page.post("/keys/new/", form())
    secret = secret_in(made)
    assert (made.status_code, made["Cache-Control"].split(", ")[-1]) == (201, "private")
    assert "no-store" in made["Cache-Control"]
    key = ApiKey.objects.get()
    assert (key.user, key.created_by, key.digest) == (None, admin, keys.digest_of(secret))
    assert key.scopes == ["campaigns:read", "lists:write"]
    assert key.expires_at - key.created_at == timedelta(days=90)
    assert factories.bearer(secret).get(ANYTHING).status_code == 200
    shown = text_of(page.get("/keys/"))
    assert key.prefix in shown
    assert secret not in shown
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(k)::text FROM accounts_apikey k")
        assert secret not in str(cursor.fetchall())
        cursor.execute("SELECT to_jsonb(e)::text FROM audit_entry e")
        entries = str(cursor.fetchall())
    assert "apikey.created" in entries
    assert secret[8:] not in entries


def test_a_secret_is_in_no_log(workspace, caplog):
    _, secret = factories.api_key(workspace)
    with caplog.at_level(logging.DEBUG):
        factories.bearer(secret).get(ANYTHING)
        factories.bearer(secret + "x").get(ANYTHING)
        factories.bearer(secret).get("/api/v1/campaigns/999999999/")
        factories.bearer(secret).post("/api/v1/campaigns/999999999/approve/")
    assert secret[8:] not in caplog.text


def test_a_member_makes_tokens_of_their_own_and_no_key_of_the_workspace(workspace, author):
    page = signed_in(author, workspace)
    secret = secret_in(page.post("/keys/token/", form(scopes=["campaigns:write"])))
    key = ApiKey.objects.get()
    assert key.user == author
    draft = factories.draft(workspace)
    assert factories.bearer(secret).patch(f"{ANYTHING}{draft.pk}/", {"name": "Summer"}).status_code == 200
    assert page.post("/keys/new/", form()).status_code == 403
    assert ApiKey.objects.count() == 1


def test_a_member_sees_and_revokes_only_tokens_of_their_own(workspace, author, admin):
    others = factories.api_key(workspace)[0]
    page = signed_in(author, workspace)
    factories.token(workspace, author, name="My laptop")
    shown = text_of(page.get("/keys/"))
    assert "My laptop" in shown
    assert others.name not in shown
    assert page.post(f"/keys/{others.pk}/revoke/").status_code == 404
    assert page.post(f"/keys/{ApiKey.objects.get(user=author).pk}/revoke/").url == "/keys/"
    assert ApiKey.objects.get(user=author).revoked_at is not None
    with pytest.raises(Refused, match="Only its owner"):
        keys.revoke(others.pk, by=author, now=timezone.now())


def test_an_admin_sees_and_revokes_every_key_of_the_workspace_and_none_of_another(page, workspace, author):
    token = factories.token(workspace, author, name="Her laptop")
    elsewhere = factories.api_key(factories.workspace())[0]
    assert "Her laptop" in text_of(page.get("/keys/"))
    key = ApiKey.objects.get(user=author)
    assert page.post(f"/keys/{elsewhere.pk}/revoke/").status_code == 404
    assert "is revoked" in text_of(page.post(f"/keys/{key.pk}/revoke/", follow=True))
    assert factories.bearer(token).get(ANYTHING).status_code == 401
    assert Entry.objects.of(workspace).filter(action="apikey.revoked").count() == 1
    page.post(f"/keys/{key.pk}/revoke/")
    assert Entry.objects.of(workspace).filter(action="apikey.revoked").count() == 1


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": " "}, "This field is required."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["decide"]}, "Select a valid choice."),
        ({"lasts": "7000"}, "Select a valid choice."),
    ],
)
def test_what_is_wrong_is_said_and_no_key_is_made(page, fields, text):
    answer = page.post("/keys/new/", form(**fields))
    assert answer.status_code == 400
    assert text in text_of(answer)
    assert not ApiKey.objects.exists()


def test_a_key_is_out_of_date_to_the_second(workspace):
    now = timezone.now()
    _, secret = factories.api_key(workspace, expires_at=now + timedelta(days=1), now=now)
    assert keys.find(secret, now=now + timedelta(days=1, seconds=-1)) is not None
    assert keys.find(secret, now=now + timedelta(days=1)) is None
    ApiKey.objects.update(expires_at=now)
    answer = factories.bearer(secret).get(ANYTHING)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "authentication_failed")
    with pytest.raises(Refused, match="in the past"):
        factories.api_key(workspace, expires_at=now, now=now)


SPOILT = {
    "good": lambda key: None,
    "revoked": lambda key: keys.revoke(key.pk, by=key.created_by, now=timezone.now()),
    "out of date": lambda key: ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now()),
    "of nobody any more": lambda key: User.objects.filter(pk=key.created_by_id).update(is_active=False),
}


@pytest.mark.parametrize("kind", ["token", "key"])
@pytest.mark.parametrize("how", SPOILT)
def test_the_statement_that_enters_by_a_key_and_the_list_of_good_keys_agree(workspace, admin, kind, how):
    user = admin if kind == "token" else None
    key, secret = keys.create(workspace, name="a key", by=admin, user=user, now=timezone.now())
    SPOILT[how](key)
    with walls.nothing():
        found = entering.enter(keys.digest_of(secret), now=timezone.now())
        seen = list(ApiKey.objects.values_list("pk", flat=True))
    is_good = ApiKey.objects.usable(timezone.now()).filter(pk=key.pk).exists()
    assert (found is not None) == is_good == (how == "good")
    assert seen == ([key.pk] if is_good else [])  # and nobody is let through the wall by a key that is not


def test_who_comes_with_a_token_is_found_with_all_that_they_may_by_one_statement(workspace, author):
    client = factories.bearer(factories.token(workspace, author))
    client.get(ANYTHING)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(ANYTHING).status_code == 200
    asked = [query["sql"] for query in queries if 'FROM "accounts_' in query["sql"] or "enter_by_key" in query["sql"]]
    assert len(asked) == 1 and "enter_by_key" in asked[0]


def test_a_role_that_was_taken_is_gone_at_the_next_call(workspace, author, admin):
    client = factories.bearer(factories.token(workspace, author))
    body = {"name": "Ours", "mode": "on_approval", "sender": 0, "text": "Hello."}
    assert client.post(ANYTHING, body).status_code == 400
    members.change(Membership.objects.get(user=author).pk, role=Role.MODERATOR, by=admin, now=timezone.now())
    assert client.post(ANYTHING, body).status_code == 403


def test_a_token_of_whoever_must_have_a_second_step_opens_nothing_and_no_wall(workspace, settings):
    settings.SECOND_STEP_REQUIRED_FOR = {"moderator"}
    judge = factories.member(workspace, Role.AUTHOR, is_moderator=True)
    secret = factories.token(workspace, judge)
    assert factories.bearer(secret).get(ANYTHING).status_code == 401
    with walls.nothing():
        assert entering.enter(keys.digest_of(secret), now=timezone.now()).lacks_second_step
    settings.SECOND_STEP_REQUIRED_FOR = {"admin", "super admin"}
    assert factories.bearer(secret).get(ANYTHING).status_code == 200


def test_whoever_may_not_make_a_key_does_not_by_any_door(workspace, author, admin):
    now = timezone.now()
    for by, user in ((author, None), (admin, author), (factories.user(), None)):
        with pytest.raises(Refused):
            keys.create(workspace, name="Mine", by=by, user=user, now=now)
    stranger = factories.user()
    with pytest.raises(Refused):
        keys.create(workspace, name="Mine", by=stranger, user=stranger, now=now)


@pytest.mark.django_db(transaction=True)
def test_no_key_outlives_the_role_of_who_makes_it_at_the_same_moment(transactional_db):
    workspace = factories.workspace()
    boss = factories.member(workspace, Role.ADMIN)
    for _ in range(10):
        place = factories.membership(workspace, Role.ADMIN)
        race(
            lambda by=place.user: keys.create(workspace, name="Mine", by=by, now=timezone.now()),
            lambda pk=place.pk: members.change(pk, role=Role.AUTHOR, by=boss, now=timezone.now()),
        )
        place.refresh_from_db()
        assert place.role == Role.AUTHOR
        assert not ApiKey.objects.usable(timezone.now()).filter(created_by=place.user).exists()


def test_the_use_of_a_key_is_noted_once_a_minute(workspace):
    key, secret = factories.api_key(workspace)
    client = factories.bearer(secret)
    client.get(ANYTHING)
    key.refresh_from_db()
    assert timezone.now() - key.last_used_at < timedelta(minutes=1)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(ANYTHING)
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get(ANYTHING)
    key.refresh_from_db()
    assert timezone.now() - key.last_used_at < timedelta(minutes=1)


def test_the_api_lists_keys_without_their_secrets_and_revokes_them_at_once(as_admin, workspace):
    key, secret = factories.api_key(workspace)
    (shown,) = [row for row in as_admin.get("/api/v1/keys/").json()["results"] if row["id"] == key.pk]
    assert (shown["name"], shown["prefix"], shown["user"]) == (key.name, secret[:8], None)
    assert "digest" not in shown
    assert secret not in str(shown)
    assert factories.bearer(secret).get(ANYTHING).status_code == 200
    assert as_admin.delete(f"/api/v1/keys/{key.pk}/").status_code == 204
    assert factories.bearer(secret).get(ANYTHING).status_code == 401
    assert as_admin.get(f"/api/v1/keys/{key.pk}/").json()["revoked_at"] is not None
    assert as_admin.delete(f"/api/v1/keys/{key.pk}/").status_code == 204


def test_a_key_is_changed_with_both_good_until_the_old_one_is_revoked(page, workspace):
    old, secret = factories.api_key(workspace)
    new_secret = secret_in(page.post("/keys/new/", form()))
    assert [factories.bearer(one).get(ANYTHING).status_code for one in (secret, new_secret)] == [200, 200]
    page.post(f"/keys/{old.pk}/revoke/")
    assert [factories.bearer(one).get(ANYTHING).status_code for one in (secret, new_secret)] == [401, 200]


def test_the_desk_shows_keys_and_revokes_them_and_changes_nothing_else(workspace, author):
    page = signed_in(factories.user(is_superuser=True, is_staff=True))
    key, secret = factories.api_key(workspace)
    assert key.prefix in text_of(page.get("/admin/accounts/apikey/"))
    assert key.digest not in text_of(page.get(f"/admin/accounts/apikey/{key.pk}/change/"))
    page.post(f"/admin/accounts/apikey/{key.pk}/change/", {"name": "Other"})
    assert page.post(f"/admin/accounts/apikey/{key.pk}/delete/", {"post": "yes"}).status_code == 403
    page.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": key.pk})
    key.refresh_from_db()
    assert key.name == "a program"
    assert factories.bearer(secret).get(ANYTHING).status_code == 401
    moderator = signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)))
    assert moderator.get("/admin/accounts/apikey/").status_code == 403


def test_keys_from_before_there_were_scopes_may_what_they_could(workspace, author):
    from importlib import import_module

    from django.apps import apps

    factories.api_key(workspace)
    factories.token(workspace, author)
    ApiKey.objects.update(scopes=[])
    import_module("accounts.migrations.0008_keep_what_old_keys_may").keep(apps, None)
    scopes = dict(ApiKey.objects.values_list("user", "scopes"))
    assert {"decide", "campaigns:write", "audit:read"} <= set(scopes[author.pk]) <= set(Scope)
    assert set(scopes[None]) == set(scopes[author.pk]) - OF_TOKENS
