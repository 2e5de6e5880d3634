"""Asks roles whether they are ready, by the same health routes that any orchestrator asks."""

import contextlib
import http.client
import json

import psutil


def reachable(host: str) -> str:
    """Return the address by which a server that listens on `host` is reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def answers_ok(host: str, port: int, path: str, timeout_seconds: float = 2) -> bool:
    """Say whether a GET of this path is answered by 200."""
    return _get(host, port, path, timeout_seconds)[0] == 200


def diverged(host: str, port: int, timeout_seconds: float = 2) -> str | None:
    """Return what a role says that waits for `recover`, or nothing for any other."""
    status, body = _get(host, port, "/readyz", timeout_seconds)
    try:
        told = str(json.loads(body)["detail"]) if status == 503 else ""
    except (ValueError, KeyError, TypeError):
        return None
    return told if "diverged: " in told else None


def page(host: str, port: int, path: str, timeout_seconds: float = 2) -> str:
    """Return what a GET of this path is answered with, nothing unless it is a 200."""
    status, body = _get(host, port, path, timeout_seconds)
    return body.decode() if status == 200 else ""


def _get(host: str, port: int, path: str, timeout_seconds: float) -> tuple[int, bytes]:
    """Return status and body, 0 and nothing when nobody answers."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def listens(pid: int, port: int) -> bool:
    """Say whether this very process listens on a port that it may share with others."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return True
    return False
