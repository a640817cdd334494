"""Heads of the ledger ask the bucket for a lock, where the settings say how long."""

import uuid
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from django.utils import timezone

from audit import heads
from objects.store import store
from tests import factories, stores

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


def test_a_bucket_with_object_lock_keeps_a_locked_head_from_whoever_has_its_key(s3, settings, workspace):
    settings.AUDIT_LOCK = timedelta(days=1)
    settings.STORAGES = {**settings.STORAGES, "default": stores.in_bucket(s3)}
    store.client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    settings.STORAGES = {
        **settings.STORAGES,
        "default": stores.backend_of(s3, bucket_name="locked", location=uuid.uuid4().hex),
    }
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
