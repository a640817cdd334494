"""One installation brought up: stores, migrations, seed, processes; and taken down again."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import environment, processes, stores
from stack.demo import Api, Story, Tell
from stack.environment import Ports
from stack.failure import Failure
from stack.processes import Processes
from stack.stages import Stages
from stack.stores import Stores

READY = 180.0  # seconds for the web process to answer: all begin at once, and the machine may be slow or busy


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    url: str
    env: Mapping[str, str]
    stores: Stores
    processes: Processes
    seed: dict[str, Any]  # what seed_demo printed: users with tokens, a sender, a channel
    stages: Stages
    tell: Tell

    def story(self) -> Story:
        users = self.seed["users"]
        return Story(
            author=Api(self.url, users["author"]["token"]),
            moderator=Api(self.url, users["moderator"]["token"]),
            sender_id=self.seed["sender"]["id"],
            stages=self.stages,
            tell=self.tell,
            check=self.processes.check,
        )


@contextmanager
def brought_up(
    data: Path,
    *,
    ports: Ports,
    tell: Tell,
    prepare: Callable[[Mapping[str, str]], None],
    commands: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    s3: bool = False,
) -> Iterator[Installation]:
    """Everything running in `data` and the web answering.

    `prepare` is called with the environment before the processes start; `commands` replace those of the Procfile,
    `settings` add to their environment. With `s3` the objects are in an embedded S3 instead of a folder.
    """
    stages = Stages()
    with ExitStack() as stack:
        with stages("start"):
            tell("Starting the stores …")
            opened = stack.enter_context(stores.opened(data, s3=s3))
        env = environment.build(data, urls=opened.urls, listen=ports) | dict(settings or {})
        with stages("migrate"):
            tell("Bringing the database up to date …")
            environment.manage("migrate", "--no-input", env=env)
        with stages("seed"):
            seed = json.loads(environment.manage("seed_demo", "--json", env=env))
            prepare(env)
        with stages("start"):
            tell("Starting the processes …")
            serving = {name: value for name, value in env.items() if name != stores.OWNER_URL}
            running = Processes(commands or processes.of_procfile(), env=serving, logs=data / "logs")
            stack.callback(running.stop)
            running.start()
            url = f"http://127.0.0.1:{ports.web}"
            _wait_until_ready(url, running.check)
        yield Installation(url=url, env=env, stores=opened, processes=running, seed=seed, stages=stages, tell=tell)


def _wait_until_ready(url: str, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + READY
    while True:
        check()
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=5).close()  # noqa: S310  # an address of our own
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise Failure(f"{url}/readyz did not answer well in {READY:.0f} seconds: {error}.") from None
            time.sleep(0.1)
        else:
            return
