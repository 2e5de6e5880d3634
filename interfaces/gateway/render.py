"""Renders Envoy's configuration from the settings, the table of routes and one template."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from string import Template

from infrastructure.settings import Settings
from interfaces.gateway.exposed import COMMAND, IDENTITY, QUERY
from interfaces.gateway.local_replies import local_replies
from interfaces.gateway.routes import clusters, routes, token_rules
from interfaces.http.bodies import MAX_BODY_BYTES

TEMPLATE = Path(__file__).parents[2] / "deploy" / "gateway" / "envoy.yaml.template"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the gateway waits, in seconds."""

    headers: int = 10
    request: int = 30
    answer: int = 15


def configuration(settings: Settings, timeouts: Timeouts) -> str:
    """Return Envoy's configuration as YAML; every value is put in as JSON."""
    addresses = {
        COMMAND: (settings.command_host, settings.command_port),
        QUERY: (settings.query_host, settings.query_port),
        IDENTITY: (settings.identity_host, settings.identity_port),
    }
    values = {
        "host": settings.host,
        "port": settings.port,
        "issuer": settings.issuer,
        "jwks_uri": f"http://{settings.identity_host}:{settings.identity_port}"
        "/.well-known/jwks.json",
        "max_body_bytes": MAX_BODY_BYTES,
        "headers_timeout": f"{timeouts.headers}s",
        "request_timeout": f"{timeouts.request}s",
        "routes": routes(timeouts.answer),
        "token_rules": token_rules(),
        "local_replies": local_replies(),
        "clusters": clusters(addresses),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    return Template(text).substitute({name: json.dumps(value) for name, value in values.items()})


def render(settings: Settings) -> Path:
    """Write the configuration into the home and return where it is."""
    path = settings.home / "servers" / "gateway" / "envoy.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(configuration(settings, Timeouts()), encoding="utf-8")
    draft.replace(path)
    return path
