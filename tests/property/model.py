"""The ledger once more, as a model in plain integers that shares no rule with the ledger's code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from application.commands import Submission
from domain.payments import MakePayment
from domain.wallet_rules import (
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    UnfreezeWallet,
)

End = tuple[str, int | None]
"""How a command ends: `done`, a refusal's code (with what was available), or no record at all."""

DONE: End = ("done", None)
NOT_FOUND: End = ("not-found", None)
KEY_REUSED: End = ("key-reused", None)
UNRECORDED = {NOT_FOUND, KEY_REUSED}

MOST = 9_000_000_000_000_000_000


@dataclass
class Purse:
    """A wallet of the model; a limit of none is unlimited."""

    owner: str | None
    currency: str
    limit: int | None
    balance: int = 0
    frozen: set[str] = field(default_factory=set)
    closed: bool = False

    def right(self, submission: Submission) -> str | None:
        """Return by which right a caller acts here, if any."""
        caller = submission.caller
        if self.owner is not None and caller.subject == self.owner:
            return "member"
        return "operate" if caller.operate else None


class Model:
    """All purses and all keys, changed by one command after the other."""

    def __init__(self) -> None:
        self.purses: dict[str, Purse] = {}
        self.keys: dict[UUID, tuple[str, End]] = {}

    def submit(self, submission: Submission) -> tuple[End, bool]:
        """Do a command; return its end and whether it was a repeat."""
        known = self.keys.get(submission.stream)
        if known is not None:
            fingerprint, end = known
            return (end, True) if fingerprint == submission.fingerprint else (KEY_REUSED, False)
        end = self._decide(submission)
        if end not in UNRECORDED:
            self.keys[submission.stream] = (submission.fingerprint, end)
        return end, False

    def submit_all(self, items: Sequence[Submission]) -> tuple[bool, list[End]]:
        """Do all or nothing; return whether it was refused, and how each item ended."""
        balances = {name: purse.balance for name, purse in self.purses.items()}
        keys = dict(self.keys)
        ends = []
        for item in items:
            end, _ = self.submit(item)
            if end not in {DONE, *UNRECORDED} and item.stream not in keys:
                # A refusal within the batch is not on record for the items behind it.
                self.keys.pop(item.stream, None)
            ends.append(end)
        refused = any(end != DONE for end in ends)
        if refused:
            self.keys = keys
            for name, balance in balances.items():
                self.purses[name].balance = balance
            ends = [("not-executed", None) if end == DONE else end for end in ends]
        return refused, ends

    def try_transfer(self, command: MakePayment, submission: Submission) -> End:
        """Say how a transfer would end; nothing is changed."""
        source = self.purses.get(command.source_wallet_id)
        if source is None or source.right(submission) is None:
            return NOT_FOUND
        payee = self.purses.get(command.destination_wallet_id)
        if payee is None:
            return NOT_FOUND
        if command.source_wallet_id == command.destination_wallet_id:
            return ("same-wallet", None)
        if {source.currency, payee.currency} != {command.currency}:
            return ("currency-mismatch", None)
        if source.closed:
            return ("wallet-closed", None)
        if source.frozen:
            return ("wallet-frozen", None)
        if payee.closed:
            known = payee.right(submission) is not None
            return ("wallet-closed" if known else "payee-unavailable", None)
        left = source.balance - command.amount
        if source.limit is not None and left < -source.limit:
            return ("insufficient-funds", source.balance)
        if left < -MOST or payee.balance + command.amount > MOST:
            return ("balance-out-of-range", None)
        return DONE

    def _decide(self, submission: Submission) -> End:
        match submission.command:
            case MakePayment() as command:
                end = self.try_transfer(command, submission)
                if end == DONE:
                    self.purses[command.source_wallet_id].balance -= command.amount
                    self.purses[command.destination_wallet_id].balance += command.amount
                return end
            case OpenWallet() as command:
                owner = None if command.kind == "system" else submission.caller.subject
                purse = Purse(owner, command.currency, command.overdraft_limit)
                self.purses[command.wallet_id] = purse
                return DONE
            case command:
                found = self.purses.get(command.wallet_id)
                right = None if found is None else found.right(submission)
                if found is None or right is None:
                    return NOT_FOUND
                return _change(found, right, command)


def _change(
    purse: Purse,
    right: str,
    command: FreezeWallet | UnfreezeWallet | CloseWallet | ChangeOverdraftLimit,
) -> End:
    if isinstance(command, ChangeOverdraftLimit) and right == "member":
        return NOT_FOUND
    if purse.closed:
        return ("wallet-closed", None)
    match command:
        case FreezeWallet():
            purse.frozen.add(right)
        case UnfreezeWallet():
            if purse.frozen and right not in purse.frozen:
                return ("wallet-frozen", None)
            purse.frozen.discard(right)
        case CloseWallet():
            if right == "member" and "operate" in purse.frozen:
                return ("wallet-frozen", None)
            if purse.balance:
                return ("wallet-not-empty", None)
            purse.closed = True
        case ChangeOverdraftLimit(overdraft_limit=limit):
            if limit is not None and purse.balance < -limit:
                return ("overdraft-in-use", None)
            purse.limit = limit
    return DONE
