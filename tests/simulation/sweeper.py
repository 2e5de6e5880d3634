"""The ends of holds in the simulated world: who captures at the last moment, and who sweeps."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from application.commands import Submission
from application.expiry import expiry_of
from domain.holds import CaptureHold
from domain.identifiers import PaymentId
from domain.instants import Instant, instant, moment
from tests.simulation.clients import TRIES, Client, Network
from tests.simulation.processes import Process
from tests.simulation.requests import CLIENT, Request, stream_of
from tests.simulation.server import Server

PAUSE_SECONDS = 1.0
LAG_EVENTS = 6
"""By so many events at most the read model lags."""


LAST_MOMENT = 0.04
"""A capture at the last moment is sent so many steps of the world before the end at most."""


class Sweeper:
    """Asks for the end of each hold that has run out, again and again while it is shown.

    It reads as the ledger's own worker does, from a read model that lags, in some worlds with a
    clock that is ahead. Holds that it sees coming to their end are captured by somebody else at
    the last moment.
    """

    def __init__(self, server: Server, processes: Sequence[Process]) -> None:
        """Take the book to read and the processes to ask."""
        self._server = server
        self._scheduler = server.scheduler
        self._processes = processes
        self._asked: dict[UUID, Request] = {}
        self._open: dict[PaymentId, Instant] = {}
        self._seen = 0
        self._ahead = self._scheduler.random.choice([0.0, 0.0, 2.0])
        self.clients: list[Client] = []

    @property
    def requests(self) -> list[Request]:
        """Everything that it has asked for."""
        return list(self._asked.values())

    def work(self, network: Network, busy: Callable[[], bool]) -> None:
        """Go round after round until nobody is busy any more."""

        def round_() -> None:
            if busy():
                lag = self._scheduler.random.randint(0, LAG_EVENTS)
                self._ask(self.due(lag, self._ahead), network, tries=1)
                self._let_capture(network)
                self._scheduler.after(PAUSE_SECONDS, round_)

        self._scheduler.after(self._scheduler.random.uniform(0, PAUSE_SECONDS), round_)

    def sweep(self) -> int:
        """Ask for the end of all that is due, in fair weather; return how much that is."""
        due = self.due()
        self._ask(due, Network(), TRIES)
        return len(due)

    def _ask(self, due: Sequence[PaymentId], network: Network, tries: int) -> None:
        for name in due:
            work = expiry_of(name, moment(self._open[name]))
            request = self._asked.setdefault(work.stream, Request(f"expire {name}", work))
            self._send(network, request, tries)

    def _let_capture(self, network: Network) -> None:
        """Send two captures at once, so that they are decided about when their hold ends."""
        random, pace = self._scheduler.random, self._scheduler.pace
        for name, end in self._open.items():
            left = moment(end).timestamp() - self._server.clock()
            if not 0 < left < PAUSE_SECONDS or stream_of(f"late 0 {name}") in self._asked:
                continue
            at = max(0.0, left - random.uniform(0, LAST_MOMENT * pace))
            for number, amount in enumerate((1, None)):
                key = f"late {number} {name}"
                command = CaptureHold(name, amount, final=False)
                work = Submission(command, CLIENT, stream_of(key), f"{command}")
                request = self._asked[work.stream] = Request(key, work)
                self._scheduler.after(at, partial(self._send, network, request, TRIES))

    def _send(self, network: Network, request: Request, tries: int) -> None:
        client = Client(self._server, self._processes, network, [request], tries)
        self.clients.append(client)

    def due(self, lag: int = 0, ahead: float = 0.0) -> list[PaymentId]:
        """Return what has run out by a clock so far ahead and a read model so far behind."""
        rows = self._server.book.rows
        for row in rows[self._seen : max(self._seen, len(rows) - lag)]:
            self._seen += 1
            standing = json.loads(row.data).get("standing")
            if standing is None or not row.type.startswith("payment."):
                continue
            if standing["status"] == "authorized":
                self._open[PaymentId(row.stream_id)] = Instant(standing["expires_at"])
            else:
                self._open.pop(PaymentId(row.stream_id), None)
        now = instant(datetime.fromtimestamp(self._server.clock() + ahead, UTC))
        return [name for name, end in self._open.items() if end <= now]
