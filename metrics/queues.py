"""What waits in Celery's queues, and since when the first of them does."""

import json
import time
from dataclasses import dataclass
from typing import Any

from celery import Celery, current_app
from celery.signals import before_task_publish
from kombu.exceptions import ChannelError

RUNG_AT = "rung_at"  # a header of each message, in seconds since 1970
TIMEOUT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """`since` is None when nothing waits, or when the broker does not show its messages (RabbitMQ)."""

    queue: str
    messages: int
    since: float | None


def connect() -> None:
    """In every process that rings."""
    before_task_publish.connect(_say_when, dispatch_uid="metrics.rung_at")


def _say_when(headers: dict[str, Any], **about: object) -> None:
    headers[RUNG_AT] = time.time()


def waiting(app: Celery | None = None) -> list[Waiting]:
    """Raises what the broker raises when it cannot be asked."""
    asked = app or current_app
    with asked.connection_for_read(transport_options={"socket_timeout": TIMEOUT}) as connection:
        channel, found = connection.channel(), []
        for queue in asked.conf.task_queues:
            try:
                found.append(_of(channel, queue.name))
            except ChannelError:  # nothing ever waited there, and AMQP closes the channel in which it was asked for
                channel = connection.channel()
                found.append(Waiting(queue=queue.name, messages=0, since=None))
        return found


def _of(channel: Any, name: str) -> Waiting:
    messages = channel.queue_declare(name, passive=True).message_count
    client: Any = getattr(channel, "client", None)
    is_redis = hasattr(client, "lindex")
    first = client.lindex(name, -1) if messages and is_redis else None  # the first to go is the last of a list
    return Waiting(queue=name, messages=messages, since=_rung_at(first))


def _rung_at(message: bytes | None) -> float | None:
    said = json.loads(message).get("headers", {}).get(RUNG_AT) if message else None
    return float(said) if said else None
