"""Texts with placeholders: written, checked against a list, shown, approved."""

import pytest
from django.utils import timezone

from accounts.roles import Role
from campaigns.models import Campaign
from recipients import preparation
from tests import factories
from tests.pages import signed_in, text_of

COLUMNS = ["First name", "code"]
CELLS = [["Ann", "X-1"], ["", "X-2"], ["Çelik", "X-3"], ["Dan", "X-4"]]
TEXT = "Dear {first name|friend}, your code is {code}."


@pytest.fixture
def listed(workspace):
    return factories.ready_list(
        workspace, numbers=[31612345678, 31612345679, 31612345670, 31612345671], columns=COLUMNS, cells=CELLS
    )


@pytest.fixture
def body(workspace, listed):
    factories.channel()
    return {
        **{"name": "Spring", "mode": "on_approval", "text": TEXT},
        **{"sender": factories.sender(workspace).pk, "list": listed.pk},
    }


@pytest.fixture
def page(author):
    return signed_in(author)


def create(client, body, **changes):
    return client.post("/api/v1/campaigns/", {**body, **changes})


def error_of(response):
    assert response.status_code == 409, response.json()
    return response.json()["error"]


# --- Over the API -----------------------------------------------------------------------------------------------------


def test_a_campaign_tells_its_placeholders_and_the_least_parts(api, body):
    shown = create(api, body, text="{CODE} for {first name|" + "x" * 160 + "}").json()
    assert shown["placeholders"] == ["CODE", "first name"]
    assert (shown["parts"], shown["encoding"]) == (2, "gsm7")


def test_a_text_without_placeholders_names_none(api, body):
    assert create(api, body, text="Half price.").json()["placeholders"] == []


def test_braces_that_are_meant_cost_what_is_sent(api, body):
    shown = create(api, body, text="{{" * 80).json()
    assert (shown["placeholders"], shown["parts"]) == ([], 1)
    assert create(api, body, text="{{" * 81).json()["parts"] == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [("Dear {name", "does not close"), ("Dear {}", "names no column"), ("{a{b}}", "a brace within the braces")],
)
def test_what_is_no_placeholder_is_refused(api, body, text, says):
    error = error_of(create(api, body, text=text))
    assert error["code"] == "bad_placeholder" and says in error["message"]
    assert not Campaign.objects.exists()


def test_a_placeholder_names_a_column_of_the_list(api, body, listed):
    error = error_of(create(api, body, text="{code} {city} {phone}"))
    assert error["code"] == "unknown_placeholder"
    assert error["message"] == f"The list “{listed}” has no column “city”, “phone”; it has: First name, code."


def test_a_list_of_numbers_alone_has_no_columns(api, body, workspace):
    bare = factories.ready_list(workspace)
    assert error_of(create(api, body, list=bare.pk))["message"].endswith("it has: none beside the number.")


def test_the_list_may_be_chosen_later_and_is_compared_then(api, body, workspace):
    draft = create(api, body, list=None).json()
    url = f"/api/v1/campaigns/{draft['id']}/"
    other = factories.ready_list(workspace, columns=["code"], cells=[["X"]] * 3)
    assert error_of(api.patch(url, {"list": other.pk}))["code"] == "unknown_placeholder"
    assert api.patch(url, {"list": body["list"]}).status_code == 200


@pytest.mark.parametrize(("header", "code"), [("first name,code", None), ("surname,code", "unknown_placeholder")])
def test_a_list_that_was_not_ready_is_compared_when_it_is_submitted(api, body, workspace, header, code):
    file = f"phone,{header}\n+31612345678,Ann,X-1\n".encode()
    listed = factories.preparing_list(workspace, file, filename="numbers.csv")
    draft = create(api, body, list=listed.pk).json()
    preparation.prepare_list(listed.pk, now=timezone.now())
    submitted = api.post(f"/api/v1/campaigns/{draft['id']}/submit/", {})
    assert (error_of(submitted)["code"] if code else submitted.json()["status"]) == (code or "in_review")


def test_a_text_whose_least_is_over_the_limit_is_refused(api, body):
    error = error_of(create(api, body, text="{code}" + "x" * (153 * 5 + 1)))
    assert error["message"] == "The text is at least 6 GSM parts long; the limit is 5."


