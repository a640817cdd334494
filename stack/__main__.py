"""The command behind ./run and ./test."""

import argparse
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from stack import ROOT, stores
from stack.failure import Failure
from stack.run import run
from stack.signals import Stopped, stop_on_signals
from stack.suite import suite


def main() -> int:
    command = _command(sys.argv[1:])
    stop_on_signals()
    try:
        return command()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except Stopped as stopped:
        return stopped.status


def serve_stores(arguments: argparse.Namespace) -> NoReturn:
    data, throwaway, s3 = arguments.data, arguments.throwaway, arguments.s3
    with stores.held(data), stores.opened(data, throwaway=throwaway, s3=s3) as opened:
        for name, url in opened.urls.items():
            print(f"{name}={url}", flush=True)
        while True:
            signal.pause()


def _command(words: list[str]) -> Callable[[], int]:
    if words[:1] == ["test"]:  # before argparse takes the options that are pytest's
        return partial(suite, words[1:])
    arguments = _parser().parse_args(words)
    return partial(arguments.command, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack")
    commands = parser.add_subparsers(required=True)
    _add_run(commands.add_parser("run", prog="./run", help="start everything and play the demo"))
    commands.add_parser("test", prog="./test", help="lint and the whole suite; every argument goes to pytest")
    only_stores = commands.add_parser("stores", help="start the embedded stores alone and print their URLs")
    only_stores.add_argument("--data", type=_folder, default=ROOT / ".data")
    only_stores.add_argument("--throwaway", action="store_true", help="fast, for tests: nothing survives the end")
    only_stores.add_argument("--s3", action="store_true", help="objects in an embedded S3 instead of a folder")
    only_stores.set_defaults(command=serve_stores)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.description = "Start everything, play the demo campaign, and serve until ^C."
    demo = parser.add_mutually_exclusive_group()
    demo.add_argument("--no-demo", action="store_true", help="serve without playing the demo")
    demo.add_argument("--demo-only", action="store_true", help="stop after the demo; 0 when the equation balances")
    parser.add_argument("--json", action="store_true", help="print the outcome of the demo as one JSON object")
    parser.add_argument("--port", type=int, metavar="N", help="of the pages and the API (8000)")
    parser.add_argument("--data", type=_folder, metavar="DIR", help="where everything is kept (.data)")
    parser.add_argument("--s3", action="store_true", help="files in an embedded S3 (and everything in .data/with-s3)")
    parser.add_argument("--messages", type=int, default=100_000, metavar="N", help="numbers in the list of the demo")
    parser.set_defaults(command=run)


def _folder(path: str) -> Path:
    return Path(path).expanduser().resolve()


if __name__ == "__main__":
    sys.exit(main())
