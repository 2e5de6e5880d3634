"""Uvicorn's HTTP protocol, so that even what it answers before any application is a problem."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from interfaces.http.problems import MEDIA_TYPE, problem_bytes, problem_document

ABORT = "falconpay.abort"
"""The extension of ASGI whose `abort` drops a connection and all that waits to be sent on it."""


class _OneWrite:
    """A transport that sends what one turn of the event loop writes in one system call.

    The server writes head and body apart, the loop hands each to the kernel at once, and each
    hand-over gives the interpreter's lock to the writer's thread.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._parts:
            whole = b"".join(self._parts)
            self._parts.clear()
            self._transport.write(whole)


class ProblemProtocol(HttpToolsProtocol):
    """Answers what is not HTTP with a problem instead of plain text, and whole answers at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As the server's own.
        """Begin with a connection."""
        super().connection_made(cast(asyncio.Transport, _OneWrite(transport, self.loop)))

    def on_message_begin(self) -> None:
        """Let an application end a connection at once, whose client does not read what waits."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}

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
