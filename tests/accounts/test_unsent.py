"""What is sent after a session has ended: nobody loses what they typed, and nobody else gets it."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts import tasks, unsent
from accounts.models import Session, Unsent, Workspace
from accounts.roles import Role
from audit.models import Entry
from campaigns import transitions
from campaigns.models import Campaign, SavedText
from recipients.models import RecipientList
from senders.models import Sender
from tests import factories
from tests.pages import signed_in, text_of

HTMX = {"HX-Request": "true"}


class Forms(HTMLParser):
    """The forms of a page: where each goes to, and what its hidden fields bring."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "form":
            self.found.append((told.get("action", ""), {}))
        elif tag == "input" and told.get("type") == "hidden" and told["name"] != "csrfmiddlewaretoken":
            self.found[-1][1].setdefault(told["name"], []).append(told["value"])


def gone(person, workspace, *, page="/profile/"):
    """A browser in which somebody was, and whose session has ended."""
    browser = signed_in(person, workspace)
    assert browser.get(page).status_code == 200
    Session.objects.all().delete()
    return browser


def sent(browser, path, given, *, page, **about):
    return browser.post(path, given, headers={"Referer": f"http://testserver{page}", **about})


def sign_in(browser, person, answer):
    """By the page that `answer` leads to, and what is there afterwards."""
    next = browser.get(answer.url).context["next"]
    entered = browser.post("/login/", {"username": person.email, "password": factories.PASSWORD, "next": next})
    return browser.get(entered.url, follow=True)


def send_it_now(browser, shown):
    [(action, fields)] = [one for one in Forms(shown.content.decode()).found if unsent.PARAMETER in one[0]]
    return browser.post(action, fields, headers={"Referer": f"http://testserver{shown.request['PATH_INFO']}"})


def message_step(workspace):
    draft = factories.draft(workspace)
    address = f"/campaigns/{draft.pk}/edit/message/"
    seen = signed_in(factories.member(workspace, Role.AUTHOR), workspace).get(address).context["seen"]
    given = {"sender": draft.revision.sender_id, "text": "Line one\r\nLine two", "seen": seen, "go": "next"}
    said = [("Sender", str(draft.revision.sender)), ("Text", given["text"])]
    return address, address, given, said, lambda: Campaign.objects.get(pk=draft.pk).text == "Line one\nLine two"


def saved_text(workspace):
    given = {"name": "Spring", "text": "Come & see <us>"}
    said = [("Name", "Spring"), ("Text", "Come & see <us>")]
    address = "/campaigns/texts/new/"
    return address, address, given, said, lambda: SavedText.objects.get().text == given["text"]


def new_sender(workspace):
    given = {"name": "ACME", "saddr": "ACME", "ton": "5", "npi": "0", "purpose": "News"}
    address = "/senders/new/"
    return address, address, given, [("Name", "ACME")], lambda: Sender.objects.get().name == "ACME"


def rejection(workspace):
    waiting = factories.in_review(workspace)
    address = f"/admin/moderation/campaigninreview/{waiting.pk}/decide/reject/"
    given = {"reason": "Say who you are.", "round": waiting.round}
    return address, address, given, [("Why", given["reason"])], lambda: _status(waiting) == "rejected"


