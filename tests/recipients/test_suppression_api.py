"""The suppression list as a program sees it."""

import pytest
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from recipients import suppression_imports, suppressions
from recipients.models import Suppression
from tests import factories

NUMBER = 31612345678
PATH = "/api/v1/suppressions/"


def added(client, **given):
    return client.post(PATH, {"to": "06 12345678", "reason": "She asked.", **given})


def test_a_number_is_added_and_looked_up(api, workspace):
    response = added(api)
    assert response.status_code == 201
    body = response.json()
    assert (body["to"], body["scope"], body["source"], body["reason"]) == (
        f"+{NUMBER}",
        "workspace",
        "hand",
        "She asked.",
    )
    assert api.get(PATH, {"to": "0612345678"}).json() == {"results": [body], "next": None}
    assert api.get(f"{PATH}{body['id']}/").json() == body


def test_a_number_that_nobody_suppresses_is_not_found(api):
    assert api.get(PATH, {"to": f"+{NUMBER}"}).json()["results"] == []


def test_a_global_entry_says_so_and_not_by_whom(api, workspace):
    suppressions.add(None, f"+{NUMBER}", reason="A regulator.", by=factories.user(is_superuser=True))
    [row] = api.get(PATH, {"to": f"+{NUMBER}"}).json()["results"]
    assert (row["scope"], row["reason"], row["added_by"]) == ("global", "A regulator.", None)
    assert api.get(PATH).json()["results"] == []
    assert api.get(f"{PATH}{row['id']}/").status_code == 404


def test_what_is_no_number_is_a_400_and_what_is_there_already_a_409(api):
    wrong = added(api, to="nobody")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_number")
    assert api.get(PATH, {"to": "nobody"}).status_code == 400
    assert added(api, reason="").status_code == 400
    added(api)
    again = added(api)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_suppressed")


def test_adding_again_with_the_same_key_adds_once(api):
    answers = [
        api.post(PATH, {"to": f"+{NUMBER}", "reason": "She asked."}, headers={"Idempotency-Key": "a"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("how", ["body", "query"])
def test_an_admin_takes_a_number_off_with_a_reason(as_admin, how):
    path = f"{PATH}{added(as_admin).json()['id']}/"
    assert as_admin.delete(path).status_code == 400
    reason = {"reason": "A mistake."}
    answer = as_admin.delete(path, reason) if how == "body" else as_admin.delete(f"{path}?reason=A%20mistake.")
    assert answer.status_code == 204
    assert Entry.objects.get(action="suppression.removed").note == "A mistake."
    assert as_admin.delete(path, reason).status_code == 404


def test_only_an_admin_takes_a_number_off(api, as_author, as_moderator):
    path = f"{PATH}{added(as_author).json()['id']}/"
    for client in (api, as_author, as_moderator):
        assert client.delete(path, {"reason": "A mistake."}).status_code == 403
    assert added(as_moderator).status_code == 403


def test_a_program_of_the_super_admins_changes_the_workspace_only(workspace):
    root = factories.user(is_superuser=True)
    client = factories.bearer(factories.token(workspace, root))
    assert added(client).json()["scope"] == "workspace"


def test_the_list_goes_page_by_page_the_newest_first(api, workspace):
    for number in range(5):
        suppressions.opt_out(workspace, NUMBER + number)
    first = api.get(PATH, {"page_size": 3}).json()
    second = api.get(first["next"]).json()
    shown = [row["to"] for row in first["results"] + second["results"]]
    assert shown == [f"+{NUMBER + number}" for number in (4, 3, 2, 1, 0)]
    assert second["next"] is None


def test_a_page_asks_the_database_as_often_for_many_as_for_one(api, workspace, django_assert_max_num_queries):
    for number in range(20):
        suppressions.opt_out(workspace, NUMBER + number)
    api.get(PATH)  # the ledger says once in half an hour that this key reads them
    with django_assert_max_num_queries(6):
        assert len(api.get(PATH).json()["results"]) == 20


def test_a_file_is_imported(api, workspace):
    made = api.post(f"{PATH}imports/", {"filename": "stop.txt", "reason": "From the old system."}).json()
    assert (made["status"], made["country"]) == ("uploading", "NL")
    sent = api.put(made["upload_url"], b"+31612345678\nnobody\n0612345678\n", content_type="application/octet-stream")
    assert sent.status_code == 202 and sent.json()["status"] == "importing"
    path = f"{PATH}imports/{made['id']}/"
    assert api.get(f"{path}rejected/").json()["error"]["code"] == "nothing_rejected"
    suppression_imports.run(made["id"], now=timezone.now())
    body = api.get(path).json()
    assert (body["status"], body["progress"]) == ("done", 100)
    assert body["totals"] == {"rows": 3, "added": 1, "already": 1, "invalid": 1}
    assert b"2,nobody," in b"".join(api.get(f"{path}rejected/").streaming_content)
    assert [row["id"] for row in api.get(f"{PATH}imports/").json()["results"]] == [made["id"]]
    [row] = api.get(PATH).json()["results"]
    assert (row["source"], row["reason"]) == ("import", "From the old system.")


def test_a_failed_import_says_why(api):
    made = api.post(f"{PATH}imports/", {"filename": "stop.txt", "reason": "Old."}).json()
    api.put(f"{made['upload_url']}stop.txt", b"nobody\n", content_type="application/octet-stream")
    suppression_imports.run(made["id"], now=timezone.now())
    body = api.get(f"{PATH}imports/{made['id']}/").json()
    assert body["status"] == "failed" and "all invalid" in body["failure"]


def test_a_file_over_the_limit_is_refused_and_the_import_still_awaits_one(api, settings):
    settings.UPLOAD_MAX_BYTES = 10
    made = api.post(f"{PATH}imports/", {"filename": "stop.txt", "reason": "Old."}).json()
    response = api.put(made["upload_url"], b"+31612345678\n", content_type="application/octet-stream")
    assert response.status_code == 413
    assert api.get(f"{PATH}imports/{made['id']}/").json()["status"] == "uploading"


def test_whoever_only_looks_imports_nothing(workspace, as_moderator):
    assert as_moderator.post(f"{PATH}imports/", {"filename": "a.txt", "reason": "Old."}).status_code == 403
    assert as_moderator.get(f"{PATH}imports/").status_code == 200
    assert factories.somebody(workspace, Role.MODERATOR)


def test_the_list_is_taken_along_as_a_csv_that_is_never_shown_inline(api, workspace):
    suppressions.opt_out(workspace, NUMBER)
    response = api.get(f"{PATH}export/")
    assert response["Content-Type"].startswith("text/csv")
    assert response["Content-Disposition"].startswith("attachment") and response["X-Content-Type-Options"] == "nosniff"
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0] == "number,source,reason,since" and lines[1].startswith(f"{NUMBER},opt_out,")
