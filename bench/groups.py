"""The groups of figures that can be measured, each on a home of its own."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from bench.figure import Figure
from bench.place import Place
from bench.plan import Plan

Measure = Callable[[Place, Plan], list[Figure]]


@dataclass(frozen=True, slots=True)
class Group:
    """A module with `figures(place, plan)`, and about how long it takes with the defaults."""

    module: str
    summary: str
    minutes: float
    named_only: bool = False

    @property
    def present(self) -> bool:
        """Whether this checkout has the module."""
        return importlib.util.find_spec(self.module) is not None

    def measure(self, place: Place, plan: Plan) -> list[Figure]:
        """Measure all figures of the group."""
        figures: Measure = importlib.import_module(self.module).figures
        return figures(place, plan)


NAMED = True
"""What is measured only when it is asked for by name."""

GROUPS: dict[str, Group] = {
    "system": Group("bench.system", "second start, memory of everything", 1),
    "in-process": Group("bench.in_process", "the ledger without HTTP, beside set-based SQL", 1.5),
    "holds": Group("bench.holds", "holds and captures, a wallet with a long past", 2),
    "http": Group("bench.http", "transfers over HTTP, alone, together, through the gateway", 3),
    "reading": Group("bench.reading", "balance queries, commit to visible in balances", 3),
    "stream": Group("bench.streaming", "commit to told by the stream of changes", 3),
    "million": Group("bench.million", "rebuild, proof and storage of a million events", 6),
    "reports": Group("bench.reporting", "reports over a million events", 8, NAMED),
    "import": Group("bench.importing", "a bank's transactions and their proof", 0.5),
    "overload": Group("bench.overload", "three times what it can do", 2, NAMED),
    "growth": Group("bench.growth", "5 million events against an empty ledger", 25, NAMED),
    "soak": Group("bench.soak", "half load for --minutes: does anything grow", 33, NAMED),
    "peers": Group("bench.peers", "a plain-SQL ledger, the library's recorder", 12, NAMED),
    "ledgers": Group("bench.ledgers", "1, 2 and 4 ledgers on one machine", 4, NAMED),
    "cost": Group("bench.cost", "processor, WAL and storage of a transfer", 3, NAMED),
}


def listing() -> str:
    """Return the groups as lines of help."""
    present = {name: group for name, group in GROUPS.items() if group.present}
    total = sum(group.minutes for group in present.values() if not group.named_only)
    lines = [
        f"  {name:<11} {group.summary} (about {group.minutes:g} min"
        f"{', only when named' if group.named_only else ''})"
        for name, group in present.items()
    ]
    return "\n".join(["groups:", *lines, f"  Without --only about {total:g} minutes in all."])
