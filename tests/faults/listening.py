"""A client of the stream of changes, which comes again from where it was cut off, each time."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from tests.faults.watcher import Watcher

PATH = "/v1/stream"
AGAIN_SECONDS = 0.5
SILENT_SECONDS = 20.0
"""A stream shows every 15 s that it lives."""

HEARD = "stream.jsonl"
"""Where among the logs each event stands: its name, its position and its document."""


class Listener(Watcher):
    """A thread that writes down every event of the whole ledger, from position 1 on."""

    patience = 1.0

    def __init__(self, query_url: str, token: str, path: Path) -> None:
        """Begin at once; the token has to see everything."""
        self.position = 0
        """The last one of which the client knows: from there the stream would be resumed."""

        self._url = query_url + PATH
        self._token = token
        self._path = path
        super().__init__()

    def _run(self) -> None:
        timeout = httpx.Timeout(5, read=SILENT_SECONDS)
        with self._path.open("a", buffering=1) as file, httpx.Client(timeout=timeout) as client:
            while not self._stop.wait(AGAIN_SECONDS):
                headers = {
                    "Authorization": f"Bearer {self._token}",
                    "Last-Event-ID": str(self.position),
                }
                try:
                    with client.stream("GET", self._url, headers=headers) as answer:
                        for name, position, document in events(answer.iter_lines()):
                            if self._stop.is_set():
                                return
                            if name:
                                line = {"event": name, "id": position, "data": document}
                                file.write(json.dumps(line) + "\n")
                            self.position = position
                except httpx.HTTPError:
                    continue


def events(lines: Iterable[str]) -> Iterator[tuple[str, int, object]]:
    """Yield name, id and document of each event that has come whole (HTML standard, 9.2.6).

    What only tells an id, to be resumed from, has no name. What is no stream, such as a problem,
    tells nothing.
    """
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "id" in fields:
            document = json.loads(fields["data"]) if "data" in fields else None
            yield fields.get("event", ""), int(fields["id"]), document
        fields = {}
