"""Numbers are masked wherever they leave the platform, but for those who may see them; the ledger has each look."""

import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import Membership
from accounts.roles import Role
from accounts.scopes import Scope, offered
from audit.models import Entry
from audit.refusal import Refused
from recipients import masking, suppressions, unmasking
from reports.models import Export
from tests import evidence, factories
from tests.delivery.test_inbound import said, sender_of, take_in
from tests.pages import signed_in

pytestmark = pytest.mark.django_db
WHOLE, MASKED = "+31600000001", "+3160•••0001"


@pytest.fixture
def campaign(workspace):
    made = factories.sending(workspace, list=factories.ready_list(workspace, 6, chunk_size=3))
    evidence.dispatched(made, handed_over=[3, 0])
    return made


def seen(page, campaign):
    there = f"/campaigns/{campaign.pk}/"
    shown = [page.get(there).text, page.get(f"{there}recipients/").text]
    return [*shown, page.post(f"{there}recipients/", {"to": "+31 6 0000 0001"}).text.replace('value="+31 6', "")]


def ask(page, campaign, reason="A complaint of a customer."):
    return page.post(f"/campaigns/{campaign.pk}/numbers/", {"reason": reason})


def shown_entries():
    return list(Entry.objects.filter(action="campaign.numbers_shown").order_by("pk"))


@pytest.mark.parametrize("role", Role)
def test_numbers_are_masked_for_every_role_to_begin_with(workspace, campaign, role):
    page = signed_in(factories.member(workspace, role))
    for text in seen(page, campaign):
        assert MASKED in text and WHOLE not in text
    assert shown_entries() == []


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
def test_who_says_why_sees_them_on_this_campaign_only_and_the_ledger_has_it(workspace, campaign, role):
    person = factories.member(workspace, role)
    page = signed_in(person)
    other = factories.sending(workspace, list=factories.ready_list(workspace, 6))
    assert ask(page, campaign).url == f"/campaigns/{campaign.pk}/recipients/"
    for text in seen(page, campaign):
        assert WHOLE in text and MASKED not in text
    assert all(WHOLE not in text for text in seen(page, other))
    assert all(WHOLE not in text for text in seen(signed_in(factories.member(workspace, role)), campaign))
    [entry] = shown_entries()
    assert (entry.actor, entry.note, entry.subject_id) == (person, "A complaint of a customer.", str(campaign.pk))


def test_after_half_an_hour_they_are_masked_again(workspace, author, campaign, monkeypatch):
    page = signed_in(author)
    ask(page, campaign)
    later = timezone.now() + unmasking.LASTS + timedelta(seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert all(WHOLE not in text for text in seen(page, campaign)[1:])


def test_whoever_loses_the_role_sees_them_no_longer(workspace, author, campaign):
    page = signed_in(author)
    ask(page, campaign)
    Membership.objects.filter(user=author).update(role=Role.MODERATOR)
    assert all(WHOLE not in text for text in seen(page, campaign))


def test_a_moderator_does_not_need_them_by_any_door(workspace, campaign):
    moderator = factories.member(workspace, Role.MODERATOR)
    page = signed_in(moderator)
    assert "Show numbers" not in page.get(f"/campaigns/{campaign.pk}/recipients/").text
    assert ask(page, campaign).status_code == 403
    with pytest.raises(Refused, match="does not need"):
        unmasking.show(workspace, campaign, of="recipients", by=moderator, reason="Curious.", now=timezone.now())
    assert shown_entries() == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "Because of +31 6 0000 0001"])
def test_without_a_reason_or_with_a_number_in_it_nothing_is_shown(workspace, author, campaign, reason):
    page = signed_in(author)
    ask(page, campaign, reason)
    assert shown_entries() == []
    assert all(WHOLE not in text for text in seen(page, campaign)[1:])


# --- Over the API -----------------------------------------------------------------------------------------------------

LISTED = b"line,value,reason\r\n7,+31 6 1234 56789012,It is too long.\r\n8,nobody,There is no number.\r\n"
REPEATED = f"line,number\r\n9,{WHOLE[1:]}\r\n".encode()


