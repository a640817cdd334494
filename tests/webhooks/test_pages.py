"""What an admin sees and presses, and what a program of theirs asks for: a secret is said once."""

import pytest
from django.utils import timezone

from accounts.templatetags.pages import middle
from audit.models import Entry
from tests import factories
from tests.pages import signed_in, text_of
from webhooks import endpoints, signing
from webhooks.models import Delivery, Endpoint
from webhooks.statuses import DeliveryState, Disabled, Event

URL = "https://hooks.example.com/in?token=known"


@pytest.fixture
def page(admin, workspace):
    return signed_in(admin, workspace)


def test_an_admin_makes_one_and_is_shown_its_secret_once(page, workspace):
    assert "Webhooks" in text_of(page.get("/members/"))
    assert "No webhooks yet" in text_of(page.get("/webhooks/"))
    made = page.post("/webhooks/new/", {"url": URL, "description": "Shop", "events": ["campaign.done"]})
    assert (made.status_code, made["Cache-Control"].count("no-store")) == (201, 1)
    endpoint = Endpoint.objects.get()
    [secret] = endpoints.secrets_of(endpoint, now=timezone.now())
    assert secret.startswith(signing.PREFIX) and secret in text_of(made)
    for address in ("/webhooks/", f"/webhooks/{endpoint.pk}/", f"/webhooks/{endpoint.pk}/edit/"):
        shown = text_of(page.get(address))
        assert "Shop" in shown and secret not in shown
    created = Entry.objects.get(action="endpoint.created")
    assert created.after["url"] == "https://hooks.example.com/in"
    assert secret not in str(created.after)


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(page):
    answer = page.post("/webhooks/new/", {"url": "https://localhost/", "events": ["campaign.done"]})
    assert answer.status_code == 400
    assert "“localhost” is no public name." in text_of(answer)
    assert "This field is required." in text_of(page.post("/webhooks/new/", {"url": URL}))
    assert not Endpoint.objects.exists()


def test_the_buttons_do_what_they_say_and_leave_entries(page, workspace, admin):
    pk = factories.endpoint(workspace, URL, by=admin).pk
    page.post(f"/webhooks/{pk}/edit/", {"url": "https://b.example.com/", "events": ["campaign.done"]})
    rotated = text_of(page.post(f"/webhooks/{pk}/rotate/"))
    assert signing.PREFIX in rotated and "The secret before it signs beside it until" in rotated
    assert "Two, until" in text_of(page.get(f"/webhooks/{pk}/"))
    page.post(f"/webhooks/{pk}/test/")
    sent = Delivery.objects.get()
    assert "webhook.test" in text_of(page.get(f"/webhooks/{pk}/"))
    assert sent.public_id in text_of(page.get(f"/webhooks/deliveries/{sent.pk}/"))
    page.post(f"/webhooks/deliveries/{sent.pk}/redeliver/")
    page.post(f"/webhooks/{pk}/disable/")
    assert "Switched off by an admin" in text_of(page.get(f"/webhooks/{pk}/"))
    assert "switch it on first" in text_of(page.post(f"/webhooks/{pk}/test/", follow=True))
    page.post(f"/webhooks/{pk}/enable/")
    page.post(f"/webhooks/{pk}/delete/")
    assert page.get(f"/webhooks/{pk}/").status_code == 404
    actions = list(Entry.objects.filter(subject_type="endpoint").order_by("seq").values_list("action", flat=True))
    verbs = ["created", "changed", "rotated", "tested", "redelivered", "disabled", "enabled", "deleted"]
    assert actions == [f"endpoint.{verb}" for verb in verbs]