def _status(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


def invitation(workspace):
    given = {"email": "ann@example.com", "role": "moderator"}
    said = [("Email", "ann@example.com"), ("Role", "Moderator")]
    return "/members/", "/members/invite/", given, said, lambda: True


def pasted_numbers(workspace):
    given = {"name": "By hand", "numbers": "+31612345678", "country": "NL", "column": ""}
    said = [("Name", "By hand"), ("Numbers", "+31612345678")]
    return "/lists/new/", "/lists/new/", given, said, lambda: RecipientList.objects.get().name == "By hand"


@pytest.mark.parametrize(
    ("make", "role", "button"),
    [
        (message_step, Role.AUTHOR, "Continue"),
        (saved_text, Role.AUTHOR, "Save"),
        (pasted_numbers, Role.AUTHOR, "Upload"),
        (new_sender, Role.ADMIN, "Go on"),
        (invitation, Role.ADMIN, "Send the invitation"),
        (rejection, Role.MODERATOR, "Reject"),
    ],
)
def test_what_was_typed_is_shown_after_signing_in_and_sent_once(workspace, make, role, button):
    page, path, given, said, is_done = make(workspace)
    person = factories.member(workspace, role)
    person.is_staff = True
    person.save()
    browser = gone(person, workspace, page=page)
    written = Entry.objects.count()
    shown = sign_in(browser, person, sent(browser, path, given, page=page))
    assert "You were signed out before this was sent" in text_of(shown)
    told = [(one.label, one.text) for one in shown.context["said"].fields]
    assert set(said) <= set(told), told
    assert shown.context["said"].button == button
    assert not {"go", "seen", "round", "csrfmiddlewaretoken"} & {label.lower() for label, _ in told}
    assert [entry.action for entry in Entry.objects.order_by("pk")[written:]] == ["user.signed_in"]
    assert send_it_now(browser, shown).status_code == 302
    assert is_done()
    assert not Unsent.objects.exists()
    again = browser.get(shown.request["PATH_INFO"], follow=True)
    assert "Nothing waits here" in text_of(again)


@pytest.fixture
def kept(workspace, author):
    """A browser whose session has ended, and what it got when it sent a text."""
    page, path, given, _, _ = saved_text(workspace)
    browser = gone(author, workspace, page=page)
    return browser, sent(browser, path, given, page=page)


def test_a_page_that_is_broken_takes_nothing_along_that_was_typed_on_it(kept, author, monkeypatch):
    browser, answer = kept
    monkeypatch.setattr("campaigns.saved_text_views.SavedTextForm", None)
    shown = sign_in(browser, author, answer)
    assert [(one.label, one.text) for one in shown.context["said"].fields] == [
        ("Name", "Spring"),
        ("Text", "Come & see <us>"),
    ]


def test_whoever_else_signs_in_gets_nothing_and_it_is_gone_for_everybody(workspace, kept, author):
    browser, answer = kept
    handle = Unsent.objects.get(user=author).handle
    shown = sign_in(browser, factories.member(workspace, Role.ADMIN), answer)
    assert "Spring" not in text_of(shown) and shown.request["PATH_INFO"] == "/"
    assert not Unsent.objects.exists()
    assert "Nothing waits here" in text_of(signed_in(author, workspace).get(f"/unsent/{handle}/", follow=True))


def test_it_is_sealed_kept_for_an_hour_and_only_the_newest_five_of_a_person(workspace, kept, author, admin):
    browser, answer = kept
    row = Unsent.objects.get()
    assert "Spring" not in row.sealed
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert "Nothing waits here" in text_of(sign_in(browser, author, answer))
        tasks.forget_sessions()
    assert not Unsent.objects.exists()
    form = unsent.Form(path="/x/", page="/x/", fields=[("name", "a")], files=[], secrets=[])
    for person in (author, admin):
        handles = [unsent.put(form, of=person, now=timezone.now()) for _ in range(6)]
        assert set(Unsent.objects.of_person(person).values_list("handle", flat=True)) == set(handles[1:])


def test_who_does_not_send_it_is_on_their_page_again(kept, author):
    browser, answer = kept
    shown = sign_in(browser, author, answer)
    assert browser.post(shown.request["PATH_INFO"]).url == "/campaigns/texts/new/"
    assert not Unsent.objects.exists() and not SavedText.objects.exists()


def test_what_was_refused_waits_with_the_reason_above_it(workspace, author):
    approved = factories.approved(workspace)
    page = f"/campaigns/{approved.pk}/"
    browser = gone(author, workspace, page=page)
    shown = sign_in(browser, author, sent(browser, f"{page}cancel/", {"reason": "A wrong price."}, page=page))
    assert [(one.label, one.text) for one in shown.context["said"].fields] == [("Why", "A wrong price.")]
    transitions.cancel(approved.pk, by=author, reason="", now=timezone.now())
    answer = send_it_now(browser, shown)
    assert answer.url.endswith(shown.request["PATH_INFO"])
    refused = text_of(browser.get(answer.url))
    assert "Somebody was faster" in refused and "A wrong price." in refused


def test_too_much_is_not_kept_and_that_is_said(workspace, author):
    browser = gone(author, workspace)
    answer = sent(browser, "/campaigns/texts/new/", {"name": "a", "text": "x" * unsent.ROOM}, page="/campaigns/texts/")
    shown = sign_in(browser, author, answer)
    assert shown.request["PATH_INFO"] == "/campaigns/texts/"
    assert "it was too long to keep" in text_of(shown)


def test_a_button_needs_no_second_look_its_page_is_there_again(workspace, admin):
    sender = factories.sender(workspace)
    page = f"/senders/{sender.pk}/"
    browser = gone(admin, workspace, page=page)
    shown = sign_in(browser, admin, sent(browser, f"{page}archive/", {"next": "/senders/"}, page=page))
    assert shown.request["PATH_INFO"] == page


def test_a_file_is_not_kept_and_its_name_is_said(workspace, admin):
    sender = factories.sender(workspace)
    page = f"/senders/{sender.pk}/"
    browser = gone(admin, workspace, page=page)
    given = {"saddr": "NEWNAME", "evidence": SimpleUploadedFile("contract.pdf", b"%PDF-1.4")}
    shown = sign_in(browser, admin, sent(browser, f"{page}revisions/", given, page=page))
    assert "The file contract.pdf was not kept" in text_of(shown) and "NEWNAME" in text_of(shown)
    assert "%PDF" not in text_of(shown)


PASSWORDS = {"old_password": "horse", "new_password1": "battery", "new_password2": "battery"}


def test_secrets_are_never_kept(workspace):
    channel, operator = factories.channel(), factories.user(is_superuser=True, is_staff=True)
    browser = gone(operator, workspace)
    for path, given in (("/profile/password/", PASSWORDS), ("/profile/second-step/app/", {"password": "horse"})):
        assert "unsent" not in sent(browser, path, given, page="/profile/").url
    path = f"/admin/channels/channel/{channel.pk}/change/"
    answer = sent(browser, path, {"name": "Fast", "password": "horse"}, page=path)
    shown = sign_in(browser, operator, answer)
    assert "Fast" in text_of(shown) and "never kept" in text_of(shown) and "horse" not in text_of(shown)


def all_of(kind):
    for one in kind.__subclasses__():
        yield one
        yield from all_of(one)


def test_every_field_that_hides_what_is_typed_is_known_as_a_secret():
    hidden = {
        name
        for form in all_of(forms.BaseForm)
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field.widget, forms.PasswordInput)
        or "one-time-code" in str(field.widget.attrs.get("autocomplete"))
    }
    assert {"password", "old_password", "code"} <= hidden
    assert {name for name in {*hidden, "tls_client_key", "answer"} if not unsent.SECRET.search(name)} == set()