@pytest.fixture
def places(workspace, campaign):
    """Every address at which a program reads numbers, and about what the ledger says so."""
    listed = campaign.list
    listed.rejected_key = default_storage.save("lists/rejected", ContentFile(LISTED))
    listed.duplicates_key = default_storage.save("lists/duplicates", ContentFile(REPEATED))
    listed.save(update_fields=["rejected_key", "duplicates_key"])
    imported = factories.suppression_import(workspace)
    imported.rejected_key = default_storage.save("lists/unread", ContentFile(LISTED))
    imported.save(update_fields=["rejected_key"])
    row = suppressions.opt_out(workspace, int(WHOLE))
    sender_of(workspace)
    take_in(said(b"Who is this?", source=int(WHOLE)))
    return {
        f"campaigns/{campaign.pk}/recipients/": "campaign",
        f"campaigns/{campaign.pk}/recipients/?to=%2B31600000001": "campaign",
        f"campaigns/{campaign.pk}/messages/1/": "campaign",
        f"lists/{listed.pk}/rejected/": "recipientlist",
        f"lists/{listed.pk}/duplicates/": "recipientlist",
        "suppressions/": "workspace",
        f"suppressions/?to=%2B{WHOLE[1:]}": "workspace",
        f"suppressions/{row.pk}/": "workspace",
        f"suppressions/imports/{imported.pk}/rejected/": "suppressionimport",
        "suppressions/export/": "workspace",
        "inbound/": "workspace",
    }


def told(program, address):
    answer = program.get(f"/api/v1/{address}")
    assert answer.status_code == 200, address
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def longest(text):
    """The longest run of digits that is no time and no address."""
    return max(map(len, re.findall(r"[0-9 ]*[0-9]", re.sub(r"https?://[^\"]*|20\d\d-[0-9T:.-]*", "", text))))


def read_entries():
    return Entry.objects.filter(action__endswith=".numbers_read") | Entry.objects.filter(action="suppressions.exported")


def test_a_key_without_the_scope_gets_masked_numbers_at_every_address_and_nothing_is_noted(workspace, places):
    scopes = [scope for scope in offered(to_token=False) if scope != Scope.NUMBERS]
    program = factories.bearer(factories.api_key(workspace, scopes=scopes)[1])
    for address in places:
        text = told(program, address)
        assert "•••" in text or "\\u2022" in text, address
        assert longest(text) < 7, (address, text)
    assert set(read_entries().values_list("after__numbers", flat=True)) == {"masked"}


def test_a_key_with_the_scope_gets_whole_ones_and_the_ledger_says_so_once_in_half_an_hour(workspace, places):
    key, secret = factories.api_key(workspace)
    program = factories.bearer(secret)
    for address, subject in places.items():
        assert longest(told(program, address)) >= 11, address
        entry = read_entries().latest("pk")
        assert (entry.subject_type, entry.via) == (subject, f"key {key.prefix}")
    count = read_entries().count()
    for address in places:
        told(program, address)
    assert read_entries().count() == count + 1  # the suppression list leaves as a file each time
    factories.bearer(factories.api_key(workspace)[1]).get("/api/v1/inbound/")
    assert read_entries().count() == count + 2


def test_the_token_of_a_moderator_gets_masked_numbers_whatever_its_scopes(workspace, places):
    program = factories.bearer(factories.token(workspace, factories.member(workspace, Role.MODERATOR)))
    for address in places:
        assert longest(told(program, address)) < 7, address


# --- Exports ----------------------------------------------------------------------------------------------------------


def asked_for(program, campaign, **body):
    return program.post(f"/api/v1/campaigns/{campaign.pk}/exports/", body)


