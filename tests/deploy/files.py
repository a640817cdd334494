"""What the files of deploy/ say, each in its own words: which processes there are, and what they are given."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SYSTEMD = DEPLOY / "systemd"
# What the settings want and a process never uses.
PLACEHOLDERS = {"postgres:///nothing", "of-no-use-in-this-process"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    name: str
    command: list[str]
    environment: dict[str, str]

    @property
    def names(self) -> set[str]:
        """Of the variables that say something, wherever they come from."""
        said = {name for name, value in self.environment.items() if value not in PLACEHOLDERS}
        return {name.removesuffix("_FILE") for name in said}


def image() -> dict[str, str]:
    """The environment of the image, of its last stage."""
    stage = (DEPLOY / "Dockerfile").read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    lines = re.findall(r"^ENV (.+)$", stage, re.MULTILINE)
    return dict(word.split("=", 1) for line in lines for word in shlex.split(line))


# --- Compose ----------------------------------------------------------------------------------------------------------


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def services() -> dict[str, dict[str, Any]]:
    """Of our image."""
    return {name: one for name, one in compose()["services"].items() if "message-center" in one["image"]}


def of_compose() -> dict[str, Process]:
    return {
        name: Process(name=name, command=one["command"], environment=image() | one["environment"])
        for name, one in services().items()
    }


# --- Kubernetes -------------------------------------------------------------------------------------------------------


def manifests() -> list[dict[str, Any]]:
    names = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [one for name in names for one in yaml.safe_load_all((KUBERNETES / name).read_text())]


def pods() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, name and specification of whatever runs."""
    for one in manifests():
        if one["kind"] in {"Deployment", "Job", "CronJob"}:
            job = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
            yield one["kind"], one["metadata"]["name"], job["template"]["spec"]


def of_kubernetes() -> dict[str, Process]:
    return {name: _of_pod(name, pod) for kind, name, pod in pods() if kind != "CronJob"}


def _of_pod(name: str, pod: dict[str, Any]) -> Process:
    (container,) = pod["containers"]
    environment = image() | variables(KUBERNETES / "settings.env")
    for source in container["envFrom"]:
        if "secretRef" in source:
            environment |= variables(KUBERNETES / "secrets" / f"{source['secretRef']['name']}.env.example")
    environment |= {one["name"]: one["value"] for one in container.get("env", [])}
    return Process(name=name, command=container["command"], environment=environment)


def variables(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", path.read_text(), re.MULTILINE))


# --- systemd ----------------------------------------------------------------------------------------------------------


def of_systemd() -> dict[str, Process]:
    wanted = re.findall(r"message-center@(\w+)\.service", (SYSTEMD / "message-center.target").read_text())
    found = {name: _of_unit(name, unit(name)) for name in wanted}
    return found | {"migrate": _of_unit("migrate", (SYSTEMD / "message-center-migrate.service").read_text())}


def unit(name: str) -> str:
    dropped = SYSTEMD / f"message-center@{name}.service.d" / "secrets.conf"
    return (SYSTEMD / "message-center@.service").read_text() + dropped.read_text()


def _of_unit(name: str, text: str) -> Process:
    lines = re.findall(r"^Environment=(.+)$", text, re.MULTILINE)
    given = dict(word.split("=", 1) for line in lines for word in shlex.split(line))
    (command,) = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    words = command.replace("/opt/message-center/", "").replace("%i", name).split()
    return Process(name=name, command=words, environment=variables(SYSTEMD / "settings.env") | given)
