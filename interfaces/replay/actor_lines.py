"""Who gave a command and where it stands in it, as it is stored beside each event."""

from collections.abc import Mapping
from typing import Final

import msgspec


class Actor(msgspec.Struct, gc=False):
    """Who gave a command."""

    sub: str


class Place(msgspec.Struct, gc=False):
    """What metadata says of an event's place in its command, and who gave it."""

    command_id: str
    index: int
    count: int
    actor: Actor | None = None


class Answered(msgspec.Struct, gc=False):
    """What came of a command that is no payment: its wallet and its payment, if it has any."""

    wallet_id: str | None = None
    payment_id: str | None = None


SHAPES: Final[Mapping[str, type[Answered]]] = {
    "request.accepted.v1": Answered,
    "request.refused.v1": Answered,
}