def test_an_export_is_whole_only_for_whoever_may_and_the_ledger_has_who_took_it(workspace, campaign, monkeypatch):
    scopes = [scope for scope in offered(to_token=False) if scope != Scope.NUMBERS]
    blind = factories.bearer(factories.api_key(workspace, scopes=scopes)[1])
    seeing = factories.bearer(factories.api_key(workspace)[1])
    assert asked_for(blind, campaign).json()["numbers"] == "masked"
    assert asked_for(blind, campaign, numbers="whole").status_code == 403
    assert asked_for(seeing, campaign, numbers="masked").json()["numbers"] == "masked"
    made = asked_for(seeing, campaign).json()
    assert made["numbers"] == "whole"
    assert [entry.after["numbers"] for entry in Entry.objects.filter(action="export.requested").order_by("pk")] == [
        *("masked", "masked", "whole")
    ]
    key = default_storage.save("exports/whole", ContentFile(b"to\n"))
    Export.objects.filter(pk=made["id"]).update(status="ready", key=key, ready_at=timezone.now())
    file = f"/api/v1/exports/{made['id']}/file/"
    assert (blind.get(file).status_code, told(seeing, f"exports/{made['id']}/file/")) == (403, "to\n")
    moderator = signed_in(factories.member(workspace, Role.MODERATOR))
    address = f"/campaigns/{campaign.pk}/exports/{made['id']}/file/"
    assert moderator.get(address).status_code == 403
    assert address not in moderator.get(f"/campaigns/{campaign.pk}/exports/").text
    assert signed_in(factories.member(workspace, Role.AUTHOR)).get(address).getvalue() == b"to\n"
    assert Entry.objects.filter(action="export.downloaded", subject_id=str(made["id"])).count() == 2


def test_on_the_page_an_export_is_masked_unless_it_is_asked_for_whole(workspace, author, campaign):
    address = f"/campaigns/{campaign.pk}/exports/"
    page = signed_in(author)
    page.post(address, {"format": "csv"})
    page.post(address, {"format": "csv", "numbers": "whole"})
    assert list(Export.objects.order_by("pk").values_list("numbers", flat=True)) == ["masked", "whole"]
    moderator = signed_in(factories.member(workspace, Role.MODERATOR))
    assert "export-numbers" not in moderator.get(address).text
    assert moderator.post(address, {"format": "csv", "numbers": "whole"}).status_code == 403


# --- On the pages of a workspace --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "window"),
    [
        ("/lists/suppressed/", "/lists/suppressed/numbers/"),
        ("/lists/suppressed/export/", "/lists/suppressed/numbers/"),
        ("/lists/test-phones/", "/lists/test-phones/numbers/"),
        ("/lists/{list}/duplicates/", "/lists/numbers/"),
    ],
)
def test_a_page_of_the_workspace_shows_them_to_whoever_says_why(workspace, campaign, places, address, window):
    factories.trial_phone(workspace, phone=int(WHOLE) + 5)
    address = address.format(list=campaign.list_id)
    page = signed_in(factories.member(workspace, Role.ADMIN))

    def text():
        answer = page.get(address)
        return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()

    whole = re.compile("316000000[0-9]{2}")
    assert not whole.search(text()) and "•••" in text()
    page.post(window, {"reason": ""})
    assert not whole.search(text())
    page.post(window, {"reason": "They are moved to another system."})
    assert whole.search(text())
    entry = Entry.objects.get(action="workspace.numbers_shown")
    assert entry.note == "They are moved to another system." and entry.after["of"] in window
    assert signed_in(factories.member(workspace, Role.MODERATOR)).post(window, {"reason": "x"}).status_code == 403


def test_short_numbers_hide_three_digits_at_least():
    assert [masking.masked(n) for n in (31612345678, 3161234567, 31612345, 3161234)] == [
        *("+3161•••5678", "+3161•••567", "+3161•••5", "+3161•••")
    ]
    lines = b"31612345678,sent\n3161234567,sent\n3161234,sent\n,sent\n"
    assert masking.in_first_cells(lines).decode().splitlines() == [
        *("3161•••5678,sent", "3161•••567,sent", "3161•••,sent", ",sent")
    ]
    assert masking.in_text("call (06) 12-34 56.78, Ann 1999") == "call (0612•••678, Ann 1999"


def test_keys_of_before_the_scope_keep_whole_numbers_as_far_as_they_gave_any(workspace):
    old, narrow = (
        factories.api_key(workspace, scopes=[scope])[0] for scope in (Scope.REPORTS_READ, Scope.SENDERS_READ)
    )
    import_module("accounts.migrations.0018_keep_whole_numbers_of_old_keys").keep(apps, None)
    old.refresh_from_db()
    narrow.refresh_from_db()
    assert (old.scopes, narrow.scopes) == (["reports:read", "numbers"], ["senders:read"])
