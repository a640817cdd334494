"""A bundle of evidence holds as it was made, and whatever is changed in it is said in words."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit import heads
from recipients.listing import listing_of
from reports import bundle, exports
from reports.models import Format
from tests import evidence, factories

# An export reads in a snapshot of its own, which a test's own transaction does not allow.
pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Весенняя распродажа! Oʻzbekcha chegirma"
ROOT = Path(bundle.__file__).parent.parent
MEMBERS = ["campaign.json", "chain.json", "list.json", "document.pdf", "manifest.json", "manifest.sig"]


@pytest.fixture
def campaign(workspace):
    listed = factories.ready_list(workspace, 30, chunk_size=10, invalid=2)
    sender = factories.sender(workspace)
    factories.revision(sender, evidence=ContentFile(b"%PDF a letter", name="letter.pdf"))
    made = factories.sending(workspace, list=listed, text=TEXT, sender=sender)
    evidence.dispatched(made, lambda recipient: evidence.DELIVERED, handed_over=[10, 4, 0])
    heads.keep()
    return made


@pytest.fixture
def data(campaign):
    return asked(campaign)


@pytest.fixture
def key(settings):
    return bundle.private_key(settings.EVIDENCE_KEY)


def asked(campaign):
    export = exports.request(campaign.pk, format=Format.EVIDENCE, by=campaign.created_by)
    exports.write(export.pk, clock=timezone.now)
    export.refresh_from_db()
    assert (export.status, export.failure) == ("ready", "")
    with default_storage.open(export.key) as file:
        return file.read()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return file.getvalue()


def signed_again(data, change, *, key):
    """As somebody would write it who has the key: digests and signature fit."""
    files = {name: content for name, content in members(data).items() if not name.startswith("manifest")}
    parsed = {name: json.loads(files[name]) for name in ("campaign.json", "chain.json")}
    change(parsed["campaign.json"], parsed["chain.json"])
    return bundle.pack({**files, **parsed}, key=key)


def test_a_bundle_as_it_was_made_holds(data, key):
    assert sorted(members(data)) == sorted(MEMBERS)
    assert bundle.faults(data) == []
    assert bundle.faults(data, public=bundle.public_text(key)) == []


def test_it_tells_what_was_sent_who_decided_and_what_became_of_it(campaign, data):
    told = json.loads(members(data)["campaign.json"])
    assert (told["text"], told["seal"], told["list"]["digest"]) == (TEXT, campaign.seal, campaign.list.digest)
    assert [(one["verdict"], one["seal"]) for one in told["decisions"]] == [("campaign.approved", campaign.seal)]
    assert (told["totals"]["delivered"], told["totals"]["waiting"], told["totals"]["rows"]) == (14, 16, 32)
    assert told["sender"]["revision"]["document"]["sha256"] == hashlib.sha256(b"%PDF a letter").hexdigest()
    chain = json.loads(members(data)["chain.json"])
    assert chain["witness"] == chain["head"]


def test_no_number_is_in_it(campaign, data):
    phones = [str(phone) for phone in listing_of(campaign.list).phones(range(30)).values()]
    whole = b"".join(members(data).values()).decode(errors="replace")
    assert [phone for phone in phones if phone in whole] == []


@pytest.mark.parametrize("name", MEMBERS)
def test_a_changed_byte_in_any_member_is_found(data, name):
    files = members(data)
    files[name] = files[name][:-2] + bytes([files[name][-2] ^ 1]) + files[name][-1:]
    assert bundle.faults(zipped(files)) != []


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_found(data, name):
    files = members(data)
    del files[name]
    assert bundle.faults(zipped(files)) != []


def test_a_member_that_nobody_signed_is_found(data):
    assert bundle.faults(zipped(members(data) | {"more.json": b"{}"})) == ["more.json is not in the manifest."]


def test_a_bundle_of_another_hand_is_found_by_the_key(data, key):
    forged = signed_again(data, lambda campaign, chain: None, key=bundle.private_key("another"))
    assert bundle.faults(forged) == []
    assert bundle.faults(forged, public=bundle.public_text(key)) == [
        "The signature is not that of the manifest by this key."
    ]


def _text(campaign, chain):
    campaign["text"] = campaign["content"]["text"] = "Another text"


def _told_text(campaign, chain):
    campaign["text"] = "Another text"


def _list(campaign, chain):
    campaign["list"]["digest"] = "0" * 64


def _document(campaign, chain):
    campaign["sender"]["revision"]["document"]["sha256"] = "0" * 64


def _total(campaign, chain):
    campaign["totals"]["delivered"] += 1


def _entry(campaign, chain):
    chain["links"][0]["entry"]["actor_name"] = "Somebody else"


def _left_out(campaign, chain):
    del chain["links"][1]


def _cut_off(campaign, chain):
    chain["links"].pop()


def _witness(campaign, chain):
    chain["witness"]["hash"] = "0" * 64


def _timeline(campaign, chain):
    campaign["timeline"].pop()


def _seal(campaign, chain):
    campaign["content"]["text"] = campaign["text"] = "Another text"
    campaign["seal"] = bundle.seal.digest(campaign["content"])


WRONG = {
    _text: "The seal is not that of the content.",
    _told_text: "What is told of the campaign, its list or its sender is not what the seal covers.",
    _list: "The list's manifest is not the one that its digest names.",
    _document: "The sender's document is not the one that is told of.",
    _total: "The totals do not balance.",
    _entry: "of the ledger was changed.",
    _left_out: "does not follow the one before it.",
    _cut_off: "The head is not the last of the ledger's entries.",
    _witness: "The head is not the one whose hash was kept.",
    _timeline: "The timeline is not the ledger's entries about this campaign.",
    _seal: "No approval in the ledger has this seal.",
}


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_what_is_signed_must_also_agree_with_itself(data, key, change):
    found = bundle.faults(signed_again(data, change, key=key))
    assert [fault for fault in found if WRONG[change] in fault] != []


def test_the_same_instant_makes_the_same_bytes(data, key):
    assert signed_again(data, lambda campaign, chain: None, key=key) == signed_again(
        data, lambda campaign, chain: None, key=key
    )


def test_the_command_says_that_a_bundle_holds(data, tmp_path, capsys):
    (tmp_path / "it.zip").write_bytes(data)
    call_command("verify_evidence", str(tmp_path / "it.zip"))
    assert "The evidence holds" in capsys.readouterr().out


def test_the_command_says_what_is_wrong(data, tmp_path, capsys):
    (tmp_path / "it.zip").write_bytes(zipped(members(data) | {"campaign.json": b"{}"}))
    with pytest.raises(CommandError, match="does not hold") as refused:
        call_command("verify_evidence", str(tmp_path / "it.zip"))
    assert refused.value.returncode == 1
    assert "campaign.json was changed." in capsys.readouterr().err


@pytest.mark.parametrize(("content", "key"), [(b"no zip", None), (b"PK\x05\x06", None), (None, "?")])
def test_the_command_exits_otherwise_for_what_cannot_be_checked(data, tmp_path, content, key):
    (tmp_path / "it.zip").write_bytes(data if content is None else content)
    with pytest.raises(CommandError) as refused:
        call_command("verify_evidence", str(tmp_path / "it.zip"), key=key)
    assert refused.value.returncode == 2


def test_the_command_says_the_public_key(key, capsys):
    call_command("verify_evidence")
    assert capsys.readouterr().out.strip() == bundle.public_text(key)


def test_it_is_checked_without_settings(data, key, tmp_path):
    (tmp_path / "it.zip").write_bytes(data)
    for public, code in [(key, 0), (bundle.private_key("another"), 1)]:
        command = [sys.executable, "-m", "reports.bundle", str(tmp_path / "it.zip"), bundle.public_text(public)]
        run = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
        assert run.returncode == code, run.stderr
