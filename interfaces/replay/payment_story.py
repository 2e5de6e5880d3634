"""One payment from its first event to its last: what happened, by whom, and which money moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, get_args

import psycopg

from domain import events
from domain.identifiers import PaymentId, StreamId, WalletId, bits, event_id
from domain.instants import Instant
from domain.money import Currencies
from domain.payment_events import PaymentDeclined, PaymentEvent, PaymentStatus
from domain.recorded import Actor, RecordedEvent
from infrastructure.event_codec import EventCodec, EventUnreadable
from infrastructure.event_log.reader import EventReader
from interfaces.replay.payment_words import Teller

OPENINGS: LiteralString = """
SELECT uuid_send(originator_id), state FROM events
WHERE originator_id = ANY(%s::uuid[]) AND originator_version = 1 AND topic = 'wallet.opened.v1'"""

DATED = (events.WalletDebited, events.WalletCredited, events.WalletHoldCaptured)
MOVES = (
    events.WalletDebited,
    events.WalletCredited,
    events.WalletFundsHeld,
    events.WalletHoldCaptured,
    events.WalletHoldReleased,
)
Moved = (
    events.WalletDebited
    | events.WalletCredited
    | events.WalletFundsHeld
    | events.WalletHoldCaptured
    | events.WalletHoldReleased
)


@dataclass(frozen=True, slots=True)
class Move:
    """What an event of a wallet did for the payment, in minor units."""

    recorded: RecordedEvent
    moved: Moved


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the payment, who gave its command, and what the command moved for it.

    `causes` are the schedules and the payment requests that the same command tells of.
    """

    recorded: RecordedEvent
    event: PaymentEvent
    command_id: str
    actor: Actor | None
    moves: Sequence[Move]
    causes: Sequence[StreamId]

    @property
    def effective_at(self) -> Instant | None:
        """The value date of what moved; none where nothing did."""
        for move in self.moves:
            if isinstance(move.moved, DATED):
                return move.moved.effective_at
        return None

    @property
    def status(self) -> PaymentStatus:
        """How the payment stands after the event."""
        standing = getattr(self.event, "standing", None)
        if standing is not None:
            status: PaymentStatus = standing.status
            return status
        return "declined" if isinstance(self.event, PaymentDeclined) else "completed"


@dataclass(frozen=True, slots=True)
class Story:
    """A payment up to the store's head; `names` are those under which its wallets were opened."""

    payment_id: PaymentId
    position: int
    steps: Sequence[Step]
    names: Mapping[WalletId, str]


def story(connection: psycopg.Connection[Any], payment: PaymentId) -> Story:
    """Return a payment's story, without steps where there is none; raises `EventUnreadable`."""
    reader, codec = EventReader(connection), EventCodec()
    position = reader.head()
    steps: list[Step] = []
    for recorded in reader.stream(StreamId(payment)):
        metadata = codec.decode_metadata(recorded.metadata)
        command = reader.after(recorded.position - metadata.index - 1, metadata.count)
        if recorded not in command:
            raise EventUnreadable(
                f"The metadata of position {recorded.position} say that it is of another command."
            )
        event = codec.decode(recorded.type, recorded.data)
        assert isinstance(event, get_args(PaymentEvent)), "a payment's stream has nothing else"
        steps.append(
            Step(
                recorded,
                event,
                metadata.command_id,
                codec.decode_metadata(command[0].metadata).actor,
                list(_moves(command, codec, recorded)),
                list(_causes(command, payment)),
            )
        )
    return Story(payment, position, steps, _names(connection, codec, steps))


def _moves(
    command: Sequence[RecordedEvent], codec: EventCodec, told_by: RecordedEvent
) -> Iterator[Move]:
    """Yield what moved for a payment behind one of its events and before the next of them."""
    for each in command:
        if each.position <= told_by.position:
            continue
        if each.stream_id == told_by.stream_id:
            return
        event = codec.decode(each.type, each.data)
        if isinstance(event, MOVES) and StreamId(event.payment_id) == told_by.stream_id:
            yield Move(each, event)


def _causes(command: Sequence[RecordedEvent], payment: PaymentId) -> Iterator[StreamId]:
    for each in command:
        if (
            each.type.startswith(("schedule.", "payment_request."))
            and payment.encode() in each.data
        ):
            yield each.stream_id


def _names(
    connection: psycopg.Connection[Any], codec: EventCodec, steps: Sequence[Step]
) -> Mapping[WalletId, str]:
    wallets = {wallet: bits(wallet) for step in steps for wallet in _wallets(step)}
    names = {}
    for stream, state in connection.execute(OPENINGS, [list(wallets.values())], binary=True):
        opened = codec.decode("wallet.opened.v1", state)
        assert isinstance(opened, events.WalletOpened), "that is its type"
        names[stream] = opened.name
    # In the order in which the story meets them.
    return {wallet: names[key.bytes] for wallet, key in wallets.items() if key.bytes in names}


def _wallets(step: Step) -> Iterator[WalletId]:
    event = step.event
    for name in ("source_wallet_id", "destination_wallet_id"):
        wallet: WalletId | None = getattr(event, name, None)
        if wallet is not None:
            yield wallet
    for leg in getattr(event, "legs", None) or ():
        yield from (leg.source_wallet_id, leg.destination_wallet_id)
    for move in step.moves:
        yield WalletId(move.recorded.stream_id)


def fields(found: Story, currencies: Currencies) -> dict[str, Any]:
    """Return a story as JSON has it."""
    first, last = found.steps[0].event, found.steps[-1]
    teller = Teller(first, found.names, currencies)
    return {
        "payment_id": found.payment_id,
        "position": found.position,
        "kind": getattr(first, "kind", None),
        "status": last.status,
        "wallets": [{"wallet_id": wallet, "name": name} for wallet, name in found.names.items()],
        "steps": [_step(step, teller, currencies) for step in found.steps],
    }


def _step(step: Step, teller: Teller, currencies: Currencies) -> dict[str, Any]:
    recorded, actor = step.recorded, step.actor
    return {
        "position": recorded.position,
        "event_id": event_id(recorded.stream_id, recorded.version),
        "version": recorded.version,
        "type": recorded.type,
        "recorded_at": recorded.recorded_at,
        "effective_at": step.effective_at,
        "command_id": step.command_id,
        "actor": None
        if actor is None
        else {"sub": actor.sub, "client_id": actor.client_id, "right": actor.right},
        "status": step.status,
        "story": teller.sentence(step.event, recorded.version, actor, step.causes),
        "moves": [
            {
                "position": move.recorded.position,
                "wallet_id": move.recorded.stream_id,
                "type": move.recorded.type,
                "amount": currencies.format(move.moved.amount, move.moved.currency),
                "currency": move.moved.currency,
            }
            for move in step.moves
        ],
    }
