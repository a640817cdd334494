"""Where files are kept is one URL; trouble there is said at every edge, and stops nothing else."""

import urllib.request
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.statuses import Status
from config import health
from config.env import storage
from delivery import dispatching, due
from delivery.models import Chunk, Incident
from delivery.statuses import IncidentKind
from moderation.dossier import dossier
from objects.store import store
from recipients.listing import listing_of
from recipients.models import RecipientList
from reports import exports
from tests import factories
from tests.pages import signed_in, text_of
from tests.stores import answering, away, used

# --- The URL ----------------------------------------------------------------------------------------------------------


def test_a_folder_may_have_any_name():
    assert storage("file:/srv/50%25%20off")["OPTIONS"] == {"location": "/srv/50% off"}


def test_a_bucket_has_a_key_a_host_a_region_and_a_prefix():
    options = storage("s3://a%2Fb:c%40d@s3.example.com:9000/files/mc/live?tls=0&region=eu-west-1")["OPTIONS"]
    wanted = {
        "access_key": "a/b",
        "secret_key": "c@d",
        "endpoint_url": "http://s3.example.com:9000",
        "bucket_name": "files",
        "location": "mc/live",
        "region_name": "eu-west-1",
        "signature_version": "s3v4",
        "addressing_style": "path",
    }
    assert {name: options[name] for name in wanted} == wanted


def test_a_bucket_is_reached_by_tls_and_at_aws_unless_said_otherwise():
    assert storage("s3://k:s@s3.example.com/files")["OPTIONS"]["endpoint_url"] == "https://s3.example.com"
    assert not {"endpoint_url", "access_key", "secret_key"} & set(storage("s3:///files")["OPTIONS"])


@pytest.mark.parametrize("url", ["s3://key:hidden@host", "s3://key:hidden@host/", "ftp://key:hidden@host/a", ""])
def test_a_url_that_names_no_store_is_refused_without_its_secret(url):
    with pytest.raises(ImproperlyConfigured, match="STORAGE_URL") as refusal:
        storage(url)
    assert "hidden" not in str(refusal.value)


# --- Downloads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(workspace):
    made = factories.ready_list(workspace, invalid=1)
    made.rejected_key = f"lists/{made.pk}/1/rejected.csv"
    made.save(update_fields=["rejected_key"])
    return made


@pytest.mark.usefixtures("bucket")
def test_from_a_bucket_a_download_is_a_redirect_to_the_store(api, author, workspace, listed):
    store.put(listed.rejected_key, b"line,value,reason")
    browser = signed_in(author, workspace)
    masked = browser.get(f"/lists/{listed.pk}/rejected/")
    assert b"".join(masked.streaming_content) == b"line,value,reason\r\n"
    browser.post("/lists/numbers/", {"reason": "They go back to the shop."})
    page = browser.get(f"/lists/{listed.pk}/rejected/")
    for response in (api.get(f"/api/v1/lists/{listed.pk}/rejected/"), page):
        assert response.status_code == 302 and response["Cache-Control"] == "no-store"
        with urllib.request.urlopen(response["Location"]) as answer:
            assert answer.read() == b"line,value,reason"
            assert answer.headers["Content-Disposition"] == f'attachment; filename="rejected-{listed.pk}.csv"'


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(("format", "kind"), [("csv", "text/csv; charset=utf-8"), ("csv.gz", "application/gzip")])
def test_an_export_comes_from_the_bucket_with_its_name_and_type(api, workspace, format, kind):
    campaign = factories.approved(workspace)
    export = exports.request(campaign.pk, format=format, numbers="whole", by=campaign.created_by)
    exports.write(export.pk, clock=timezone.now)
    response = api.get(f"/api/v1/exports/{export.pk}/file/")
    with urllib.request.urlopen(response["Location"]) as answer:
        assert answer.headers["Content-Type"] == kind
        assert f"campaign-{campaign.pk}-recipients.{format}" in answer.headers["Content-Disposition"]


