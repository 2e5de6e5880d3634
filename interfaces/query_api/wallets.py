"""Queries of wallets: what they are, what they hold now and then, and what moved."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import UNSET, UnsetType

from domain.identifiers import StreamId, event_id
from domain.instants import Instant, first_instant, instant, moment
from domain.money import Currencies
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.reports import Reports
from interfaces.query_api.answers import (
    Approvals,
    Balance,
    Entries,
    Entry,
    Limits,
    Wallet,
    Wallets,
    or_unset,
)
from interfaces.query_api.endpoint import Answer, Asked, Query, not_found
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import (
    MAX_POSITION,
    EffectiveParameters,
    EntriesParameters,
    Parameters,
    WalletsParameters,
)
from projections.balances import BALANCES, WalletRow, find_wallet, list_wallets
from projections.contract import Snapshot
from projections.entries import ENTRIES, EntryRow, list_entries, standing_at
from projections.members import MEMBERS
from projections.value_dates import VALUE_DATES, posted_at, posted_through

WALLETS = "/v1/wallets"
WALLET = "/v1/wallets/{wallet_id}"
READS = ("read", "wallets", "operate", "audit")
MISSING = "wallet-not-found"


class WalletQueries:
    """Answers the queries of wallets."""

    def __init__(
        self, reports: Reports, log: LedgerLog, pages: Pages, currencies: Currencies
    ) -> None:
        """Take the read models, the ledger's log, and how pages and money are written."""
        self._reports = reports
        self._log = log
        self._pages = pages
        self._currencies = currencies

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes, the hottest first."""
        return (
            Query(
                f"{WALLET}/balance",
                "What a wallet holds, now or as of a moment",
                READS,
                EffectiveParameters,
                Balance,
                self.balance,
                "wal",
            ),
            Query(WALLET, "A wallet", READS, Parameters, Wallet, self.wallet, "wal"),
            Query(
                f"{WALLET}/entries",
                "What moved in a wallet",
                READS,
                EntriesParameters,
                Entries,
                self.entries,
                "wal",
            ),
            Query(WALLETS, "The caller's wallets", READS, WalletsParameters, Wallets, self.wallets),
        )

    async def wallets(self, asked: Asked[WalletsParameters]) -> Answer:
        """`GET /v1/wallets`."""
        wanted = asked.parameters
        before = self._pages.before(asked, WALLETS)

        async def query(snapshot: Snapshot, _position: int) -> Wallets:
            rows = await list_wallets(
                snapshot,
                user=asked.user,
                sees_all=asked.sees_all,
                kind=wanted.kind,
                reference=wanted.reference,
                before=before,
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(asked, WALLETS, rows, lambda r: [r.opened_position])
            items = [self._wallet(row) for row in page]
            return Wallets(items=items, next_cursor=following)

        reads = (BALANCES, MEMBERS)
        return Answer(*await self._reports.ask(reads, wanted.min_position, query))

    async def wallet(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/wallets/{id}`."""

        async def query(snapshot: Snapshot, position: int) -> Wallet:
            row = await _found(snapshot, asked, position)
            return self._wallet(row)

        at_least = asked.parameters.min_position
        return Answer(*await self._reports.ask((BALANCES, MEMBERS), at_least, query))

    async def balance(self, asked: Asked[EffectiveParameters]) -> Answer:
        """`GET /v1/wallets/{id}/balance`."""
        wanted = asked.parameters
        if wanted.effective_as_of is not None:
            return await self._balance_by_value(asked, wanted.effective_as_of)
        then = None if wanted.as_of is None else await self._log.position_as_of(wanted.as_of)

        async def query(snapshot: Snapshot, position: int) -> Balance:
            row = await _found(snapshot, asked, position)
            if then is None:
                return self._balance(row.currency, row.posted, row.held, position)
            posted, held = await standing_at(snapshot, row.wallet_id, then)
            return self._balance(row.currency, posted, held, then)

        reads = (BALANCES, MEMBERS) if then is None else (BALANCES, MEMBERS, ENTRIES)
        at_least = max(then or 0, wanted.min_position)
        return Answer(*await self._reports.ask(reads, at_least, query))

    async def _balance_by_value(
        self, asked: Asked[EffectiveParameters], at: date | Instant
    ) -> Answer:
        wanted, log = asked.parameters, self._log
        then = None if wanted.as_of is None else await log.position_as_of(wanted.as_of)
        # A hold has no value date: it counts from when it was recorded.
        held_until = MAX_POSITION
        if not isinstance(at, date):
            held_until = await log.position_as_of(at)
        elif at < date.max:
            held_until = await log.position_before(first_instant(at + timedelta(days=1)))

        async def query(snapshot: Snapshot, position: int) -> Balance:
            row = await _found(snapshot, asked, position)
            until = position if then is None else then
            if isinstance(at, date):
                posted = await posted_through(snapshot, row.wallet_id, at, until)
            else:
                posted = await posted_at(snapshot, row.wallet_id, moment(at), until)
            _, held = await standing_at(snapshot, row.wallet_id, min(held_until, until))
            return self._balance(row.currency, posted, held, until)

        reads = (BALANCES, MEMBERS, ENTRIES, VALUE_DATES)
        at_least = max(then or 0, wanted.min_position)
        position, document = await self._reports.ask(reads, at_least, query)
        return Answer(position, document)

    async def entries(self, asked: Asked[EntriesParameters]) -> Answer:
        """`GET /v1/wallets/{id}/entries`."""
        wanted, route = asked.parameters, f"{WALLET}/entries"
        (until,) = self._pages.key(asked, route) or (MAX_POSITION + 1,)
        after = 0
        if wanted.since is not None:
            after = await self._log.position_before(wanted.since)
        if wanted.until is not None:
            until = min(until, await self._log.position_before(wanted.until) + 1)

        async def query(snapshot: Snapshot, position: int) -> Entries:
            row = await _found(snapshot, asked, position)
            rows = await list_entries(
                snapshot,
                row.wallet_id,
                direction=wanted.direction,
                after=after,
                until=until - 1,
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(asked, route, rows, lambda r: [r.position])
            items = [self._entry(row.wallet_id, entry) for entry in page]
            return Entries(items=items, next_cursor=following)

        reads = (BALANCES, MEMBERS, ENTRIES)
        return Answer(*await self._reports.ask(reads, wanted.min_position, query))

    def _balance(self, currency: str, posted: int, held: int, position: int) -> Balance:
        written = self._currencies.format
        return Balance(
            posted=written(posted, currency),
            held=written(held, currency),
            available=written(posted - held, currency),
            currency=currency,
            position=position,
        )

    def _wallet(self, row: WalletRow) -> Wallet:
        written, limit = self._currencies.format, row.overdraft_limit
        frozen = row.frozen_by_member or row.frozen_by_operator
        return Wallet(
            wallet_id=row.wallet_id,
            name=or_unset(row.name),
            kind=row.kind,
            account_class=row.account_class if row.kind == "system" else UNSET,
            currency=row.currency,
            reference=or_unset(row.reference),
            status="closed" if row.closed else "frozen" if frozen else "open",
            overdraft_limit="unlimited" if limit is None else written(limit, row.currency),
            limits=self._limits(row),
            approvals=self._approvals(row),
            role=or_unset(row.role),
            created_at=instant(row.opened_at),
            posted=written(row.posted, row.currency),
            held=written(row.held, row.currency),
            available=written(row.posted - row.held, row.currency),
        )

    def _limits(self, row: WalletRow) -> Limits | UnsetType:
        if row.per_payment is None and row.per_day is None:
            return UNSET
        return Limits(
            per_payment=self._limit(row.per_payment, row), per_day=self._limit(row.per_day, row)
        )

    def _limit(self, amount: int | None, row: WalletRow) -> str | None:
        return None if amount is None else self._currencies.format(amount, row.currency)

    def _approvals(self, row: WalletRow) -> Approvals | UnsetType:
        if row.approvals_required == 0:
            return UNSET
        above = self._currencies.format(row.approvals_above, row.currency)
        return Approvals(required=row.approvals_required, above=above)

    def _entry(self, wallet_id: str, row: EntryRow) -> Entry:
        written = self._currencies.format
        return Entry(
            entry_id=event_id(StreamId(wallet_id), row.version),
            payment_id=row.payment_id,
            direction=row.direction,
            amount=written(row.amount, row.currency),
            currency=row.currency,
            balance_after=written(row.posted_after, row.currency),
            description=or_unset(row.description),
            counterparty=or_unset(row.counterparty),
            recorded_at=instant(row.recorded_at),
            effective_at=instant(row.effective_at),
            position=row.position,
        )


async def _found(snapshot: Snapshot, asked: Asked[Any], position: int) -> WalletRow:
    row = await find_wallet(snapshot, asked.object_id, asked.user, sees_all=asked.sees_all)
    if row is None:
        raise not_found(MISSING, position)
    return row
