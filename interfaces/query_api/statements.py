"""The statement of a wallet: its entries by value date, in the form that is asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec import UNSET

from domain.identifiers import StreamId, event_id
from domain.instants import Instant, instant
from domain.money import Currencies
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.reports import Reports
from interfaces.http.problems import Problem
from interfaces.query_api.answers import Entry, WalletStatement
from interfaces.query_api.endpoint import Answer, Asked, Query, WrittenAnswer, not_found
from interfaces.query_api.parameters import StatementParameters
from interfaces.query_api.wallets import MISSING, READS, WALLET
from interfaces.statements.forms import FORMS, MOST_LINES, Form
from interfaces.statements.statement import Inexpressible, Line, Statement
from projections.balances import BALANCES, WalletRow, find_wallet
from projections.contract import Snapshot
from projections.entries import ENTRIES
from projections.members import MEMBERS
from projections.value_dates import (
    VALUE_DATES,
    ValueRow,
    list_by_value,
    posted_before,
    value_span,
)

STATEMENT = f"{WALLET}/statement"
AT_A_TIME = 2
"""How many statements are written at a time; they keep a core busy and may be large."""

PATIENCE_SECONDS = 5.0
"""How long one waits for its turn."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the read models know of a statement; money in minor units."""

    wallet: WalletRow
    since: date
    through: date
    opening: int
    rows: Sequence[ValueRow]
    position: int


class StatementQueries:
    """Answers the query of a statement."""

    def __init__(
        self, reports: Reports, log: LedgerLog, currencies: Currencies, ledger: str, public_url: str
    ) -> None:
        """Take the read models, the ledger's log and name, and where people reach the routes."""
        self._reports = reports
        self._log = log
        self._currencies = currencies
        self._ledger = ledger
        self._public_url = public_url.rstrip("/")
        self._turns = asyncio.Semaphore(AT_A_TIME)

    def queries(self) -> Sequence[Query[Any]]:
        """Return the route."""
        return (
            Query(
                STATEMENT,
                "A wallet's statement by value dates, in many forms",
                READS,
                StatementParameters,
                WalletStatement,
                self.statement,
                "wal",
                tuple(form.media_type for form in FORMS.values()),
            ),
        )

    async def statement(self, asked: Asked[StatementParameters]) -> Answer:
        """`GET /v1/wallets/{id}/statement`."""
        wanted = asked.parameters
        if wanted.since and wanted.until and wanted.since > wanted.until:
            raise _invalid("to", "must not be before from")
        form = FORMS.get(wanted.form)
        most = MOST_LINES if form is None else form.most_lines
        then = None if wanted.as_of is None else await self._log.position_as_of(wanted.as_of)

        async def query(snapshot: Snapshot, position: int) -> _Found:
            wallet = await find_wallet(
                snapshot, asked.object_id, asked.user, sees_all=asked.sees_all
            )
            if wallet is None:
                raise not_found(MISSING, position)
            return await _find(snapshot, wanted, wallet, position if then is None else then, most)

        reads = (BALANCES, MEMBERS, ENTRIES, VALUE_DATES)
        at_least = max(then or 0, wanted.min_position)
        async with self._turn():
            position, found = await self._reports.ask(reads, at_least, query)
            if form is None:
                return Answer(position, await asyncio.to_thread(self._document, found))
            return Answer(position, await self._written(found, form))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait a while for one of the turns; raises `Problem` 503 where none becomes free."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            detail = "Too many statements are being written; try again."
            raise Problem("service-unavailable", detail, headers={"Retry-After": "2"}) from None
        try:
            yield
        finally:
            self._turns.release()

    async def _written(self, found: _Found, form: Form) -> WrittenAnswer:
        # A position of 0 is before every event; then nothing was recorded yet.
        issued_at = await self._log.recorded_at(max(found.position, 1))
        try:
            statement = await asyncio.to_thread(self._statement, found, issued_at)
            content = await asyncio.to_thread(form.write, statement)
        except Inexpressible as reason:
            raise _invalid("format", str(reason)) from None
        name = f"statement-{found.wallet.wallet_id}-{found.since}-{found.through}.{form.ending}"
        return WrittenAnswer(content, form.media_type, name)

    def _document(self, found: _Found) -> WalletStatement:
        statement = self._statement(found, instant(found.wallet.opened_at))
        written, currency = statement.money, found.wallet.currency
        lines = zip(found.rows, statement.lines, strict=True)
        return WalletStatement(
            wallet_id=found.wallet.wallet_id,
            currency=currency,
            since=found.since.isoformat(),
            until=found.through.isoformat(),
            opening_balance=written(statement.opening),
            entries=[
                Entry(
                    entry_id=line.entry_id,
                    payment_id=line.payment_id,
                    direction=row.direction,
                    amount=written(row.amount),
                    currency=currency,
                    balance_after=written(line.balance_after),
                    description=UNSET if row.description is None else row.description,
                    counterparty=line.counterparty,
                    recorded_at=line.recorded_at,
                    effective_at=instant(row.effective_at),
                    position=row.position,
                )
                for row, line in lines
            ],
            closing_balance=written(statement.closing),
        )

    def _statement(self, found: _Found, issued_at: Instant) -> Statement:
        wallet, balance = found.wallet, found.opening
        stream = StreamId(wallet.wallet_id)
        lines = []
        for row in found.rows:
            amount = row.amount if row.direction == "credit" else -row.amount
            balance += amount
            lines.append(
                Line(
                    row.value_date,
                    event_id(stream, row.version),
                    row.payment_id,
                    row.description,
                    row.counterparty,
                    amount,
                    balance,
                    instant(row.recorded_at),
                )
            )
        return Statement(
            ledger=self._ledger,
            wallet_id=wallet.wallet_id,
            name=wallet.name or "",
            currency=wallet.currency,
            digits=self._currencies.digits(wallet.currency),
            since=found.since,
            through=found.through,
            opening=found.opening,
            lines=lines,
            position=found.position,
            issued_at=issued_at,
            proof_url=self._proof_url(found.rows),
        )

    def _proof_url(self, rows: Sequence[ValueRow]) -> str:
        """Return where the proof of what was recorded last is, or the seal without any entry."""
        if not rows:
            return f"{self._public_url}/v1/audit/seals/latest"
        last = max(rows, key=lambda row: row.position)
        return f"{self._public_url}/v1/audit/payments/{last.payment_id}/proof"


async def _find(
    snapshot: Snapshot, wanted: StatementParameters, wallet: WalletRow, until: int, most: int
) -> _Found:
    since, through = wanted.since, wanted.until
    if since is None or through is None:
        # Without ends it is everything: by the entries, so that it is the same when asked again.
        opened = wallet.opened_at.date()
        first, last = await value_span(snapshot, wallet.wallet_id, until) or (opened, opened)
        since = since or (first if through is None else min(first, through))
        through = through or max(last, since)
    opening = await posted_before(snapshot, wallet.wallet_id, since, until)
    rows = await list_by_value(
        snapshot, wallet.wallet_id, since=since, through=through, until=until, limit=most + 1
    )
    if len(rows) > most:
        raise _invalid(
            "to", f"would make more than {most} entries in this format: ask for a shorter time"
        )
    return _Found(wallet, since, through, opening, rows, until)


def _invalid(parameter: str, detail: str) -> Problem:
    errors = [{"detail": detail, "parameter": parameter}]
    return Problem("invalid-request", "The query is not as it should be.", errors=errors)
