"""One world from one seed: who is in it, what goes wrong, and what is found at its end."""

import random
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from domain.recorded import RecordedEvent
from tests.simulation.clients import Client, Network
from tests.simulation.drawing import Drawer
from tests.simulation.judge import judge
from tests.simulation.processes import Process, Size
from tests.simulation.requests import Request
from tests.simulation.scheduler import Scheduler
from tests.simulation.server import Server, Weather
from tests.simulation.story import read
from tests.simulation.sweeper import Sweeper

MIDNIGHT = 1_900_022_400.0
"""A midnight of UTC; some worlds live across it."""

NOON = MIDNIGHT - 43_200.0
SWEEPS = 100
"""So many rounds at most end all that has run out, also where the clock is settled first."""


@dataclass(frozen=True)
class Finding:
    """What came of a seed; no faults when every promise was kept."""

    seed: int
    faults: Sequence[str]
    scheduler: Scheduler
    requests: int
    events: int

    @property
    def digest(self) -> str:
        """A digest of all that happened: equal when two runs were one and the same."""
        return sha256(repr(self.scheduler.trace).encode()).hexdigest()

    def lines(self) -> list[str]:
        """Return the trace, a line a step."""
        return [f"{at:10.4f}  {who:10} {what}" for at, who, what in self.scheduler.trace]


def live(seed: int) -> Finding:
    """Run the world of a seed to its end and judge it."""
    # The ledger draws its pauses from the interpreter's own generator.
    random.seed(seed)
    world = World(random.Random(seed))
    try:
        faults = world.run()
    except Exception as broken:  # noqa: BLE001 - whatever breaks, its seed is told
        faults = ["".join(traceback.format_exception(broken))]
    return Finding(
        seed, faults, world.scheduler, len(world.drawer.drawn), len(world.server.book.rows)
    )


class World:
    """Server, processes, clients and misfortunes, each kind in some of the worlds only."""

    def __init__(self, chance: random.Random) -> None:
        """Draw everything that is decided before anything happens."""
        self._chance = chance
        self.scheduler = Scheduler(chance, chance.choice([1.0, 1.0, 30.0]))
        self.server = Server(self.scheduler, chance.choice([NOON, MIDNIGHT - 50]), Weather())
        size = chance.choice([Size(), Size(batch=4), Size(capacity=6, batch=3)])
        self._processes = [
            Process(self.server, f"process-{number}", size)
            for number in range(chance.randint(1, 3))
        ]
        self.drawer = Drawer(chance, chance.randint(2, 5))
        self._sweeper = Sweeper(self.server, self._processes)
        self._clients: list[Client] = []

    def run(self) -> list[str]:
        """Open the wallets in fair weather, let everything go wrong, ask all again, and look."""
        self._send(self.drawer.openings, Network())
        self.scheduler.run()
        self._go_on_to_midnight()
        self.server.weather, network = self._weather(), self._network()
        self.server.alone = len(self._processes) == 1 and not self.server.weather.in_flight
        for _ in range(self._chance.randint(1, 6)):
            count = self._chance.randint(1, 8)
            self._send([self.drawer.draw() for _ in range(count)], network)
        self._sweeper.work(network, lambda: not all(client.done for client in self._clients))
        self._misfortunes()
        self.scheduler.run()
        found = self._judged()
        self._settle()
        return [*found, *self._close()]

    def _send(self, requests: Sequence[Request], network: Network) -> None:
        self._clients.append(Client(self.server, self._processes, network, requests))

    def _settle(self) -> None:
        """In fair weather everybody asks once more, so that every key has its end."""
        self.server.weather = Weather()
        for process in self._processes:
            process.start()
        self._send(self.drawer.drawn, Network())
        self.scheduler.run()
        for _ in range(SWEEPS):
            if not self._sweeper.sweep():
                break
            self.scheduler.run()
        due = self._sweeper.due()
        self.scheduler.expect(not due, f"{due} have run out and still hold money")

    def _close(self) -> list[str]:
        for process in self._processes:
            process.drain()
        self.scheduler.run()
        expect = self.scheduler.expect
        clients = [*self._clients, *self._sweeper.clients]
        expect(all(client.done for client in clients), "a client waits for ever")
        for process in self._processes:
            expect(process.drained, f"{process.name} has something left when it is drained")
            process.end()
        return [*self.scheduler.faults, *self._judged()]

    def judged(self, rows: Sequence[RecordedEvent]) -> list[str]:
        """Return what is wrong with these rows and what was told of them."""
        requests = [*self.drawer.openings, *self.drawer.drawn, *self._sweeper.requests]
        return judge(read(rows, requests), requests, self.server.book.heads)

    def _judged(self) -> list[str]:
        return self.judged(self.server.book.rows)

    def _go_on_to_midnight(self) -> None:
        """Let the day end while everybody is busy, by less than what counts as a step."""
        left = MIDNIGHT - self.server.clock()
        if left < 60:
            self.server.clock_offset += left - self._chance.uniform(0, 3)

    def _rate(self, often: float, most: float) -> float:
        """Return a rate that is nothing in most worlds."""
        return self._chance.uniform(0, most) if self._chance.random() < often else 0.0

    def _weather(self) -> Weather:
        rate = self._rate
        return Weather(
            away=rate(0.3, 0.2),
            conflict=rate(0.3, 0.4),
            lost_before=rate(0.3, 0.3),
            lost_after=rate(0.4, 0.4),
            in_flight=rate(0.3, 0.3),
        )

    def _network(self) -> Network:
        rate = self._rate
        return Network(lost=rate(0.4, 0.2), doubled=rate(0.4, 0.5), slow=rate(0.3, 0.3))

    def _misfortunes(self) -> None:
        chance, after = self._chance, self.scheduler.after
        for process in self._processes:
            for _ in range(chance.choice([0, 0, 1, 3])):
                at = chance.expovariate(0.5)
                after(at, process.kill)
                after(at + chance.uniform(0.01, 3), process.start)
            if chance.random() < 0.25:
                after(chance.expovariate(1), partial(process.pause, chance.uniform(0.1, 8)))
            if chance.random() < 0.2:
                self._replace(process)
        if chance.random() < 0.2:
            seconds = chance.uniform(0.1, 3) if chance.random() < 0.7 else 25.0
            after(chance.expovariate(1), lambda: self.server.crash(seconds))
        if chance.random() < 0.15:
            self._step_the_clock()
        if chance.random() < 0.1:
            self.server.poison = set(
                chance.sample(self.drawer.streams, k=min(1, len(self.drawer.streams)))
            )

    def _replace(self, process: Process) -> None:
        """Drain a process under load, and start its follower once it has ended."""

        def follow(life: object) -> None:
            if process.life is not life:
                return
            if process.drained:
                process.end()
                process.start()
            else:
                self.scheduler.after(1.0, lambda: follow(life))

        def drain() -> None:
            life = process.life
            process.drain()
            self.scheduler.after(0.5, lambda: follow(life))

        self.scheduler.after(self._chance.expovariate(1), drain)

    def _step_the_clock(self) -> None:
        step, server = self._chance.choice([-7200.0, -90.0, -5.0, 5.0, 90.0, 7200.0]), self.server
        server.steps_ahead = True
        if self._chance.random() < 0.5:
            server.steps_when_lost = step
            return
        self.scheduler.after(self._chance.expovariate(1), lambda: server.step(step))
        if self._chance.random() < 0.5:
            self.scheduler.after(self._chance.uniform(2, 20), lambda: server.step(-step))
