"""A number that is erased is in no store any more, stays known, and breaks neither a campaign nor a total."""

import gzip
import io
import zipfile
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import IdempotentCall
from accounts.roles import Role
from audit import verification
from audit.models import Entry
from audit.refusal import Refused
from campaigns import trials
from campaigns.models import Campaign
from delivery import chunk_files, counters, due, incidents, matching, pushing, results
from delivery.models import Chunk, Doubt, Message
from delivery.statuses import IncidentKind, MessageState
from objects.store import store
from recipients import chunks, forgetting, suppression_imports, suppressions, trial_phones
from recipients.listing import listing_of
from recipients.models import ErasedChunk, Suppression, SuppressionImport
from recipients.preparation import prepare_list
from recipients.statuses import Source
from reports import erasure_places, erasures, exports, inquiries, reconciliation
from reports.models import Erasure, Export
from reports.recipients_tab import page
from reports.statuses import ErasureStatus, Place
from tests import factories
from tests.delivery.ground import (
    DOUBTED,
    arrive,
    batch_of,
    choose,
    choose_retries,
    claim,
    forget,
    intend_for,
    receipt,
    send,
    under_way,
)
from tests.delivery.test_inbound import said as mo_of
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = factories.FIRST_NUMBER
OTHER = NUMBER + 1
SPOKEN = "+31 6 0000-0001"
REASON = "She asked for it in a letter of May."
LATER = erasure_places.READ_WITHIN + timedelta(seconds=1)
MONTH = timedelta(days=31)

# Every table that could hold a number, by what becomes of it there. A new one is missing here until somebody has asked.
ERASED = {
    "accounts_idempotentcall",
    "campaigns_trialnumber",
    "delivery_carrierid",
    "delivery_chunk",
    "delivery_doubt",
    "delivery_inbound",
    "delivery_inbox",
    "delivery_incident",
    "delivery_message",
    "delivery_push",
    "delivery_receipt",
    "recipients_recipientlist",
    "recipients_suppression",
    "recipients_suppressionimport",
    "recipients_trialphone",
    "reports_inquiry",
}
FREE = {
    "people of the house: how they are called, sign in and belong": {
        *("accounts_user", "accounts_membership", "accounts_invitation", "accounts_joinrequest", "accounts_session"),
        *("accounts_attempts", "accounts_apikey", "auth_group", "auth_permission", "django_session"),
        *("accounts_authenticator", "accounts_recoverycode", "accounts_securitykey"),
        *("accounts_identity", "account_emailaddress", "account_emailconfirmation"),
        *("socialaccount_socialapp", "socialaccount_socialaccount", "socialaccount_socialtoken"),
    },
    "written by people of the house, of whom no list is filled: texts, reasons, names, settings": {
        *("accounts_workspace", "accounts_historicalworkspace", "campaigns_campaign", "campaigns_historicalcampaign"),
        *(
            "campaigns_savedtext",
            "moderation_blockedterm",
            "moderation_cannedreason",
            "moderation_decision",
            "moderation_note",
        ),
        *("recipients_stopwords", "delivery_halt"),
        *("senders_sender", "senders_historicalsender", "senders_revision", "senders_historicalrevision"),
        *("channels_channel", "channels_historicalchannel", "channels_linkstate"),
        "channels_bindtest",
        *("channels_route", "channels_historicalroute", "channels_historicalroutemember"),
    },
    "numbers never enter it, or are masked": {
        *("audit_entry", "audit_check", "audit_denial", "audit_segment", "audit_witness", "django_admin_log"),
    },
    "keys, digests, counts and places": {
        *("recipients_upload", "recipients_erasedchunk", "recipients_suppressioncount", "delivery_intent"),
        "delivery_hostclock",
        *(
            "reports_export",
            "reports_standingexport",
            "reports_counted",
            "reports_erasurestep",
            "django_content_type",
            "django_migrations",
        ),
    },
    "told to servers of the workspace's own, without numbers until it is sent; those in an answer are masked": {
        *("webhooks_endpoint", "webhooks_delivery", "webhooks_attempt", "webhooks_following", "webhooks_told"),
    },
    "sealed while it is under way, and empty afterwards": {"reports_erasure"},
    "sealed, and gone within two hours": {"accounts_unsent"},
}


