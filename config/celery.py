"""The Celery app, its routes and its beat schedule: code, reviewed like code."""

import logging
import os
from typing import Any

from celery import Celery
from celery.fixups.django import DjangoWorkerFixup
from celery.schedules import crontab
from celery.signals import before_task_publish, setup_logging, worker_init, worker_ready
from django.conf import settings
from django.db import close_old_connections
from kombu import Message, Queue
from kombu.transport.redis import Channel, QoS
from redis.exceptions import OutOfMemoryError

from audit import about, checks, circumstances, walls
from metrics import done, queues

# Of these entries a witness is kept within seconds: a campaign's approval, its start and its end.
WITNESSED = [f"campaign.{status}" for status in ("approved", "sending", "done", "expired", "cancelled", "failed")]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class _Doorbells(QoS):  # type: ignore[misc]
    """What was taken over a connection that is lost is nobody's any more, and whoever sweeps rings again.

    Celery 5.7 closes the connection before it gives back, and acknowledges later, what came over it: both raise what
    nobody catches, and end a worker with all its binds.
    """

    restore_at_shutdown = False

    def append(self, message: Message, delivery_tag: str) -> None:
        """A Redis without room cannot note who has taken it, and what is taken is heard all the same: else the error
        ends the worker."""
        try:
            super().append(message, delivery_tag)
        except OutOfMemoryError:
            super(QoS, self).append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        if not self.channel.closed:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not self.channel.closed:
            super().reject(delivery_tag, requeue=requeue)


Channel.QoS = _Doorbells


def _close_what_is_old(fixup: DjangoWorkerFixup, **about: Any) -> None:
    """Around each task, connections are treated as around a request: kept for CONN_MAX_AGE, unless one is broken.

    Celery closes them: a connection for each look at a chunk costs PostgreSQL more than the look does.
    """
    close_old_connections()


DjangoWorkerFixup.close_database = _close_what_is_old

