import io

import pytest
from django.core.files.storage import default_storage

from audit.models import Entry
from audit.refusal import Refused
from objects.trouble import StorageTrouble
from recipients import uploads
from recipients.models import RecipientList
from recipients.statuses import Status
from recipients.uploads import Incoming, TooLarge
from tests import factories
from tests.stores import away, keys, used

NUMBERS = b"+31612345678\n+31612345679\n"


class Client:
    """A stream that says how it was read."""

    def __init__(self, body: bytes, most: int = 1 << 30) -> None:
        self.body, self.most = io.BytesIO(body), most
        self.largest = 0

    def read(self, size: int) -> bytes:
        self.largest = max(self.largest, size)
        return self.body.read(min(size, self.most))


@pytest.fixture
def listed(workspace, author):
    return uploads.create(workspace, name="Customers", filename="numbers.txt", country="NL", by=author)


def receive(listed, body, *, by, length=-1):
    length = len(body) if length == -1 else length
    return uploads.receive(listed.pk, io.BytesIO(body), by=by, length=length)


@pytest.mark.usefixtures("either_store")
def test_an_upload_is_stored_and_rings_its_preparation(listed, author, rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        received = receive(listed, NUMBERS, by=author)
        assert rung == []
    assert received.status == Status.PREPARING and received.bytes == len(NUMBERS)
    with default_storage.open(received.upload_key) as file:
        assert file.read() == NUMBERS
    assert rung == [("recipients.tasks.prepare", (listed.pk,))]


def test_an_upload_is_accepted_while_the_broker_is_gone(
    listed, author, monkeypatch, django_capture_on_commit_callbacks, caplog
):
    monkeypatch.setattr("recipients.tasks.prepare.delay", lambda pk: 1 / 0)
    with django_capture_on_commit_callbacks(execute=True):
        assert receive(listed, NUMBERS, by=author).status == Status.PREPARING
    assert "Error calling" in caplog.text


def test_the_body_passes_in_pieces_however_large_it_is():
    client = Client(b"1" * (3 * uploads.PIECE))
    incoming = Incoming(client, limit=1 << 30)
    assert len(incoming.read(5 * uploads.PIECE)) == 3 * uploads.PIECE
    assert client.largest == uploads.PIECE


def test_a_read_is_filled_up_from_a_slow_client():
    incoming = Incoming(Client(b"1" * 100, most=7), limit=1000)
    assert [len(incoming.read(40)) for _ in range(4)] == [40, 40, 20, 0]


@pytest.mark.usefixtures("either_store")
def test_a_list_without_a_length_is_taken_to_its_end(listed, author):
    assert receive(listed, NUMBERS, by=author, length=None).bytes == len(NUMBERS)


def test_a_list_over_the_limit_is_refused_before_it_is_read(listed, author, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    client = Client(b"1" * 1001)
    with pytest.raises(TooLarge, match=r"1,000 bytes"):
        uploads.receive(listed.pk, client, by=author, length=1001)
    assert client.largest == 0


@pytest.mark.usefixtures("either_store")
@pytest.mark.parametrize("claimed", [None, 5])
def test_a_client_that_lies_about_the_length_is_cut_off_at_the_limit(listed, author, settings, claimed):
    settings.UPLOAD_MAX_BYTES = 100_000
    with pytest.raises(TooLarge):
        receive(listed, b"1" * 1_000_000, by=author, length=claimed)
    assert keys() == []


@pytest.mark.usefixtures("either_store")
def test_an_upload_that_broke_off_leaves_nothing_behind(listed, author):
    with pytest.raises(Refused, match=r"after 26 of 1,000 bytes") as refusal:
        receive(listed, NUMBERS, by=author, length=1000)
    listed.refresh_from_db()
    assert refusal.value.code == "incomplete"
    assert listed.status == Status.UPLOADING and keys() == []


@pytest.mark.usefixtures("either_store")
def test_an_empty_file_is_refused(listed, author):
    with pytest.raises(Refused, match="empty"):
        receive(listed, b"", by=author)
    assert keys() == []


@pytest.mark.usefixtures("either_store")
def test_a_failed_list_takes_another_file_and_forgets_the_first(workspace, author, django_capture_on_commit_callbacks):
    failed = factories.failed_list(workspace)
    failed.upload_key = default_storage.save("uploads/first", io.BytesIO(b"nonsense"))
    failed.save()
    with django_capture_on_commit_callbacks(execute=True):
        again = receive(failed, NUMBERS, by=author)
    assert (again.status, again.failure) == (Status.PREPARING, "")
    assert keys() == [again.upload_key]


@pytest.mark.parametrize("made", [factories.ready_list])
def test_a_list_that_has_its_file_takes_no_other(workspace, author, made):
    with pytest.raises(Refused, match="it has its file"):
        receive(made(workspace), NUMBERS, by=author)


@pytest.mark.usefixtures("either_store")
def test_the_loser_of_two_uploads_leaves_nothing_behind(listed, author):
    class Rival(io.BytesIO):
        """While its body arrives, another upload of the same list is accepted."""

        def read(self, size=-1):
            if not RecipientList.objects.get(pk=listed.pk).upload_key:
                receive(listed, NUMBERS, by=author)
            return super().read(size)

    with pytest.raises(Refused, match="it has its file"):
        uploads.receive(listed.pk, Rival(b"1\n"), by=author, length=2)
    assert len(keys()) == 1


def test_a_list_takes_the_country_of_its_workspace(workspace, author):
    assert uploads.create(workspace, name="A", filename="a.txt", by=author).country == workspace.country == "NL"


@pytest.mark.parametrize(
    ("given", "code"),
    [({"name": " "}, "name_missing"), ({"country": "XX"}, "bad_country"), ({"country": "Holland"}, "bad_country")],
)
def test_a_list_is_refused_for_a_reason(workspace, author, given, code):
    with pytest.raises(Refused) as refusal:
        uploads.create(workspace, **{"name": "A", "filename": "a.txt", "by": author, **given})
    assert refusal.value.code == code


def test_numbers_in_national_format_need_a_country(author):
    with pytest.raises(Refused) as refusal:
        uploads.create(factories.workspace(country=""), name="A", filename="a.txt", by=author)
    assert refusal.value.code == "country_missing"


@pytest.mark.usefixtures("either_store")
def test_a_list_with_its_file_is_created_whole_or_not_at_all(workspace, author):
    wanted = {"name": "A", "filename": "a.txt", "by": author, "length": len(NUMBERS)}
    made = uploads.create_with_file(workspace, io.BytesIO(NUMBERS), **wanted)
    assert made.status == Status.PREPARING
    with pytest.raises(Refused):
        uploads.create_with_file(workspace, io.BytesIO(NUMBERS), **{**wanted, "country": "XX"})
    assert RecipientList.objects.of(workspace).get() == made and len(keys()) == 1


def test_an_upload_is_in_the_ledger_without_its_content(listed, author):
    receive(listed, NUMBERS, by=author)
    entries = Entry.objects.about(listed).order_by("seq")
    assert [entry.action for entry in entries] == ["recipientlist.created", "recipientlist.preparing"]
    assert "31612345678" not in str([(entry.before, entry.after, entry.note) for entry in entries])


def test_an_upload_while_storage_is_away_changes_nothing(listed, author, rung):
    with used(away()), pytest.raises(StorageTrouble, match="cannot be reached"):
        receive(listed, NUMBERS, by=author)
    listed.refresh_from_db()
    assert (listed.status, listed.upload_key, rung) == (Status.UPLOADING, "", [])


def test_what_is_wrong_with_an_upload_is_said_though_its_rest_cannot_be_deleted(listed, author, monkeypatch):
    def fail(*arguments):
        raise StorageTrouble("away")

    monkeypatch.setattr(default_storage.__class__, "delete", fail)
    with pytest.raises(Refused, match="empty"):
        receive(listed, b"", by=author)
