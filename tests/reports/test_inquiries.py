"""Somebody asks about one number: what was sent to it and why, and nothing of anybody else."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from delivery import pushing
from delivery.models import Inbound
from recipients import suppressions
from recipients.listing import listing_of
from reports import bundle, inquiries, leftovers
from reports.models import Inquiry
from tests import evidence, factories
from tests.pages import signed_in, text_of

TEXT = "Spring sale! Reply STOP."
LINES = [*range(2, 12), *range(13, 23), *range(24, 34)]  # below a heading; the lines between are no numbers
WHY = "She asked by letter."
API = "/api/v1/inquiries/"


@pytest.fixture
def campaign(workspace):
    listed = factories.ready_list(workspace, 30, chunk_size=10, invalid=2, lines=LINES)
    made = factories.sending(workspace, list=listed, text=TEXT)
    outcome = lambda recipient: evidence.DELIVERED if recipient % 2 else evidence.UNDELIVERABLE  # noqa: E731
    evidence.dispatched(made, outcome, handed_over=[10, 4, 0])
    return made


@pytest.fixture
def moderator(workspace):
    return factories.somebody(workspace, Role.MODERATOR)


def number_of(campaign, place):
    return int(listing_of(campaign.list).phones([place])[place])


def asked(workspace, phone, by):
    made = inquiries.ask(workspace, f"+{phone}", reason=WHY, by=by, now=timezone.now())
    inquiries.work_on(made.pk, clock=timezone.now)
    made.refresh_from_db()
    assert (made.status, made.failure) == ("ready", "")
    return made


def data_of(inquiry):
    with default_storage.open(inquiry.key) as file:
        return file.read()


def test_the_answer_says_what_was_sent_why_and_by_whose_approval(workspace, campaign, moderator):
    phone = number_of(campaign, 12)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_carrierid (day, channel_id, message_id, campaign_id, recipient, part, phone)"
            " VALUES (%s, %s, 'A7F', %s, 12, 0, %s)",
            [campaign.day, campaign.channel_id, campaign.pk, phone],
        )
    Inbound.objects.create(
        workspace=workspace,
        channel=campaign.channel,
        received_at=timezone.now(),
        phone=phone,
        to_address="Acme",
        text="STOP",
        keyword="stop",
        data_coding=0,
        raw=b"",
    )
    suppressions.opt_out(workspace, phone, reason="Answered with a stop word.")
    answer = inquiries.read(asked(workspace, phone, moderator))
    assert (answer["number"], answer["asked"]["why"]) == (f"+{phone}", WHY)
    [message] = answer["messages"]
    assert (message["campaign"]["id"], message["text"], message["is_test"]) == (campaign.pk, TEXT, False)
    assert (message["result"]["status"], message["result"]["error"]["code"]) == ("failed", "034")
    assert message["result"]["carrier_ids"] == [{"part": 1, "id": "A7F"}]
    assert message["result"]["parts"] == [{"part": 1, "accepted": True, "delivered": False, "failed": True}]
    assert [one["entry"]["after"]["seal"] for one in message["approvals"]] == [campaign.seal]
    [listed] = answer["lists"]
    assert (listed["place"], listed["line"], listed["row_from"], listed["row_to"]) == (13, 15, 13, 15)
    assert (listed["filename"], listed["uploaded_by"]) == (campaign.list.filename, str(campaign.list.created_by))
    [suppressed] = answer["suppressions"]
    assert (suppressed["scope"], suppressed["reason"]) == ("workspace", "Answered with a stop word.")
    assert [one["action"] for one in answer["suppression_history"]] == ["suppression.added"]
    assert [(one["text"], one["keyword"]) for one in answer["inbound"]] == [("STOP", "stop")]


def test_a_list_of_before_says_between_which_rows_it_was(workspace, moderator):
    factories.ready_list(workspace, numbers=[31600000001, 31600000002], invalid=1, lines=None)
    made = asked(workspace, 31600000002, moderator)
    [listed] = inquiries.read(made)["lists"]
    assert (listed["line"], listed["row_from"], listed["row_to"]) == (None, 2, 3)
    assert "between row 2 and row 3" in text_of(signed_in(moderator, workspace).get(f"/inquiries/{made.pk}/"))
    assert bundle.faults(data_of(made)) == []


@pytest.mark.django_db
def test_every_message_that_was_pushed_to_it_is_told_with_its_key_and_when(workspace, moderator):
    campaign = factories.trigger(workspace, text="Your code is {code}.")
    shop, _ = factories.api_key(workspace, name="Web shop")
    push = lambda key, to="+31600000001": pushing.push(  # noqa: E731
        campaign, [pushing.Ask(to=to, params={"code": "17"}, key=key)], by=shop, now=timezone.now()
    )
    for key in ("order 1", "order 2"):
        push(key)
    push("order 3", "+31600000002")
    made = asked(workspace, 31600000001, moderator)
    first, second = inquiries.read(made)["messages"]
    assert (first["pushed"]["id"], first["pushed"]["idempotency_key"]) == (0, "order 1")
    assert (second["pushed"]["by"]["name"], second["pushed"]["by"]["kind"]) == ("Web shop", "key")
    assert (first["list"], first["result"], first["text"]) == (None, None, "Your code is {code}.")
    data = data_of(made)
    assert bundle.faults(data) == []
    shown = text_of(signed_in(moderator, workspace).get(f"/inquiries/{made.pk}/"))
    assert f"pushed by the key Web shop ({shop.prefix}…)" in shown and "order 2" in shown and "order 3" not in shown
    answer = bundle.member(data, bundle.INQUIRY)
    answer["messages"][0]["pushed"] = None
    key = bundle.private_key(settings.EVIDENCE_KEY)
    assert bundle.faults(_packed(answer, key=key)) == [f"Campaign {campaign.pk}: nothing says who pushed the message."]


def test_who_is_on_the_list_and_was_not_reached_yet_is_told_so(workspace, campaign, moderator):
    [message] = inquiries.read(asked(workspace, number_of(campaign, 29), moderator))["messages"]
    assert message["result"] is None and message["is_kept"]


def test_a_number_that_nobody_knows_has_an_answer_too(workspace, campaign, moderator):
    answer = inquiries.read(asked(workspace, 31699999999, moderator))
    assert (answer["messages"], answer["lists"], answer["suppressions"], answer["inbound"]) == ([], [], [], [])


def test_messages_are_found_when_their_list_is_gone(workspace, campaign, moderator):
    phone = number_of(campaign, 3)
    type(campaign.list).objects.filter(pk=campaign.list_id).update(status="deleted")
    answer = inquiries.read(asked(workspace, phone, moderator))
    assert answer["lists"] == [] and answer["messages"][0]["result"]["status"] == "delivered"


def test_what_others_sent_to_it_is_nobody_elses_business(workspace, campaign):
    phone, other = number_of(campaign, 3), factories.workspace()
    suppressions.opt_out(workspace, phone)
    answer = inquiries.read(asked(other, phone, factories.somebody(other, Role.ADMIN)))
    assert answer["messages"] == answer["lists"] == answer["suppressions"] == answer["suppression_history"] == []


def test_the_number_is_nowhere_but_in_the_answer(workspace, campaign, moderator, caplog):
    phone = number_of(campaign, 3)
    made = asked(workspace, phone, moderator)
    assert made.phone is None
    entries = Entry.objects.of(workspace).filter(subject_type="inquiry")
    assert [entry.action for entry in entries.order_by("seq")] == ["inquiry.asked", "inquiry.running", "inquiry.ready"]
    told = json.dumps([list(entries.values_list("subject_name", "before", "after", "note"))], default=str)
    assert str(phone) not in told and str(phone) not in caplog.text and str(phone) not in made.key
    assert WHY in told


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [
        ("+31612345678", " ", "reason_missing"),
        ("+31612345678", "About 0612345678", "number_in_reason"),
        ("12", WHY, "bad_number"),
    ],
)
def test_an_inquiry_without_a_number_or_a_reason_is_refused(workspace, moderator, number, reason, code):
    with pytest.raises(Refused) as refused:
        inquiries.ask(workspace, number, reason=reason, by=moderator, now=timezone.now())
    assert refused.value.code == code
    assert not Inquiry.objects.exists()


def test_whoever_asks_too_often_waits(workspace, moderator, settings):
    settings.INQUIRIES_PER_HOUR = 2
    now = timezone.now()
    for number in range(2):
        inquiries.ask(workspace, f"+3161234567{number}", reason=WHY, by=moderator, now=now)
    with pytest.raises(Refused) as refused:
        inquiries.ask(workspace, "+31612345679", reason=WHY, by=moderator, now=now)
    assert (refused.value.code, refused.value.retry_after) == ("too_many_inquiries", 3600)
    program = factories.bearer(factories.token(workspace, moderator))
    with time_machine.travel(now + timedelta(minutes=10), tick=False):
        answer = program.post(API, {"to": "+31612345679", "reason": WHY})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_inquiries")
    assert answer["Retry-After"] == "3000"
    inquiries.ask(workspace, "+31612345679", reason=WHY, by=moderator, now=now + timedelta(hours=1, seconds=1))


def test_an_author_does_not_ask(workspace):
    with pytest.raises(Refused) as refused:
        inquiries.ask(workspace, "+31612345678", reason=WHY, by=factories.member(workspace), now=timezone.now())
    assert refused.value.code == "not_yours_to_ask"


def test_the_signed_answer_holds_without_the_database_and_says_what_was_changed(
    campaign, moderator, settings, tmp_path, capsys
):
    phone = number_of(campaign, 3)
    (tmp_path / "it.zip").write_bytes(data := data_of(asked(campaign.workspace, phone, moderator)))
    call_command("verify_evidence", str(tmp_path / "it.zip"))
    assert "The evidence holds" in capsys.readouterr().out
    key = bundle.private_key(settings.EVIDENCE_KEY)
    for change, fault in {
        "text": "what is told of it is not what the seal covers",
        "seal": "the seal is not that of the content",
        "actor": "an entry of the ledger was changed",
    }.items():
        answer = bundle.member(data, bundle.INQUIRY)
        [message] = answer["messages"]
        if change == "actor":
            message["approvals"][0]["entry"]["actor_name"] = "Somebody else"
        else:
            message[change] = "Other"
        assert any(fault in one for one in bundle.faults(_packed(answer, key=key))), change
    (tmp_path / "it.zip").write_bytes(_packed(answer, key=bundle.private_key("another")))
    with pytest.raises(CommandError):
        call_command("verify_evidence", str(tmp_path / "it.zip"))


def _packed(answer, *, key):
    return bundle.pack({bundle.INQUIRY: answer, bundle.PAPER: b""}, key=key, format=bundle.INQUIRY_FORMAT)


def test_the_document_is_in_the_language_of_whoever_asked(workspace, campaign, moderator):
    moderator.language = "ru"
    moderator.save()
    phone = number_of(campaign, 3)
    with zipfile.ZipFile(io.BytesIO(data_of(asked(workspace, phone, moderator)))) as packed:
        pages = PdfReader(io.BytesIO(packed.read("evidence.pdf"))).pages
    found = " ".join(" ".join(page.extract_text() for page in pages).split())
    for words in ("Что было отправлено на один номер", f"+{phone}", TEXT, campaign.list.filename, WHY, "Доставлено"):
        assert words in found, (words, found)


def test_pages_ask_by_post_and_show_the_answer(workspace, campaign, moderator):
    phone, page = number_of(campaign, 3), Client()
    page.force_login(moderator)
    made = page.post("/inquiries/", {"number": f"+{phone}", "reason": WHY})
    inquiry = Inquiry.objects.get()
    assert made.url == f"/inquiries/{inquiry.pk}/"
    assert str(phone) not in page.get("/inquiries/").content.decode()
    assert "hx-trigger" in page.get(made.url).content.decode()
    inquiries.work_on(inquiry.pk, clock=timezone.now)
    shown = page.get(made.url).content.decode()
    assert all(words in shown for words in (f"+{phone}", TEXT, "Delivered", campaign.list.filename))
    file = page.get(f"{made.url}file/")
    assert str(phone) not in file["Content-Disposition"]
    assert bundle.faults(file.getvalue()) == []
    assert page.post("/inquiries/", {"number": "12", "reason": WHY}).status_code == 400


def test_programs_ask_and_come_back_for_the_answer(workspace, campaign, moderator):
    phone, program = number_of(campaign, 3), factories.bearer(factories.token(workspace, moderator))
    asked = program.post(API, {"to": f"+{phone}", "reason": WHY})
    assert (asked.status_code, asked.json()["status"], asked.json()["answer"]) == (202, "queued", None)
    address = f"{API}{asked.json()['id']}/"
    assert program.get(f"{address}file/").status_code == 409
    inquiries.work_on(asked.json()["id"], clock=timezone.now)
    told = program.get(address).json()
    assert (told["status"], told["answer"]["messages"][0]["result"]["status"]) == ("ready", "delivered")
    assert bundle.faults(program.get(f"{address}file/").getvalue()) == []


def test_an_answer_is_kept_as_long_as_exports_and_forgotten_with_the_number(workspace, campaign, moderator):
    phone = number_of(campaign, 3)
    kept, other = asked(workspace, phone, moderator), asked(workspace, number_of(campaign, 4), moderator)
    leftovers.sweep(now=timezone.now() + timedelta(days=2))
    assert default_storage.exists(kept.key)
    waiting = inquiries.ask(workspace, f"+{phone}", reason=WHY, by=moderator, now=timezone.now())
    assert inquiries.forget(workspace, phone) == 2
    inquiries.work_on(waiting.pk, clock=timezone.now)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.failure, waiting.phone) == ("failed", "The number was erased.", None)
    inquiries.let_go(now=timezone.now())
    other.refresh_from_db()
    assert other.status == "ready"
    inquiries.let_go(now=timezone.now() + timedelta(days=8))
    assert set(Inquiry.objects.values_list("status", "key")) == {("expired", ""), ("failed", "")}


def test_an_inquiry_that_nobody_answers_is_rung_for_again_and_ends_after_a_day(workspace, moderator):
    made = inquiries.ask(workspace, "+31612345678", reason=WHY, by=moderator, now=timezone.now())
    inquiries.work_on(made.pk, clock=lambda: timezone.now() + timedelta(days=2))
    made.refresh_from_db()
    assert (made.status, made.failure, made.phone) == ("failed", "It could not be answered within a day.", None)


def test_what_the_ledger_says_of_a_number_is_found_under_the_key_of_then(workspace, moderator, settings):
    phone = 31600000042
    suppressions.add(workspace, str(phone), reason="They asked.", by=moderator)
    before = asked(workspace, phone, moderator)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    now = asked(workspace, phone, moderator)
    assert [one["why"] for one in inquiries.read(now)["suppression_history"]] == ["They asked."]
    assert inquiries.forget(workspace, phone) == 2
    before.refresh_from_db()
    assert before.status == "expired"
