"""A bundle of evidence holds as it was made, and whatever is changed in it is said in words."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from accounts.roles import Role
from audit import heads, ledger, verification
from audit.models import Entry
from config import env
from delivery import pushing
from moderation.models import Decision
from recipients import forgetting
from recipients.listing import listing_of
from reports import bundle, evidence_paper, exports
from reports.models import Format
from tests import evidence, factories, owner

# An export reads in a snapshot of its own, which a test's own transaction does not allow.
pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Весенняя распродажа! Oʻzbekcha chegirma"
ROOT = Path(bundle.__file__).parent.parent
MEMBERS = ["campaign.json", "chain.json", "list.json", "document.pdf", "evidence.pdf", "manifest.json", "manifest.sig"]


@pytest.fixture
def campaign(workspace):
    listed = factories.ready_list(workspace, 30, chunk_size=10, invalid=2)
    sender = factories.sender(workspace)
    factories.revision(sender, evidence=ContentFile(b"%PDF a letter", name="letter.pdf"))
    made = factories.sending(workspace, list=listed, text=TEXT, sender=sender)
    evidence.dispatched(made, lambda recipient: evidence.DELIVERED, handed_over=[10, 4, 0])
    factories.draft(workspace, name="Somebody else's sale")
    heads.keep()
    return made


@pytest.fixture
def data(campaign):
    return asked(campaign)


@pytest.fixture
def key(settings):
    return bundle.private_key(settings.EVIDENCE_KEY)


def asked(campaign):
    export = exports.request(
        campaign.pk, format=Format.EVIDENCE, by=factories.somebody(campaign.workspace, Role.MODERATOR)
    )
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


def test_what_others_did_meanwhile_stays_in_the_house(workspace, campaign):
    files = members(asked(campaign))
    chain = json.loads(files["chain.json"])
    others = [link for link in chain["links"] if "entry" not in link]
    assert [set(link) for link in others] == [{"seq", "hash", "digest"}] * len(others)
    assert {link["entry"]["subject"][1] for link in chain["links"] if "entry" in link} == {str(campaign.pk)}
    assert others and b"Somebody else" not in b"".join(files.values())


def test_entries_of_the_first_version_are_links_too_and_what_they_do_not_prove_is_said(campaign, key):
    """As a ledger is that began before entries had a salt."""
    with transaction.atomic(), owner.at_work() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        before = "0" * 64
        for entry in Entry.objects.of(campaign.workspace).order_by("seq"):
            entry.salt, entry.previous_hash = "", before
            entry.hash = before = ledger.hash_of(entry)
            cursor.execute(
                "UPDATE audit_entry SET salt = '', previous_hash = %s, hash = %s WHERE id = %s",
                [entry.previous_hash, entry.hash, entry.pk],
            )
    default_storage.delete_folder(f"{heads.FOLDER}/{campaign.workspace_id}/")
    data = asked(campaign)
    assert verification.verify(campaign.workspace_id).broken is None
    assert bundle.faults(data) == []
    assert any("of the ledger's first version" in note for note in bundle.notes(data))
    forged = signed_again(data, _entry, key=key)
    assert "was changed" in bundle.faults(forged)[0]


def test_a_missing_document_leaves_a_note_in_its_place(campaign, tmp_path, capsys):
    default_storage.delete(campaign.revision.evidence.name)
    (tmp_path / "it.zip").write_bytes(data := asked(campaign))
    assert bundle.faults(data) == []
    call_command("verify_evidence", str(tmp_path / "it.zip"))
    assert "is missing from the object storage" in capsys.readouterr().out


def test_a_missing_list_fails_the_export_and_says_why(campaign):
    default_storage.delete(campaign.list.manifest_key)
    export = exports.request(campaign.pk, format=Format.EVIDENCE, by=factories.somebody(campaign.workspace, Role.ADMIN))
    exports.write(export.pk, clock=timezone.now)
    export.refresh_from_db()
    assert export.status == "failed" and "missing from the object storage" in export.failure


def text_of(data):
    pages = PdfReader(io.BytesIO(members(data)["evidence.pdf"])).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Evidence of a campaign", "Who decided", "Approved and sealed", "30 accepted = 14 delivered"]),
        ("ru", ["Доказательства по рассылке", "Кто принял решение", "Доставлено"]),
        ("uz", ["Kampaniya dalillari", "Kim qaror qildi"]),
    ],
)
def test_it_has_a_document_in_the_language_of_whoever_asked(campaign, language, said):
    moderator = factories.somebody(campaign.workspace, Role.MODERATOR)
    moderator.language = language
    moderator.save()
    found = text_of(asked(campaign))
    told = json.loads(members(asked(campaign))["campaign.json"])
    for words in (*said, TEXT, campaign.seal, campaign.list.digest, told["decisions"][0]["by"], campaign.name):
        assert words in found, (words, found)


def test_the_document_names_what_its_font_cannot_show(campaign, key):
    told, chain = (json.loads(members(asked(campaign))[f"{name}.json"]) for name in ("campaign", "chain"))
    told["text"] = "Gift 🎁 for €5"
    public = bundle.public_text(key)
    one, two = (evidence_paper.made(told, chain, public=public, language="en") for _ in range(2))
    assert one == two
    assert "Gift ⟨U+1F381⟩ for €5" in PdfReader(io.BytesIO(one)).pages[0].extract_text()


def test_no_number_is_in_it(campaign, data):
    phones = [str(phone) for phone in listing_of(campaign.list).phones(range(30)).values()]
    whole = b"".join(members(data).values()).decode(errors="replace")
    assert [phone for phone in phones if phone in whole] == []


def test_a_changed_byte_in_any_member_is_found_and_so_is_a_missing_member(data):
    files = members(data)
    for name, content in files.items():
        changed = content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]
        assert bundle.faults(zipped(files | {name: changed})) != [], name
        assert bundle.faults(zipped({other: files[other] for other in files if other != name})) != [], name


def test_a_member_that_nobody_signed_is_found(data):
    assert bundle.faults(zipped(members(data) | {"more.json": b"{}"})) == ["more.json is not in the manifest."]


def test_a_bundle_of_another_hand_is_found_by_the_key(data, key):
    forged = signed_again(data, lambda campaign, chain: None, key=bundle.private_key("another"))
    assert bundle.faults(forged) == []
    assert bundle.faults(forged, public=bundle.public_text(key)) == [
        "The signature is not that of the manifest by this key."
    ]


def test_a_trigger_is_proved_by_what_was_pushed_with_which_key_and_when(workspace, key):
    campaign = factories.trigger(workspace, text="Your code is {code}.")
    shop, till = (factories.api_key(workspace, name=name)[0] for name in ("Web shop", "Till"))
    now = timezone.now()  # of one day
    for number, by in enumerate((shop, shop, till)):
        ask = pushing.Ask(to=f"+3160000000{number}", params={"code": "17"})
        pushing.push(campaign, [ask], by=by, now=now)
    heads.keep()
    files = members(data := asked(campaign))
    told = json.loads(files["campaign.json"])
    assert "list.json" not in files and told["list"] is None
    assert [(one["key"]["name"], one["messages"]) for one in told["pushed"]["by_day_and_key"]] == [
        ("Web shop", 2),
        ("Till", 1),
    ]
    assert (told["pushed"]["messages"], told["pushed"]["erased"], told["totals"]["rows"]) == (3, 0, 3)
    assert bundle.faults(data) == []
    assert "31600000001" not in b"".join(files.values()).decode(errors="replace")
    said = text_of(data)
    assert "programs pushed its messages one by one" in said and f"Web shop ({shop.prefix}…)" in said

    def fewer(campaign, chain):
        campaign["pushed"]["by_day_and_key"][0]["messages"] = 1

    assert bundle.faults(signed_again(data, fewer, key=key)) == [
        "The messages that were pushed are not those of the totals."
    ]
    page = Client()
    page.force_login(factories.somebody(workspace, Role.MODERATOR))
    assert "Signed evidence" in page.get(f"/campaigns/{campaign.pk}/").content.decode()
    asks = page.get(f"/campaigns/{campaign.pk}/exports/").content.decode()
    assert 'value="evidence">' in asks


def test_it_says_how_many_were_erased_since_and_leads_from_the_chunks_that_were_approved(campaign, key):
    for place in (3, 4, 15):
        phone = int(listing_of(campaign.list).phones([place])[place])
        forgetting.list_(campaign.list_id, phone, now=timezone.now())
    data = asked(campaign)
    told = json.loads(members(data)["campaign.json"])["list"]
    assert (told["erased"], [one["chunk"] for one in told["replaced"]]) == (3, [0, 0, 1])
    assert bundle.faults(data) == []
    assert "Erased since 3" in text_of(data)
    assert listing_of(campaign.list).line(15) == 16  # where it stood is kept for all others, too

    def other(campaign, chain):
        campaign["list"]["replaced"][1]["was"] = "0" * 64

    def fewer(campaign, chain):
        campaign["list"]["erased"] = 2

    found = [bundle.faults(signed_again(data, change, key=key)) for change in (other, fewer)]
    assert found == [
        ["What took the place of chunk 0 does not follow what was there."],
        ["The number of the erased is not that of their chunks."],
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


def _decision(campaign, chain):
    campaign["decisions"][0]["by"] = "Somebody else"


def _entry(campaign, chain):
    chain["links"][0]["entry"]["actor_name"] = "Somebody else"


def _other(campaign, chain):
    other = next(link for link in chain["links"] if "entry" not in link)
    other["digest"] = "0" * 64


def _foreign(campaign, chain):
    campaign["timeline"].remove(chain["links"][0]["seq"])
    chain["links"][0]["entry"]["subject"] = ["campaign", "0", ""]
    chain["links"][0]["hash"] = bundle._linked(chain["before"], bundle.seal.digest(chain["links"][0]["entry"]))


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
    _decision: "The decisions are not those of the ledger.",
    _entry: "was changed, or does not follow the one before it.",
    _other: "does not follow the one before it.",
    _foreign: "is about something else.",
    _left_out: "does not follow the one before it.",
    _cut_off: "The head is not the last of the ledger's entries.",
    _witness: "The head is not the one whose hash was kept.",
    _timeline: "The timeline is not the ledger's entries about this campaign.",
    _seal: "No approval in the ledger has this seal.",
}


def test_what_is_signed_must_also_agree_with_itself(data, key):
    for change, words in WRONG.items():
        found = bundle.faults(signed_again(data, change, key=key))
        assert [fault for fault in found if words in fault] != [], (change.__name__, found)


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


def test_the_command_exits_otherwise_for_what_cannot_be_checked(data, tmp_path):
    for content, key in [(b"no zip", None), (b"PK\x05\x06", None), (data, "?")]:
        (tmp_path / "it.zip").write_bytes(content)
        with pytest.raises(CommandError) as refused:
            call_command("verify_evidence", str(tmp_path / "it.zip"), key=key)
        assert refused.value.returncode == 2, (content[:8], key)


def test_the_command_says_the_public_key(key, capsys):
    call_command("verify_evidence")
    assert capsys.readouterr().out.strip() == bundle.public_text(key)


def test_the_public_key_is_at_a_stable_address_for_anybody(key):
    said, pem = Client().get("/evidence-key/").json(), Client().get("/evidence-key/pem/")
    assert said["public"] == bundle.public_text(key) and said["id"] == bundle.key_id(said["public"])
    assert pem.content.decode() == said["pem"] == bundle.public_pem(said["public"])
    assert load_pem_public_key(pem.content) == key.public_key()


@pytest.mark.parametrize(("role", "may"), [(Role.AUTHOR, False), (Role.MODERATOR, True), (Role.ADMIN, True)])
def test_evidence_is_for_those_who_answer_for_what_was_sent(workspace, campaign, role, may):
    user = factories.somebody(workspace, role)
    page = Client()
    page.force_login(user)
    address = f"/campaigns/{campaign.pk}/exports/"
    assert (b"Make the evidence" in page.get(address).content) is may
    assert page.post(address, {"format": "evidence"}).status_code == (302 if may else 403)
    export = exports.request(campaign.pk, format=Format.EVIDENCE, by=factories.somebody(workspace, Role.ADMIN))
    exports.write(export.pk, clock=timezone.now)
    program = factories.bearer(factories.token(workspace, user))
    for answer in (page.get(f"{address}{export.pk}/file/"), program.get(f"/api/v1/exports/{export.pk}/file/")):
        answer.close()
        assert answer.status_code == (200 if may else 403)
    assert program.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {"format": "csv"}).status_code == 201
    asked = program.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {"format": "evidence"})
    assert asked.status_code == (201 if may else 403)


def test_a_key_of_a_workspace_takes_no_evidence_along(workspace, campaign):
    program = factories.bearer(factories.api_key(workspace)[1])
    asked = program.post(f"/api/v1/campaigns/{campaign.pk}/exports/", {"format": "evidence"})
    assert asked.status_code == 403


def test_the_desk_leads_to_the_evidence_in_its_workspace(workspace, campaign):
    moderator = factories.somebody(workspace, Role.MODERATOR)
    moderator.is_staff = True
    moderator.save()
    page = Client()
    page.force_login(moderator)
    decision = Decision.objects.get(campaign=campaign)
    for address in (f"campaigninreview/{campaign.pk}", f"decision/{decision.pk}"):
        shown = page.get(f"/admin/moderation/{address}/change/")
        assert f'value="/campaigns/{campaign.pk}/exports/"' in shown.content.decode(), address


def test_it_is_checked_without_settings(data, key, tmp_path):
    (tmp_path / "it.zip").write_bytes(data)
    for public, code in [(key, 0), (bundle.private_key("another"), 1)]:
        command = [sys.executable, "-m", "reports.bundle", str(tmp_path / "it.zip"), bundle.public_text(public)]
        run = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
        assert run.returncode == code, run.stderr


def test_openssl_and_sha256sum_check_it_as_the_document_says(data, key, tmp_path):
    for name, content in members(data).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "key.pem").write_text(bundle.public_pem(bundle.public_text(key)))
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    assert "openssl pkeyutl -verify -pubin -inkey key.pem -rawin" in text_of(data)
    told = json.loads(members(data)["manifest.json"])["members"]
    assert told == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in told}
    assert "evidence.pdf" in told


def test_what_an_earlier_key_signed_holds_and_its_public_half_is_told_by_its_name(data, key, settings, tmp_path):
    (tmp_path / "it.zip").write_bytes(data)
    old = bundle.public_text(key)
    settings.EVIDENCE_KEY = "another"
    with pytest.raises(CommandError, match="does not hold"):
        call_command("verify_evidence", str(tmp_path / "it.zip"))
    settings.EVIDENCE_PUBLIC_KEYS = [old]
    call_command("verify_evidence", str(tmp_path / "it.zip"))
    said = Client().get("/evidence-key/").json()
    assert said["public"] != old and [one["public"] for one in said["earlier"]] == [old]
    pem = Client().get(f"/evidence-key/pem/?key={bundle.key_id(old)}")
    assert pem.content.decode() == said["earlier"][0]["pem"] == bundle.public_pem(old)
    assert f"/evidence-key/pem/?key={bundle.key_id(old)}" in text_of(data).replace(" ", "")
    assert Client().get("/evidence-key/pem/?key=0123456789abcdef").status_code == 404


@pytest.mark.parametrize("given", ["no key", "c2hvcnQ="])
def test_what_is_no_public_key_is_refused_at_the_start(monkeypatch, given):
    monkeypatch.setenv("EVIDENCE_PUBLIC_KEYS", given)
    with pytest.raises(ImproperlyConfigured, match="no public key"):
        env.public_keys("EVIDENCE_PUBLIC_KEYS")
