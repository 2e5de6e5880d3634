"""Looks before the start whether the ports are free, and who sits on one that is not."""

import errno
import socket
from collections.abc import Mapping

import psutil

from interfaces.supervisor.failure import StartRefused


def check_free(host: str, ports: Mapping[int, str]) -> None:
    """Refuse to start when one of these ports is taken; the values say what each is for.

    Raises `StartRefused`, which names the port and, where the machine tells, who listens there.
    """
    for port, purpose in ports.items():
        reason = _occupied(host, port)
        if reason is not None:
            raise StartRefused(
                f"Port {port} ({purpose}) is {reason}: stop what listens there (./falcon down for"
                " another FalconPay), or set FALCONPAY_PORT to the first of four free ports."
            )


def _occupied(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # Without this a port whose last connections linger in TIME_WAIT would look occupied.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Two sockets may be bound with that option; only listening tells.
            probe.listen(1)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return f"occupied{_occupant(port)}"
            return f"not to be had on {host} ({problem.strerror})"
    return None


def _occupant(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                if connection.pid is None:
                    break
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return ""


def free_ports(count: int) -> list[int]:
    """Return so many different ports of the loopback address on which nobody listens."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def check_reachable(broker: str) -> None:
    """Refuse a broker's address on which nobody answers; raises `StartRefused`."""
    host, colon, port = broker.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise StartRefused(
            f"--kafka is {broker!r}: write embedded, none, or HOST:PORT of a broker of your own."
        )
    if not _answers(host.strip("[]"), int(port)):
        raise StartRefused(
            f"No Kafka broker answers at {broker}: start it or put the address right, or use"
            " --kafka embedded, or --kafka none (the workers then read the event store itself)."
        )


def check_database(host: str, port: int) -> None:
    """Refuse a database server at whose address nobody answers; raises `StartRefused`."""
    if not host.startswith("/") and not _answers(host, port):
        raise StartRefused(
            f"No database server answers at {host}:{port}: start it, or put the address in"
            " --database right."
        )


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except (OSError, OverflowError):
        return False
    return True
