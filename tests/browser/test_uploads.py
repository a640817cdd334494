"""A file on its way from the browser: seen, paused, broken off, gone on with; the bytes are those of the file."""

import hashlib
import re
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from playwright.sync_api import BrowserContext, Page, expect

from recipients.models import RecipientList, Upload
from tests import factories
from tests.browser.network import Network
from tests.live import Installation, wait_for

MEGABYTE = 1 << 20
PER_CENT = re.compile(r"^(?:[1-9]|[1-9]\d) %$")


@pytest.fixture(autouse=True)
def nobody_prepares(live: Installation) -> None:
    """A list that is ready does not need its upload, which is read here."""
    live.keep_away("worker")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    with path.open("wb") as out:
        for block in range(24):
            out.write(b"".join(b"+3161%07d,%016d,some more text\n" % (row, block) for row in range(27_000)))
    return path  # 28 MB


def choose(page: Page, file: Path) -> None:
    page.goto("/lists/new/")
    page.get_by_label("File", exact=False).first.set_input_files(file)


def send(page: Page, file: Path, *, at: float = 2 * MEGABYTE) -> Network:
    """Begun, at so many bytes a second: a busy machine has time to see it on its way."""
    choose(page, file)
    network = Network(page)
    network.limit(at)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text(PER_CENT).first).to_be_visible()
    return network


@pytest.fixture
def begun(workspace):
    """The uploads of this workspace that are not whole yet."""
    return lambda: Upload.objects.filter(list__workspace=workspace)


def state(page: Page):
    return page.locator("#uploader")


def listed_from(page: Page) -> RecipientList:
    page.wait_for_url(re.compile(r"/lists/\d+/$"))
    return RecipientList.objects.get(pk=int(page.url.rstrip("/").rpartition("/")[2]))


def hash_of(listed: RecipientList) -> str:
    found = hashlib.sha256()
    with default_storage.open(listed.upload_key) as stored:
        for chunk in stored.chunks(MEGABYTE):
            found.update(chunk)
    return found.hexdigest()


def is_stored(listed: RecipientList, file: Path) -> bool:
    return hash_of(listed) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_chosen_file_is_sent_with_its_progress_and_paused_and_resumed(page, file, begun):
    network = send(page, file)
    expect(page.get_by_text(re.compile(r"MB of \d\d\.\d MB"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"[KM]B/s"))).to_be_visible()
    expect(page.locator("[data-part=left]")).to_have_text(re.compile(r"\d+ s|a moment"))
    page.get_by_role("button", name="Pause").click()
    expect(state(page)).to_have_attribute("data-state", "paused")
    offset = wait_for(lambda: begun().filter(busy_until=None, offset__gt=0).values_list("offset", flat=True).first())
    page.wait_for_timeout(1200)
    assert begun().get().offset == offset  # nothing comes
    network.free()
    page.get_by_role("button", name="Resume").click()
    listed = listed_from(page)
    assert is_stored(listed, file) and listed.name == "customers" and listed.filename == "customers.csv"


def test_a_dropped_file_is_sent(page, tmp_path):
    page.goto("/lists/new/")
    transfer = page.evaluate_handle(
        "() => { const given = new DataTransfer();"
        " given.items.add(new File(['+31612345678\\n'], 'dropped.txt')); return given; }"
    )
    page.dispatch_event("[data-part=drop]", "drop", {"dataTransfer": transfer})
    expect(page.get_by_label("Name")).to_have_value("dropped")
    page.get_by_role("button", name="Upload").click()
    listed = listed_from(page)
    assert (listed.filename, listed.bytes) == ("dropped.txt", 13)


def test_an_upload_goes_on_by_itself_after_the_connection_was_lost(door, context: BrowserContext, page, file, begun):
    network = send(page, file)
    wait_for(lambda: begun().get().offset > MEGABYTE)
    context.set_offline(True)
    door.cut()
    expect(state(page)).to_have_attribute("data-state", "waiting")
    expect(page.get_by_text("No connection.")).to_be_visible()
    door.mend()
    context.set_offline(False)
    network.free()
    assert is_stored(listed_from(page), file)


