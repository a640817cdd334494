"""What the dispatchers store in English, in the languages of those who read it."""

import ast

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, override

from audit.wording import BETWEEN, worded
from channels import reasons as of_breakers
from delivery import incidents, reasons
from delivery.models import Incident
from delivery.statuses import IncidentKind
from objects import trouble
from reports import reasons as of_reports
from smpp import pdu, status
from smpp.pdu import RemoteProtocolError
from smpp.session import FramingError, Role, Session
from smpp.status import CommandStatus
from tests.factories import member, sending, user
from tests.pages import signed_in

SENTENCES = {
    *(value for name, value in vars(reasons).items() if name.isupper()),
    *(value for name, value in vars(of_breakers).items() if name.isupper()),
    *(value for name, value in vars(of_reports).items() if name.isupper()),
    *trouble.SENTENCES,
}
VALUES = {
    **{"link": "main/0", "campaign": "12 “May sale”", "store": "somewhere", "path": "/var/lib", "what": "odd"},
    **{"name": "ESME_RSYSERR", "text": "The carrier's queue is full.", "why": "Errno 5", "key": "lists/1/2"},
    **{"number": 7, "trouble": "ValueError", "times": 5, "count": 3, "of": 200, "seconds": "0.5", "percent": 95},
    **{"accepted": 3, "counted": 2, "waiting": 0, "parts": 5000, "chunks": 1, "paused": 2, "failed": 0, "uncertain": 4},
    **{"found": "SENT: 3, 2", "how": "hexadecimal", "code": "NoSuchBucket", "status": 404, "endpoint": "https://s3"},
    **{"state": "SENT", "there": 4, "rows": 9, "n": 6},
    **{"sender": "Shop", "channel": "main", "letter": "ж", "address": "smsc:2775", "took": 12},
}


@pytest.mark.parametrize("language", ["ru", "uz"])
@pytest.mark.parametrize("sentence", sorted(SENTENCES))
def test_a_stored_sentence_is_said_again_with_its_values(sentence, language):
    stored = sentence % VALUES
    with override(language):
        inner = {**VALUES, "text": gettext(VALUES["text"])}
        assert worded(stored) == gettext(sentence) % inner != stored


def test_what_a_bind_says_is_said_again_within_what_is_said_of_the_bind():
    what = reasons.BIND_REFUSED % {"name": "ESME_RINVPASWD", "text": status.text(CommandStatus.RINVPASWD)}
    with override("ru"):
        said = worded(reasons.BIND % {"link": "main/0", "what": what})
    assert said == (
        "Подключение main/0: в подключении отказано: ESME_RINVPASWD. Оператор связи сообщает, что пароль неверен."
    )


def test_a_list_of_sentences_is_said_again_one_by_one():
    found = [of_reports.FAILED % {"n": 2}, of_reports.FAILED_WITH % {"code": 5, "counted": 1, "there": 0}]
    with override("uz"):
        said = worded(reasons.COUNTERS_DIFFER % {"found": BETWEEN.join(found)})
        assert said == gettext(reasons.COUNTERS_DIFFER) % {"found": BETWEEN.join(map(worded, found))}
        assert all(worded(one) != one and worded(one) in said for one in found)


def framed(command, body, *, length=None):
    return pdu.HEADER.pack(length or pdu.HEADER.size + len(body), command, 0, 7) + body


BROKEN = {
    "shorter than a header": b"\0\0\0\x10",
    "command_length is wrong": framed(pdu.Command.DELIVER_SM, b"", length=99),
    "command_id": framed(0x7777, b""),
    "the body ends early": framed(pdu.Command.DELIVER_SM, b"\0"),
    "a string has no end": framed(pdu.Command.DELIVER_SM, b"CMT"),
    "sm_length is larger": framed(pdu.Command.DELIVER_SM, b"\0" * 16 + b"\xff"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_wrong_with_a_pdu_is_said_again(broken):
    with pytest.raises(RemoteProtocolError, match=broken) as caught:
        pdu.decode(BROKEN[broken])
    is_said_again(str(caught.value))


def test_so_is_what_is_wrong_with_a_stream_and_what_a_carrier_may_not_send_yet():
    with pytest.raises(FramingError) as caught:
        Session(Role.ESME).receive(b"\xff" * 16)
    is_said_again(str(caught.value))
    [error] = Session(Role.ESME).receive(framed(pdu.Command.DELIVER_SM, b"\0" * 17)).errors
    is_said_again(str(error))


def is_said_again(error):
    for language in ("ru", "uz"):
        with override(language):
            sample = reasons.BIND % {"link": "main/0", "what": reasons.NOT_SMPP % {"what": error}}
            assert error not in worded(sample)


@pytest.mark.django_db
def test_an_incident_is_read_in_the_readers_language_and_a_program_reads_english(api, workspace):
    campaign = sending(workspace)
    sample = reasons.BIND % {"link": "main/0", "what": reasons.CUT % {"count": 12}}
    incidents.note(IncidentKind.LINK_LOST, at=timezone.now(), sample=sample, channel_id=campaign.channel_id)
    incidents.note(IncidentKind.PROTOCOL, at=timezone.now(), sample="main/0: of old", channel_id=campaign.channel_id)
    reader = signed_in(member(workspace, user=user(language="ru", is_staff=True, is_superuser=True)), workspace)
    for address in (f"/campaigns/{campaign.pk}/errors/", "/admin/delivery/incident/"):
        page = reader.get(address).content.decode()
        assert "связь оборвалась, без ответа осталось: 12" in page and "main/0: of old" in page
    told = api.get(f"/api/v1/campaigns/{campaign.pk}/errors/", headers={"Accept-Language": "ru"}).json()
    assert sample in [one["sample"] for one in told["results"]] and Incident.objects.count() == 2


def _written_on_the_spot(tree):
    """Calls that note an incident with a text of their own."""
    for node in ast.walk(tree):
        name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
        if isinstance(node, ast.Call) and name in {"note", "note_once", "_note", "_report", "report", "_lose"}:
            given = [*node.args, *(word.value for word in node.keywords if word.arg == "sample")]
            yield from (one.lineno for one in given if isinstance(one, ast.JoinedStr) or _is_text(one))


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_no_incident_is_noted_in_words_that_nobody_can_translate():
    rooms = [settings.ROOT / "delivery", settings.ROOT / "reports"]
    trees = {path: ast.parse(path.read_text()) for room in rooms for path in room.rglob("*.py")}
    assert [f"{path}:{line}" for path, tree in trees.items() for line in _written_on_the_spot(tree)] == []
    assert list(_written_on_the_spot(ast.parse("incidents.note(kind, sample=f'no {what}')"))) == [1]