def ask(workspace, number=SPOKEN, *, by=None, now=None):
    by = by or factories.somebody(workspace, Role.ADMIN)
    return erasures.ask(workspace, number, reason=REASON, by=by, now=now or timezone.now())


def work(erasure, after=timedelta(0)):
    erasures.work_on(erasure.pk, clock=lambda: erasure.asked_at + after)
    erasure.refresh_from_db()
    return erasure


def erased(workspace, **given):
    """Everything that a done one goes through."""
    erasure = ask(workspace, **given)
    for after in (timedelta(0), LATER, MONTH):
        work(erasure, after)
    assert erasure.status == ErasureStatus.DONE
    return erasure


# --- Where a number can be --------------------------------------------------------------------------------------------


def tables():
    """Parents stand for their partitions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND c.relnamespace = 'public'::regnamespace"
        )
        return {name for (name,) in cursor.fetchall()}


def that_could_hold_one():
    """Tables with a column of text, JSON or bytes, or with one of numbers that is called after phones."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND (data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY')"
            " OR (data_type IN ('bigint', 'numeric') AND column_name ~ 'phone|number|msisdn|recipient|address'))"
        )
        return {name for (name,) in cursor.fetchall()} & tables()


def tables_with(number):
    plain = str(number).encode()
    forms = [plain.decode(), plain.hex(), str(number).encode("utf-16-be").hex(), SPOKEN]
    found = set()
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f'SELECT one::text FROM "{table}" one')
            if any(form in text for (text,) in cursor.fetchall() for form in forms):
                found.add(table)
    return found


def objects():
    kept = {}
    for found in (one for keys in store.pages("") for one in keys):
        with default_storage.open(found.key, "rb") as file:
            kept[found.key] = file.read()
    return kept


def said_in(data):
    """What is in an object, also where it is packed."""
    yield data
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"PK"):
        archive = zipfile.ZipFile(io.BytesIO(data))
        yield from (archive.read(name) for name in archive.namelist())
    if data.startswith(chunks.MAGIC):
        chunk = chunks.decode(chunks.entry_for(0, "", data), data)
        yield " ".join(map(str, chunk.phones.tolist())).encode()
        yield "\n".join(chunk.rows()).encode()


def objects_with(number):
    forms = [str(number).encode(), SPOKEN.encode(), f"0{str(number)[2:]}".encode()]
    return {key for key, data in objects().items() if any(form in one for one in said_in(data) for form in forms)}


def test_every_table_that_could_hold_a_number_is_known():
    known = ERASED.union(*FREE.values())
    could = that_could_hold_one()
    assert could - known == set(), "Say in reports.erasure_places how a number leaves them, or here why none is there."
    assert known - tables() == set()


