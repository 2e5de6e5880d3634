"""The ledger once more, as a model in plain integers that shares no rule with the ledger's code."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from application.commands import (
    Command,
    PaymentCommand,
    PaymentRequestCommand,
    ScheduleCommand,
    Submission,
    WalletCommand,
)
from domain.exchanges import ExchangeMoney
from domain.occurrences import RunOccurrence
from domain.payment_requests import AcceptPaymentRequest, RequestPayment
from domain.payments import MakePayment
from domain.refunds import RefundPayment, ReversePayment
from domain.schedules import CreateSchedule
from domain.wallet_rules import OpenWallet
from domain.wallets import Caller
from tests.property import model_payment_requests, model_schedules
from tests.property.model_begin import begin, begin_exchange, try_to_begin
from tests.property.model_goes_on import go_on, look_at
from tests.property.model_parts import (
    DONE,
    KEY_REUSED,
    UNRECORDED,
    Book,
    Deal,
    End,
    No,
    Purse,
)
from tests.property.model_returns import give_back
from tests.property.model_wallets import change, look_into

DIGITS = {"EUR": 2, "JPY": 0}


class Model:
    """All purses, payments and keys, changed by one command after the other."""

    def __init__(self) -> None:
        self.book = Book()
        self.keys: dict[UUID, tuple[str, End]] = {}

    @property
    def purses(self) -> dict[str, Purse]:
        """The wallets by their ids."""
        return self.book.purses

    @property
    def deals(self) -> dict[str, Deal]:
        """The payments by their ids."""
        return self.book.deals

    def submit(self, submission: Submission) -> tuple[End, bool]:
        """Do a command; return its end and whether it was a repeat."""
        known = self.keys.get(submission.stream)
        if known is not None:
            fingerprint, end = known
            return (end, True) if fingerprint == submission.fingerprint else (KEY_REUSED, False)
        end = _ended(lambda: self._do(submission))
        if end[0] not in UNRECORDED:
            self.keys[submission.stream] = (submission.fingerprint, end)
        return end, False

    def submit_all(self, items: Sequence[Submission]) -> tuple[bool, list[End]]:
        """Do all or nothing; return whether it was refused, and how each item ended."""
        book, keys = copy.deepcopy(self.book), dict(self.keys)
        ends = []
        for item in items:
            end, _ = self.submit(item)
            if end != DONE and end[0] not in UNRECORDED and item.stream not in keys:
                # A refusal within the batch is not on record for the items behind it.
                self.keys.pop(item.stream, None)
            ends.append(end)
        refused = any(end != DONE for end in ends)
        if refused:
            self.keys, self.book = keys, book
            ends = [("not-executed", None) if end == DONE else end for end in ends]
        return refused, ends

    def try_payment(self, command: MakePayment, caller: Caller) -> End:
        """Say how a payment would end; nothing is changed."""
        return _ended(lambda: try_to_begin(self.book, command, caller))

    def _do(self, submission: Submission) -> None:
        command, caller, book = submission.command, submission.caller, self.book
        if submission.written:
            currency = self._currency(submission)
            minor = {
                name: _minor(name, text, DIGITS[currency])
                for name, text in submission.written.items()
            }
            command = replace(command, **minor)  # type: ignore[arg-type]  # a command's own fields
        match command:
            case MakePayment():
                begin(book, command, caller)
            case ExchangeMoney():
                begin_exchange(book, command, caller, DIGITS)
            case RefundPayment() | ReversePayment():
                give_back(book, command, caller)
            case OpenWallet():
                owner = None if command.kind == "system" else caller.subject
                purse = Purse(owner, command.currency, command.overdraft_limit, command.kind)
                book.purses[command.wallet_id] = purse
            case _ if isinstance(command, PaymentCommand):
                go_on(book, command, caller)
            case _ if isinstance(command, WalletCommand):
                change(book, command, caller)
            case _:
                self._do_on_orders(command, caller)

    def _do_on_orders(self, command: Command, caller: Caller) -> None:
        book = self.book
        match command:
            case CreateSchedule():
                model_schedules.create(book, command, caller)
            case RunOccurrence():
                model_schedules.run(book, command, caller)
            case RequestPayment():
                model_payment_requests.ask(book, command, caller)
            case AcceptPaymentRequest():
                model_payment_requests.accept(book, command, caller)
            case _ if isinstance(command, PaymentRequestCommand):
                model_payment_requests.end(book, command, caller)
            case _:
                assert isinstance(command, ScheduleCommand)
                model_schedules.change(book, command, caller)

    def _currency(self, submission: Submission) -> str:
        command, caller = submission.command, submission.caller
        match command:
            case ExchangeMoney():
                return look_into(self.book, command.source_wallet_id, caller).currency
            case RefundPayment() | ReversePayment():
                return look_at(self.book, command.payment_id, caller).currency
            case _ if isinstance(command, PaymentCommand):
                return look_at(self.book, command.payment_id, caller).currency
            case _:
                assert isinstance(command, WalletCommand)
                return look_into(self.book, command.wallet_id, caller).currency


def _minor(name: str, text: str, digits: int) -> int:
    """Return a decimal string in minor units; what is finer is no amount, and no amount is zero."""
    minor = Decimal(text).scaleb(digits)
    if minor != int(minor) or (name == "amount" and minor == 0):
        raise No("field-invalid")
    return int(minor)


def _ended(do: Callable[[], None]) -> End:
    try:
        do()
    except No as no:
        return no.end
    return DONE


__all__ = ["DONE", "KEY_REUSED", "UNRECORDED", "Deal", "End", "Model", "Purse"]
