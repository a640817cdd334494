"""The dispatch worker's links: opened before its first task, closed after its last."""

from typing import Any

from celery import bootsteps

from delivery.links import engine

QUEUE = "dispatch"


class LinksStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Only in a worker that consumes the dispatch queue. First to start and last to stop: running tasks keep their
    sockets until they are done."""

    def include_if(self, worker: Any) -> bool:
        return QUEUE in worker.app.amqp.queues.consume_from

    def include(self, worker: Any) -> None:
        if self.include_if(worker):
            self.obj = self
            worker.steps.insert(0, self)

    def start(self, worker: Any) -> None:
        engine.start()

    def close(self, worker: Any) -> None:
        engine.is_stopping = True  # running tasks finish their batch and go

    def stop(self, worker: Any) -> None:
        engine.stop()

    terminate = stop
