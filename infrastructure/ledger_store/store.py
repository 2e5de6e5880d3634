"""The ledger's store in PostgreSQL: two round trips a batch, one connection, one writer."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import errors

from application.commands import RecordedAnswer
from application.ports import (
    Appended,
    Changes,
    Conflict,
    Loaded,
    OutcomeUnknown,
    StoreUnavailable,
)
from domain.identifiers import WalletId, bits
from domain.instants import instant, moment
from infrastructure.event_codec import EventCodec
from infrastructure.ledger_store import statements as sql
from infrastructure.ledger_store.arrays import (
    Bigints,
    Byteas,
    Column,
    Texts,
    Uuids,
    register,
)
from infrastructure.ledger_store.deadline import Deadline
from infrastructure.ledger_store.heads import (
    fixed_columns,
    moved_columns,
    rules_columns,
    wallet_of,
)
from infrastructure.ledger_store.known_beginnings import KnownBeginnings
from infrastructure.ledger_store.pipeline import pipeline

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]

_CONFLICTS = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    errors.UniqueViolation,
    errors.QueryCanceled,
)
_NOT_VALID_ANY_MORE = "FP001"
_SHORT_OF_SOMETHING = "53"
_ENDED = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
"""57P01 to 57P05: the server ends the connection; 25P03 and 25P04: a time-out has ended it."""


class PostgresLedgerStore:
    """Implements `application.ports.LedgerStore`; connects at the first use and after a loss."""

    def __init__(self, connect: Callable[[], Connection], codec: EventCodec) -> None:
        """Take how to connect (in autocommit, as login `falconpay_command`) and the codec."""
        self._connect = connect
        self._codec = codec
        self._connection: Connection | None = None
        self._cursors: dict[str, Cursor] = {}
        self._known = KnownBeginnings()
        self._deadline = Deadline()

    def beginnings(self, streams: Sequence[UUID]) -> Mapping[UUID, RecordedAnswer]:
        """Read the first events of streams that are not known, in a transaction of its own."""
        with self._failures(StoreUnavailable):
            self._connected()
            known = self._known.among(streams)
            asked = [stream for stream in streams if stream not in known]
            if not asked:
                return known
            rows = self._run(sql.READ_ANSWERS, (Uuids(asked),)).fetchall()
            found = {row[0]: self._answer(row) for row in rows}
            self._known.read(found)
            return {**known, **found}

    def load(
        self, wallets: Sequence[WalletId], streams: Sequence[UUID], goes_on: Sequence[UUID] = ()
    ) -> Loaded:
        """Lock the wallets' heads in id order, then read all else in later statements."""
        names = {bits(wallet): wallet for wallet in wallets}
        with self._failures(StoreUnavailable):
            with pipeline(self._connected()) as line:
                line.gather()
                self._run(sql.BEGIN, prepare=None)
                heads = self._run(sql.LOCK_HEADS, (Uuids(list(names)),))
                clock = self._run(sql.READ_CLOCK)
                answers = self._run(sql.READ_ANSWERS, (Uuids(streams),))
                lasts = self._run(sql.READ_LASTS, (Uuids(goes_on),)) if goes_on else None
            ((now, last, closed_through),) = clock.fetchall()
            return Loaded(
                wallets={(name := names[row[0]]): wallet_of(name, row) for row in heads.fetchall()},
                answers={row[0]: self._answer(row) for row in answers.fetchall()},
                lasts={
                    row[0]: (row[1], self._codec.decode(row[2], row[3]))
                    for row in (lasts.fetchall() if lasts else ())
                },
                clock=now.timestamp(),
                decided_at=instant(max(now, last or now)),
                closed_through=closed_through,
            )

    def commit(self, changes: Changes) -> Appended:
        """Write heads, append the events last, COMMIT, and believe only its command tag."""
        connection = self._connection
        if connection is None or connection.closed:
            # On a new connection the changes would be stored without the locks they rest on.
            self._drop()
            raise StoreUnavailable
        with self._failures(OutcomeUnknown):
            self._deadline.watch(connection)
            with pipeline(connection) as line:
                if changes.changed:
                    moved = moved_columns(changes.changed)
                    self._run(sql.MOVE_HEADS, moved)
                if changes.ruled:
                    names = Uuids([bits(wallet.wallet_id) for wallet in changes.ruled])
                    ruled = (names, *rules_columns(changes.ruled))
                    self._run(sql.CHANGE_RULES, ruled)
                if changes.opened:
                    opened = changes.opened
                    columns = (
                        *moved_columns(opened),
                        *rules_columns(opened),
                        *fixed_columns(opened),
                    )
                    self._run(sql.OPEN_HEADS, columns)
                if changes.closed:
                    days = Texts([through for through, _ in changes.closed])
                    streams = Uuids([stream for _, stream in changes.closed])
                    self._run(sql.CLOSE_PERIODS, (days, streams))
                # The heads are on their way, and the server moves them while events are encoded.
                line.gather()
                appended = self._run(sql.APPEND, self._event_columns(changes))
                committed = self._run(sql.COMMIT, prepare=None)
            ((first_position, recorded_at),) = appended.fetchall()
            confirm(committed.statusmessage)
            done = Appended(first_position, instant(recorded_at))
            self._known.stored(changes.events, done)
            return done

    def release(self) -> None:
        """Roll back; a connection that cannot do even that is dropped."""
        if self._connection is None:
            return
        with contextlib.suppress(StoreUnavailable), self._failures(StoreUnavailable):
            self._deadline.watch(self._connection)
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._drop()
        self._deadline.close()

    def _answer(self, row: tuple[Any, ...]) -> RecordedAnswer:
        _, type_name, state, metadata, position, recorded_at = row
        return RecordedAnswer(
            event=self._codec.decode(type_name, state),
            metadata=self._codec.decode_metadata(metadata),
            position=position,
            recorded_at=instant(recorded_at),
        )

    def _event_columns(self, changes: Changes) -> tuple[Column | datetime | str | None, ...]:
        events = changes.events
        encoded = [self._codec.encode(planned.event) for planned in events]
        metadata = self._codec.encode_metadata
        return (
            Uuids([planned.stream for planned in events]),
            Bigints([planned.version for planned in events]),
            Texts([type_name for type_name, _ in encoded]),
            Byteas([state for _, state in encoded]),
            Byteas([metadata(planned.metadata) for planned in events]),
            moment(changes.decided_at),
            moment(changes.valid_before),
            changes.closed_through,
        )

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._known.forget()
            self._cursors.clear()
            self._connection = self._connect()
            register(self._connection)
        self._deadline.watch(self._connection)
        return self._connection

    def _run(
        self,
        statement: LiteralString,
        columns: Sequence[object] | None = None,
        prepare: bool | None = True,
    ) -> Cursor:
        """Send a statement, and return the cursor that will have its result until it is sent again.

        Each statement keeps its cursor while the connection lasts: a new one copies all adapters
        and looks every column's up again.
        """
        cursor = self._cursors.get(statement)
        if cursor is None:
            assert self._connection is not None, "statements are for what is connected"
            cursor = self._cursors[statement] = self._connection.cursor(binary=True)
        return cursor.execute(statement, columns, prepare=prepare)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _failures(self, lost: type[StoreUnavailable] | type[OutcomeUnknown]) -> Iterator[None]:
        """Turn the driver's errors into the port's; after one the transaction is over."""
        try:
            yield
        except psycopg.Error as error:
            if self._connection is None or self._connection.closed or _is_loss(error):
                self._drop()
                raise lost from error
            self._roll_back()
            if isinstance(error, _CONFLICTS) or error.sqlstate == _NOT_VALID_ANY_MORE:
                raise Conflict from error
            if (error.sqlstate or "").startswith(_SHORT_OF_SOMETHING):
                # A full disk, no memory, no connections: nothing was done, and it may pass.
                raise StoreUnavailable from error
            raise
        except BaseException:
            self._drop()
            raise
        finally:
            self._deadline.unwatch()

    def _roll_back(self) -> None:
        assert self._connection is not None
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()


def confirm(tag: str | None) -> None:
    """Accept the command tag of COMMIT; a failed transaction answers ROLLBACK without an error."""
    if tag != "COMMIT":
        raise Conflict(f"COMMIT answered {tag}")


def _is_loss(error: psycopg.Error) -> bool:
    # Without a code it is the driver that speaks: the connection is of no use any more, even
    # where it does not say so (`cannot exit pipeline mode while busy`).
    if error.sqlstate is None:
        return type(error) is psycopg.OperationalError
    return error.sqlstate[:2] in {"08", "58"} or error.sqlstate in _ENDED
