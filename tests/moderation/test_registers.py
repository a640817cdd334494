"""No status, decision or ledger entry is changed in the admin, whichever model is asked and however."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.utils import timezone

from accounts.roles import Role
from audit.models import Check, Entry
from channels import halves, tasks
from channels.models import BindTest, Channel, LinkState
from delivery import incidents as notes
from delivery.models import HostClock, Incident
from delivery.statuses import IncidentKind
from moderation.models import Acknowledgement, BlockedTerm, CannedReason, Decision
from senders.models import Sender
from simulator.knobs import Knobs
from tests import factories, owner
from tests.pages import signed_in, text_of
from tests.simulator.conftest import Running

# What a verb writes, and nothing else.
OF_VERBS = {
    *("status", "state", "verdict", "seal", "round", "decided_by", "decided_at", "decision_reason", "approved_at"),
    *("rejection_reason", "started_at", "finished_at", "stopped_because", "released_at", "hash", "previous_hash"),
}
EDITED = {"User", "Workspace", "Membership", "Channel", "Route", "CannedReason", "BlockedTerm"}
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def root(db):
    return factories.user(is_superuser=True, is_staff=True)


@pytest.fixture
def page(root):
    return signed_in(root)


@pytest.fixture
def request_of_root(root):
    request = RequestFactory().get("/admin/")
    request.user = root
    return request


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_nothing_that_a_verb_writes_is_in_a_form_or_an_action(request_of_root, model):
    of_model = admin.site._registry[model]
    if model.__name__ in EDITED:
        assert not OF_VERBS & set(of_model.get_form(request_of_root).base_fields)
        return
    assert not of_model.has_change_permission(request_of_root)
    assert not of_model.has_delete_permission(request_of_root)
    assert set(of_model.get_actions(request_of_root)) <= {"acknowledge", "revoke", "send_again", "grant", "refuse"}
    assert all(
        not inline.has_change_permission(request_of_root, None)
        for inline in of_model.get_inline_instances(request_of_root)
    )


@pytest.fixture
def things(workspace):
    campaign = factories.approved(workspace)
    return {
        "campaigns/campaign": campaign,
        "senders/sender": campaign.sender,
        "senders/revision": campaign.revision,
        "moderation/decision": Decision.objects.get(),
        "moderation/campaigninreview": factories.in_review(workspace),
        "audit/entry": Entry.objects.first(),
    }


def test_posting_to_their_pages_changes_and_deletes_nothing(page, things):
    for address, row in things.items():
        before = type(row).objects.filter(pk=row.pk).values().get()
        form = {**{name: "draft" for name in before}, "_save": "Save"}
        page.post(f"/admin/{address}/{row.pk}/change/", form)
        assert page.post(f"/admin/{address}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert page.post(f"/admin/{address}/add/", form).status_code == 403
        page.post(f"/admin/{address}/", {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        assert type(row).objects.filter(pk=row.pk).values().get() == before


def test_every_register_and_every_history_opens(page, things):
    for model in REGISTERED:
        assert page.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code == 200, model
    for address, row in things.items():
        assert page.get(f"/admin/{address}/{row.pk}/change/").status_code == 200, address


def test_a_history_tells_field_by_field_what_changed(page):
    channel = factories.channel("main", tps=10)
    factories.channel("main", tps=20)
    shown = text_of(page.get(f"/admin/channels/channel/{channel.pk}/history/"))
    assert '<th scope="row">TPS</th><td>10</td><td>20</td>' in shown
    assert "Channel changed" in shown and "demo</td><td>demo" not in shown


def test_a_history_is_only_for_who_sees_the_row(workspace, things):
    stranger = signed_in(factories.member(factories.workspace(), Role.MODERATOR, user=factories.user(is_staff=True)))
    sender: Sender = things["senders/sender"]
    assert stranger.get(f"/admin/senders/sender/{sender.pk}/history/").status_code == 404


def test_phrases_of_a_workspace_are_its_moderators_and_those_for_all_a_super_admins(page, workspace):
    staff = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))
    desk = signed_in(staff)
    page.post("/admin/moderation/blockedterm/add/", {"term": "casino", "why": ""})
    for_all = BlockedTerm.objects.get()
    assert desk.post(f"/admin/moderation/blockedterm/{for_all.pk}/change/", {"term": "x"}).status_code == 403
    desk.post("/admin/moderation/blockedterm/add/", {"term": "dice", "workspace": workspace.pk, "why": ""})
    assert desk.post("/admin/moderation/blockedterm/add/", {"term": "all", "workspace": ""}).status_code == 200
    assert BlockedTerm.objects.filter(workspace=workspace).get().term == "dice"
    assert not BlockedTerm.objects.filter(term="all").exists()
    assert "no letter or digit" in text_of(page.post("/admin/moderation/blockedterm/add/", {"term": "*"}))
    assert Entry.objects.filter(action="blockedterm.created").count() == 2
    given = {"action": "delete_selected", "_selected_action": for_all.pk, "post": "yes"}
    desk.post("/admin/moderation/blockedterm/", given)
    assert BlockedTerm.objects.filter(pk=for_all.pk).exists()
    own = {"language": "uz", "about": "campaign", "text": "Yoʻq.", "workspace": workspace.pk}
    desk.post("/admin/moderation/cannedreason/add/", own)
    assert CannedReason.objects.filter(workspace=workspace).exists()


def test_an_incident_is_acknowledged_once_and_by_who_sees_it(workspace):
    now = timezone.now()
    notes.note(IncidentKind.LINK_LOST, at=now, sample="main/0: cut", channel_id=factories.channel().pk)
    foreign = factories.draft(factories.workspace())
    notes.note(IncidentKind.SEAL_BROKEN, at=now, sample="x", campaign_id=foreign.pk)
    ours, theirs = Incident.objects.order_by("pk")
    desk = signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)))
    shown = text_of(desk.get("/admin/delivery/incident/?acknowledged=no"))
    assert "main/0: cut" in shown and foreign.name not in shown
    given = {"action": "acknowledge", "_selected_action": [ours.pk, theirs.pk]}
    for _ in range(2):
        desk.post("/admin/delivery/incident/", given)
    assert Acknowledgement.objects.get().incident == ours
    assert "main/0: cut" not in text_of(desk.get("/admin/delivery/incident/?acknowledged=no"))
    assert Entry.objects.filter(action="incident.acknowledged").count() == 1


def test_the_ledger_says_whether_it_holds(page, workspace):
    factories.approved(workspace)
    assert "never verified" in text_of(page.get("/admin/audit/entry/"))
    page.post(f"/admin/audit/entry/verify/{workspace.pk}/")
    check = Check.objects.get(chain=workspace.pk)
    assert check.broken == "" and check.is_whole and check.entries > 1
    assert "holds" in text_of(page.get(f"/admin/audit/entry/?q={workspace.pk}"))


@pytest.fixture
def smsc(tmp_path):
    made = Running(Knobs(port=0, journal=str(tmp_path / "journal"), password="demo"))
    yield made
    made.stop()


def test_a_test_bind_says_what_the_carrier_answered_and_is_in_the_ledger(
    page, smsc, settings, rung, django_capture_on_commit_callbacks
):
    """The process of the page has no key, and another one binds."""
    key, settings.CHANNEL_PUBLIC_KEY = settings.CHANNEL_KEY, halves.public_half(settings.CHANNEL_KEY)
    settings.CHANNEL_KEY = "web has none"
    channel = factories.channel(host="127.0.0.1", port=smsc.port)
    address = f"/admin/channels/channel/{channel.pk}/"

    def asked():
        with django_capture_on_commit_callbacks(execute=True):
            shown = page.post(f"{address}test/", follow=True)
        assert rung.pop() == ("channels.tasks.test_bind", (channel.pk,)) and "It is being tried" in text_of(shown)
        assert "Somebody is testing" in text_of(page.post(f"{address}test/", follow=True))
        return text_of(page.get(f"{address}tested/"))

    def answered():
        settings.CHANNEL_KEY = key
        for _ in range(2):  # a bell may ring twice
            tasks.test_bind(channel.pk)
        settings.CHANNEL_KEY = "web has none"
        return text_of(page.get(f"{address}tested/"))

    assert "It is being tried" in asked() and "The bind was accepted" in answered()
    factories.channel(host="127.0.0.1", port=1)
    assert "It is being tried" in asked() and "No connection to 127.0.0.1:1" in answered()
    page.post(f"{address}test/")
    BindTest.objects.update(asked_at=timezone.now() - timedelta(minutes=2))
    assert "No dispatch process answered" in answered()
    codes = Entry.objects.filter(action="channel.tested").order_by("pk").values_list("after", flat=True)
    assert list(codes) == [{"bound": True, "code": 0}, {"bound": False, "code": None}]


def test_a_test_bind_is_a_super_admins_button(workspace):
    channel = Channel.objects.get(pk=factories.channel().pk)
    staff = factories.member(workspace, Role.ADMIN, user=factories.user(is_staff=True))
    assert signed_in(staff).post(f"/admin/channels/channel/{channel.pk}/test/").status_code == 404
    assert not Entry.objects.filter(action="channel.tested").exists()


def test_the_queue_is_quick_with_thousands_waiting(workspace, django_assert_max_num_queries):
    """One campaign, and copies of its row: what is paged does not grow with what waits."""
    campaign = factories.in_review(workspace)
    names = [field.column for field in campaign._meta.concrete_fields if field.column not in {"id", "public_id"}]
    with owner.at_work() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # past the trigger that wants drafts first
        columns = ", ".join(f'"{name}"' for name in names)
        cursor.execute(
            f"INSERT INTO campaigns_campaign (public_id, {columns}) SELECT gen_random_uuid(), {columns}"
            " FROM campaigns_campaign CROSS JOIN generate_series(1, 5000)"
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    desk = signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)))
    with django_assert_max_num_queries(14):
        assert desk.get("/admin/moderation/campaigninreview/?p=90").status_code == 200


# --- The links of channels --------------------------------------------------------------------------------------------


def link(channel, name, **fields):
    fields = {"process": "one:1", "is_up": True, "window": 10, "unanswered": 4, "rate": 1500.26, **fields}
    return LinkState.objects.create(channel=channel, name=name, **{"seen_at": timezone.now(), **fields})


def test_the_page_of_a_channel_shows_each_link_and_asks_again(page):
    channel = factories.channel("carrier")
    address = f"/admin/channels/channel/{channel.pk}/change/"
    assert "No dispatch process speaks of this channel" in text_of(page.get(address))
    now = timezone.now()
    link(channel, "carrier/0 transceiver", bound_at=now)
    link(channel, "carrier/1 transceiver", is_up=False, last_error="The bind was refused.", last_error_at=now)
    link(channel, "carrier/0 transceiver", process="two:2", seen_at=now - timedelta(seconds=60))
    shown = text_of(page.get(address))
    for told in ("carrier/0 transceiver", "4 of 10", "1,500.3", "The bind was refused.", ">Up<", ">Down<", ">Gone<"):
        assert told in shown
    fragment = f"/admin/channels/channel/{channel.pk}/links/"
    assert f'hx-get="{fragment}" hx-trigger="every 3s"' in shown
    assert "The bind was refused." in text_of(page.get(fragment))
    Channel.objects.update(is_active=False)
    assert "hx-get" not in text_of(page.get(fragment))


def test_the_links_of_a_channel_are_for_who_sees_channels(workspace):
    channel = factories.channel()
    staff = factories.member(workspace, Role.ADMIN, user=factories.user(is_staff=True))
    assert signed_in(staff).get(f"/admin/channels/channel/{channel.pk}/links/").status_code == 404


def test_the_register_of_channels_tells_how_many_links_are_up(page, django_assert_max_num_queries):
    for number in range(5):
        link(factories.channel(f"carrier-{number}", is_default=False), "0", is_up=bool(number))
    factories.channel("off", is_default=False, is_active=False)
    with django_assert_max_num_queries(10):
        shown = text_of(page.get("/admin/channels/channel/"))
    assert shown.count(">1 of 1<") == 4 and shown.count(">0 of 1<") == 1


def test_the_first_page_of_the_desk_tells_which_channels_are_down(workspace, page):
    link(factories.channel("fine", is_default=False), "0")
    down = factories.channel("lost", is_default=False)
    link(down, "0", is_up=False, last_error="Nobody listens.", last_error_at=timezone.now())
    for desk in (page, signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)))):
        shown = text_of(desk.get("/admin/"))
        assert "<b>1</b><span>channel down, of 2</span>" in shown and "lost: Nobody listens." in shown
    assert "/admin/channels/" not in shown


def test_the_first_page_of_the_desk_names_a_host_whose_clock_is_wrong(page):
    HostClock.objects.create(host="right", ahead=0.1, seen_at=timezone.now())
    assert "clock" not in text_of(page.get("/admin/"))
    HostClock.objects.create(host="worker-b", ahead=-7.0, seen_at=timezone.now())
    shown = text_of(page.get("/admin/"))
    assert "<b>1</b><span>host whose clock is wrong</span>" in shown and "worker-b: 7.0 s behind" in shown
