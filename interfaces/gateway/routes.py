"""Turns the table of exposed routes into Envoy's routes, token rules and clusters."""

import re
from typing import Any

from interfaces.gateway.exposed import COMMAND, EXPOSED, IDENTITY, QUERY, Exposed

Config = dict[str, Any]

ALIVE = '{"status":"alive"}'
# Shorter than a service keeps an idle connection: else a request could meet its closing end.
UPSTREAM_IDLE_SECONDS = 60
_PARAMETER = re.compile(r"\\\{[a-z_]+\\\}")


def routes(answer_seconds: int) -> list[Config]:
    """Return Envoy's routes: for each path its methods, then a 405 that names them."""
    by_path: dict[str, list[Exposed]] = {}
    for entry in EXPOSED:
        by_path.setdefault(entry.path, []).append(entry)
    found = _health()
    for path, entries in by_path.items():
        found += [_forward(entry, answer_seconds) for entry in entries]
        found.append(_refuse_method(_match(path), [entry.method for entry in entries]))
    return found


def token_rules() -> list[Config]:
    """Return the rules of Envoy's token check: all paths need a token but those named first."""
    open_paths = dict.fromkeys(["/healthz", *(e.path for e in EXPOSED if not e.needs_token)])
    return [
        *({"match": _match(path)} for path in open_paths),
        {"match": {"prefix": "/"}, "requires": {"provider_name": "falconpay"}},
    ]


def clusters(addresses: dict[str, tuple[str, int]]) -> list[Config]:
    """Return Envoy's clusters for hosts and ports by service."""
    return [_cluster(name, *addresses[name]) for name in (COMMAND, QUERY, IDENTITY)]


def _match(path: str) -> Config:
    if path.endswith("*"):
        return {"prefix": path[:-1]}
    if "{" in path:
        return {"safe_regex": {"regex": _PARAMETER.sub("[^/]+", re.escape(path))}}
    return {"path": path}


def _with_method(match: Config, method: str) -> Config:
    return {**match, "headers": [{"name": ":method", "string_match": {"exact": method}}]}


def _forward(entry: Exposed, answer_seconds: int) -> Config:
    action: Config = {
        "cluster": entry.service,
        # 0 is no limit. What sends nothing for a minute is ended nevertheless.
        "timeout": "0s" if entry.endless else f"{answer_seconds}s",
        # Only what never left the gateway is tried again: a command may have been done already.
        "retry_policy": {
            "retry_on": "connect-failure,refused-stream,reset-before-request",
            "num_retries": 4,
            "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.5s"},
        },
    }
    if entry.method == "GET":
        action["retry_policy"]["retry_on"] = "connect-failure,refused-stream,reset"
    if entry.served_as is not None:
        action["prefix_rewrite"] = entry.served_as
    return {"match": _with_method(_match(entry.path), entry.method), "route": action}


def _health() -> list[Config]:
    match = _match("/healthz")
    answer = {
        "match": _with_method(match, "GET"),
        "direct_response": {"status": 200, "body": {"inline_string": ALIVE}},
        "response_headers_to_add": [
            _header("content-type", "application/json"),
            _header("cache-control", "no-store"),
            _header("x-content-type-options", "nosniff"),
        ],
    }
    return [answer, _refuse_method(match, ["GET"])]


def _refuse_method(match: Config, allowed: list[str]) -> Config:
    return {
        "match": match,
        "direct_response": {"status": 405},
        "response_headers_to_add": [_header("allow", ", ".join(sorted(allowed)))],
    }


def _header(name: str, value: str) -> Config:
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _cluster(name: str, host: str, port: int) -> Config:
    address = {"socket_address": {"address": host, "port_value": port}}
    limits = {"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}
    options = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": f"{UPSTREAM_IDLE_SECONDS}s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    return {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [{**limits, "max_retries": 1024}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
