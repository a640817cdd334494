import os
import re
import time

import pytest

from stack import processes
from stack.failure import Failure
from stack.processes import Processes


def running(data, **commands) -> Processes:
    started = Processes(commands, env=dict(os.environ), logs=data)
    started.start()
    return started


def wait_for(claim) -> None:
    deadline = time.monotonic() + 60
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def heard() -> dict[str, set[str]]:
    """Which queues, by process."""
    found = {name: re.findall(r"--queues (\S+)", line) for name, line in processes.of_procfile().items()}
    return {name: set(queues[0].split(",")) for name, queues in found.items() if queues}


def test_the_procfile_starts_every_queue_that_celery_has():
    from config.celery import app

    assert set().union(*heard().values()) == {queue.name for queue in app.conf.task_queues}


def test_what_is_looked_for_within_half_a_minute_is_never_behind_what_takes_long():
    from config.celery import app

    quick = set().union(*(queues for queues in heard().values() if not queues & {"lists", "exports", "housekeeping"}))
    often = {one["task"] for one in app.conf.beat_schedule.values() if one["schedule"] in range(1, 31)}
    routed = {task: app.amqp.router.route({}, task)["queue"].name for task in [*often, "notices.tasks.tell"]}
    assert len(often) > 12 and {task: queue for task, queue in routed.items() if queue not in quick} == {}


def test_a_machine_that_does_not_start_what_is_new_hears_its_queues_all_the_same():
    new = {"events", "letters"}
    assert set().union(*(heard()[name] for name in new)) <= heard()["worker"]


def test_a_process_that_ends_takes_the_command_down_with_its_last_words(data):
    started = running(data, web="sleep 60", worker="echo out of memory")
    try:
        wait_for(lambda: started._running["worker"].poll() is not None)
        with pytest.raises(Failure, match=r"(?s)worker ended.*out of memory"):
            started.check()
    finally:
        started.stop()


def test_a_process_that_ignores_the_request_to_stop_is_killed(data, monkeypatch):
    monkeypatch.setattr(processes, "DRAIN", 0.2)
    started = running(data, web="sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done'")
    wait_for(lambda: "ready" in (data / "web.log").read_text())
    pid = started.pids["web"]
    started.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_carrier_stays_until_the_others_have_drained(data):
    at_the_end = "trap 'date +%s%N; exit' TERM; echo ready; while :; do sleep 0.05; done"
    started = running(
        data,
        smsc=f'sh -c "{at_the_end}"',
        dispatch=f'sh -c "{at_the_end.replace("date", "sleep 0.5; date")}"',
    )
    logs = [data / "dispatch.log", data / "smsc.log"]
    wait_for(lambda: all("ready" in log.read_text() for log in logs))
    started.stop()
    drained, hung_up = (int(log.read_text().split()[-1]) for log in logs)
    assert drained < hung_up


def test_the_log_of_the_run_before_is_kept(data):
    for word in ("first", "second"):
        started = running(data, web=f"echo {word}")
        started._running["web"].wait()
        started.stop()
    assert [(data / name).read_text() for name in ("web.log.1", "web.log")] == ["first\n", "second\n"]
