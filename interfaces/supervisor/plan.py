"""Which servers and roles make the whole system on one machine, from the settings alone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infrastructure.embedded.envoy import Envoy
from infrastructure.settings import Settings
from interfaces.supervisor.database_place import DatabasePlace
from interfaces.supervisor.ports import free_ports
from interfaces.supervisor.role_process import RoleSpec

ROOT = Path(__file__).parents[2]

# What only `up` itself may know or is given anew to each role.
OWN_VARIABLES = {
    "FALCONPAY_DATABASE",
    "FALCONPAY_DEMO",
    "FALCONPAY_DETACH",
    "FALCONPAY_KAFKA",
    "FALCONPAY_KAFKA_BOOTSTRAP",
}

WORKERS = (("relay", "payments", "sealer"), ("projector",))
"""Small roles share a process on one machine. The projector would wait for those that compute."""

KafkaMode = Literal["embedded", "none", "external"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever typed `up` asked for."""

    kafka: str
    demo: bool

    @property
    def kafka_mode(self) -> KafkaMode:
        """Return whether a broker is brought along, missing, or somebody else's."""
        if self.kafka == "embedded":
            return "embedded"
        return "none" if self.kafka == "none" else "external"


def endpoints(settings: Settings, place: DatabasePlace, kafka: str | None) -> dict[str, str]:
    """Return the settings by which every other process of the home finds the system."""
    found = {
        "FALCONPAY_HOST": settings.host,
        "FALCONPAY_PORT": str(settings.port),
        "FALCONPAY_PUBLIC_URL": settings.public_url,
        **({"FALCONPAY_LEDGER": settings.ledger} if settings.pinned else {}),
        "FALCONPAY_ISSUER": settings.issuer,
        "FALCONPAY_ASSETS": ",".join(f"{code}={n}" for code, n in settings.assets.items()),
        "FALCONPAY_DATABASE_HOST": place.host,
        "FALCONPAY_DATABASE_PORT": str(place.port),
        "FALCONPAY_DATABASE_PREFIX": settings.database_prefix,
        "FALCONPAY_KAFKA_BOOTSTRAP": kafka or "",
    }
    return {name: text for name, text in found.items() if text}


def role_environment(
    settings: Settings, place: DatabasePlace, endpoints: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of every role: the caller's, with what was found out at the start."""
    caller = {name: text for name, text in os.environ.items() if name not in OWN_VARIABLES}
    paths = [str(ROOT), *filter(None, [caller.get("PYTHONPATH")])]
    return {
        **caller,
        **place.tls,
        **endpoints,
        "FALCONPAY_HOME": str(settings.home),
        "FALCONPAY_CACHE": str(settings.cache),
        "PYTHONPATH": os.pathsep.join(paths),
    }


def role_specs(settings: Settings, wishes: Wishes) -> list[RoleSpec]:
    """Return the role processes of one machine, in the order in which they are started."""
    # They share a port, so one of them answers for the figures of all, which they keep in files.
    figures = {"PROMETHEUS_MULTIPROC_DIR": str(figures_folder(settings.home))}
    workers = [*WORKERS, *([("demo",)] if wishes.demo else [])]
    ports = free_ports(settings.command_workers + len(workers))
    specs = [
        RoleSpec(
            ("command-api",), settings.host, settings.command_port, figures | _health(port), port
        )
        for port in ports[len(workers) :]
    ]
    specs.append(RoleSpec(("query-api",), settings.host, settings.query_port, {}))
    specs.append(RoleSpec(("identity-api",), settings.host, settings.identity_port, {}))
    for names, port in zip(workers, ports[: len(workers)], strict=True):
        specs.append(RoleSpec(names, "127.0.0.1", port, _health(port)))
    return specs


def _health(port: int) -> dict[str, str]:
    return {"FALCONPAY_HEALTH_PORT": str(port)}


def adopted(wishes: Wishes, place: DatabasePlace | None) -> set[str]:
    """Return the names of the servers that this start uses, also when they run already."""
    servers = {"gateway"}
    if place is None:
        servers.add("postgres")
    if wishes.kafka_mode == "embedded":
        servers.add("kafka")
    return servers


def gateway_of(settings: Settings) -> Envoy:
    """Return the gateway of a home, with the configuration that is rendered into it."""
    configuration = settings.home / "servers" / "gateway" / "envoy.yaml"
    return Envoy(settings.home, configuration, settings.port, settings.host)


def figures_folder(home: Path) -> Path:
    """Return the folder in which the processes of the command API keep their figures."""
    return home / "run" / "figures"


def public_ports(settings: Settings) -> dict[int, str]:
    """Return the fixed ports of a home and what each is for."""
    return {
        settings.port: "gateway",
        settings.command_port: "command API",
        settings.query_port: "query API",
        settings.identity_port: "identity API",
    }