@pytest.fixture
def planted(workspace):
    """The number in every place that there is, by the verbs that bring it there."""
    listed = prepared(
        workspace,
        f"phone;name;second\n+{NUMBER};Ann;x\n{SPOKEN};Ann again;\n+{OTHER};Bob;{SPOKEN}\n"
        f"no {NUMBER};bad;\n+{NUMBER + 2};Cy;\n".encode(),
    )
    campaign, [chunk] = under_way(workspace, list=listed, channel=factories.channel())
    channel = campaign.channel_id
    send(claim(chunk), [(0, b"A1"), DOUBTED, (0, b"A3")])
    arrive(channel, receipt("A1", NUMBER), receipt("unknown", NUMBER), at=timezone.now() - timedelta(days=8))
    arrive(channel, mo_of(b"Where is my order?", NUMBER), mo_of(f"Call {NUMBER}".encode(), OTHER))
    incidents.note(IncidentKind.STORAGE, at=timezone.now(), sample=f"no +{NUMBER}", campaign_id=campaign.pk)
    Chunk.objects.filter(pk=chunk.pk).update(trouble=f"ValueError: {NUMBER}")
    Doubt.objects.filter(campaign=campaign).update(phone=NUMBER)
    factories.failed_list(workspace, failure=f"Line 7 has +{NUMBER}99.")
    admin = factories.somebody(workspace, Role.ADMIN)
    trial_phones.add(workspace, SPOKEN, whose="Ann", by=admin)
    draft = factories.draft(workspace)
    trials.send(draft.pk, to=[SPOKEN], by=draft.created_by, now=timezone.now())
    suppressions.add(workspace, SPOKEN, reason="By hand.", by=admin)
    suppressions.opt_out(None, NUMBER)
    made = factories.suppression_import(workspace)
    body = f"+{NUMBER}\n+31600000009\nx{NUMBER}\n".encode()
    suppression_imports.receive(made.pk, io.BytesIO(body), by=made.created_by, length=len(body))
    suppression_imports.run(made.pk, now=timezone.now())
    failed = f"There is no valid number in this file: 1 row. Line 1: x{NUMBER}"
    SuppressionImport.objects.filter(pk=factories.suppression_import(workspace).pk).update(failure=failed)
    written = [
        exports.request(campaign.pk, format=format, numbers="whole", by=admin).pk
        for format in ("csv", "csv.gz", "evidence")
    ]
    for pk in written:
        exports.write(pk, clock=timezone.now)
    for answered in (True, False):
        asked = inquiries.ask(workspace, SPOKEN, reason="A letter.", by=admin, now=timezone.now())
        if answered:
            inquiries.work_on(asked.pk, clock=timezone.now)
    pushing.push(factories.trigger(workspace), [pushing.Ask(to=SPOKEN)], by=None, now=timezone.now())
    answer = {"to": f"+{NUMBER}", "id": 7}
    IdempotentCall.objects.create(workspace=workspace, key="k", fingerprint="f", status=201, body=answer)
    IdempotentCall.objects.create(workspace=workspace, key=f"stop-{NUMBER}", fingerprint="f", status=201, body={})
    return campaign


def prepared(workspace, body, **given):
    made = factories.preparing_list(workspace, body, filename="numbers.csv", **given)
    prepare_list(made.pk, now=timezone.now())
    made.refresh_from_db()
    assert made.status == "ready", made.failure
    return made


def test_no_store_has_an_erased_number(workspace, planted):
    assert tables_with(NUMBER) == ERASED
    before = objects_with(NUMBER)
    assert {key.split("/")[0] for key in before} == {"lists", "exports", "inquiries", "suppressions", "uploads"}
    everything, totals = set(objects()), counters.totals(planted)

    erasure = erased(workspace)

    assert tables_with(NUMBER) == set()
    assert objects_with(NUMBER) == set()
    assert tables_with(OTHER) >= {"delivery_message"} and len(objects_with(OTHER)) >= 1  # others are where they were
    assert {step.place: step.found for step in erasure.steps.all() if not step.found} == {}
    assert erasure.sealed == ""
    assert counters.totals(planted) == totals and totals.balanced
    assert reconciliation.check([planted], receipts_since=timezone.now())[planted] == []
    states = dict(Message.objects.filter(campaign=planted).values_list("recipient", "state"))
    assert states == {0: MessageState.DELIVERED, 1: MessageState.UNCERTAIN, 2: MessageState.PENDING}
    assert {key for key in set(objects()) - everything} != set()


# --- It stays known ---------------------------------------------------------------------------------------------------


