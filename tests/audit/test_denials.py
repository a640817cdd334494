"""Who was refused something, and who took a file along, is in the ledger: written once, where every answer passes."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from accounts.roles import Role
from audit import denials, ledger
from audit.models import Denial, Entry
from reports.models import Export
from reports.statuses import Status
from tests import factories
from tests.pages import signed_in
from tests.racing import race

pytestmark = pytest.mark.django_db
ACCESS = ("access.denied", "access.probed", "access.key_refused")


def told(chain=None):
    entries = Entry.objects.filter(action__in=ACCESS, **({} if chain is None else {"chain": chain}))
    return [(entry.action, entry.subject_name, entry.after["times"]) for entry in entries.order_by("pk")]


def close():
    denials.close(now=timezone.now() + timedelta(minutes=3))


@pytest.fixture
def at_noon(monkeypatch):
    """All of a test is within one minute."""
    noon = timezone.now().replace(second=10)
    monkeypatch.setattr("audit.middleware.timezone.now", lambda: noon)
    return noon


# --- Refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("at_noon")
def test_the_first_refusal_is_an_entry_at_once_and_the_rest_of_the_minute_one_more(workspace, moderator):
    campaign, page = factories.draft(workspace), signed_in(moderator, workspace)
    assert [page.post(f"/campaigns/{campaign.pk}/submit/").status_code for _ in range(5)] == [403] * 5
    assert told() == [("access.denied", "POST campaigns:submit", 1)]
    entry = Entry.objects.get(action="access.denied")
    said = (entry.chain, entry.actor, entry.role, entry.via, entry.address)
    assert said == (workspace.pk, moderator, "moderator", "page", "127.0.0.1")
    close()
    assert told()[1:] == [("access.denied", "POST campaigns:submit", 5)]
    last = Entry.objects.filter(action="access.denied").latest("pk")
    assert (last.actor, last.role, last.via) == (moderator, "moderator", "page")
    assert not Denial.objects.exists()


@pytest.mark.usefixtures("at_noon")
def test_one_that_stays_alone_is_told_once(workspace, moderator):
    signed_in(moderator, workspace).post(f"/campaigns/{factories.draft(workspace).pk}/submit/")
    close()
    assert told() == [("access.denied", "POST campaigns:submit", 1)]


def test_a_minute_that_is_not_over_is_not_closed(workspace, moderator):
    page = signed_in(moderator, workspace)
    for _ in range(2):
        page.post(f"/campaigns/{factories.draft(workspace).pk}/submit/")
    denials.close(now=timezone.now())
    assert Denial.objects.exists()


def test_a_program_is_told_by_its_key(workspace, api):
    campaign = factories.in_review(workspace)
    assert api.post(f"/api/v1/campaigns/{campaign.pk}/approve/").status_code == 403
    entry = Entry.objects.of(workspace).get(action="access.denied")
    assert (entry.subject_name, entry.role, entry.via[:7]) == ("POST api:campaign-approve", "key", "key mc_")


def test_the_desk_is_of_no_workspace(workspace):
    staff = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))
    assert signed_in(staff, workspace).get("/admin/audit/entry/").status_code == 403
    assert told(0) == [("access.denied", "GET admin:audit_entry_changelist", 1)]


@pytest.mark.usefixtures("at_noon")
def test_keys_that_open_nothing_are_counted_together(db):
    for secret in ("mc_1_a", "mc_2_b", "mc_3_c"):
        assert factories.bearer(secret).get("/api/v1/lists/").status_code == 401
    close()
    assert told(0) == [("access.key_refused", "access.key_refused", 1), ("access.key_refused", "access.key_refused", 3)]


def test_who_has_not_signed_in_is_refused_nothing(client, workspace):
    assert client.get("/campaigns/").status_code == 302
    assert factories.bearer("").get("/api/v1/lists/").status_code == 401
    assert {action for action, _, _ in told()} <= {"access.key_refused"}
    assert client.post("/api/v1/lists/").status_code == 401
    assert client.get("/nothing/").status_code == 404
    assert "access.denied" not in {action for action, _, _ in told()}


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize("is_foreign", [True, False])
def test_ids_that_are_tried_are_told_and_the_ledger_does_not_say_which_are_there(author, workspace, is_foreign):
    strangers = factories.draft(factories.workspace()).pk
    page = signed_in(author, workspace)
    for number in range(25):
        wanted = strangers if is_foreign else 10**12 + number
        assert page.get(f"/campaigns/{wanted}/").status_code == 404
        assert len(told(workspace.pk)) == (number >= 19)
    close()
    assert told() == [("access.probed", "access.probed", 20), ("access.probed", "access.probed", 25)]


@pytest.mark.usefixtures("at_noon")
def test_a_stale_link_is_no_entry(author, workspace):
    page = signed_in(author, workspace)
    for address in ("/campaigns/1000000000000/", "/nowhere/", "/api/v1/nowhere/"):
        assert page.get(address).status_code in (401, 404)
    close()
    assert told(workspace.pk) == []


@pytest.mark.django_db(transaction=True)
def test_a_refusal_waits_for_nobody_who_writes_to_the_chain(monkeypatch):
    workspace = factories.workspace()
    moderator, campaign = factories.member(workspace, Role.MODERATOR), factories.draft(workspace)
    page = signed_in(moderator, workspace)

    def refused():
        return page.post(f"/campaigns/{campaign.pk}/submit/").status_code

    with transaction.atomic():
        assert ledger.is_free(workspace.pk)
        assert race(refused) == [403]
        assert told() == []
    close()
    assert told() == [("access.denied", "POST campaigns:submit", 1)]


@pytest.mark.django_db(transaction=True)
def test_refusals_at_the_same_moment_are_all_counted():
    workspace = factories.workspace()
    somebody, now = factories.member(workspace), timezone.now()

    def refused():
        denials.note(denials.DENIED, chain=workspace.pk, by=somebody, what="POST x", now=now)

    assert race(*[refused] * 6) == [None] * 6
    close()
    assert told()[-1] == ("access.denied", "POST x", 6)
    assert len(told()) <= 2


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_said_where_it_cannot_be_noted(request):
    workspace = factories.workspace()
    page = signed_in(factories.member(workspace, Role.MODERATOR), workspace)
    campaign = factories.draft(workspace)
    request.getfixturevalue("ledger_that_fails")
    assert page.post(f"/campaigns/{campaign.pk}/submit/").status_code == 403
    assert Denial.objects.get().times == 1


# --- Taken along ------------------------------------------------------------------------------------------------------


def taken(workspace):
    entries = Entry.objects.of(workspace).filter(action="file.downloaded").order_by("pk")
    return [(entry.after.pop("what"), entry.after) for entry in entries]


@pytest.fixture
def things(workspace):
    """A list with lines left out, an export, a sender with evidence."""
    listed = factories.ready_list(workspace, 10)
    for name in ("rejected", "duplicates"):
        setattr(listed, f"{name}_key", default_storage.save(f"lists/{name}", ContentFile(b"line,value,reason\r\n")))
    listed.save()
    campaign = factories.draft(workspace)
    key = default_storage.save("exports/1", ContentFile(b"number\r\n"))
    export = Export.objects.create(
        workspace=workspace, campaign=campaign, requested_by=campaign.created_by, status=Status.READY, key=key
    )
    return {"list": listed.pk, "campaign": campaign.pk, "export": export.pk}


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("/lists/{list}/rejected/", "recipients:rejected"),
        ("/lists/{list}/duplicates/", "recipients:duplicates"),
        ("/campaigns/{campaign}/exports/{export}/file/", "reports:download"),
        ("/api/v1/exports/{export}/file/", "api:export-file"),
        ("/statistics/file/", "reports:statistics_file"),
    ],
)
def test_whoever_takes_a_file_is_in_the_ledger(workspace, author, things, address, what):
    token = factories.bearer(factories.token(workspace, author))
    client = token if address.startswith("/api/") else signed_in(author, workspace)
    answer = client.get(address.format(**things))
    assert answer.status_code == 200
    [(said, ids)] = taken(workspace)
    assert said == what
    assert set(ids.values()) <= set(things.values())
    assert Entry.objects.get(action="file.downloaded").actor == author
    answer.close()


@pytest.mark.parametrize("name", ["rejected", "duplicates"])
def test_whoever_takes_whole_numbers_along_is_told_of_by_that(workspace, author, things, name):
    answer = factories.bearer(factories.token(workspace, author)).get(f"/api/v1/lists/{things['list']}/{name}/")
    b"".join(answer.streaming_content)
    assert Entry.objects.get(action="recipientlist.numbers_read").after["of"] == name
    assert taken(workspace) == []


@pytest.mark.usefixtures("bucket")
def test_whoever_is_sent_to_the_store_has_the_file(author, workspace, request):
    export = request.getfixturevalue("things")["export"]
    campaign = Export.objects.get(pk=export).campaign_id
    page = signed_in(author, workspace).get(f"/campaigns/{campaign}/exports/{export}/file/")
    assert page.status_code == 302
    assert [what for what, _ in taken(workspace)] == ["reports:download"]


def test_what_a_verb_has_told_is_not_told_twice(author, as_author, workspace):
    page = signed_in(author, workspace)
    exports = [
        page.get("/ledger/file/"),
        *map(as_author.get, ("/api/v1/audit/export/", "/api/v1/suppressions/export/")),
    ]
    assert [answer.status_code for answer in exports] == [200] * 3
    assert taken(workspace) == []


def test_a_file_that_is_not_there_was_not_taken(author, workspace):
    listed = factories.ready_list(workspace, 10)
    signed_in(author, workspace).get(f"/lists/{listed.pk}/rejected/")
    assert taken(workspace) == []


@pytest.mark.django_db(transaction=True)
def test_a_file_that_cannot_be_told_of_does_not_leave(request, things, author, workspace):
    page = signed_in(author, workspace)
    page.raise_request_exception = False
    request.getfixturevalue("ledger_that_fails")
    for address in ("/lists/{list}/rejected/", "/campaigns/{campaign}/exports/{export}/file/"):
        answer = page.get(address.format(**things))
        assert answer.status_code == 500 and not answer.streaming and b"line,value" not in answer.content
    assert not connection.needs_rollback