@pytest.mark.usefixtures("bucket")
def test_a_strangers_file_is_no_redirect(workspace, listed):
    store.put(listed.rejected_key, b"line,value,reason")
    stranger = factories.bearer(factories.api_key(factories.workspace())[1])
    assert stranger.get(f"/api/v1/lists/{listed.pk}/rejected/").status_code == 404


# --- Trouble ----------------------------------------------------------------------------------------------------------


def test_a_program_is_told_that_storage_is_away_and_its_upload_is_not_taken(api, workspace):
    listed = factories.uploading_list(workspace)
    with used(away()):
        response = api.put(f"/api/v1/lists/{listed.pk}/file/", b"+31612345678", content_type="application/octet-stream")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "storage_unavailable")
    assert int(response["Retry-After"]) > 0
    assert "127.0.0.1" not in response.content.decode()
    assert RecipientList.objects.get(pk=listed.pk).status == "uploading"


@pytest.mark.usefixtures("either_store")
def test_a_file_that_is_missing_is_said_to_programs_and_people(api, author, workspace, listed):
    response = api.get(f"/api/v1/lists/{listed.pk}/rejected/")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "object_missing")
    page = signed_in(author, workspace).get(f"/lists/{listed.pk}/rejected/", follow=True)
    assert "missing from the object storage" in text_of(page)


@pytest.mark.usefixtures("either_store")
def test_a_list_that_is_damaged_is_said(api, workspace):
    campaign = factories.approved(workspace)
    store.put(f"lists/{campaign.list_id}/1/00000", b"something else")
    response = api.get(f"/api/v1/campaigns/{campaign.pk}/recipients/")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "list_damaged")


def test_a_fragment_of_a_page_says_that_storage_is_away(author, workspace):
    listed = factories.ready_list(workspace)
    listing_of(listed)
    with used(away()):
        response = signed_in(author, workspace).get(f"/lists/{listed.pk}/sample/", headers={"HX-Request": "true"})
    assert response.status_code == 409 and "cannot be used at the moment" in text_of(response)


@pytest.mark.django_db
def test_a_process_whose_bucket_is_away_is_not_ready(monkeypatch):
    monkeypatch.setitem(health.CHECKS, "redis", lambda: None)
    with used(away()):
        response = Client().get("/readyz")
    assert (response.status_code, response.json()["storage"]) == (503, "unreachable")


@pytest.fixture(params=[403, 500, None], ids=["denied", "failing", "away"])
def broken(request, monkeypatch):
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    if request.param is None:
        with used(away()):
            yield
    else:
        with answering(request.param) as backend, used(backend):
            yield


def incident() -> Incident:
    return Incident.objects.get(kind=IncidentKind.STORAGE)


@pytest.fixture
def due_campaign(workspace):
    return factories.approved(workspace)


def test_a_due_campaign_waits_for_storage_and_does_not_hold_up_the_clock(due_campaign, broken):
    due.tick(now=timezone.now())
    assert Campaign.objects.get(pk=due_campaign.pk).status == Status.APPROVED
    assert incident().campaign_id == due_campaign.pk and "bucket bucket at" in incident().sample


@pytest.fixture
def open_chunk(due_campaign):
    due.tick(now=timezone.now())
    return Chunk.objects.get(campaign=due_campaign)


def test_a_chunk_that_cannot_be_read_is_an_incident_and_is_tried_again(open_chunk, broken):
    dispatching.work_on(open_chunk.pk, clock=timezone.now)
    assert incident().campaign_id == open_chunk.campaign_id
    assert Campaign.objects.get(pk=open_chunk.campaign_id).status == Status.SENDING
    assert Chunk.objects.claim(open_chunk.pk, "another", now=timezone.now() + timedelta(seconds=1)) is not None


@pytest.fixture
def reviewed(workspace):
    return factories.in_review(workspace)


def test_a_moderator_is_warned_of_a_list_that_cannot_be_read(reviewed, moderator, broken):
    concerns = dossier(reviewed, reader=moderator, now=timezone.now()).concerns
    assert any("cannot be read from storage" in concern.text for concern in concerns)
