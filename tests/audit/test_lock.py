"""Heads of the ledger ask the bucket for a lock, where the settings say how long."""

import uuid
from contextlib import suppress
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from django.utils import timezone

from audit import checks, heads, verification
from objects.store import store
from tests import factories, stores
from tests.owner import tamper

pytestmark = pytest.mark.django_db


def test_a_head_is_locked_for_so_many_days_against_whoever_has_the_key(bucket, settings, workspace):
    settings.AUDIT_LOCK = timedelta(days=3650)
    factories.draft(workspace)
    asked = {}
    with Stubber(store.client) as stub:
        stub.add_client_error("head_object", http_status_code=404)
        stub.add_response("put_object", {}, {name: ANY for name in ("Body", "Bucket", "Key", "ContentType", *LOCK)})
        store.client.meta.events.register(
            "provide-client-params.s3.PutObject", lambda params, **_: asked.update(params)
        )
        heads.keep_decided(["campaign.created"])
        stub.assert_no_pending_responses()
    assert (asked["ObjectLockMode"], asked["ChecksumAlgorithm"]) == ("COMPLIANCE", "SHA256")
    assert asked["Key"].rpartition("/heads/")[2].startswith(f"{workspace.pk}/")
    years = (asked["ObjectLockRetainUntilDate"] - timezone.now()).days
    assert 3648 <= years <= 3650


@pytest.fixture
def locking(s3, settings):
    """A part of a bucket that has object lock, and the setting that asks for it."""
    settings.AUDIT_LOCK = timedelta(days=1)
    settings.STORAGES = {**settings.STORAGES, "default": stores.in_bucket(s3)}
    with suppress(store.client.exceptions.BucketAlreadyOwnedByYou, store.client.exceptions.BucketAlreadyExists):
        store.client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    settings.STORAGES = {
        **settings.STORAGES,
        "default": stores.backend_of(s3, bucket_name="locked", location=uuid.uuid4().hex),
    }


@pytest.mark.usefixtures("locking")
def test_a_bucket_with_object_lock_keeps_a_locked_head_from_whoever_has_its_key(workspace):
    factories.draft(workspace)
    heads.keep_decided(["campaign.created"])
    ours = f"{store.location}/{heads.FOLDER}/{workspace.pk}/"
    [head] = store.client.list_object_versions(Bucket="locked", Prefix=ours)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        store.client.delete_object(Bucket="locked", Key=head["Key"], VersionId=head["VersionId"])
    assert heads.kept(workspace.pk)


LOCK = ("ObjectLockMode", "ObjectLockRetainUntilDate", "ChecksumAlgorithm")


def test_without_such_a_setting_none_is_asked_for(bucket, workspace):
    factories.draft(workspace)
    heads.keep_decided(["campaign.created"])
    assert heads.kept(workspace.pk)


@pytest.mark.usefixtures("locking")
def test_a_head_that_somebody_hides_is_found(workspace):
    """A delete marker needs no more than the key; behind it the head is as it was."""
    factories.draft(workspace)
    heads.keep()
    [(seq, digest)] = heads.each(workspace.pk)
    tamper("DELETE FROM audit_entry WHERE chain = %s AND seq = %s", workspace.pk, seq)
    store.delete(f"{heads.FOLDER}/{workspace.pk}/{seq:019}-{digest}")
    assert list(store.names(f"{heads.FOLDER}/{workspace.pk}")) == []
    assert verification.verify(workspace.pk).broken == (seq, "is missing")


@pytest.mark.usefixtures("locking")
def test_a_chain_of_which_everything_is_hidden_is_missed(workspace):
    factories.draft(workspace)
    heads.keep()
    [(seq, digest)] = heads.each(workspace.pk)
    tamper("DELETE FROM audit_entry WHERE chain = %s", workspace.pk)
    store.delete(f"{heads.FOLDER}/{workspace.pk}/{seq:019}-{digest}")
    assert workspace.pk in verification.chains()
    assert verification.verify(workspace.pk).broken == (1, "is missing")


@pytest.mark.usefixtures("locking")
def test_only_heads_from_a_place_on_are_asked_for_hidden_or_not(workspace):
    for seq in (3, 7, 12):
        store.put(f"{heads.FOLDER}/{workspace.pk}/{seq:019}-{'a' * 64}", b"")
    store.put(f"{heads.FOLDER}/{workspace.pk}/{7:019}-{'a' * 64}", b"")  # a version more is no head more
    store.delete(f"{heads.FOLDER}/{workspace.pk}/{7:019}-{'a' * 64}")
    assert [seq for seq, _ in heads.each(workspace.pk)] == [3, 7, 12]
    assert [seq for seq, _ in heads.each(workspace.pk, since=4)] == [7, 12]
    assert [seq for seq, _ in heads.each(workspace.pk, since=7)] == [7, 12]


@pytest.mark.usefixtures("either_store")
def test_names_and_folders_are_those_of_one_folder_in_their_order(workspace):
    for key in ("a/2", "a/10", "a/b/3", "a/1", "ab/4"):
        store.put(key, b"")
    assert (list(store.names("a")), list(store.names("a", after="10"))) == (["1", "10", "2"], ["2"])
    assert store.folders("a") == ["b"]
    assert (list(store.names("nothing")), store.folders("nothing")) == ([], [])


# --- Whether it can be ------------------------------------------------------------------------------------------------


def of_the_lock(found):
    return [(message.id, message.is_serious()) for message in found]


@pytest.mark.usefixtures("either_store")
def test_a_store_that_locks_nothing_is_said_where_locks_are_wanted(client, settings, caplog):
    assert of_the_lock(checks.check_lock(None)) == []
    settings.AUDIT_LOCK = timedelta(days=1)
    assert of_the_lock(checks.check_lock(None)) == [("audit.E001", True)]
    assert client.get("/readyz").json()["storage"] == "unfit"
    checks.say_at_start()
    assert "ledger.unlockable" in caplog.messages


@pytest.mark.usefixtures("locking")
def test_a_bucket_that_locks_is_fit(client):
    assert of_the_lock(checks.check_lock(None)) == []
    assert client.get("/readyz").json()["storage"] == "ok"


def test_a_store_that_is_away_is_not_said_to_lock_nothing(settings):
    settings.AUDIT_LOCK = timedelta(days=1)
    with stores.used(stores.away()):
        assert of_the_lock(checks.check_lock(None)) == [("audit.W001", False)]
        checks.say_at_start()
