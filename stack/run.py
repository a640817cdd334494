"""./run: everything up, the demo played, and then serving until a signal."""

import hashlib
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from stack import ROOT, demo, environment, stores
from stack.console import Console
from stack.demo import Totals
from stack.environment import Ports
from stack.installation import Installation, brought_up
from stack.troubles import Troubles

USUAL = Ports(web=8000, flower=5555, smsc=2775)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The object that --json prints."""

    balanced: bool
    totals: Totals
    stages: dict[str, float]  # seconds by name
    messages_per_second: int  # accepted by the campaign, from the approval to the last receipt


def run(arguments: Namespace) -> int:
    """The exit status: with --demo-only 0 says that the equation balances and nothing is open."""
    console = Console(sys.stderr if arguments.json else sys.stdout)
    data: Path = arguments.data or ROOT / (".data/with-s3" if arguments.s3 else ".data")
    with stores.held(data):
        ports = _pick_ports(arguments.port, console)
        with brought_up(
            data, ports=ports, tell=console.progress, prepare=_collect_static, s3=arguments.s3
        ) as installation:
            balanced = arguments.no_demo or _play(installation, arguments, console)
            if not arguments.demo_only:
                console.say(_welcome(installation, data))
                _serve(installation, data, console)
    return 0 if balanced else 1


def _pick_ports(web: int | None, console: Console) -> Ports:
    wished = Ports(web=web or USUAL.web, flower=USUAL.flower, smsc=USUAL.smsc)
    ports = environment.pick_ports(wished)
    for name in ("web", "flower", "smsc"):
        wish, port = getattr(wished, name), getattr(ports, name)
        if port != wish:
            console.say(f"Port {wish} is taken: {name} takes {port} instead.")
    return ports


def _collect_static(env: Mapping[str, str]) -> None:
    """Takes seconds, so only when the lock (the assets of packages) or our own assets have changed."""
    digest = hashlib.sha256((ROOT / "uv.lock").read_bytes())
    for path in sorted(path for path in (ROOT / "static").rglob("*") if path.is_file()):
        digest.update(f"{path}\0{path.stat().st_mtime_ns}\0".encode())
    stamp = Path(env["STATIC_ROOT"]) / "collected"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        environment.manage("collectstatic", "--no-input", env=env)
        stamp.write_text(digest.hexdigest())


def _play(installation: Installation, arguments: Namespace, console: Console) -> bool:
    outcome = installation.story().play(rows=arguments.messages)
    stages = {"install": float(os.environ.get("INSTALL_SECONDS", "0"))} | installation.stages.seconds
    seconds = stages["send"] + stages["receipts"]
    report = Report(
        balanced=outcome.balanced,
        totals=outcome.totals,
        stages=stages,
        messages_per_second=round(outcome.totals["accepted"] / seconds),
    )
    console.say(_in_words(report))
    if arguments.json:
        print(json.dumps({name: getattr(report, name) for name in Report.__slots__}), flush=True)
    return report.balanced


def _serve(installation: Installation, data: Path, console: Console) -> NoReturn:
    troubles = Troubles(data / "logs" / f"{name}.log" for name in installation.processes.pids)
    while True:
        installation.processes.check()
        for line in troubles.new():
            console.say(line)
        time.sleep(0.5)


def _in_words(report: Report) -> str:
    verdict = "The equation balances." if report.balanced else "The equation does NOT balance, or something is open."
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.stages.items())
    return (
        f"\n{demo.equation(report.totals)}\n"
        f"{verdict} {report.messages_per_second:,} messages a second, receipts included ({stages}).\n"
    )


def addresses(env: Mapping[str, str]) -> list[str]:
    url = env["PUBLIC_URL"].rstrip("/")
    return [
        f"Pages    {url}/",
        f"Admin    {url}/admin/",
        f"API      {url}/api/v1/schema/",
        f"Flower   http://localhost:{env['FLOWER_PORT']}/   login {env['FLOWER_BASIC_AUTH'].replace(':', ' / ', 1)}",
    ]


def _welcome(installation: Installation, data: Path) -> str:
    lines = [*addresses(installation.env), ""]
    for role, user in installation.seed["users"].items():
        lines.append(f"{role:<11}{user['email']} / {user['password']}   token {user['token']}")
    lines += [
        f"{'API key':<11}{installation.seed['api_key']}",
        "",
        f"Logs and data are in {data}. ^C stops everything.",
    ]
    return "\n".join(lines)
