from django.core.management import call_command

from accounts.models import Workspace
from accounts.roles import Role
from tests import factories
from tests.pages import signed_in, text_of


def test_somebody_signs_in_and_out(client, workspace, author):
    assert client.get("/").url == "/login/?next=/"
    response = client.post("/login/?next=/lists/", {"username": author.email, "password": factories.PASSWORD})
    assert response.url == "/lists/"
    assert author.email in text_of(client.get("/"))
    assert client.post("/logout/").url == "/login/"
    assert client.get("/").status_code == 302


def test_a_wrong_password_says_so_and_no_more(client, author):
    shown = text_of(client.post("/login/", {"username": author.email, "password": "wrong"}))
    assert "Please enter a correct email and password" in shown


def test_a_member_of_two_workspaces_goes_from_one_to_the_other(workspace, author):
    other = factories.workspace("Other shop")
    factories.membership(other, user=author)
    page = signed_in(author, workspace)
    assert "<h1>Other shop</h1>" not in text_of(page.get("/"))
    page.post(f"/workspaces/{other.pk}/enter/")
    assert "<h1>Other shop</h1>" in text_of(page.get("/"))


def test_nobody_enters_a_strangers_workspace(workspace, author):
    page = signed_in(author)
    assert page.post(f"/workspaces/{factories.workspace().pk}/enter/").status_code == 404
    assert page.get(f"/workspaces/{workspace.pk}/enter/").status_code == 405


def test_somebody_without_a_workspace_is_told_there_is_nothing(db):
    page = signed_in(factories.user())
    assert page.get("/").status_code == 404


def test_a_super_admin_enters_every_workspace(db):
    page = signed_in(factories.user(is_superuser=True))
    made = factories.workspace("Acme of Utrecht")
    page.post(f"/workspaces/{made.pk}/enter/")
    assert "<h1>Acme of Utrecht</h1>" in text_of(page.get("/"))


def test_times_are_shown_in_the_zone_of_the_workspace(author, workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Tashkent")
    listed = factories.uploading_list(workspace, created_at="2026-07-01T10:00:00Z")
    assert "1 Jul 2026, 15:00" in text_of(signed_in(author).get(f"/lists/{listed.pk}/"))


def test_pages_run_no_script_and_no_style_of_their_own(author, workspace, moderator):
    """The policy forbids them; a page that has some would silently lose it."""
    listed, sender = factories.ready_list(workspace), factories.sender(workspace)
    campaign = factories.in_review(workspace, list=listed, sender=sender)
    moderator.is_staff = True
    moderator.save()
    paths = [
        *("/", "/lists/", "/lists/new/", f"/lists/{listed.pk}/", "/senders/", f"/senders/{sender.pk}/"),
        *("/campaigns/", "/campaigns/new/", f"/campaigns/{campaign.pk}/", f"/campaigns/{campaign.pk}/?tab=content"),
        *(f"/campaigns/{campaign.pk}/progress/", f"/campaigns/{campaign.pk}/recipients/"),
    ]
    desk = f"/admin/moderation/campaigninreview/{campaign.pk}/"
    pages = [signed_in(author).get(path) for path in paths]
    pages += [
        signed_in(moderator).get(path) for path in (f"{desk}change/", f"{desk}decide/approve/", f"{desk}decide/reject/")
    ]
    for page in pages:
        shown = page.content.decode()
        assert page.status_code == 200
        assert "style-src 'self';" in page["Content-Security-Policy"]
        assert "<style" not in shown and " style=" not in shown and " onclick=" not in shown
        assert "<script>" not in shown


def test_every_static_file_that_a_page_or_a_stylesheet_names_is_there(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    assert list(tmp_path.glob("vendor/htmx-*/htmx.min.*.js"))


def test_an_admin_sees_more_buttons_than_an_author(workspace, author, admin):
    assert "Register a sender" not in text_of(signed_in(author).get("/senders/"))
    assert "Register a sender" in text_of(signed_in(admin).get("/senders/"))
    assert signed_in(factories.member(workspace, Role.MODERATOR)).get("/senders/new/").status_code == 403
