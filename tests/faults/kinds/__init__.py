"""What a campaign can break, one module for each part of the world that is broken."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.ground import Ground


def _possible() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    `strike` does the harm from outside and undoes what nobody else would undo; it returns when
    the product can recover by itself, and may raise `NotStruck` when the moment was not right.
    `missing` tells in a sentence why the kind cannot be done on this machine, or None.
    `alone` keeps it from being combined with another kind at the same moment.
    """

    name: str
    strike: Callable[[Ground], None]
    missing: Callable[[], str | None] = _possible
    alone: bool = False
