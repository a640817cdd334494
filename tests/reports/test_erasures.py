"""A number that is erased is in no store any more, stays known, and breaks neither a campaign nor a total."""

import gzip
import io
import zipfile
import zlib
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from accounts.models import IdempotentCall
from accounts.roles import Role
from campaigns import trials
from delivery import counters, incidents
from delivery.models import Chunk, Doubt, Message
from delivery.statuses import IncidentKind, MessageState
from objects.store import store
from recipients import chunks, suppression_imports, suppressions, trial_phones
from recipients.preparation import prepare_list
from reports import erasure_places, erasures, exports, reconciliation
from reports.statuses import ErasureStatus
from tests import factories
from tests.delivery.ground import DOUBTED, arrive, claim, receipt, send, under_way
from tests.delivery.test_inbound import said as mo_of

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
    "delivery_receipt",
    "recipients_recipientlist",
    "recipients_suppression",
    "recipients_suppressionimport",
    "recipients_trialphone",
}
FREE = {
    "people of the house: how they are called, sign in and belong": {
        *("accounts_user", "accounts_membership", "accounts_invitation", "accounts_joinrequest", "accounts_session"),
        *("accounts_attempts", "accounts_apikey", "auth_group", "auth_permission", "django_session"),
    },
    "written by people of the house, of whom no list is filled: texts, reasons, names, settings": {
        *("accounts_workspace", "accounts_historicalworkspace", "campaigns_campaign", "campaigns_historicalcampaign"),
        *("moderation_blockedterm", "moderation_cannedreason", "moderation_decision", "moderation_note"),
        *("recipients_stopwords", "delivery_halt"),
        *("senders_sender", "senders_historicalsender", "senders_revision", "senders_historicalrevision"),
        *("channels_channel", "channels_historicalchannel", "channels_linkstate"),
        *("channels_route", "channels_historicalroute", "channels_historicalroutemember"),
    },
    "numbers never enter it, or are masked": {"audit_entry", "audit_check", "django_admin_log"},
    "keys, digests, counts and places": {
        *("recipients_upload", "recipients_erasedchunk", "recipients_suppressioncount", "delivery_intent"),
        *("reports_export", "reports_erasurestep", "django_content_type", "django_migrations"),
    },
    "sealed while it is under way, and empty afterwards": {"reports_erasure"},
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
    return {found.key: default_storage.open(found.key, "rb").read() for page in store.pages("") for found in page}


def said_in(data):
    """What is in an object, also where it is packed."""
    yield data
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"PK"):
        archive = zipfile.ZipFile(io.BytesIO(data))
        yield from (archive.read(name) for name in archive.namelist())
    if data.startswith(chunks.MAGIC):
        count = chunks.HEADER.unpack_from(data)[1]
        numbers = np.frombuffer(data, dtype="<u8", count=count, offset=chunks.HEADER.size)
        yield " ".join(map(str, numbers.tolist())).encode()
        packed = data[chunks.HEADER.size + numbers.nbytes :]
        yield zlib.decompress(packed) if packed else b""


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
    written = [exports.request(campaign.pk, format=format, by=admin).pk for format in ("csv", "csv.gz", "evidence")]
    for pk in written:
        exports.write(pk, clock=timezone.now)
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
    assert {key.split("/")[0] for key in before} == {"lists", "exports", "suppressions"}
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
