"""The events of a ledger as a journal of double entry: accounts, and transactions between them.

Bookkeepers write debits above zero and credits below. A wallet is money that is owed to its owner,
so each amount here has the sign against that of the event: what people have is a liability.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.events import AccountClass
from interfaces.replay.lines import Descriptions
from interfaces.replay.stored import Moved, Opened, Paid, Stored, WentOn

SIGNS = {"wallet.credited.v1": -1, "wallet.debited.v1": 1, "wallet.hold_captured.v1": 1}
"""Which way an amount is posted: a credit is below zero."""


@dataclass(slots=True)
class Account:
    """A wallet as an account; `balance` in minor units, debits above zero."""

    wallet_id: str
    name: str
    account_class: AccountClass
    currency: str
    balance: int = 0


@dataclass(slots=True)
class Transaction:
    """What one payment posts within one command; per currency the amounts add up to 0."""

    day: str
    payment_id: str
    description: str | None
    postings: list[tuple[Account, int]] = field(default_factory=list)


class Journal:
    """Folds events into accounts and gives the transactions on the way."""

    def __init__(self, accounts: Mapping[str, Account] | None = None) -> None:
        """Begin with accounts that were opened before, or without any."""
        self.accounts = dict(accounts or {})
        self._descriptions = Descriptions()

    def add(self, events: Iterable[Stored]) -> Iterator[Transaction]:
        """Yield the transactions of whole commands, in the order of the events."""
        begun: dict[tuple[str, str], Transaction] = {}
        for event in events:
            facts = event.facts
            if isinstance(facts, Opened):
                self.accounts[event.name] = Account(
                    event.name, facts.name, _class_of(facts), facts.currency
                )
            elif isinstance(facts, Paid | WentOn):
                self._descriptions.add(event, facts)
            elif isinstance(facts, Moved) and facts.effective_at is not None:
                self._post(event, facts, facts.effective_at[:10], begun)
            if event.place.index == event.place.count - 1:
                yield from begun.values()
                begun.clear()
        assert not begun, "the events end where a command ends"

    def _post(
        self, event: Stored, moved: Moved, day: str, begun: dict[tuple[str, str], Transaction]
    ) -> None:
        transaction = begun.get((moved.payment_id, day))
        if transaction is None:
            description = self._descriptions.of(event, moved.payment_id)
            transaction = Transaction(day, moved.payment_id, description)
            begun[moved.payment_id, day] = transaction
        account, amount = self.accounts[event.name], SIGNS[event.type] * moved.amount
        account.balance += amount
        transaction.postings.append((account, amount))


@dataclass(slots=True)
class Span:
    """The first and the last value date of some transactions, empty without any."""

    first: str = ""
    last: str = ""

    def add(self, day: str) -> None:
        """Take a day in; days are written alike, so texts compare as they do."""
        self.first = min(self.first or day, day)
        self.last = max(self.last, day)


def _class_of(opened: Opened) -> AccountClass:
    match opened.account_class:
        case "asset" | "liability" | "equity" | "income" | "expense" as known:
            return known
        case other:
            raise AssertionError(f"no account has the class {other}")