app = Celery("message_center")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_create_missing_queues=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=True,
    task_send_sent_event=True,
    broker_connection_retry_on_startup=True,
    broker_heartbeat=30,  # of those that ask for it (AMQP): a consumer finds out that its broker is gone
    # A doorbell that cannot ring must not hold up whoever presses it: the next tick rings again.
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1},
    task_queues=[
        Queue(name) for name in ("lists", "exports", "housekeeping", "soon", "letters", "clock", "dispatch", "webhooks")
    ],
    task_default_queue="housekeeping",
    task_routes={
        # What looks and rings, and what must be known soon, is never behind a long list or export: docs/adr/0056.
        "audit.tasks.verify_*": {"queue": "housekeeping"},
        "audit.tasks.*": {"queue": "soon"},
        "notices.tasks.look": {"queue": "soon"},
        "notices.tasks.tell": {"queue": "letters"},
        "recipients.tasks.sweep_objects": {"queue": "lists"},
        "recipients.tasks.sweep*": {"queue": "soon"},
        "recipients.tasks.*": {"queue": "lists"},
        "reports.tasks.mark_replica": {"queue": "clock"},
        "reports.tasks.sweep_objects": {"queue": "exports"},
        "reports.tasks.sweep*": {"queue": "soon"},
        "reports.tasks.ask_standing": {"queue": "soon"},
        "reports.tasks.*": {"queue": "exports"},
        "delivery.tasks.dispatch": {"queue": "dispatch"},
        "channels.tasks.test_bind": {"queue": "dispatch"},  # which has the password
        # What must happen on the second has a process of its own: a long list never makes a campaign late.
        "delivery.tasks.tick": {"queue": "clock"},
        "delivery.tasks.start_on_time": {"queue": "clock"},
        "delivery.tasks.match_receipts": {"queue": "clock"},
        "delivery.tasks.check_database": {"queue": "soon"},
        "delivery.tasks.fold_tallies": {"queue": "soon"},
        "delivery.tasks.*": {"queue": "housekeeping"},
        "moderation.tasks.lapse": {"queue": "clock"},
        # A process of its own, and what is to be told is found in another: a receiver that is slow makes nothing late
        # but its own.
        "webhooks.tasks.look": {"queue": "soon"},
        "webhooks.tasks.forget": {"queue": "housekeeping"},
        "webhooks.tasks.*": {"queue": "webhooks"},
    },
    beat_schedule={
        "tick": {"task": "delivery.tasks.tick", "schedule": 1.0, "options": {"expires": 5}},
        "start-on-time": {"task": "delivery.tasks.start_on_time", "schedule": 1.0, "options": {"expires": 5}},
        "lapse-approvals": {"task": "moderation.tasks.lapse", "schedule": 2.0, "options": {"expires": 5}},
        "match-receipts": {"task": "delivery.tasks.match_receipts", "schedule": 2.0, "options": {"expires": 5}},
        "fold-tallies": {"task": "delivery.tasks.fold_tallies", "schedule": 30.0, "options": {"expires": 30}},
        "close-unreceipted": {"task": "delivery.tasks.close_unreceipted", "schedule": 60.0, "options": {"expires": 60}},
        # A database that was restored without its workers being stopped is found out as soon as this looks again.
        "check-database": {"task": "delivery.tasks.check_database", "schedule": 10.0, "options": {"expires": 10}},
        "drop-old-partitions": {"task": "delivery.tasks.drop_old_partitions", "schedule": 6 * 3600.0},
        "retain": {"task": "reports.tasks.retain", "schedule": 6 * 3600.0},
        "reconcile": {"task": "reports.tasks.reconcile", "schedule": 3600.0, "options": {"expires": 3600}},
        "count-days": {"task": "reports.tasks.count_days", "schedule": 60.0, "options": {"expires": 60}},
        "prepare-partitions": {"task": "delivery.tasks.prepare_partitions", "schedule": 3600.0},
        "keep-heads": {"task": "audit.tasks.keep_heads", "schedule": 300.0, "options": {"expires": 300}},
        "verify-ledger": {
            "task": "audit.tasks.verify_chains",
            "schedule": crontab(hour="2", minute="40"),
            "options": {"expires": 3600},
        },
        "keep-heads-of-decisions": {
            "task": "audit.tasks.keep_heads_of_decisions",
            "schedule": 5.0,
            "options": {"expires": 5},
            "args": [WITNESSED],
        },
        "close-denials": {"task": "audit.tasks.close_denials", "schedule": 60.0, "options": {"expires": 60}},
        "look-for-notices": {"task": "notices.tasks.look", "schedule": 5.0, "options": {"expires": 5}},
        "forget-notices": {"task": "notices.tasks.forget", "schedule": 6 * 3600.0},
        "look-for-webhooks": {"task": "webhooks.tasks.look", "schedule": 2.0, "options": {"expires": 5}},
        "forget-webhooks": {"task": "webhooks.tasks.forget", "schedule": 6 * 3600.0},
        "forget-calls": {"task": "accounts.tasks.forget_calls", "schedule": 3600.0},
        "forget-attempts": {"task": "accounts.tasks.forget_attempts", "schedule": 3600.0},
        "forget-sessions": {"task": "accounts.tasks.forget_sessions", "schedule": 3600.0},
        "sweep-lists": {"task": "recipients.tasks.sweep", "schedule": 10.0, "options": {"expires": 10}},
        "sweep-leftovers": {"task": "recipients.tasks.sweep_leftovers", "schedule": 60.0, "options": {"expires": 60}},
        "sweep-suppressions": {
            "task": "recipients.tasks.sweep_suppressions",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "sweep-uploads": {"task": "recipients.tasks.sweep_uploads", "schedule": 60.0, "options": {"expires": 60}},
        "ask-standing": {"task": "reports.tasks.ask_standing", "schedule": 30.0, "options": {"expires": 30}},
        "sweep-exports": {"task": "reports.tasks.sweep", "schedule": 30.0, "options": {"expires": 30}},
        "sweep-erasures": {"task": "reports.tasks.sweep_erasures", "schedule": 30.0, "options": {"expires": 30}},
        "sweep-objects-of-lists": {"task": "recipients.tasks.sweep_objects", "schedule": 6 * 3600.0},
        "sweep-inquiries": {"task": "reports.tasks.sweep_inquiries", "schedule": 30.0, "options": {"expires": 30}},
        "sweep-objects-of-exports": {"task": "reports.tasks.sweep_objects", "schedule": 6 * 3600.0},
    },
)


@app.on_after_configure.connect  # type: ignore[untyped-decorator]
def _mark_for_the_replica(sender: Celery, **about: Any) -> None:
    """Where there is one."""
    if settings.DATABASE_REPLICA_URL:
        entry = {"task": "reports.tasks.mark_replica", "schedule": 1.0, "options": {"expires": 2}}
        sender.conf.beat_schedule["mark-replica"] = entry


def _serve_all_workspaces(**about: Any) -> None:
    """A worker works for all of them: its dispatcher, its clock and its sweepers ask what is due, wherever it is."""
    walls.be_the_system()


@setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_everybody(loglevel: int, **about: Any) -> None:
    """Django has set it up, and Celery adds no handler of its own; its --loglevel is for what it says itself."""
    logging.getLogger("celery").setLevel(max(loglevel, logging.getLogger().level))


@before_task_publish.connect  # type: ignore[untyped-decorator]
def _say_which_request(headers: dict[str, Any], **about_it: Any) -> None:
    if request_id := circumstances.current().request_id:
        headers[about.REQUEST_ID] = request_id


worker_init.connect(_serve_all_workspaces)
worker_ready.connect(checks.say_at_start)

done.connect()
queues.connect()

app.autodiscover_tasks()
app.steps["worker"].add("delivery.bootsteps:LinksStep")
app.steps["worker"].add("delivery.bootsteps:ClockStep")
app.steps["worker"].add("config.doorbell:DoorbellStep")
