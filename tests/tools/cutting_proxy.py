"""A TCP proxy before a server, which loses messages, cuts, slows down, or goes silent."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Literal

COMMIT = b"COMMIT\0"
"""The statement as it goes over the wire; BEGIN has READ COMMITTED in it."""

PIECE_BYTES = 400
"""How much passes at a time on a slow connection."""


class CuttingProxy:
    """Forwards bytes both ways; what it breaks is chosen while it runs."""

    def __init__(self, target: int) -> None:
        """Listen on a free port of the loopback address, for a port of the same."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lose: bytes | None = None
        self._what: Literal["request", "rest", "answer"] = "answer"
        self._refusing = False
        self._delay = 0.0
        self._silent = threading.Event()
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where to connect instead of the server."""
        port: int = self._listener.getsockname()[1]
        return port

    def lose_answer_to(self, mark: bytes) -> None:
        """Once: pass on the next request that has these bytes, then cut before its answer."""
        self._what, self._lose = "answer", mark

    def lose_request_of(self, mark: bytes) -> None:
        """Once: cut before the next request that has these bytes, and pass nothing of it."""
        self._what, self._lose = "request", mark

    def lose_rest_of(self, mark: bytes) -> None:
        """Once: pass the next request that has these bytes up to them, and from then on nothing.

        The server never learns of it, also not when the client ends.
        """
        self._what, self._lose = "rest", mark

    def lose_nothing(self) -> None:
        """Take back what was to be lost and has not come by."""
        self._lose = None

    def refuse(self, refusing: bool) -> None:
        """Close each new connection at once, or let them through again."""
        self._refusing = refusing

    def slow_down(self, seconds: float) -> None:
        """Let each piece of a few hundred bytes take so long, both ways; 0 is fast again."""
        self._delay = seconds

    def go_silent(self) -> None:
        """Pass nothing on any more, in either direction, without closing anything."""
        self._silent.set()

    def speak_again(self, cut: bool = True) -> None:
        """Pass on what comes from now on; connections that were silent are cut.

        Unless they are `cut`, what was sent meanwhile arrives late, as after a long jam.
        """
        if cut:
            self.cut()
        self._silent.clear()

    def cut(self) -> None:
        """Cut all connections."""
        for pair in self._pairs:
            for end in pair:
                _shut(end)
        self._pairs.clear()

    def close(self) -> None:
        """Stop listening and cut everything."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                # The server is away: so is whoever asks for it, and the next may find it again.
                client.close()
                continue
            self._pairs.append((client, server))
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        for part in self._parts(client):
            mark = self._lose
            if mark is not None and mark in part:
                self._lose = None
                self.lost += 1
                if self._what == "rest":
                    server.sendall(part[: part.index(mark)])
                    return
                # The way back is closed before the request goes out, so no answer passes.
                _shut(client)
                if self._what == "request":
                    break
            with contextlib.suppress(OSError):
                server.sendall(part)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        for part in self._parts(server):
            with contextlib.suppress(OSError):
                client.sendall(part)
        _shut(client)

    def _parts(self, source: socket.socket) -> Iterator[bytes]:
        with contextlib.suppress(OSError):
            while part := source.recv(1 << 20):
                while self._silent.is_set():
                    time.sleep(0.05)
                yield from self._slowly(part) if self._delay else (part,)

    def _slowly(self, part: bytes) -> Iterator[bytes]:
        for begin in range(0, len(part), PIECE_BYTES):
            time.sleep(self._delay)
            yield part[begin : begin + PIECE_BYTES]


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