def test_a_patch_of_the_text_is_compared_with_the_list_too(api, body):
    draft = create(api, body).json()
    changed = api.patch(f"/api/v1/campaigns/{draft['id']}/", {"text": "{city}"})
    assert error_of(changed)["code"] == "unknown_placeholder"


# --- On pages ---------------------------------------------------------------------------------------------------------


def test_the_form_shows_columns_and_what_the_first_recipients_get(page, body):
    shown = text_of(page.post("/campaigns/counter/", {"text": TEXT, "list": body["list"]}))
    assert "at least 1 part" in shown and "depends on the recipient" in shown
    for example in ("Dear Ann, your code is X-1.", "Dear friend, your code is X-2.", "Dear Çelik, your code is X-3."):
        assert example in shown
    assert "X-4" not in shown
    assert "+3161•••5678" in shown and "31612345678" not in shown


def test_an_example_says_what_is_missing_or_too_long(page, workspace):
    long = factories.ready_list(workspace, columns=["code"], cells=[[""], ["x" * 800], ["ok"]])
    shown = text_of(page.post("/campaigns/counter/", {"text": "{code}", "list": long.pk}))
    assert "A value is missing: this recipient gets nothing." in shown
    assert "6 parts" in shown and "At most 5: this recipient gets nothing." in shown


@pytest.mark.parametrize(
    ("text", "says"), [("Dear {name", "does not close"), ("{city}", "The list has no column “city”.")]
)
def test_the_counter_says_what_is_wrong_while_it_is_typed(page, body, text, says):
    shown = text_of(page.post("/campaigns/counter/", {"text": text, "list": body["list"]}))
    assert says in shown


@pytest.mark.parametrize("chosen", ["", "nonsense", "9" * 40, "²"])
def test_the_counter_counts_whatever_is_said_of_the_list(page, db, chosen):
    response = page.post("/campaigns/counter/", {"text": TEXT, "list": chosen})
    assert response.status_code == 200 and "at least 1 part" in text_of(response)


def test_a_strangers_list_shows_nothing_on_the_form(page):
    foreign = factories.ready_list(factories.workspace(), columns=["code"], cells=[["secret"]] * 3)
    shown = text_of(page.post("/campaigns/counter/", {"text": "{code}", "list": foreign.pk}))
    assert "secret" not in shown and "<code>" not in shown


def test_values_are_shown_as_text_and_nothing_else(page, workspace):
    listed = factories.ready_list(workspace, columns=["<b>"], cells=[["<i>Ann</i>"]] * 3)
    shown = text_of(page.post("/campaigns/counter/", {"text": "{<b>}", "list": listed.pk}))
    assert "&lt;i&gt;Ann&lt;/i&gt;" in shown and "<i>Ann" not in shown


def test_a_list_that_cannot_be_read_leaves_the_form_at_work(page, body, listed, objects):
    for file in (objects / f"lists/{listed.pk}/1").iterdir():
        file.unlink()
    shown = text_of(page.post("/campaigns/counter/", {"text": TEXT, "list": listed.pk}))
    assert "cannot be read from storage" in shown and "at least 1 part" in shown


def test_the_step_and_the_campaign_show_the_examples_too(page, workspace, listed):
    made = factories.draft(workspace, text=TEXT, list=listed)
    for path in ("edit/message/", "?tab=content"):
        shown = text_of(page.get(f"/campaigns/{made.pk}/{path}"))
        assert TEXT in shown and "Dear Ann, your code is X-1." in shown
    refused = page.post(f"/campaigns/{made.pk}/edit/message/", {"sender": made.sender_id, "text": "{city}"})
    assert refused.status_code == 400 and "it has: First name, code." in text_of(refused)


# --- On the desk ------------------------------------------------------------------------------------------------------


def test_the_moderator_sees_the_placeholders_and_what_they_become(workspace, listed):
    campaign = factories.in_review(workspace, text=TEXT, list=listed)
    judge = signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)))
    queue = "/admin/moderation/campaigninreview/"
    assert "1 part or more" in text_of(judge.get(queue))
    shown = text_of(judge.get(f"{queue}{campaign.pk}/change/"))
    assert TEXT in shown and "Dear friend, your code is X-2." in shown
    assert "at least 1 part" in shown and "at least 4 parts in all" in shown
    assert "31612345678" not in shown