def test_whoever_was_erased_is_left_out_of_lists_imports_and_test_phones_from_then_on(workspace, admin):
    suppressions.opt_out(workspace, NUMBER)
    erased(workspace)
    [row] = Suppression.objects.of(workspace)
    assert (row.source, row.is_erased, str(row)) == (Source.OPT_OUT, True, "erased number")
    assert suppressions.totals(workspace).count == 1

    listed = prepared(workspace, f"+{NUMBER}\n+{OTHER}\n".encode())
    assert (listed.accepted, listed.suppressed) == (1, 1)
    assert suppressions.find(workspace, SPOKEN) == [row]
    assert suppressions.opt_out(workspace, NUMBER) == row
    with pytest.raises(Refused, match="suppressed"):
        suppressions.add(workspace, SPOKEN, reason="Again.", by=admin)
    with pytest.raises(Refused, match="suppressed"):
        trial_phones.add(workspace, SPOKEN, whose="Ann", by=admin)
    made = factories.suppression_import(workspace)
    body = f"+{NUMBER}\n+{OTHER}\n".encode()
    suppression_imports.receive(made.pk, io.BytesIO(body), by=made.created_by, length=len(body))
    suppression_imports.run(made.pk, now=timezone.now())
    made.refresh_from_db()
    assert (made.added, made.already) == (1, 1)
    assert tables_with(NUMBER) == set()


@pytest.mark.parametrize("everywhere", [False, True])
def test_an_erased_number_is_not_handed_over_though_a_chunk_still_has_it(workspace, everywhere):
    """A list that was prepared by somebody who knew nothing of it yet, or for another workspace."""
    if everywhere:
        suppressions.opt_out(None, NUMBER)
        erased(factories.workspace())
    else:
        erased(workspace)
    _, [chunk] = under_way(workspace, 3)
    assert choose(claim(chunk), 3).suppressed == {NUMBER}


def test_a_mark_that_an_older_key_made_is_known(workspace, settings):
    erased(workspace)
    settings.ERASURE_KEY, settings.ERASURE_KEY_FALLBACKS = "another one", [settings.ERASURE_KEY]
    assert suppressions.that_bind(workspace, [NUMBER, OTHER]) == {NUMBER}
    erased(workspace)  # and stays as it is
    assert suppressions.totals(workspace).count == 1
    settings.ERASURE_KEY_FALLBACKS = []
    assert suppressions.that_bind(workspace, [NUMBER, OTHER]) == set()


# --- A campaign that is under way -------------------------------------------------------------------------------------


def test_a_campaign_under_way_goes_on_without_the_erased_one_and_balances(workspace):
    campaign, pieces = under_way(workspace, 6, chunk_size=3)
    erasure = work(ask(workspace))
    first = claim(pieces[0])
    phones = np.array([0, OTHER, OTHER + 1], dtype=np.uint64)
    assert listing_of(campaign.list).pieces[0].read().tolist() == phones.tolist()
    assert chunk_files.phones(first).tolist() == phones.tolist()
    chosen = intend_for(first, phones)
    assert chosen.suppressed == {0}
    batch = batch_of(first, [1, 2], [(0, b"A"), (0, b"B")])
    batch.suppressed = [(0, 0)]
    assert results.store(batch, first, now=timezone.now())
    send(claim(pieces[1]), [(0, b"C"), (0, b"D"), (0, b"E")])
    due.tick(now=timezone.now())
    campaign.refresh_from_db()
    totals = counters.totals(Campaign.objects.select_related("list").get(pk=campaign.pk))
    assert (campaign.status, totals.suppressed, totals.accepted, totals.pending) == ("done", 1, 5, 5)
    assert totals.balanced
    assert [row.masked for row in page(campaign).rows[:2]] == ["•••", "+3160•••0002"]
    export = exports.request(campaign.pk, format="csv", numbers="whole", by=erasure.asked_by)
    exports.write(export.pk, clock=timezone.now)
    with default_storage.open(Export.objects.get(pk=export.pk).key) as file:
        lines = file.read().decode().splitlines()
    assert [line.split(",")[:2] for line in lines[1:3]] == [["", "suppressed"], [str(OTHER), "pending"]]


