"""Fills a new ledger fast: decided and encoded by the real code, stored by COPY as the owner."""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg

from application.batch import BatchPlan
from application.commands import Submission
from application.ports import Loaded
from bench.place import Place
from domain.identifiers import WalletId, bits, key_stream, payment_id, wallet_id
from domain.instants import instant, moment
from domain.money import Currencies
from domain.payments import transfer_money
from domain.wallet_rules import OpenWallet
from domain.wallets import Caller, Wallet
from infrastructure.event_codec import EventCodec

CHUNK = 5_000
OPERATOR = Caller("bench", "bench", operate=True)
EVENT_COLUMNS = {
    "originator_id": "uuid",
    "originator_version": "int8",
    "topic": "text",
    "state": "bytea",
    "notification_id": "int8",
    "metadata": "bytea",
    "recorded_at": "timestamptz",
}
HEAD_COLUMNS = {
    "id": "uuid",
    "version": "int8",
    "kind": "text",
    "currency": "text",
    "owner": "text",
    "posted": "int8",
    "held": "int8",
    "spent_on": "date",
    "spent": "int8",
    "overdraft_limit": "int8",
    "frozen_by_member": "bool",
    "frozen_by_operator": "bool",
    "closed": "bool",
}


class Filling:
    """The wallets of a ledger that is being filled, in memory until their heads are stored."""

    def __init__(self, place: Place) -> None:
        """Take the place whose ledger is to be filled; nobody else may write to it meanwhile."""
        self._admin = place.admin("ledger")
        self._codec = EventCodec()
        self._wallets: dict[WalletId, Wallet] = {}
        self.position = 0
        self.transferred = 0
        self.hot = _wallet(0)

    @property
    def wallets(self) -> list[WalletId]:
        """The ids of all wallets, the hot one first."""
        return list(self._wallets)

    def fill(self, wallets: int, events: int, hot_events: int) -> float:
        """Store so many wallets and events more; return the seconds it took.

        The first `wallets` events open them; transfers follow, of which `hot_events` pay into the
        wallet `hot`, spread over all the others.
        """
        began, known = time.monotonic(), len(self._wallets)
        with psycopg.connect(self._admin) as connection:
            self._begin(connection)
            numbers = range(known, known + wallets)
            self._copy(connection, (_opening(number) for number in numbers))
            transfers = (events - wallets) // 3
            self._copy(connection, self._transfers(transfers, hot_events / max(1, transfers)))
            self._store_heads(connection)
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE events, wallet_head")
            connection.execute("CHECKPOINT")
        return time.monotonic() - began

    def add(self, works: Iterator[Submission]) -> None:
        """Store commands of any kind more, be they refused; nobody else may write meanwhile."""
        with psycopg.connect(self._admin) as connection:
            self._copy(connection, works)
            self._store_heads(connection)

    def _begin(self, connection: psycopg.Connection) -> None:
        """Go on behind what is there: that the system was started is itself on record."""
        if not self.position:
            row = connection.execute("SELECT max(notification_id) FROM events").fetchone()
            self.position = (row and row[0]) or 0

    def _transfers(self, count: int, hot: float) -> Iterator[Submission]:
        """Yield transfers of which a share pays into the hot wallet."""
        assert hot <= 1, "each transfer has one event in the hot wallet"
        ids = list(self._wallets)
        begin = self.transferred
        self.transferred += count
        for number in range(begin, begin + count):
            source, destination = random.sample(ids, 2)
            if source != self.hot and number * hot % 1 < hot:
                destination = self.hot
            yield _transfer(number, source, destination)

    def _copy(self, connection: psycopg.Connection, works: Iterator[Submission]) -> None:
        statement = f"COPY events ({', '.join(EVENT_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types(list(EVENT_COLUMNS.values()))
            while batch := _next(works):
                for row in self._decided(batch):
                    copy.write_row(row)

    def _decided(self, batch: Sequence[Submission]) -> Iterator[tuple[object, ...]]:
        """Decide a batch as the ledger does, and return its events as rows."""
        now = datetime.now(UTC)
        plan = BatchPlan(
            Loaded(self._wallets, {}, {}, now.timestamp(), instant(now)),
            set(),
            Currencies({}).digits,
        )
        for work in batch:
            plan.add(work)
        changes = plan.changes()
        assert changes is not None
        assert len(changes.events) >= len(batch), "every command is on record"
        for wallet in (*changes.opened, *changes.changed):
            self._wallets[wallet.wallet_id] = wallet
        at = moment(changes.decided_at)
        for planned in changes.events:
            self.position += 1
            type_name, state = self._codec.encode(planned.event)
            metadata = self._codec.encode_metadata(planned.metadata)
            place = (planned.stream, planned.version, type_name, state, self.position)
            yield (*place, metadata, at)

    def _store_heads(self, connection: psycopg.Connection) -> None:
        statement = f"COPY wallet_head ({', '.join(HEAD_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        connection.execute("TRUNCATE wallet_head")
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types(list(HEAD_COLUMNS.values()))
            for wallet in self._wallets.values():
                rules = wallet.rules
                copy.write_row(
                    (
                        *(bits(wallet.wallet_id), wallet.version),
                        *(rules.kind, rules.currency, rules.owner),
                        *(wallet.posted, wallet.held, _day(wallet.spent_on), wallet.spent),
                        rules.overdraft_limit,
                        *(rules.frozen_by_member, rules.frozen_by_operator, rules.closed),
                    )
                )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _next(works: Iterator[Submission]) -> list[Submission]:
    return [work for _, work in zip(range(CHUNK), works, strict=False)]


def _wallet(number: int) -> WalletId:
    return wallet_id(key_stream("main", "bench", "filling", f"wallet-{number}"))


def _opening(number: int) -> Submission:
    stream = key_stream("main", "bench", "filling", f"wallet-{number}")
    command = OpenWallet(
        wallet_id=wallet_id(stream),
        kind="personal",
        account_class="liability",
        name=f"wallet {number}",
        reference=None,
        currency="EUR",
        overdraft_limit=None,
    )
    return Submission(command, OPERATOR, stream, "0" * 64)


def transfer_stream(number: int) -> UUID:
    """Return the stream of one of the transfers, which are numbered from 0."""
    return key_stream("main", "bench", "filling", f"transfer-{number}")


def _transfer(number: int, source: WalletId, destination: WalletId) -> Submission:
    stream = transfer_stream(number)
    command = transfer_money(
        payment_id=payment_id(stream),
        source_wallet_id=source,
        destination_wallet_id=destination,
        amount=1,
        currency="EUR",
    )
    return Submission(command, OPERATOR, stream, "0" * 64)
