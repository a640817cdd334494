import pytest
from django.core.files.base import ContentFile

from objects.store import store
from objects.trouble import StorageTrouble


def test_a_folder_that_cannot_be_used_is_named(objects):
    objects.write_text("not a folder")
    for use in (lambda: store.save("uploads/a", ContentFile(b"1")), lambda: store.put("uploads/a", b"1"), store.probe):
        with pytest.raises(StorageTrouble, match=str(objects)):
            use()


def test_a_disk_that_is_full_is_said(objects):
    (objects / "uploads").mkdir(parents=True)
    (objects / "uploads" / "a").symlink_to("/dev/full")
    with pytest.raises(StorageTrouble, match="No space left on device"):
        store.put("uploads/a", b"1")


def test_files_come_through_us():
    store.put("exports/a", b"1")
    assert store.download_url("exports/a", filename="a.csv", content_type="text/csv") is None
