"""What goes into the log, whatever an exception says."""

import json
import logging

import pytest
from celery.app.log import Logging
from celery.app.trace import build_tracer
from celery.signals import before_task_publish
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from gunicorn.config import Config

from audit import about, circumstances
from config.celery import app
from config.gunicorn import Logger
from config.logs import Json, Line, RequestId

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


def logged_in_a_task(task, *args, **headers):
    """By the worker's own way of doing it, with what the log was given in between."""
    seen = []

    class Kept(logging.Handler):
        def emit(self, record):
            RequestId().filter(record)
            seen.append(json.loads(Json().format(record)))

    logger, handler = logging.getLogger("of_this_test"), Kept()
    logger.addHandler(handler)
    build_tracer(task.name, task, app=task.app)("a-task", args, {}, {"id": "a-task", "args": args, **headers})
    logger.removeHandler(handler)
    return seen


@pytest.fixture
def look():
    """A task that says something, as tasks of ours do: ids in, one call out."""

    @app.task(name="of_this_test.look", shared=False)
    def look(chunk_id):
        logging.getLogger("of_this_test").warning("look.began")
        with about.work(campaign=5):
            about.add(channel=2)
            logging.getLogger("of_this_test").warning("look.failed", extra={"channel": 3})
        logging.getLogger("of_this_test").warning("look.ended")

    yield look
    del app.tasks[look.name]


def test_as_json_each_line_of_a_task_has_what_it_was_given_and_what_its_work_is_about(look):
    began, failed, ended = logged_in_a_task(look, 4711)
    for said in (began, failed, ended):
        assert (said["task"], said["task_id"], said["chunk"]) == (look.name, "a-task", 4711)
        assert said["request_id"] == "a-task"  # nobody's request
    assert (failed["campaign"], failed["channel"]) == (5, 3)
    assert not {"campaign", "channel"} & (began.keys() | ended.keys())


def test_a_task_that_a_request_started_has_its_id(look):
    """Each of its lines, until it ends."""
    lines = logged_in_a_task(look, 1, request_id="of-a-request")
    assert {said["request_id"] for said in lines} == {"of-a-request"}


def test_a_request_gives_its_id_to_the_tasks_that_it_starts():
    sent = {}
    token = circumstances.set_current(circumstances.Circumstances(request_id="of-a-request"))
    try:
        before_task_publish.send(sender="any", headers=sent)
    finally:
        circumstances.reset(token)
    assert sent[about.REQUEST_ID] == "of-a-request"
    alone = {}
    before_task_publish.send(sender="any", headers=alone)
    assert about.REQUEST_ID not in alone


def test_a_request_that_is_logged_leaves_out_what_somebody_looked_for(rf):
    said = written("Not Found: /lists/", request=rf.get("/lists/", {"q": TEXT}))
    assert TEXT not in json.dumps(said)


def test_celery_says_what_its_level_lets_it_and_brings_no_handler():
    root, celery = logging.getLogger(), logging.getLogger("celery")
    handlers, before = [*root.handlers], celery.level
    try:
        Logging(app).setup_logging_subsystem(loglevel=logging.ERROR)
        assert celery.level == logging.ERROR
        assert all(isinstance(one, logging.NullHandler) for one in celery.handlers)
        assert root.handlers == handlers
    finally:
        celery.setLevel(before)
        Logging._setup = False


def test_gunicorn_speaks_where_everybody_does():
    logger = Logger(Config())
    assert logger.error_log.propagate and not logger.error_log.handlers
