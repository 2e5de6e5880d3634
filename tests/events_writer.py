"""Writes valid commands straight into an event store, for tests of what follows the events."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from domain.events import (
    Event,
    RequestAccepted,
    Role,
    Side,
    WalletClosed,
    WalletCredited,
    WalletDebited,
    WalletFrozen,
    WalletKind,
    WalletMemberAdded,
    WalletMemberRemoved,
    WalletOpened,
    WalletOverdraftLimitChanged,
    WalletUnfrozen,
)
from domain.identifiers import (
    PaymentId,
    StreamId,
    WalletId,
    bits,
    payment_id,
    request_id,
    wallet_id,
)
from domain.instants import Instant, instant, moment
from domain.payment_events import PaymentCompleted, PaymentDeclined
from domain.recorded import Actor, EventMetadata
from infrastructure.event_codec import EventCodec
from tests.held_events import Streamed, asked, captured, held

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True, slots=True)
class Written:
    """Where the events of an append stand."""

    first: int
    last: int
    recorded_at: Instant


@dataclass
class EventsWriter:
    """Appends commands as the login `command`; what it writes keeps every rule of the ledger.

    Balances are not checked, so give system wallets the part of paying what there is not.
    """

    connection: psycopg.Connection[Any]
    seed: int = 0
    codec: EventCodec = field(default_factory=EventCodec)
    versions: dict[str, int] = field(default_factory=dict)
    waiting: list[tuple[Streamed, EventMetadata]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def new_bits(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def command(self, events: Sequence[Streamed]) -> None:
        """Add the events of one command, which `flush` appends with the others."""
        first = events[0][0]
        for index, streamed in enumerate(events):
            beginning = isinstance(streamed[1], PaymentCompleted) or index == 0
            metadata = EventMetadata(first, index, len(events))
            if beginning:
                metadata = EventMetadata(
                    first,
                    index,
                    len(events),
                    Actor("usr_0", "tests", "member"),
                    1,
                    "0" * 64,
                    TRACEPARENT,
                )
            self.waiting.append((streamed, metadata))

    def flush(self, at: Instant | None = None) -> Written:
        """Append all commands that wait in one transaction."""
        ids, versions, topics, states, metadatas = [], [], [], [], []
        for (stream, event), metadata in self.waiting:
            type_name, state = self.codec.encode(event)
            self.versions[stream] = self.versions.get(stream, 0) + 1
            ids.append(bits(stream))
            versions.append(self.versions[stream])
            topics.append(type_name)
            states.append(state)
            metadatas.append(self.codec.encode_metadata(metadata))
        decided_at = datetime.now(UTC) if at is None else moment(at)
        with self.connection.transaction():
            row = self.connection.execute(
                "SELECT * FROM append(%s, %s, %s, %s, %s, %s, 'infinity')",
                [ids, versions, topics, states, metadatas, decided_at],
            ).fetchone()
        assert row is not None
        count, self.waiting = len(self.waiting), []
        return Written(row[0], row[0] + count - 1, instant(row[1]))

    def open(
        self,
        currency: str = "EUR",
        owner: str | None = "usr_0",
        kind: WalletKind = "personal",
        name: str = "Everyday",
        reference: str | None = None,
    ) -> WalletId:
        """Add a command that opens a wallet."""
        opened = wallet_id(self.new_bits())
        event = WalletOpened(
            kind=kind,
            account_class="asset" if kind == "system" else "liability",
            owner=None if kind == "system" else owner,
            name=name,
            reference=reference,
            currency=currency,
            overdraft_limit=None if kind == "system" else 0,
        )
        self.command([(opened, event)])
        return opened

    def transfer(self, source: WalletId, destination: WalletId, amount: int, **more: Any) -> str:
        """Add a command that moves money; `more` are fields of the payment's event."""
        events = self.leg(source, destination, amount, **more)
        self.command(events)
        return events[0][0]

    def atomic(self, transfers: Sequence[tuple[WalletId, WalletId, int]]) -> None:
        """Add one command that moves money several times, as an atomic batch does."""
        self.command([event for transfer in transfers for event in self.leg(*transfer)])

    def leg(
        self, source: WalletId, destination: WalletId, amount: int, **more: Any
    ) -> list[Streamed]:
        """Return the events of one transfer."""
        payment = payment_id(self.new_bits())
        fields: dict[str, Any] = {
            "kind": "transfer",
            "amount": amount,
            "currency": "EUR",
            "source_wallet_id": source,
            "destination_wallet_id": destination,
            "effective_at": instant(datetime.now(UTC)),
            **more,
        }
        currency, at = fields["currency"], fields["effective_at"]
        return [
            (payment, PaymentCompleted(**fields)),
            (source, WalletDebited(payment, amount, currency, destination, at)),
            (destination, WalletCredited(payment, amount, currency, source, at)),
        ]

    def hold(self, source: WalletId, destination: WalletId, amount: int) -> PaymentId:
        """Add a command that holds money."""
        payment = payment_id(self.new_bits())
        self.command(held(payment, source, destination, amount))
        return payment

    def capture(
        self, payment: PaymentId, source: WalletId, destination: WalletId, amount: int
    ) -> None:
        """Add a command that captures all that a hold has."""
        self.command(captured(payment, source, destination, amount))

    def ask(self, source: WalletId, destination: WalletId, amount: int, by: str) -> None:
        """Add a command whose payment waits for another owner of its source."""
        self.command(asked(payment_id(self.new_bits()), source, destination, amount, by))

    def member(self, wallet: WalletId, user: str, role: Role) -> None:
        self._request(wallet, "add-member", WalletMemberAdded(user, role))

    def remove(self, wallet: WalletId, user: str) -> None:
        self._request(wallet, "remove-member", WalletMemberRemoved(user))

    def decline(self, source: WalletId, destination: WalletId, amount: int, **more: Any) -> str:
        """Add a command that was refused for want of money."""
        payment = payment_id(self.new_bits())
        fields: dict[str, Any] = {
            "kind": "transfer",
            "amount": amount,
            "currency": "EUR",
            "source_wallet_id": source,
            "destination_wallet_id": destination,
            "effective_at": instant(datetime.now(UTC)),
            "code": "insufficient-funds",
            "available": 0,
            **more,
        }
        self.command([(payment, PaymentDeclined(**fields))])
        return payment

    def freeze(self, wallet: WalletId, side: Side = "member") -> None:
        self._request(wallet, "freeze", WalletFrozen(side, "lost card"))

    def unfreeze(self, wallet: WalletId, side: Side = "member") -> None:
        self._request(wallet, "unfreeze", WalletUnfrozen(side, "found again"))

    def close(self, wallet: WalletId) -> None:
        self._request(wallet, "close", WalletClosed("done"))

    def overdraft(self, wallet: WalletId, limit: int | None) -> None:
        event = WalletOverdraftLimitChanged(limit, "agreed")
        self._request(wallet, "change-overdraft-limit", event)

    def _request(self, wallet: WalletId, action: Any, event: Event) -> None:
        accepted = RequestAccepted(
            action=action, wallet_id=wallet, status="open", overdraft_limit=0, role=None
        )
        self.command([(StreamId(request_id(self.new_bits())), accepted), (wallet, event)])

    def busy(self, wallets: Sequence[WalletId], commands: int) -> None:
        """Add commands of all kinds between the wallets of one currency."""
        for _ in range(commands):
            one, other = self.random.sample(wallets, 2)
            amount = self.random.randint(1, 10_000)
            match self.random.randint(0, 19):
                case 0:
                    self.decline(one, other, amount)
                case 1:
                    self.freeze(one, self.random.choice(("member", "operate")))
                case 2:
                    self.unfreeze(one, self.random.choice(("member", "operate")))
                case 3:
                    self.overdraft(one, self.random.choice((None, 0, amount)))
                case 4:
                    pairs = [self.random.sample(wallets, 2) for _ in range(3)]
                    self.atomic([(pair[0], pair[1], amount) for pair in pairs])
                case _:
                    self.transfer(one, other, amount, description=f"no. {amount}")
