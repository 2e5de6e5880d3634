"""Asks roles whether they are ready, by the same health routes that any orchestrator asks."""

import contextlib
import http.client

import psutil


def reachable(host: str) -> str:
    """Return the address by which a server that listens on `host` is reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def answers_ok(host: str, port: int, path: str, timeout_seconds: float = 2) -> bool:
    """Say whether a GET of this path is answered by 200."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def listens(pid: int, port: int) -> bool:
    """Say whether this very process listens on a port that it may share with others."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return True
    return False
