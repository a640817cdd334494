import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from recipients import erasing, preparation, transitions, uploads
from recipients.listing import listing_of
from recipients.models import RecipientList
from recipients.preparation import Lease
from recipients.statuses import Status
from tests import factories


def stored(objects) -> set[str]:
    return {path.name for path in objects.rglob("*") if path.is_file()}


def erase(listed) -> RecipientList:
    erasing.erase(listed.pk, now=timezone.now())
    listed.refresh_from_db()
    return listed


def prepared(workspace, body: bytes = b"+31600000001\nnobody\n") -> RecipientList:
    listed = factories.preparing_list(workspace, body)
    preparation.prepare_list(listed.pk, now=timezone.now())
    listed.refresh_from_db()
    return listed


def test_a_ready_list_keeps_its_chunks_and_not_the_file_it_came_from(workspace, objects):
    listed = erase(prepared(workspace))
    assert listed.upload_key == "" and not list((objects / "uploads").glob("*"))
    assert (
        stored(objects) == {"00000", "manifest.json", "rejected.csv", "duplicates.csv"}
        and listing_of(listed).count == 1
    )


def test_the_file_is_there_as_long_as_the_list_is_prepared(workspace, objects):
    listed = erase(factories.preparing_list(workspace))
    assert default_storage.exists(listed.upload_key)


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.DELETED])
def test_nothing_is_left_of_a_list_that_has_no_recipients(workspace, author, objects, status):
    if status == Status.FAILED:
        listed = prepared(workspace, b"nobody\n")
    elif status == Status.CANCELLED:
        listed = factories.cancelled_list(workspace)
        default_storage.save(f"lists/{listed.pk}/dead/00000", ContentFile(b"half"))
    else:
        listed = prepared(workspace)
        transitions.delete(listed.pk, by=author)
    assert listed.upload_key and stored(objects)
    listed = erase(listed)
    assert listed.status == status and stored(objects) == set()
    assert (listed.upload_key, listed.manifest_key, listed.rejected_key, listed.duplicates_key) == ("", "", "", "")


def test_erasing_twice_does_no_harm(workspace, objects):
    listed = prepared(workspace)
    assert erase(listed) and erase(listed).status == Status.READY and "00000" in stored(objects)


def test_another_file_that_came_meanwhile_is_not_erased(workspace, author, objects, monkeypatch):
    listed = factories.cancelled_list(workspace)
    delete = default_storage.delete

    def another_file_first(key):
        monkeypatch.undo()
        uploads.receive(listed.pk, io.BytesIO(b"+31600000002\n"), by=author, length=13)
        delete(key)

    monkeypatch.setattr(default_storage, "delete", another_file_first)
    listed = erase(listed)
    assert listed.status == Status.PREPARING and default_storage.exists(listed.upload_key)
    preparation.prepare_list(listed.pk, now=timezone.now())
    listed.refresh_from_db()
    assert listed.status == Status.READY and listing_of(listed).count == 1


@pytest.mark.parametrize("verb", ["cancel", "delete", "finish", "fail"])
def test_what_ends_the_need_for_objects_rings_after_the_commit(
    workspace, author, rung, verb, django_capture_on_commit_callbacks
):
    listed = factories.preparing_list(workspace, b"nobody\n" if verb == "fail" else b"+31600000001\n")
    if verb == "delete":
        listed = factories.ready_list(workspace)
    with django_capture_on_commit_callbacks(execute=True):
        if verb in ("cancel", "delete"):
            getattr(transitions, verb)(listed.pk, by=author)
        else:
            preparation.prepare_list(listed.pk, now=timezone.now())
        assert rung == []
    assert rung == [("recipients.tasks.erase", (listed.pk,))]


def test_the_sweep_rings_again_for_what_was_not_erased_and_for_nothing_else(workspace, author, rung):
    now = timezone.now()
    factories.preparing_list(workspace)
    factories.uploading_list(workspace)
    factories.ready_list(workspace)
    erased = erase(factories.cancelled_list(workspace))
    cancelled, failed, ready = factories.cancelled_list(workspace), prepared(workspace, b"no\n"), prepared(workspace)
    deleted = factories.deleted_list(workspace)
    erasing.ring_for_leftovers(now=now)
    assert erased.upload_key == ""
    assert rung == [("recipients.tasks.erase", (row.pk,)) for row in (cancelled, failed, ready, deleted)]
    for row in (cancelled, failed, ready, deleted):
        erase(row)
    erasing.ring_for_leftovers(now=now)
    assert len(rung) == 4


def test_a_list_cancelled_under_a_worker_is_looked_at_again_when_its_lease_is_over(workspace, author, rung, settings):
    listed, now = factories.preparing_list(workspace), timezone.now()
    assert Lease.take(listed.pk, now=now)
    transitions.cancel(listed.pk, by=author)
    erase(listed)
    erasing.ring_for_leftovers(now=now)
    assert rung == []
    later = now + settings.LIST_LEASE + timedelta(seconds=1)
    erasing.ring_for_leftovers(now=later)
    assert rung == [("recipients.tasks.erase", (listed.pk,))]
    erasing.erase(listed.pk, now=later)
    erasing.ring_for_leftovers(now=later)
    assert len(rung) == 1
