import csv
import io

import pytest
from django.utils import timezone

from accounts.roles import Role
from channels.models import Channel
from delivery import incidents
from delivery.statuses import IncidentKind
from reports import exports
from tests import evidence, factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(workspace):
    made = factories.sending(workspace, list=factories.ready_list(workspace, 7, chunk_size=3))
    outcomes = [evidence.DELIVERED, evidence.REFUSED, evidence.PENDING]
    evidence.dispatched(made, lambda recipient: outcomes[recipient % 3], handed_over=[3, 1, 0])
    return made


def pages(api, url):
    while url:
        body = api.get(url).json()
        yield body["results"]
        url = body["next"]


def test_following_next_shows_each_recipient_once_in_list_order(api, campaign):
    found = [
        row["to"] for page in pages(api, f"/api/v1/campaigns/{campaign.pk}/recipients/?page_size=2") for row in page
    ]
    assert found == [f"+{factories.FIRST_NUMBER + recipient}" for recipient in range(7)]


def test_a_recipient_has_exactly_the_promised_fields(api, campaign):
    delivered, failed, *_ = api.get(f"/api/v1/campaigns/{campaign.pk}/recipients/").json()["results"]
    assert set(delivered) == {"to", "status", "error", "submitted_at", "done_at", "parts"}
    assert (delivered["status"], delivered["error"], delivered["parts"]) == ("delivered", None, 1)
    assert (failed["status"], failed["error"]["code"], failed["error"]["name"]) == (
        "failed",
        "0x0000000B",
        "ESME_RINVDSTADR",
    )


def test_the_filter_stays_on_the_next_page(api, campaign):
    url = f"/api/v1/campaigns/{campaign.pk}/recipients/?status=waiting&page_size=2"
    found = list(pages(api, url))
    assert [len(page) for page in found] == [2, 1]
    assert {row["status"] for page in found for row in page} == {"waiting"}


@pytest.mark.parametrize("text", ["%2B31600000002", "31600000002", "%2B31%206%200000%200002"])
def test_a_number_is_found(api, campaign, text):
    (row,) = api.get(f"/api/v1/campaigns/{campaign.pk}/recipients/?to={text}").json()["results"]
    assert (row["to"], row["status"]) == ("+31600000002", "failed")


def test_empty_parameters_are_no_filter(api, campaign):
    assert len(api.get(f"/api/v1/campaigns/{campaign.pk}/recipients/?status=&to=&cursor=").json()["results"]) == 7


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"),
        ("to=abc", "to"),
        ("cursor=-1", "cursor"),
        ("cursor=x", "cursor"),
        ("page_size=0", "page_size"),
    ],
)
def test_a_wrong_parameter_is_named(api, campaign, query, field):
    response = api.get(f"/api/v1/campaigns/{campaign.pk}/recipients/?{query}")
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == [field]


def test_errors_are_incidents_apart_from_reasons(api, campaign):
    channel = Channel.objects.default()
    incidents.note(IncidentKind.LINK_LOST, at=timezone.now(), sample="cut", channel_id=channel.pk, count=2)
    body = api.get(f"/api/v1/campaigns/{campaign.pk}/errors/").json()
    (incident,) = body["results"]
    assert set(incident) == {"kind", "channel", "count", "first_at", "last_at", "sample"}
    assert (incident["kind"], incident["channel"], incident["count"]) == ("link_lost", "main", 2)
    assert [(reason["error"]["name"], reason["count"], reason["share"]) for reason in body["reasons"]] == [
        ("ESME_RINVDSTADR", 1, 1.0)
    ]


def test_incidents_are_narrowed_by_kind_and_channel_and_reasons_are_all_there(api, campaign):
    now, channel = timezone.now(), Channel.objects.default()
    incidents.note(IncidentKind.LINK_LOST, at=now, sample="cut", channel_id=channel.pk)
    incidents.note(IncidentKind.STORAGE, at=now, sample="away", campaign_id=campaign.pk)
    for query, kinds in (
        ({"kind": "storage"}, ["storage"]),
        ({"channel": channel.name}, ["link_lost"]),
        ({"kind": "storage", "channel": channel.name}, []),
        ({"channel": "another"}, []),
    ):
        body = api.get(f"/api/v1/campaigns/{campaign.pk}/errors/", query).json()
        assert ([one["kind"] for one in body["results"]], len(body["reasons"])) == (kinds, 1), query


@pytest.mark.django_db(transaction=True)
def test_an_export_is_asked_for_looked_at_and_fetched(api, campaign):
    asked = api.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {"format": "csv"})
    assert asked.status_code == 201
    assert (asked.json()["status"], asked.json()["url"]) == ("queued", None)
    exports.write(asked.json()["id"], clock=timezone.now)
    ready = api.get(f"/api/v1/exports/{asked.json()['id']}/").json()
    assert (ready["status"], ready["rows"], ready["totals"]["accepted"]) == ("ready", 7, 7)
    file = api.get(ready["url"])
    assert file.headers["Content-Disposition"] == f'attachment; filename="campaign-{campaign.pk}-recipients.csv"'
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.streaming
    lines = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    file.close()
    assert [line["to"] for line in lines] == [str(factories.FIRST_NUMBER + recipient) for recipient in range(7)]


def test_a_file_that_is_not_ready_is_a_conflict(api, campaign):
    asked = api.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {}).json()
    response = api.get(f"/api/v1/exports/{asked['id']}/file/")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_ready")


def test_a_format_that_is_none_is_refused(api, campaign):
    response = api.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {"format": "xlsx"})
    assert (response.status_code, list(response.json()["error"]["fields"])) == (400, ["format"])


def test_the_same_idempotency_key_makes_one_export(api, campaign):
    url = f"/api/v1/campaigns/{campaign.pk}/exports/"
    first, second = (api.post(url, {"format": "csv"}, headers={"Idempotency-Key": "monday"}) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]


@pytest.mark.parametrize("role", Role)
def test_every_role_may_read_and_export(workspace, campaign, role):
    client = factories.bearer(factories.token(workspace, factories.member(workspace, role)))
    assert client.get(f"/api/v1/campaigns/{campaign.pk}/recipients/").status_code == 200
    assert client.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {}).status_code == 201


@pytest.mark.parametrize("address", ["recipients", "errors", "exports"])
def test_strangers_get_404(campaign, address):
    stranger = factories.bearer(factories.api_key(factories.workspace())[1])
    call = stranger.post if address == "exports" else stranger.get
    assert call(f"/api/v1/campaigns/{campaign.pk}/{address}/").status_code == 404


def test_a_strangers_export_is_404(api, campaign):
    asked = api.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {}).json()
    stranger = factories.bearer(factories.api_key(factories.workspace())[1])
    for address in ("", "file/"):
        assert stranger.get(f"/api/v1/exports/{asked['id']}/{address}").status_code == 404


def test_the_exports_of_a_campaign_are_listed_the_newest_first_and_no_others(api, workspace, campaign):
    other = factories.done(workspace)
    first, second, _ = (
        api.post(f"/api/v1/campaigns/{of.pk}/exports/", {"format": kind}).json()["id"]
        for of, kind in [(campaign, "csv"), (campaign, "parquet"), (other, "csv")]
    )
    listed = api.get(f"/api/v1/campaigns/{campaign.pk}/exports/").json()["results"]
    assert [(row["id"], row["format"]) for row in listed] == [(second, "parquet"), (first, "csv")]
