"""Runs an ASGI application with uvicorn, so that even what it answers itself is a problem."""

import signal
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from interfaces.http.problems import MEDIA_TYPE, problem_bytes, problem_document

DRAIN_SECONDS = 10


class ProblemProtocol(HttpToolsProtocol):
    """Answers what is not HTTP with a problem instead of plain text."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the signature is uvicorn's)
        """Answer 400 and close; the parser's own message names the library, so it is dropped."""
        body = problem_bytes(problem_document("bad-request", "The request is not valid HTTP/1.1."))
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\n"
            "cache-control: no-store\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind a TCP port; shared, several processes of one user take turns on it (SO_REUSEPORT).

    Raises `OSError` when the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def run_server(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then stop accepting, answer what runs, and return."""
    config = uvicorn.Config(
        app,
        http=ProblemProtocol,
        ws="none",
        loop="uvloop",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn raises the signal again after its own handling; the drain is all we want of it.
        signal.signal(number, lambda _number, _frame: None)
    uvicorn.Server(config).run(sockets=[listener])
