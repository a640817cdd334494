"""Hosts on one machine: each a network namespace with an address and a name of its own, on one bridge.

What is started inside a host has its network and nothing else of it: files and processes are those of the machine, so
that whoever looks on can read journals and logs, and stop what runs.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000  # setns(2)
PREFIX = "mc"  # of every namespace and device that we make; names of devices have 15 characters at most
_libc = ctypes.CDLL(None, use_errno=True)


class CannotMakeHosts(Exception):
    """Of this user, or on this machine."""


def check_rights() -> None:
    if os.geteuid() != 0:
        raise CannotMakeHosts("Network namespaces are made by root only: run it as root.")
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        raise CannotMakeHosts("There is no “ip” or no “unshare” here: install iproute2 and util-linux.")


class Network:
    """`with Network(["stores", "web"]) as network:`, and everything is gone afterwards. `here` is our own address."""

    def __init__(self, names: Sequence[str]) -> None:
        check_rights()
        _sweep()
        self._tag = f"{PREFIX}{os.getpid()}"
        subnet = _free_subnet()
        self.here = f"{subnet}.1"
        self.addresses = {name: f"{subnet}.{number}" for number, name in enumerate(names, start=11)}
        self._ports = {name: f"{self._tag}p{number}" for number, name in enumerate(names)}

    def __enter__(self) -> "Network":
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for name in self.addresses:
            _ip("netns", "del", self._namespace(name), may_fail=True)
        _ip("link", "del", self._tag, may_fail=True)

    def _build(self) -> None:
        _ip("link", "add", self._tag, "type", "bridge")
        _ip("addr", "add", f"{self.here}/24", "dev", self._tag)
        _ip("link", "set", self._tag, "up")
        for name, address in self.addresses.items():
            space, port = self._namespace(name), self._ports[name]
            _ip("netns", "add", space)
            _ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", port, "master", self._tag, "up")
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", space, "link", "set", device, "up")

    def cut(self, name: str) -> None:
        """Its cable is pulled: nothing passes, and nobody is told."""
        _ip("link", "set", self._ports[name], "down")

    def join(self, name: str) -> None:
        _ip("link", "set", self._ports[name], "up")

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """This thread opens its sockets there, and a child that it starts is there for good."""
        with Path("/proc/thread-self/ns/net").open() as ours:
            _enter(NAMESPACES / self._namespace(name))
            try:
                yield
            finally:
                _set_namespace(ours.fileno())

    def _namespace(self, name: str) -> str:
        return f"{self._tag}-{name}"


def named(host: str, command: Sequence[str]) -> list[str]:
    """The command, to which its host has that name."""
    say = f'echo {host} > /proc/sys/kernel/hostname && exec "$@"'
    return ["unshare", "--uts", "/bin/sh", "-c", say, "sh", *command]


def _enter(namespace: Path) -> None:
    with namespace.open() as file:
        _set_namespace(file.fileno())


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):  # os.setns is of Python 3.12
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str, may_fail: bool = False) -> str:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode and not may_fail:
        raise CannotMakeHosts(f"“ip {' '.join(arguments)}” says: {done.stderr.strip()}")
    return done.stdout


def _sweep() -> None:
    """What a run that was killed has left behind."""
    names = [path.name for path in NAMESPACES.glob(f"{PREFIX}*-*")] if NAMESPACES.exists() else []
    for name in names:
        tag = name.partition("-")[0]
        if not Path(f"/proc/{tag.removeprefix(PREFIX)}").exists():
            _ip("netns", "del", name, may_fail=True)
            _ip("link", "del", tag, may_fail=True)


def _free_subnet() -> str:
    routes = _ip("-4", "route", "show")
    with suppress(StopIteration):
        return next(subnet for subnet in (f"10.213.{n}" for n in range(256)) if f"{subnet}." not in routes)
    raise CannotMakeHosts("Every network of 10.213.0.0/16 is in use here.")