def test_what_another_site_sends_is_403_and_never_kept_whatever_stands_before_the_page(workspace, settings, admin):
    def strange(browser):
        stranger = Client(enforce_csrf_checks=True)
        stranger.cookies = browser.cookies
        return stranger.post("/senders/new/", {"name": "Theirs"}, headers={"Origin": "https://evil.example"})

    assert strange(gone(admin, workspace)).status_code == 403
    browser = signed_in(admin, workspace)
    settings.SECOND_STEP_REQUIRED_FOR = {"admin"}
    assert strange(browser).url == "/profile/second-step/?next=%2F"
    assert not Unsent.objects.exists()
    own = sent(browser, "/senders/new/", {"name": "Ours"}, page="/senders/new/")
    assert own.url.startswith("/profile/second-step/?next=%2Funsent%2F")


@pytest.fixture
def old_page(workspace, author):
    """A page in one tab, whose reader has signed in again in another."""
    tabs = Client(enforce_csrf_checks=True)
    tabs.cookies = signed_in(author, workspace).cookies
    opened = tabs.get("/campaigns/texts/new/")
    tabs.cookies["csrftoken"] = "a" * 32  # as signing in changes it
    token = str(opened.context["csrf_token"])
    return tabs, {"name": "Spring", "text": "Sale", "csrfmiddlewaretoken": token}


def test_a_page_from_before_the_last_signing_in_is_sent_by_another_press(old_page, author):
    tabs, given = old_page
    about = {"Referer": "http://testserver/campaigns/texts/new/"}
    waits = tabs.post("/campaigns/texts/new/", given, headers={"Origin": "http://testserver", **about})
    assert waits.status_code == 302 and waits.url.startswith("/unsent/")
    assert not SavedText.objects.exists()
    shown = tabs.get(waits.url)
    assert "Spring" in text_of(shown) and "Sale" in text_of(shown)
    [(action, fields)] = [one for one in Forms(shown.content.decode()).found if unsent.PARAMETER in one[0]]
    token = shown.context["csrf_token"]
    sent_now = tabs.post(action, {**fields, "csrfmiddlewaretoken": str(token)}, headers={"Origin": "http://testserver"})
    assert sent_now.status_code == 302 and SavedText.objects.get().text == "Sale"
    assert not Unsent.objects.exists()


