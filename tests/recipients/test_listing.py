import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from objects.trouble import ObjectMissing
from recipients.chunks import ChunkDamaged
from recipients.listing import GROUP, listing_of
from tests import factories

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.usefixtures("either_store")


@pytest.fixture
def listed(workspace):
    return factories.ready_list(workspace, 7, chunk_size=3)


@BOTH
def test_recipients_count_from_zero_across_the_chunks(listed):
    listing = listing_of(listed)
    assert listing.count == 7
    assert [(piece.first, piece.end) for piece in listing.pieces] == [(0, 3), (3, 6), (6, 7)]
    assert listing.phones([0, 2, 3, 6]) == {n: factories.FIRST_NUMBER + n for n in (0, 2, 3, 6)}


def test_a_page_reads_each_chunk_once(listed, monkeypatch):
    listing, opened = listing_of(listed), []
    open_ = FileSystemStorage.open
    monkeypatch.setattr(FileSystemStorage, "open", lambda *call: opened.append(call[1]) or open_(*call))
    listing.phones([1, 2, 3, 5])
    assert len(opened) == len(set(opened)) == 2


@pytest.mark.parametrize("recipient", range(7))
def test_a_number_leads_to_its_recipient(listed, recipient):
    assert listing_of(listed).find(factories.FIRST_NUMBER + recipient) == recipient


@BOTH
def test_a_number_is_found_beyond_the_first_group_of_chunks(workspace):
    listed = factories.ready_list(workspace, GROUP + 3, chunk_size=1)
    assert listing_of(listed).find(factories.FIRST_NUMBER + GROUP + 1) == GROUP + 1


def test_a_number_that_is_not_there_is_nobody(listed):
    assert listing_of(listed).find(49170000000) is None


@BOTH
def test_a_damaged_chunk_is_never_read_nor_searched(listed):
    listing = listing_of(listed)
    key = listing.pieces[1].entry.key
    default_storage.delete(key)
    default_storage.save(key, ContentFile(b"\x01" * 24))
    with pytest.raises(ChunkDamaged):
        listing.phones([3])
    with pytest.raises(ChunkDamaged):
        listing.find(49170000000)


@BOTH
def test_a_manifest_that_the_digest_does_not_name_is_refused(listed):
    listed.digest = "0" * 64
    with pytest.raises(ChunkDamaged):
        listing_of(listed)


@BOTH
def test_a_chunk_that_is_gone_is_missing(listed):
    listing = listing_of(listed)
    default_storage.delete(listing.pieces[1].entry.key)
    with pytest.raises(ObjectMissing):
        listing.phones([3])
    with pytest.raises(ObjectMissing):
        listing.find(49170000000)
