"""The suppression list as a program sees it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from recipients import forgetting, suppression_imports, suppressions
from recipients.models import Suppression
from recipients.statuses import Source
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


@pytest.fixture
def put(workspace, author):
    """A number of some source, added so many hours ago."""
    numbers = iter(range(NUMBER, NUMBER + 100))
    imported = factories.suppression_import(workspace)

    def put(source=Source.OPT_OUT, *, hours=0, of=workspace):
        why = {"imported": imported} if source == Source.IMPORT else {"reason": "She asked."}
        at = timezone.now() - timedelta(hours=hours)
        return Suppression.objects.create(workspace=of, phone=next(numbers), source=source, added_at=at, **why).pk

    return put


def ids(answer) -> list[int]:
    assert answer.status_code == 200
    return [row["id"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("hand", "hand"),
        ("opt_out,hand", "opt_out hand"),
        ("import", "import"),
        ("import,opt_out,hand", "opt_out import hand"),
    ],
)
def test_the_list_is_narrowed_to_where_numbers_come_from(api, put, asked, shown):
    pks = {source: put(source) for source in (Source.HAND, Source.IMPORT, Source.OPT_OUT)}
    put(Source.HAND, of=factories.workspace())
    assert ids(api.get(PATH, {"source": asked})) == [pks[source] for source in shown.split()]
    assert ids(api.get(PATH, [("source", one) for one in asked.split(",")])) == ids(api.get(PATH, {"source": asked}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", "sms"),
        ("source", "hand,sms"),
        ("source", ""),
        ("added_after", "yesterday"),
        ("added_after", "2027-03-01T09:00:00"),  # which offset?
    ],
)
@pytest.mark.parametrize("to", ["", f"+{NUMBER}"])
def test_what_cannot_be_read_is_refused_by_its_name(api, name, value, to):
    answer = api.get(PATH, {"to": to, name: value})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [name])


def test_the_list_is_narrowed_to_what_came_after_an_instant(api, put):
    old, then, new = put(hours=3), put(hours=2), put(hours=1)
    put(hours=1, of=factories.workspace())
    at = Suppression.objects.get(pk=then).added_at
    assert ids(api.get(PATH, {"added_after": at.isoformat()})) == [new]
    assert ids(api.get(PATH, {"added_after": (at - timedelta(microseconds=1)).isoformat()})) == [new, then]
    assert ids(api.get(PATH, {"added_after": (at - timedelta(days=1)).isoformat()})) == [new, then, old]
    assert ids(api.get(PATH, {"added_after": timezone.now().isoformat()})) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 40])
def test_wherever_the_instant_is_nothing_after_it_is_left_out(api, put, count):
    pks = [put(hours=count - n) for n in range(count)]
    times = list(Suppression.objects.order_by("pk").values_list("added_at", flat=True))
    for n, at in enumerate(times):
        assert ids(api.get(PATH, {"added_after": at.isoformat()})) == pks[:n:-1]


def test_rows_whose_time_is_a_little_astray_are_there_all_the_same(api, put):
    first, _, second = put(hours=1), put(hours=1.1), put(hours=1)
    at = timezone.now() - timedelta(hours=1.05)
    assert ids(api.get(PATH, {"added_after": at.isoformat()})) == [second, first]


def test_erased_numbers_which_say_since_when_they_were_there_lead_nobody_astray(api, put, workspace):
    old, new = put(hours=5), [put(hours=1) for _ in range(6)]
    forgetting.drop_suppressed(workspace, Suppression.objects.get(pk=old).phone)
    assert Suppression.objects.latest("pk").is_erased
    at = timezone.now() - timedelta(hours=2)
    assert ids(api.get(PATH, {"added_after": at.isoformat()})) == new[::-1]


def test_pages_of_what_is_narrowed_lose_and_repeat_nothing_while_rows_arrive(api, put):
    put(hours=9)
    pks = [put(source, hours=1) for source in (Source.HAND, Source.IMPORT, Source.OPT_OUT) * 3]
    wanted = [pk for n, pk in enumerate(pks) if n % 3 != 1][::-1]
    at = timezone.now() - timedelta(hours=2)
    answer = api.get(PATH, {"source": "hand,opt_out", "added_after": at.isoformat(), "page_size": 2})
    seen = ids(answer)
    while following := answer.json()["next"]:
        put()
        answer = api.get(following)
        seen += ids(answer)
    assert seen == wanted


def test_a_look_up_is_narrowed_as_well(api, put, workspace):
    pk = put(hours=1)
    to = f"+{Suppression.objects.get(pk=pk).phone}"
    at = timezone.now() - timedelta(hours=2)
    assert ids(api.get(PATH, {"to": to, "source": "opt_out", "added_after": at.isoformat()})) == [pk]
    assert ids(api.get(PATH, {"to": to, "source": "hand"})) == []
    assert ids(api.get(PATH, {"to": to, "added_after": timezone.now().isoformat()})) == []