def test_a_connection_that_breaks_for_a_moment_is_not_noticed(door, page, file, begun):
    network = send(page, file)
    wait_for(lambda: begun().get().offset > MEGABYTE)
    door.cut()
    door.mend()
    network.free()
    assert is_stored(listed_from(page), file)


def test_an_upload_goes_on_after_the_web_process_was_restarted(live, door, page, file, begun):
    network = send(page, file)
    wait_for(lambda: begun().get().offset > MEGABYTE)
    page.context.set_offline(True)
    door.cut()  # else the process lets the upload come to its end
    live.end("web")
    live.start("web")
    door.mend()
    page.context.set_offline(False)
    network.free()
    assert is_stored(listed_from(page), file)


def test_an_upload_goes_on_after_the_page_was_loaded_again(page, file, begun):
    network = send(page, file)
    wait_for(lambda: begun().get().offset > MEGABYTE)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_text("Not finished: “customers.csv”.")).to_be_visible()
    first = wait_for(lambda: begun().filter(busy_until=None).first())
    choose(page, file)
    expect(page.get_by_text("An upload of this file, for the list “customers”, was interrupted")).to_be_visible()
    network.free()
    page.get_by_role("button", name="Go on where it stopped").click()
    listed = listed_from(page)
    assert listed.pk == first.list_id and is_stored(listed, file)
    page.goto("/lists/new/")
    expect(page.get_by_text("Not finished")).to_be_hidden()


def test_an_interrupted_upload_may_begin_again_and_frees_the_first(page, file, begun):
    network = send(page, file)
    first = begun().get().list_id
    page.on("dialog", lambda dialog: dialog.accept())
    choose(page, file)
    network.free()
    page.get_by_role("button", name="Start again").click()
    listed = listed_from(page)
    assert listed.pk != first and is_stored(listed, file)
    wait_for(lambda: not begun().exists())


def test_two_tabs_send_two_files_at_once(context: BrowserContext, file, tmp_path, begun):
    other = tmp_path / "others.csv"
    other.write_bytes(file.read_bytes()[: 9 * MEGABYTE])
    tabs = [(context.new_page(), file), (context.new_page(), other)]
    networks = [send(tab, sent, at=MEGABYTE / 2) for tab, sent in tabs]
    assert begun().count() == 2
    for network in networks:
        network.free()
    assert all(is_stored(listed_from(tab), sent) for tab, sent in tabs)


def test_an_upload_that_is_thrown_away_leaves_nothing(page, file, objects, begun):
    send(page, file)
    page.get_by_role("button", name="Throw away").click()
    expect(page.get_by_role("button", name="Upload")).to_be_visible()
    wait_for(lambda: not begun().exists())


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("photo.png", b"\x89PNG", "“photo.png” is neither a .txt nor a .csv file."),
        ("empty.txt", b"", "The file is empty."),
    ],
)
def test_what_is_wrong_with_a_file_is_said_when_it_is_chosen(page, tmp_path, name, body, text):
    (tmp_path / name).write_bytes(body)
    choose(page, tmp_path / name)
    expect(page.get_by_role("alert")).to_have_text(text)


def test_so_it_is_of_another_file_for_a_list_that_failed(page, workspace, tmp_path):
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    address = f"/lists/{factories.failed_list(workspace).pk}/"
    page.goto(address)
    page.get_by_label("File").set_input_files(tmp_path / "photo.png")
    expect(page.get_by_role("alert").last).to_have_text("“photo.png” is neither a .txt nor a .csv file.")
    page.get_by_role("button", name="Upload").click()
    assert page.evaluate("location.pathname") == address


def test_what_the_server_refuses_is_said_and_the_form_is_there_again(page, file):
    choose(page, file)
    page.get_by_label("Country").fill("XX")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_have_text("“XX” is not a country code such as NL.")
    expect(page.get_by_role("button", name="Upload")).to_be_visible()


def test_numbers_are_pasted(page):
    page.goto("/lists/new/")
    page.get_by_label("Name").fill("Pasted")
    page.get_by_text("Or paste a few numbers").click()
    page.get_by_label("Numbers").fill("0612345678\n0612345679")
    page.get_by_role("button", name="Upload").click()
    assert listed_from(page).filename == "pasted.txt"