def test_a_program_does_the_same_and_is_told_a_secret_by_the_call_that_makes_it_only(as_admin, workspace):
    body = {"url": URL, "events": [Event.MESSAGES], "with_numbers": True}
    made = as_admin.post("/api/v1/webhooks/", body)
    assert made.status_code == 201
    pk, secret = made.json()["id"], made.json()["secret"]
    rotated = as_admin.post(f"/api/v1/webhooks/{pk}/rotate/").json()
    assert rotated["secret"] != secret and rotated["old_secret_until"]
    assert as_admin.patch(f"/api/v1/webhooks/{pk}/", {"with_numbers": False}).status_code == 400
    changed = as_admin.patch(f"/api/v1/webhooks/{pk}/", {"description": "Shop", "events": ["campaign.done"]}).json()
    assert (changed["url"], changed["description"], changed["events"]) == (URL, "Shop", ["campaign.done"])
    sent = as_admin.post(f"/api/v1/webhooks/{pk}/test/").json()
    for address in ("", f"{pk}/", f"{pk}/deliveries/", f"deliveries/{sent['id']}/"):
        answer = as_admin.get(f"/api/v1/webhooks/{address}")
        assert answer.status_code == 200
        assert "whsec_" not in answer.content.decode()
    whole = as_admin.get(f"/api/v1/webhooks/deliveries/{sent['id']}/").json()
    assert (whole["payload"]["type"], whole["attempts"], whole["state"]) == ("webhook.test", [], "pending")
    assert as_admin.post(f"/api/v1/webhooks/{pk}/disable/").json()["disabled"] == Disabled.BY_HAND
    refused = as_admin.post(f"/api/v1/webhooks/deliveries/{sent['id']}/redeliver/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "webhook_disabled")
    assert as_admin.post(f"/api/v1/webhooks/{pk}/enable/").json()["disabled"] == ""
    assert as_admin.delete(f"/api/v1/webhooks/{pk}/").status_code == 204
    assert as_admin.get("/api/v1/webhooks/").json()["results"] == []


def test_deliveries_are_found_by_their_state_and_event(as_admin, workspace):
    endpoint = factories.endpoint(workspace)
    tests = [endpoints.try_out(endpoint.pk, by=endpoint.created_by, now=timezone.now()) for _ in range(2)]
    Delivery.objects.filter(pk=tests[0].pk).update(state=DeliveryState.FAILED)
    Delivery.objects.filter(pk=tests[1].pk).update(event=Event.CAMPAIGN_DONE)
    for query, found in (
        ({"state": "failed"}, tests[:1]),
        ({"event": "campaign.done"}, tests[1:]),
        ({"state": "failed", "event": "campaign.done"}, []),
        ({"state": "delivered"}, []),
    ):
        rows = as_admin.get(f"/api/v1/webhooks/{endpoint.pk}/deliveries/", query).json()["results"]
        assert [row["id"] for row in rows] == [one.pk for one in found], query


@pytest.mark.parametrize("url", ["http://example.com/", "https://169.254.169.254/", "file:///etc/passwd"])
def test_the_wall_stands_before_the_api_and_before_a_change(as_admin, workspace, url):
    answer = as_admin.post("/api/v1/webhooks/", {"url": url, "events": ["campaign.done"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "address_refused")
    pk = factories.endpoint(workspace).pk
    assert as_admin.patch(f"/api/v1/webhooks/{pk}/", {"url": url}).status_code == 409
    assert Endpoint.objects.get().url == "https://hooks.example.com/in"


def test_a_long_address_has_a_short_heading_and_stands_in_full_on_its_page(page, workspace):
    url = f"https://hooks.example.com/{'a-long-way/' * 12}in"
    endpoint = factories.endpoint(workspace, url)
    for address in ("", "edit/"):
        shown = text_of(page.get(f"/webhooks/{endpoint.pk}/{address}"))
        assert "<h1>https://hooks.ex…y/a-long-way/in</h1>" in shown and url in shown
    assert middle("https://hooks.example.com/in", 48) == "https://hooks.example.com/in"
    assert [len(middle(url, most)) for most in (20, 21)] == [20, 21]
