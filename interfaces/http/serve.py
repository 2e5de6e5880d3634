"""Serves an application by uvicorn until SIGTERM, alike for every API, so that all drain alike."""

import errno
import logging
import resource
import signal
import socket
from contextlib import suppress
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from interfaces.http.protocol import ProblemProtocol

BACKLOG = 2048
# Longer than the gateway keeps an idle connection, so that it is never the server who closes one
# on which the next request is already under way.
KEEP_ALIVE_SECONDS = 75

OPEN_FILES = 65_536
"""How many files a process wants to have open: each client, and each of its streams, is one."""


class PortOccupied(OSError):
    """Another process listens on the port; the message names it and the remedy."""


class _DrainingServer(uvicorn.Server):
    """Tells the application that it drains before it stops accepting."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.draining = True
        super().handle_exit(sig, frame)


def serve(
    app: Starlette,
    host: str,
    port: int,
    *,
    reuse_port: bool = False,
    own_port: int = 0,
    drain_seconds: float = 10,
) -> None:
    """Serve `app` until SIGTERM or SIGINT, then drain and return.

    Draining sets `app.state.draining` (readiness answers 503 by it), closes the listening socket,
    and gives requests under way `drain_seconds` to finish. With `reuse_port` several processes
    share one port and the kernel deals the connections out among them; at `own_port` of the
    loopback address, unless it is 0, this one answers alone. Raises `PortOccupied`.
    """
    _allow_many_connections()
    listeners = [_listen(host, port, reuse_port)]
    if own_port:
        listeners.append(_listen("127.0.0.1", own_port, reuse_port=False))
    app.state.draining = False
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=ProblemProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Forwarded headers would be believed from whoever reaches this port.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # The server raises a signal again once it has drained; by default that would end the process
    # with an error, though the stop was clean.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    _DrainingServer(config, app).run(sockets=listeners)


def _allow_many_connections() -> None:
    """Take as many open files as may be had: shells give 1,024, which some streams would use up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    # Where a system has a limit of another kind, what it gives has to do.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _listen(host: str, port: int, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        if problem.errno != errno.EADDRINUSE:
            raise
        raise PortOccupied(
            f"Port {port} on {host} is occupied: stop what listens there, or set FALCONPAY_PORT."
        ) from None
    listener.set_inheritable(False)
    return listener
