"""A request of a client of the simulation, and how each try of it ended."""

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from application.commands import AtomicBatch, Outcome, Submission, Work
from domain.identifiers import key_stream, wallet_id
from domain.wallets import Caller

CLIENT = Caller("ada", "simulation", operate=True)
NOBODYS = wallet_id(UUID(int=0))


def stream_of(key: str) -> UUID:
    """Return the stream that a key begins."""
    return key_stream("main", "simulation", CLIENT.subject, key)


class Reply(NamedTuple):
    """An outcome as a client got it, and how many events were stored before it and then.

    `before` is when the request came to the process.
    """

    outcome: Outcome
    before: int
    stored: int


@dataclass
class Request:
    """One request with all tries of it, over all clients that sent it.

    `unanswered` has each arrival at a process of which no client has heard, `asked_at` the
    database's time at the first one, where its clock does not step.
    """

    key: str
    work: Work
    arrivals: int = 0
    asked_at: str = ""
    unanswered: set[int] = field(default_factory=set)
    replies: list[Reply] = field(default_factory=list)

    @property
    def items(self) -> tuple[Submission, ...]:
        """The commands that would be on record."""
        return commands(self.work)


def commands(work: Work) -> tuple[Submission, ...]:
    """Return the commands of a piece of work that would be on record."""
    if isinstance(work, AtomicBatch):
        return tuple(item for item in work.items if item is not None)
    return (work,) if isinstance(work, Submission) else ()
