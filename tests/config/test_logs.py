"""What goes into the log, whatever an exception says."""

import json
import logging

import pytest
from celery._state import _task_stack
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from config.logs import Json, Line, RequestId
from delivery.tasks import dispatch

NUMBER = 998901234567
TEXT = "Marker of a text 7f3a"


def line(message, *, error=None):
    info = (type(error), error, error.__traceback__) if error else None
    return Line("%(message)s").format(logging.LogRecord("any", logging.ERROR, __file__, 1, message, None, info))


def test_every_process_writes_its_log_with_it():
    assert settings.LOGGING["formatters"]["line"]["()"] == "config.logs.Line"
    assert [handler["formatter"] for handler in settings.LOGGING["handlers"].values()] == ["line"]


@pytest.mark.parametrize("spelt", [f"{NUMBER}", f"+{NUMBER}", f"to={NUMBER},", f"(phone)=({NUMBER})"])
def test_a_number_in_a_line_is_masked(spelt):
    assert str(NUMBER) not in line(spelt) and "+9989•••4567" in line(spelt)


@pytest.mark.parametrize("said", ["chunk 17 of 10000000", "a0123456789f", "2026-11-26 12:59:33,123", "0.123456789012"])
def test_what_is_no_number_is_left_alone(said):
    assert line(said) == said


@pytest.mark.django_db
def test_a_row_that_the_database_quotes_is_left_out():
    """Of a table with a policy it quotes none; others have none."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE told (phone bigint PRIMARY KEY, text text CHECK (text <> ''))")
        cursor.execute("INSERT INTO told VALUES (%s, %s)", [NUMBER, TEXT])
        with pytest.raises(IntegrityError) as twice, transaction.atomic():
            cursor.execute("INSERT INTO told VALUES (%s, %s)", [NUMBER, TEXT])
        with pytest.raises(IntegrityError) as unfit, transaction.atomic():
            cursor.execute("INSERT INTO told VALUES (%s, '')", [NUMBER + 1])
    for caught in (twice, unfit):
        assert str(NUMBER)[:11] in str(caught.value)  # there is something to leave out
        said = line("tick.failed", error=caught.value)
        assert "Traceback" in said and "(left out)" in said
        assert str(NUMBER)[:11] not in said and TEXT not in said


@pytest.mark.django_db
def test_a_line_of_a_copy_that_is_quoted_is_left_out():
    with pytest.raises(Exception, match=TEXT) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (n int)")
        with cursor.copy("COPY copied FROM STDIN") as copy:
            copy.write(f"{TEXT}\n")
    assert "CONTEXT:" in line("batch.failed", error=caught.value)


def written(event, *, error=None, **extra):
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("any", logging.INFO, __file__, 1, event, None, info)
    vars(record).update(extra)
    RequestId().filter(record)
    return json.loads(Json().format(record))


def test_as_json_a_line_has_what_the_event_was_about_and_nobodys_number():
    said = written("chunk.done", campaign=17, chunk=10_001, share=0.5, phone=NUMBER, to=f"+{NUMBER}", why=None)
    assert said.pop("at").endswith("+00:00")
    assert said == {
        **{"level": "INFO", "logger": "any", "event": "chunk.done", "request_id": "-"},
        **{"campaign": 17, "chunk": 10_001, "share": 0.5, "why": None},
        **{"phone": "+9989•••4567", "to": "+9989•••4567"},
    }
    failed = written("tick.failed", error=ValueError(f"no such number\nDETAIL:  Failing row contains ({NUMBER})."))
    assert failed["exception"].endswith("no such number\nDETAIL:  (left out)")


def test_as_json_a_line_of_a_task_has_the_ids_that_it_was_given():
    dispatch.push_request(id="a-task", args=(4711,))
    _task_stack.push(dispatch)
    try:
        said = written("links.away")
    finally:
        _task_stack.pop()
        dispatch.pop_request()
    assert (said["task"], said["chunk_id"], said["request_id"]) == ("delivery.tasks.dispatch", 4711, "a-task")
