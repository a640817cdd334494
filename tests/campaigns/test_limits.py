"""What holds a campaign back, by its author's wish: hours of the day, a limit of its own; and the route it takes."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from accounts.models import Workspace
from accounts.roles import Role
from campaigns import carriers
from campaigns.models import Campaign
from campaigns.statuses import Mode
from channels.models import Channel, Route
from tests import factories
from tests.pages import signed_in, text_of

QUEUE = "/admin/moderation/campaigninreview/"
DAILY = {"daily_from": "09:00", "daily_to": "20:00"}


@pytest.fixture
def berlin(workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Europe/Berlin")
    workspace.refresh_from_db()
    return workspace


@pytest.fixture
def body(workspace):
    factories.channel()
    return {
        **{"name": "Spring", "mode": "on_approval", "text": "Half price."},
        **{"sender": factories.sender(workspace).pk, "list": factories.ready_list(workspace).pk},
    }


@pytest.fixture
def page(author):
    return signed_in(author)


@pytest.fixture
def desk(workspace):
    return signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)))


def create(client, body, **changes):
    return client.post("/api/v1/campaigns/", {**body, **changes})


def patch(client, campaign, **changes):
    return client.patch(f"/api/v1/campaigns/{campaign['id']}/", changes)


def refusal(response):
    assert response.status_code == 409, response.json()
    return response.json()["error"]["code"]


def fields_of(response):
    assert response.status_code == 400, response.json()
    return list(response.json()["error"]["fields"])


# --- Hours of the day -------------------------------------------------------------------------------------------------


def test_a_daily_window_is_in_the_zone_of_the_workspace(api, body, berlin):
    made = create(api, body, daily_from="20:00", daily_to="02:30").json()
    assert (made["daily_from"], made["daily_to"]) == ("20:00", "02:30")
    campaign = Campaign.objects.get()
    assert campaign.hours.is_open(datetime(2026, 7, 1, 0, 29, tzinfo=UTC))
    assert not campaign.hours.is_open(datetime(2026, 7, 1, 0, 30, tzinfo=UTC))
    assert campaign.daily_window == "20:00 to 02:30 the next day, Europe/Berlin"
    with override("ru"):
        assert campaign.daily_window == "с 20:00 до 02:30 следующего дня, Europe/Berlin"


def test_without_a_window_there_is_none(api, body):
    made = create(api, body).json()
    assert (made["daily_from"], made["daily_to"], made["parts_per_second"], made["route"]) == (None,) * 4
    assert Campaign.objects.get().hours.is_always_open


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"daily_from": "09:00"}, "daily_incomplete"),
        ({"daily_to": "09:00"}, "daily_incomplete"),
        ({"daily_from": "09:00", "daily_to": "09:00"}, "bad_daily"),
    ],
)
def test_half_a_window_and_an_empty_one_are_refused(api, body, times, code):
    assert refusal(create(api, body, **times)) == code


@pytest.mark.parametrize("value", ["9 am", "24:00", "09:00:30", "09:00+01:00", 9])
def test_a_time_of_the_day_is_hours_and_minutes(api, body, value):
    assert fields_of(create(api, body, daily_from=value, daily_to="20:00")) == ["daily_from"]


def test_a_patch_takes_the_window_off_as_a_whole(api, body):
    made = create(api, body, **DAILY).json()
    assert refusal(patch(api, made, daily_to=None)) == "daily_incomplete"
    assert patch(api, made, daily_from=None, daily_to=None).json()["daily_from"] is None
    assert Campaign.objects.get().daily_zone == ""


@pytest.mark.parametrize(
    ("begin", "end", "code"),
    [
        ("2099-07-01T20:00:00+02:00", "2099-07-02T09:00:00+02:00", "no_open_time"),
        ("2099-07-01T20:00:00+02:00", "2099-07-02T09:01:00+02:00", None),
        ("2099-07-01T19:59:00+02:00", "2099-07-02T09:00:00+02:00", None),
        ("2099-01-01T00:00:00+01:00", "2100-01-03T00:00:00+01:00", "window_too_long"),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_a_spread_window_has_open_time_in_it(api, body, begin, end, code):
    response = create(api, body, mode="spread", date_from=begin, date_to=end, **DAILY)
    assert (refusal(response) if code else response.status_code) == (code or 201)


def test_a_start_outside_the_window_is_taken_unless_its_deadline_is_before_the_opening(api, body, berlin):
    at = {"mode": "scheduled", "send_at": "2099-07-01T22:00:00+02:00", **DAILY}
    assert create(api, body, **at).status_code == 201
    assert create(api, body, **at, not_after="2099-07-02T09:00:01+02:00").status_code == 201
    assert refusal(create(api, body, **at, not_after="2099-07-02T09:00:00+02:00")) == "no_open_time"


def test_the_end_of_time_is_no_time_to_send(api, body):
    last = {"mode": "scheduled", "send_at": "9999-12-31T23:00:00Z", **DAILY}
    assert refusal(create(api, body, **last)) == "time_too_far"


def test_at_approval_it_has_open_time_before_its_deadline_from_now_on(api, body):
    now = timezone.now()
    closed = {"daily_from": f"{now + timedelta(hours=2):%H:%M}", "daily_to": f"{now + timedelta(hours=4):%H:%M}"}
    assert refusal(create(api, body, **closed, not_after=(now + timedelta(hours=1)).isoformat())) == "no_open_time"
    assert create(api, body, **closed, not_after=(now + timedelta(hours=3)).isoformat()).status_code == 201


def test_the_other_time_of_a_missed_campaign_has_open_time_too(as_moderator, workspace):
    now = timezone.now()
    window = {"daily_from": (now + timedelta(hours=-1)).time(), "daily_to": (now + timedelta(hours=2)).time()}
    deadline = now + timedelta(days=1, hours=-2)
    campaign = factories.missed(workspace, **window, not_after=deadline)
    url = f"/api/v1/campaigns/{campaign.pk}/reschedule/"
    closed = now + timedelta(hours=3)
    assert refusal(as_moderator.post(url, {"send_at": closed.isoformat()})) == "no_open_time"
    opened = now + timedelta(hours=1)
    assert as_moderator.post(url, {"send_at": opened.isoformat()}).json()["status"] == "approved"


def test_pages_say_when_the_first_message_leaves(page, desk, berlin):
    campaign = factories.in_review(
        berlin,
        mode=Mode.SCHEDULED,
        send_at=datetime(2099, 7, 1, 20, tzinfo=UTC),  # 22:00
        daily_from=time(9),
        daily_to=time(20),
    )
    shown = text_of(page.get(f"/campaigns/{campaign.pk}/?tab=content"))
    assert "09:00 to 20:00, Europe/Berlin" in shown and "leaves at 2 Jul 2099, 09:00" in shown
    judged = text_of(desk.get(f"{QUEUE}{campaign.pk}/change/"))
    assert "<dt>Each day</dt><dd>09:00 to 20:00, Europe/Berlin</dd>" in judged
    assert "It begins outside its daily window" in judged and "leaves at 2 Jul 2099, 09:00" in judged


def test_a_start_within_the_window_waits_for_nothing(page, desk, berlin):
    at = {"mode": Mode.SCHEDULED, "send_at": datetime(2099, 7, 1, 7, tzinfo=UTC)}
    campaign = factories.in_review(berlin, **at, daily_from=time(9), daily_to=time(20))
    assert "the first message leaves" not in text_of(page.get(f"/campaigns/{campaign.pk}/?tab=content"))
    assert "It begins outside" not in text_of(desk.get(f"{QUEUE}{campaign.pk}/change/"))


def test_the_step_takes_hours_and_shows_them_again(page, berlin):
    made = factories.draft(berlin)
    step = f"/campaigns/{made.pk}/edit/time/"
    page.post(step, {**DAILY, "parts_per_second": "50"})
    made.refresh_from_db()
    assert (made.daily_from, made.daily_to, made.daily_zone) == (time(9), time(20), "Europe/Berlin")
    shown = text_of(page.get(step))
    assert 'name="daily_from" value="09:00"' in shown and 'name="parts_per_second" value="50"' in shown
    half = page.post(step, {"daily_from": "09:00"})
    assert half.status_code == 400 and "needs daily_from and daily_to" in text_of(half)


# --- A limit of its own -----------------------------------------------------------------------------------------------


def test_a_campaign_may_have_a_limit_below_its_channels(api, page, desk, body):
    made = create(api, body, parts_per_second=1500).json()
    assert made["parts_per_second"] == 1500
    assert "1,500 parts a second" in text_of(page.get(f"/campaigns/{made['id']}/?tab=content"))
    api.post(f"/api/v1/campaigns/{made['id']}/submit/", {})
    judged = text_of(desk.get(f"{QUEUE}{made['id']}/change/"))
    assert "<dt>Its own limit</dt><dd>1,500 parts a second</dd>" in judged
    draft = create(api, body, parts_per_second=1).json()
    assert patch(api, draft, parts_per_second=None).json()["parts_per_second"] is None


@pytest.mark.parametrize("value", [0, -1, 1_000_001, "fast"])
def test_a_limit_is_a_number_from_one(api, page, body, workspace, value):
    assert fields_of(create(api, body, parts_per_second=value)) == ["parts_per_second"]
    draft = factories.draft(workspace)
    assert page.post(f"/campaigns/{draft.pk}/edit/time/", {"parts_per_second": value}).status_code == 400


def test_the_moderator_is_told_when_the_limit_is_below_the_pace_of_the_window(desk, workspace):
    begin = timezone.now() + timedelta(hours=1)
    listed = factories.ready_list(workspace, 200)

    def warned(**given):
        window = {"mode": Mode.SPREAD, "date_from": begin, "date_to": begin + timedelta(seconds=100)}
        campaign = factories.in_review(workspace, list=listed, **window, **given)
        return "limit is lower than the pace" in text_of(desk.get(f"{QUEUE}{campaign.pk}/change/"))

    assert warned(parts_per_second=1)
    assert not warned(parts_per_second=2)
    assert warned(parts_per_second=2, text="x" * 161)


# --- A route instead of a channel -------------------------------------------------------------------------------------


@pytest.fixture
def channels(workspace):
    names = ("main", "first", "second")
    return [factories.channel(name, is_default=name == "main") for name in names]


def test_a_route_stands_for_its_first_channel_that_is_no_backup(api, body, channels):
    _, first, second = channels
    route = factories.route("both", {second: 1}, backups=(first,))
    made = create(api, body, route=route.pk).json()
    assert (made["route"], made["channel"]) == (route.pk, second.pk)


def test_what_is_switched_off_is_passed_over(channels):
    _, first, second = channels
    route = factories.route("both", {first: 1, second: 1})
    Channel.objects.filter(pk=first.pk).update(is_active=False)
    assert carriers.first_channel(route) == second


def test_a_route_and_a_channel_exclude_each_other(api, body, channels):
    main, first, second = channels
    route = factories.route("both", {first: 1, second: 1})
    assert refusal(create(api, body, route=route.pk, channel=main.pk)) == "route_or_channel"
    made = create(api, body, channel=main.pk).json()
    moved = patch(api, made, route=route.pk).json()
    assert (moved["route"], moved["channel"]) == (route.pk, first.pk)
    renamed = patch(api, made, name="Summer").json()
    assert (renamed["route"], renamed["channel"]) == (route.pk, first.pk)
    back = patch(api, made, channel=second.pk).json()
    assert (back["route"], back["channel"]) == (None, second.pk)
    assert refusal(patch(api, made, channel=main.pk, route=route.pk)) == "route_or_channel"


def test_a_route_taken_off_leaves_the_default_channel(api, body, channels):
    made = create(api, body, route=factories.route("both", {channels[1]: 1}).pk).json()
    assert patch(api, made, route=None).json()["channel"] == channels[0].pk


def test_a_route_that_is_off_or_empty_carries_nothing(api, body, channels):
    off = factories.route("off", {channels[1]: 1}, is_active=False)
    assert fields_of(create(api, body, route=off.pk)) == ["route"]
    empty = factories.route("empty", {channels[2]: 1})
    Channel.objects.filter(pk=channels[2].pk).update(is_active=False)
    assert refusal(create(api, body, route=empty.pk)) == "route_empty"


@pytest.mark.parametrize(
    ("switched", "code", "says"),
    [(Route, "route_off", "is switched off"), (Channel, "route_empty", "has no channel that is switched on")],
)
def test_a_route_is_asked_for_again_at_the_approval(as_moderator, desk, switched, code, says):
    workspace = Workspace.objects.get()
    campaign = factories.in_review(workspace, route=factories.route("both", {factories.channel(): 1}))
    switched.objects.update(is_active=False)
    assert refusal(as_moderator.post(f"/api/v1/campaigns/{campaign.pk}/approve/", {})) == code
    assert f"The route “both” {says}." in text_of(desk.get(f"{QUEUE}{campaign.pk}/change/"))


def test_a_route_does_not_need_the_channel_that_was_its_first(as_moderator, workspace, channels):
    _, first, second = channels
    campaign = factories.in_review(workspace, route=factories.route("both", {first: 1, second: 1}))
    Channel.objects.filter(pk=first.pk).update(is_active=False)
    approved = as_moderator.post(f"/api/v1/campaigns/{campaign.pk}/approve/", {})
    assert approved.json()["status"] == "approved"


def test_the_step_offers_routes_and_channels_in_one_place(page, workspace, channels):
    route = factories.route("both", {channels[1]: 1})
    factories.route("resting", {channels[1]: 1}, is_active=False)
    made = factories.draft(workspace)
    step = f"/campaigns/{made.pk}/edit/time/"
    shown = text_of(page.get(step))
    assert f'<optgroup label="Routes"> <option value="route:{route.pk}">both</option> </optgroup>' in shown
    assert f'<option value="channel:{channels[2].pk}">second</option>' in shown and "resting" not in shown
    page.post(step, {"carrier": f"route:{route.pk}"})
    made.refresh_from_db()
    assert (made.route, made.channel) == (route, channels[1])
    assert f'value="route:{route.pk}" selected' in text_of(page.get(step))
    assert "<dt>Route</dt><dd>both, first first</dd>" in text_of(page.get(f"/campaigns/{made.pk}/?tab=content"))
    page.post(step, {"carrier": f"channel:{channels[2].pk}"})
    made.refresh_from_db()
    assert (made.route, made.channel) == (None, channels[2])
    page.post(step, {"carrier": ""})
    made.refresh_from_db()
    assert made.channel == channels[0]
    assert page.post(step, {"carrier": "route:999"}).status_code == 400
