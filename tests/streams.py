"""Reads `GET /v1/stream` as a client does: events one by one, over a connection of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.query_system import QuerySystem

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a stream."""

    name: str
    position: int
    document: dict[str, Any]


@dataclass
class Reading:
    """A stream under way; what only shows that it lives is passed over, and its id kept."""

    response: httpx.Response
    last_id: int = -1
    _lines: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.response.iter_lines()

    def next(self) -> Told:
        """Return the next event; fails when the stream ends."""
        found = self._read(events=True)
        assert found is not None, "the stream has ended"
        return found

    def take(self, count: int) -> list[Told]:
        """Return the next events."""
        return [self.next() for _ in range(count)]

    def until(self, position: int) -> list[Told]:
        """Return what is told up to a position, which must be told."""
        found = [self.next()]
        while found[-1].position < position:
            found.append(self.next())
        assert found[-1].position == position
        return found

    def beat(self) -> int:
        """Wait until the stream shows that it lives; return the id it says."""
        self._read(events=False)
        return self.last_id

    def ended(self) -> bool:
        """Read to the end; return whether it ended as an answer does."""
        try:
            while True:
                if self._read(events=True) is None:
                    return True
        except httpx.RemoteProtocolError:
            return False

    def _read(self, *, events: bool) -> Told | None:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if "id" in fields:
                position = int(fields["id"])
                assert position >= self.last_id, "positions never go back"
                if "data" in fields:
                    assert position > self.last_id, "nothing is told twice"
                self.last_id = position
            if "data" in fields:
                return Told(fields["event"], self.last_id, json.loads(fields["data"]))
            if "id" in fields and not events:
                return None
            fields = {}
        return None


@contextmanager
def streamed(
    system: QuerySystem,
    subject: str,
    scope: str = "read",
    *,
    after: int | None = None,
    last_event_id: int | str | None = None,
    token: str | None = None,
) -> Iterator[Reading]:
    """Open a stream that must be given."""
    with asked(system, subject, scope, after, last_event_id, token) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"] == "text/event-stream"
        yield Reading(response)


@contextmanager
def asked(
    system: QuerySystem,
    subject: str,
    scope: str = "read",
    after: int | str | None = None,
    last_event_id: int | str | None = None,
    token: str | None = None,
) -> Iterator[httpx.Response]:
    """Ask for a stream, on a connection that nobody else uses."""
    headers = {"Authorization": f"Bearer {token or system.token(subject, scope)}"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    parameters = {} if after is None else {"after": str(after)}
    with (
        httpx.Client(base_url=system.client.base_url, timeout=PATIENCE) as client,
        client.stream("GET", "/v1/stream", headers=headers, params=parameters) as response,
    ):
        yield response
