"""Health of roles without an HTTP API, served by a thread beside the work."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from infrastructure.telemetry import metrics_page
from interfaces.http.problem_kinds import KINDS
from interfaces.http.problems import MEDIA_TYPE, problem_bytes, problem_document

IDLE_SECONDS = 5.0

WorkerCheck = Callable[[], str | None]
"""Says in a few words what is missing, without secrets, or answers None when all is well."""


def _unmet(checks: Mapping[str, WorkerCheck]) -> list[str]:
    # Its thread answers before the roles have begun, and while those of further ledgers begin.
    known = list(checks.items())
    missing = [] if known else ["roles: none has begun yet"]
    for name, check in known:
        try:
            what = check()
        except Exception:  # noqa: BLE001 (a check may fail in any way; then it is not met)
            what = "the check failed"
        if what:
            missing.append(f"{name}: {what}")
    return missing


class _Handler(BaseHTTPRequestHandler):
    """Answers the three health routes; everything else is a problem."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: "HealthServer"

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/healthz":
            self._answer(200, json.dumps({"status": "alive"}).encode())
        elif path == "/metrics":
            self._answer(200, metrics_page(self.server.registry), CONTENT_TYPE_LATEST)
        elif path != "/readyz":
            self._problem("not-found", "There is nothing under this path.")
        elif missing := _unmet(self.server.checks):
            self._problem("not-ready", "; ".join(missing), {"Retry-After": "1"})
        else:
            self._answer(200, json.dumps({"status": "ready"}).encode())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the standard library refuses; a method it does not find here is a 501."""
        del message, explain
        self.close_connection = True
        if code == 501:
            detail = "The path does not serve this method."
            self._problem("method-not-allowed", detail, {"Allow": "GET"})
        else:
            self._problem("bad-request", "The request is not valid HTTP/1.1.")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is given)
        """Say nothing about single requests; they come every second."""

    def _problem(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        body = problem_bytes(problem_document(code, detail))
        self._answer(KINDS[code].status, body, MEDIA_TYPE, headers)

    def _answer(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response_only(status)
        for name, value in {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class HealthServer(ThreadingHTTPServer):
    """`/healthz`, `/readyz` and `/metrics` of one worker process."""

    daemon_threads = True

    def __init__(
        self,
        host: str,
        port: int,
        checks: Mapping[str, WorkerCheck],
        registry: CollectorRegistry,
    ) -> None:
        """Bind the port (0 takes a free one); raises `OSError` when it is taken."""
        super().__init__((host, port), _Handler)
        self.checks = checks
        self.registry = registry

    def start(self) -> None:
        """Serve in a thread of its own, until `stop`."""
        threading.Thread(target=self.serve_forever, args=(0.1,), name="health", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about a client that went away."""
