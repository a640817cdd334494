"""What somebody says of themselves, and in which language and light they read."""

import re

import pytest

from accounts.models import User
from audit.models import Entry
from tests import evidence, factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(author):
    return signed_in(author)


def stored(user):
    return User.objects.get(pk=user.pk)


def test_name_and_emails_are_kept_and_recorded(page, author, workspace):
    assert workspace.name in text_of(page.get("/profile/"))
    assert page.post("/profile/", {"name": " Ann "}).url == "/profile/"
    kept = stored(author)
    assert (kept.name, kept.wants_mail) == ("Ann", False)
    entry = Entry.objects.get(action="user.changed")
    assert entry.after == {"name": "Ann", "wants_mail": False}


def test_a_password_is_changed_with_the_old_one_and_ends_other_sessions(page, author):
    other = signed_in(author)
    fresh = "a better horse battery"
    asked = {"old_password": "wrong", "new_password1": fresh, "new_password2": fresh}
    assert page.post("/profile/password/", asked).status_code == 400
    assert page.post("/profile/password/", {**asked, "old_password": factories.PASSWORD}).url == "/profile/"
    assert stored(author).check_password(fresh)
    assert page.get("/profile/").status_code == 200
    assert other.get("/profile/").status_code == 302
    assert Entry.objects.filter(action="user.password_set").count() == 1


def test_a_weak_password_is_refused_beside_its_field(page):
    asked = {"old_password": factories.PASSWORD, "new_password1": "short", "new_password2": "short"}
    shown = text_of(page.post("/profile/password/", asked))
    assert "This password is too short. It must contain at least 12 characters." in shown


def test_a_language_is_a_persons_whatever_the_browser_asks_for(page, author):
    page.post("/profile/look/", {"language": "ru", "theme": "dark"})
    kept = stored(author)
    assert (kept.language, kept.theme) == ("ru", "dark")
    shown = signed_in(author).get("/profile/", headers={"Accept-Language": "en"})
    assert '<html lang="ru" data-theme="dark" data-bs-theme="dark">' in shown.content.decode()
    assert shown["Content-Language"] == "ru"


def test_the_menu_changes_one_and_leaves_the_other(page, author):
    page.post("/preferences/", {"language": "uz", "next": "/lists/"})
    assert page.post("/preferences/", {"theme": "light", "next": "/lists/"}).url == "/lists/"
    kept = stored(author)
    assert (kept.language, kept.theme) == ("uz", "light")


def test_without_signing_in_the_browser_keeps_both(client, db):
    client.post("/preferences/", {"language": "ru", "next": "/login/"})
    client.post("/preferences/", {"theme": "dark", "next": "/login/"})
    assert '<html lang="ru" data-theme="dark" data-bs-theme="dark">' in client.get("/login/").content.decode()


def test_without_a_choice_the_browser_says_the_language_and_the_system_the_theme(client, db):
    shown = client.get("/login/", headers={"Accept-Language": "uz,en;q=0.5"}).content.decode()
    assert '<html lang="uz" data-theme="system">' in shown


@pytest.mark.parametrize("given", [{"language": "xx"}, {"theme": "pink"}])
def test_what_is_no_choice_changes_nothing(page, author, given):
    page.post("/preferences/", given)
    kept = stored(author)
    assert (kept.language, kept.theme) == ("", "system")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere(client, db, target):
    assert client.post("/preferences/", {"theme": "dark", "next": target}).url == "/"


def test_the_api_speaks_english_to_everybody(workspace, author):
    User.objects.filter(pk=author.pk).update(language="ru")
    api = factories.bearer(factories.token(workspace, author))
    answer = api.post("/api/v1/lists/", {}, headers={"Accept-Language": "ru"}).json()
    assert "required" in answer["error"]["message"]


def test_somebody_without_a_workspace_has_a_profile_and_no_members(db):
    page = signed_in(factories.user())
    assert "No workspace is yours" in text_of(page.get("/profile/"))
    assert page.get("/members/").status_code == 404


def test_what_a_browser_measures_with_is_written_the_same_in_every_language(author, workspace):
    """7,5 is a number to a Russian reader and none to SVG."""
    User.objects.filter(pk=author.pk).update(language="ru")
    campaign, listed = factories.sending(workspace), factories.ready_list(workspace, count=7)
    evidence.dispatched(campaign, handed_over=[1])
    paths = ["/", "/campaigns/", f"/campaigns/{campaign.pk}/", f"/campaigns/{campaign.pk}/progress/", "/lists/"]
    for path in [*paths, f"/lists/{listed.pk}/"]:
        shown = signed_in(author).get(path).content.decode()
        assert not re.search(r'(?:width|height|value|max|min|[xyrd])="[^"]*[0-9],[0-9]', shown), path


def test_the_old_password_is_asked_at_the_one_door(page, author):
    fresh = "a better horse battery"
    asked = {"old_password": "wrong", "new_password1": fresh, "new_password2": fresh}
    assert [page.post("/profile/password/", asked).status_code for _ in range(6)] == [400] * 5 + [429]
    right = page.post("/profile/password/", {**asked, "old_password": factories.PASSWORD})
    assert (right.status_code, right["Retry-After"]) == (429, "900") and "Too many attempts." in text_of(right)
    assert stored(author).check_password(factories.PASSWORD)
    assert page.get("/profile/").status_code == 200
    actions = Entry.objects.filter(subject_id=str(author.pk)).order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["user.sign_in_failed"] * 4 + ["user.locked_out"]