def test_what_was_to_be_tried_again_is_not(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [(0x58, b"")])
    erasure = ask(workspace)
    late = timezone.now() + timedelta(minutes=5)
    with_number = choose_retries(claim(chunk, "one", now=late), 5, now=late)
    work(erasure)
    assert with_number == [] and counters.totals(campaign).suppressed == 1


def test_a_message_erased_while_it_waits_for_its_next_try_is_suppressed_with_it(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [(0x58, b"")])
    work(ask(workspace))
    Suppression.objects.all().delete()  # as if nothing else kept it
    late = timezone.now() + timedelta(minutes=5)
    assert choose_retries(claim(chunk, "one", now=late), 5, now=late) == []
    assert counters.totals(campaign).suppressed == 1


def test_a_receipt_after_the_erasure_still_counts_and_the_number_that_it_brings_is_erased(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    send(claim(chunk), [(0, b"A1"), (0, b"A2")])
    erasure = ask(workspace)
    work(erasure)
    work(erasure, LATER)
    assert (erasure.status, bool(erasure.sealed)) == (ErasureStatus.WAITING, True)
    forget()  # another process hears it
    arrive(campaign.channel_id, receipt("A1", NUMBER))
    matching.match_pending(now=timezone.now())
    assert counters.totals(campaign).delivered == 1
    assert tables_with(NUMBER) == {"delivery_inbox"}
    work(erasure, MONTH)
    assert (erasure.status, tables_with(NUMBER)) == (ErasureStatus.DONE, set())


# --- Proof ------------------------------------------------------------------------------------------------------------


def test_the_ledger_says_who_asked_and_what_was_erased_and_holds(workspace, planted):
    erasure = erased(workspace)
    prefix = suppressions.fingerprint(NUMBER)[:12]
    asked, done = Entry.objects.filter(subject_type="erasure").order_by("pk")
    assert (asked.action, asked.actor, asked.note, asked.after) == (
        *("erasure.asked", erasure.asked_by, REASON),
        {"hash": prefix},
    )
    assert (done.action, done.after["hash"], done.after["erased"]["messages"]) == ("erasure.done", prefix, 4)
    assert [verification.verify(chain).broken for chain in verification.chains()] == [None, None]
    rows = ErasedChunk.objects.filter(list=planted.list)
    told = [entry.after for entry in Entry.objects.filter(action="recipientlist.recipients_erased")]
    manifest = chunk_files.manifest(planted.list)  # as it was approved
    [mine] = [one for one in told if one["digest"] == manifest.digest]
    assert mine["chunks"] == [
        {"chunk": row.number, "was": row.was_sha256, "is": row.sha256, "recipients": 1} for row in rows
    ]
    assert [row.was_sha256 for row in rows] == [entry.sha256 for entry in manifest.entries]


def test_two_erasures_in_one_chunk_lead_from_what_was_approved_to_what_is_there(workspace):
    listed = factories.ready_list(workspace, 3, columns=["name"], cells=[["Ann"], ["Bob"], ["Cy"]])
    erased(workspace)
    erased(workspace, number=f"+{OTHER}")
    [piece] = listing_of(listed).pieces
    assert piece.open().phones.tolist() == [0, 0, NUMBER + 2]
    assert piece.open().others(1) == [("",), ("",), ("Cy",)]
    one, two = ErasedChunk.objects.order_by("pk")
    assert (one.was_sha256, one.sha256, two.sha256) == (
        *(chunk_files.manifest(listed).entries[0].sha256, two.was_sha256),
        piece.entry.sha256,
    )
    assert sorted(key for key in objects() if key.startswith(f"lists/{listed.pk}/")) == sorted(
        [listed.manifest_key, piece.entry.key]
    )


# --- Whatever goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [Place.MESSAGES, Place.LISTS, Place.SUPPRESSED])
def test_a_worker_that_was_killed_in_any_place_is_taken_over_from(workspace, planted, monkeypatch, place):
    erasure = ask(workspace)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setitem(erasure_places.PLACES, place, killed_in(erasure_places.PLACES[place]))
        work(erasure)
    found = {step.place: step.found for step in erasure.steps.all()}
    work(erasure)  # its lease is not over
    assert {step.place: step.found for step in erasure.steps.all()} == found
    Erasure.objects.update(lease_until=None)
    for after in (timedelta(0), LATER, MONTH):
        work(erasure, after)
    assert (erasure.status, tables_with(NUMBER), objects_with(NUMBER)) == (ErasureStatus.DONE, set(), set())


def killed_in(clear):
    def die(work):
        clear(work)
        raise SystemExit

    return die


def test_two_workers_at_once_do_no_harm(workspace):
    listed = factories.ready_list(workspace, 3)
    erasure = ask(workspace)
    race(lambda: forgetting.list_(listed.pk, NUMBER, now=timezone.now()), lambda: work(erasure))
    race(lambda: work(erasure, LATER), lambda: work(erasure, LATER))
    erasure.refresh_from_db()
    assert erasure.status == ErasureStatus.DONE
    assert ErasedChunk.objects.count() == 1
    assert Entry.objects.filter(action="erasure.done").count() == 1


def test_a_list_that_is_being_prepared_is_waited_for(workspace):
    listed = factories.preparing_list(workspace, f"+{NUMBER}\n+{OTHER}\n".encode(), filename="numbers.csv")
    erasure = ask(workspace, now=timezone.now())
    Suppression.objects.all().delete()  # it had read them before
    work(erasure)
    assert work(erasure, LATER).status == ErasureStatus.WAITING
    prepare_list(listed.pk, now=timezone.now())
    work(erasure, 2 * LATER)
    assert work(erasure, 4 * LATER).status == ErasureStatus.DONE
    assert objects_with(NUMBER) == set()


def test_what_cannot_be_read_is_said(workspace):
    listed = factories.ready_list(workspace, 3)
    store.put(chunk_files.manifest(listed).entries[0].key, b"damaged")
    erased(workspace)
    assert Entry.objects.get(action="erasure.done").after["unread"] == 1


# --- Who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [("12", REASON, "bad_number"), (SPOKEN, " ", "reason_missing"), (SPOKEN, f"x {NUMBER}", "number_in_reason")],
)
def test_what_is_asked_wrongly_is_refused_and_changes_nothing(workspace, admin, number, reason, code):
    with pytest.raises(Refused) as refusal:
        erasures.ask(workspace, number, reason=reason, by=admin, now=timezone.now())
    assert refusal.value.code == code
    assert not Erasure.objects.exists() and not Suppression.objects.exists()


