"""Compares the accounts' wallets with the balances that the file itself gives."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from interfaces.importing.rows import Row

Account = tuple[str, str]
"""An account's number and its currency."""

Cause = Literal["rounding", "row-missing", "refused", "other-payments"]
"""Why a wallet differs from the file.

`rounding`: the file's balances are rounded, `row-missing`: they count money that no row moves,
`refused`: the ledger refused rows, `other-payments`: the wallet has payments from elsewhere.
"""


@dataclass(slots=True)
class _Standing:
    """An account by the file: its balance, what its rows move, and whether that explains it."""

    balance: int = 0
    moved: int = 0
    explained: bool = True
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A wallet that does not stand as the file says; money in minor units."""

    account: str
    currency: str
    ledger: int
    file: int
    cause: Cause


class FileBalances:
    """Follows the file's own balance of each account, day by day.

    The rows of a day are in no particular order. Whatever their true order was, the last row's
    balance is the one before the day and all of the day's amounts added up: so the row whose
    balance is nearest to that carries the account's balance at the day's end.
    """

    def __init__(self, rounding: int) -> None:
        """Take by how many minor units a balance may be off for each row of a day."""
        self._rounding = rounding
        self._accounts: dict[Account, _Standing] = defaultdict(_Standing)

    def add_day(self, rows: Iterable[Row]) -> None:
        """Follow all rows of one day."""
        by_account: dict[Account, list[Row]] = defaultdict(list)
        for row in rows:
            by_account[row.account, row.currency].append(row)
        for account, its_rows in by_account.items():
            self._add(self._accounts[account], its_rows)

    def _add(self, standing: _Standing, rows: list[Row]) -> None:
        moved = sum(row.amount for row in rows)
        standing.moved += moved
        expected = standing.balance + moved
        stated = [row.balance for row in rows if row.balance is not None]
        if not stated:
            standing.balance = expected
            return
        standing.stated = True
        standing.balance = min(stated, key=lambda balance: abs(balance - expected))
        if abs(standing.balance - expected) > self._rounding * len(rows):
            standing.explained = False

    def accounts(self) -> list[Account]:
        """Return the accounts for which the file states balances."""
        return [account for account, standing in self._accounts.items() if standing.stated]

    def differences(
        self, posted: Mapping[Account, int], accepted: Mapping[Account, int]
    ) -> list[Difference]:
        """Compare with the wallets' balances; `accepted` is what the ledger took of the rows."""
        found = []
        for account in self.accounts():
            standing, ledger = self._accounts[account], posted[account]
            if ledger != standing.balance:
                cause = _cause(standing, ledger, accepted[account])
                found.append(Difference(*account, ledger, standing.balance, cause))
        return found


def _cause(standing: _Standing, ledger: int, accepted: int) -> Cause:
    if ledger != accepted:
        return "other-payments"
    if accepted != standing.moved:
        return "refused"
    return "rounding" if standing.explained else "row-missing"