def test_by_htmx_it_waits_as_well_and_the_counter_of_a_text_does_not(old_page):
    tabs, given = old_page
    about = {**HTMX, "Origin": "http://testserver", "HX-Current-URL": "http://testserver/campaigns/texts/new/"}
    waits = tabs.post("/campaigns/texts/new/", given, headers=about)
    assert waits.status_code == 204 and waits["HX-Redirect"].startswith("/unsent/")
    assert tabs.post("/campaigns/counter/", {"text": "Half a sent"}, headers=about).status_code == 403
    assert Unsent.objects.count() == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "https://testserver", "null", ""])
def test_what_does_not_say_that_it_is_of_a_page_of_ours_is_403_and_never_kept(old_page, origin):
    tabs, given = old_page
    headers = {"Origin": origin} if origin else {}
    assert tabs.post("/campaigns/texts/new/", given, headers=headers).status_code == 403
    assert not Unsent.objects.exists() and not SavedText.objects.exists()


def test_a_large_upload_is_not_read_to_be_kept_whoever_says_where_it_is_from(workspace, admin, settings):
    browser = signed_in(admin, workspace)
    settings.SECOND_STEP_REQUIRED_FOR = {"admin"}
    about = {"Origin": "http://testserver", "Referer": "http://testserver/senders/new/"}
    for size, is_kept in ((1000, True), (300_000, False)):
        given = {"name": "Ours", "evidence": SimpleUploadedFile("contract.pdf", b"x" * size)}
        assert ("unsent" in browser.post("/senders/new/", given, headers=about).url) == is_kept


def test_who_signs_in_twice_is_not_asked_about_the_second_time(old_page, author):
    tabs, given = old_page
    twice = {"username": author.email, "password": "a long word", "csrfmiddlewaretoken": given["csrfmiddlewaretoken"]}
    assert tabs.post("/login/", twice, headers={"Origin": "http://testserver"}).status_code == 403
    assert not Unsent.objects.exists()


def test_nothing_is_kept_for_whoever_says_that_they_were_somebody(workspace, kept, author):
    browser, _ = kept
    Unsent.objects.all().delete()
    said = browser.cookies["last_visit"].value
    for forged in ("", said.replace(said.split(":")[0], str(author.pk + 1), 1), said[:-1]):
        browser.cookies["last_visit"] = forged
        assert sent(browser, "/campaigns/texts/new/", {"name": "x"}, page="/").url == "/login/?next=/"
    assert not Unsent.objects.exists()


def test_one_is_in_the_workspace_that_one_was_in(workspace, author):
    other = factories.workspace("Beta")
    factories.membership(other, Role.AUTHOR, user=author)
    for chosen in (workspace, other):
        browser = gone(author, chosen)
        answer = browser.get("/lists/?status=ready")
        assert sign_in(browser, author, answer).context["request"].workspace == Workspace.objects.get(pk=chosen.pk)


def test_htmx_keeps_a_form_too_and_what_is_only_looked_at_takes_nobody_from_their_page(workspace, author, moderator):
    done = factories.done(workspace)
    page = f"/campaigns/{done.pk}/?tab=exports"
    browser = gone(author, workspace, page=page)
    current = {**HTMX, "HX-Current-URL": f"http://testserver{page}"}
    answer = browser.post(f"/campaigns/{done.pk}/exports/", {"format": "csv.gz"}, headers=current)
    assert answer.status_code == 204 and answer["HX-Redirect"].startswith("/login/?next=/unsent/")
    looked = browser.post("/campaigns/counter/", {"text": "Half a sent"}, headers=current)
    assert (looked.status_code, looked["HX-Retarget"]) == (401, "#messages")
    assert "You are signed out" in text_of(looked)
    waiting = factories.in_review(workspace)
    claim = browser.post(f"/admin/moderation/campaigninreview/{waiting.pk}/claim/", headers=current)
    assert "You are signed out" in text_of(claim) and "hx-post" not in text_of(claim)
    assert Unsent.objects.count() == 1