def test_only_an_admin_asks_and_not_twice_at_a_time(workspace, author):
    with pytest.raises(Refused) as refusal:
        ask(workspace, by=author)
    assert refusal.value.code == "not_an_admin"
    ask(workspace)
    with pytest.raises(Refused) as refusal:
        ask(workspace)
    assert refusal.value.code == "being_erased"


def test_another_workspaces_messages_and_lists_are_not_touched(workspace):
    elsewhere = factories.workspace()
    campaign, [chunk] = under_way(elsewhere, 1)
    send(claim(chunk), [(0, b"A1")])
    erased(workspace)
    assert Message.objects.get(campaign=campaign).phone == NUMBER
    assert listing_of(campaign.list).phones([0]) == {0: NUMBER}


def test_at_the_server_the_number_comes_from_the_standard_input(workspace, monkeypatch, capsys):
    factories.ready_list(workspace, 3)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SPOKEN}\n"))
    call_command("erase_number", workspace=workspace.slug, reason=REASON)
    erasure = Erasure.objects.get()
    assert (erasure.asked_by, erasure.looks) == (None, 1)
    call_command("erase_number", workspace=workspace.slug, show=erasure.pk)
    told = capsys.readouterr().out
    assert "Lists, with the lines left out of them: 1 erased" in told and str(NUMBER) not in told
    with pytest.raises(CommandError, match="Say why"):
        call_command("erase_number", workspace=workspace.slug)
