"""Clients over a network that loses, delays and repeats; they retry with the same key."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from application.commands import Answer, Outcome, Unanswered
from domain.events import RequestAccepted, RequestRefused
from domain.instants import instant
from domain.payment_events import PaymentAuthorized, PaymentCompleted, PaymentDeclined
from tests.simulation.processes import Process
from tests.simulation.requests import Reply, Request
from tests.simulation.scheduler import Scheduler
from tests.simulation.server import Server

TRIES = 8
PATIENCE_SECONDS = 6.0


@dataclass(frozen=True)
class Network:
    """How often each thing happens to a message, from 0 to 1."""

    lost: float = 0.0
    doubled: float = 0.0
    slow: float = 0.0


class Client:
    """Sends one request after the other, each until it has an answer or is given up."""

    def __init__(
        self,
        server: Server,
        processes: Sequence[Process],
        network: Network,
        requests: Sequence[Request],
        tries: int = TRIES,
    ) -> None:
        """Begin with the first request."""
        self._server = server
        self._scheduler: Scheduler = server.scheduler
        self._processes = processes
        self._network = network
        self._waiting = list(reversed(requests))
        self._tries = tries
        self._attempt = 0
        self._left = 0
        self._scheduler.soon(self._next)

    @property
    def done(self) -> bool:
        """Whether every request has its end."""
        return not self._waiting and self._attempt < 0

    def _next(self) -> None:
        if not self._waiting:
            self._attempt = -1
            return
        self._left = self._tries
        self._try(self._waiting.pop())

    def _try(self, request: Request) -> None:
        self._attempt += 1
        self._left -= 1
        attempt = self._attempt
        self._scheduler.note("client", f"sends {request.key}")

        def arrive() -> None:
            # A message that is doubled on its way may come to two processes at once.
            process = self._scheduler.random.choice(self._processes)
            self._scheduler.note(process.name, f"is asked for {request.key}")
            if request.arrivals == 0 and not self._server.steps_ahead:
                request.asked_at = instant(datetime.fromtimestamp(self._server.clock(), UTC))
            request.arrivals += 1
            arrival = request.arrivals
            request.unanswered.add(arrival)
            before = len(self._server.book.rows)

            def reply(outcome: Outcome) -> None:
                told = Reply(outcome, before, len(self._server.book.rows))
                self._pass(lambda: self._receive(request, attempt, arrival, told))

            process.receive(request.work, reply)

        self._pass(arrive)
        self._scheduler.after(
            self._scheduler.random.uniform(0.5, PATIENCE_SECONDS),
            lambda: self._give_up(request, attempt),
        )

    def _pass(self, message: Callable[[], None]) -> None:
        """Let a message pass the network: not at all, late, or twice."""
        network, scheduler = self._network, self._scheduler
        if scheduler.happens(network.lost):
            scheduler.counts["message lost"] += 1
            return
        times = 2 if scheduler.happens(network.doubled) else 1
        for _ in range(times):
            slow = scheduler.random.uniform(0, 4) if scheduler.happens(network.slow) else 0.0
            scheduler.after(slow + scheduler.moment(), message)
        scheduler.counts["message doubled"] += times - 1

    def _receive(self, request: Request, attempt: int, arrival: int, reply: Reply) -> None:
        request.replies.append(reply)
        request.unanswered.discard(arrival)
        self._scheduler.note("client", f"{request.key} -> {type(reply.outcome).__name__}")
        self._scheduler.counts.update(_said(reply.outcome))
        if attempt != self._attempt:
            return
        if isinstance(reply.outcome, Unanswered):
            self._again(request)
        else:
            self._attempt += 1
            self._scheduler.soon(self._next)

    def _give_up(self, request: Request, attempt: int) -> None:
        if attempt == self._attempt:
            self._scheduler.counts["no answer"] += 1
            self._again(request)

    def _again(self, request: Request) -> None:
        self._attempt += 1
        if self._left > 0:
            self._scheduler.counts["retry"] += 1
            self._scheduler.after(self._scheduler.random.uniform(0, 1), lambda: self._try(request))
        else:
            self._scheduler.soon(self._next)


def _said(outcome: Outcome) -> Iterator[str]:
    """Return the words by which an outcome is counted: its type, and what an answer says."""
    yield type(outcome).__name__
    if not isinstance(outcome, Answer):
        return
    if outcome.replayed:
        yield "replayed"
    match outcome.event:
        case RequestRefused(code=code) | PaymentDeclined(code=code):
            yield code
        case RequestAccepted(action=action):
            yield action
        case PaymentCompleted(kind=kind) | PaymentAuthorized(kind=kind):
            yield kind
