"""Everything that a simulated world has stored, folded once more by rules of its own."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.commands import Command
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import bits
from domain.payments import MakePayment
from domain.recorded import RecordedEvent
from domain.refunds import RefundPayment, ReversePayment
from domain.wallet_rules import ChangeOverdraftLimit
from tests.simulation.payments import Fields, Moved, Paid, begun
from tests.simulation.purses import MOVES, Purse
from tests.simulation.reasons import Case, is_so
from tests.simulation.requests import Request

Due = tuple[str, str, Mapping[str, Any]]
"""What a command must do to a payment: its name, what, and the fields that are known before."""


@dataclass
class Story:
    """What the events add up to; what breaks a promise becomes a fault."""

    rows: Sequence[RecordedEvent]
    asked: Mapping[tuple[UUID, str], Command]
    faults: list[str] = field(default_factory=list)
    purses: dict[str, Purse] = field(default_factory=dict)
    payments: dict[str, Paid] = field(default_factory=dict)
    firsts: dict[UUID, int] = field(default_factory=dict)
    """Where each stream begins, by its bits."""

    answered: set[tuple[UUID, str]] = field(default_factory=set)
    """The streams that answers began, each with the content of its request."""

    last_of: dict[int, int] = field(default_factory=dict)
    """The position of the last event of a command, for each position."""

    _versions: Counter[str] = field(default_factory=Counter)
    _group: list[int] = field(default_factory=list)
    _due: list[Due] = field(default_factory=list)
    _told: list[tuple[str, Fields]] = field(default_factory=list)
    _moves: Counter[Moved] = field(default_factory=Counter)
    _moved: Counter[Moved] = field(default_factory=Counter)

    def expect(self, holds: bool, fault: str) -> None:
        """Note a broken promise where it does not hold."""
        if not holds:
            self.faults.append(fault)

    def note(self, row: RecordedEvent, faults: Iterator[str], whose: str = "") -> None:
        """Note what is wrong with one event."""
        self.faults += [f"{row.position}: {whose or row.stream_id} {fault}" for fault in faults]

    def add(self, number: int, row: RecordedEvent) -> None:
        """Fold one event."""
        data, metadata = json.loads(row.data), json.loads(row.metadata)
        self.expect(row.position == number, f"position {row.position} is not {number}")
        index, before = metadata["index"], self.rows[number - 2] if number > 1 else None
        self.expect(index == len(self._group), f"{number}: index {index}")
        if before is not None:
            self.expect(row.recorded_at >= before.recorded_at, f"{number}: went back")
        self._versions[row.stream_id] += 1
        version = self._versions[row.stream_id]
        self.expect(row.version == version, f"{number}: version {row.version} is not {version}")
        if row.version == 1:
            self.firsts[bits(row.stream_id)] = number
        kind, what, _ = row.type.split(".")
        if "fingerprint" in metadata:
            self._answer(row, what, data, metadata["fingerprint"])
        if kind == "wallet":
            self._wallet(row, data)
        elif kind == "payment" and row.version > 1:
            self._go_on(row, what, data)
        self._group.append(number)
        if index == metadata["count"] - 1:
            self._end(number)

    def finish(self) -> None:
        """Look at the end of the log."""
        self.expect(not self._group, "the last command is not whole")

    def _answer(self, row: RecordedEvent, what: str, data: Fields, fingerprint: str) -> None:
        """Take the event that answers a command: what was asked, and what must come of it."""
        self.answered.add((bits(row.stream_id), fingerprint))
        command = self.asked.get((bits(row.stream_id), fingerprint))
        if command is None:
            self.faults.append(f"{row.position}: nobody asked for {row.stream_id}")
            return
        paid = self.payments.get(str(getattr(command, "payment_id", "")))
        if row.type.startswith("payment."):
            self.note(row, self._begin(row, what, data, command, paid))
        elif what == "refused":
            self.expect(
                is_so(data["code"], self._case(row, data, command, paid)),
                f"{row.position}: {command} is refused as {data['code']} for no reason",
            )
        elif what == "accepted" and "payment_id" in data:
            assert paid is not None, "what is not there is not accepted"
            self._due += _promised(command, paid)
            self._told.append((paid.name, data["standing"]))

    def _begin(
        self, row: RecordedEvent, what: str, data: Fields, command: Command, first: Paid | None
    ) -> Iterator[str]:
        """Begin a payment, which must be the one that was asked for."""
        paid = self.payments[row.stream_id] = begun(row.stream_id, what, data)
        day = data["standing"]["counted_on"] if what == "authorized" else data["effective_at"][:10]
        if day != row.recorded_at[:10]:
            yield "decided for another day than it is recorded"
        if what == "declined":
            case = self._case(row, data, command, first)
            if not is_so(data["code"], case):
                yield f"declined as {data['code']} for no reason: {command}, {case}"
        elif first is not None:
            self._due += _promised(command, first)
        if data.get("standing") and not paid.agrees(data["standing"]):
            yield f"it is {paid} and the event says {data['standing']}"
        self._moves.update(paid.moves(what, data))
        if isinstance(command, MakePayment):
            wanted: tuple[str, str, str, int] = (
                command.kind,
                command.source_wallet_id,
                command.destination_wallet_id,
                command.amount,
            )
            if command.kind == "hold" and what == "completed":
                yield "a hold that was paid at once"
        elif first is not None:
            kind = "refund" if isinstance(command, RefundPayment) else "reversal"
            left = paid.amount if what == "declined" else _left(command, first)
            amount = getattr(command, "amount", None) or left
            wanted = (kind, first.payee, first.source, amount)
        else:
            yield f"begun by {command}"
            return
        if (paid.kind, paid.source, paid.payee, paid.amount) != wanted:
            yield f"{paid} is not what was asked for by {command}"

    def _go_on(self, row: RecordedEvent, what: str, data: Fields) -> None:
        paid = self.payments.get(row.stream_id)
        if paid is None:
            self.faults.append(f"{row.position}: {row.stream_id} goes on before it has begun")
            return
        due = self._due.pop(0) if self._due else ("", "", {})
        found = (paid.name, what, {name: data[name] for name in due[2] if name in data})
        self.expect(found == due, f"{row.position}: {found} where {due} was asked for")
        self._moves.update(paid.moves(what, data))
        self.note(row, paid.go_on(what, data, row.recorded_at))

    def _wallet(self, row: RecordedEvent, data: Fields) -> None:
        name = row.stream_id
        if row.type == "wallet.opened.v1":
            self.purses[name] = Purse(data["overdraft_limit"])
            return
        purse = self.purses[name]
        purse.version = row.version
        if row.type not in MOVES:
            self.note(row, purse.change(row.type, data))
            return
        payment, amount = data["payment_id"], data["amount"]
        self._moved[name, row.type, payment, amount] += 1
        forced = payment in self.payments and self.payments[payment].kind == "reversal"
        self.note(row, purse.move(row.type, amount, forced))

    def _case(self, row: RecordedEvent, data: Fields, command: Command, paid: Paid | None) -> Case:
        """Return what stood when a command was refused."""
        names: tuple[str, ...] = (data.get("wallet_id", ""),) * 2
        if "source_wallet_id" in data:
            names = (data["source_wallet_id"], data["destination_wallet_id"])
        elif paid is not None:
            names = (paid.source, paid.payee)
        amount = getattr(command, "amount", None) or data.get("amount")
        if isinstance(command, ChangeOverdraftLimit):
            amount = command.overdraft_limit
        source, payee = (self.purses[name] for name in names)
        return Case(source, payee, paid, amount, data.get("available"), row.recorded_at)

    def _end(self, number: int) -> None:
        """Where a command ends, money, payments and answers say the same."""
        self.last_of.update(dict.fromkeys(self._group, number))
        self.expect(not self._due, f"{number}: it has not done {self._due}")
        more, less = self._moved - self._moves, self._moves - self._moved
        self.expect(not more, f"{number}: moves what no payment says: {dict(more)}")
        self.expect(not less, f"{number}: does not move what a payment says: {dict(less)}")
        for payment, standing in self._told:
            fault = f"{number}: told {standing}, and it is {self.payments[payment]}"
            self.expect(self.payments[payment].agrees(standing), fault)
        total = sum(purse.balance for purse in self.purses.values())
        self.expect(total == 0, f"{number}: the sum is {total} where a command ends")
        left = Counter[str]()
        for paid in self.payments.values():
            left[paid.source] += paid.left
        for name, purse in self.purses.items():
            fault = f"{number}: {name} holds {purse.held} and its payments {left[name]}"
            self.expect(purse.held == left[name], fault)
        for pending in (self._group, self._due, self._told, self._moves, self._moved):
            pending.clear()


def _left(command: Command, paid: Paid) -> int:
    """Return what a command takes that names no amount."""
    match command:
        case RefundPayment():
            return paid.refundable
        case ReversePayment():
            return paid.captured
    return paid.left


def _promised(command: Command, paid: Paid) -> list[Due]:
    """Return what a command that is done does to a payment which stands as it does."""
    amount = getattr(command, "amount", None) or _left(command, paid)
    match command:
        case CaptureHold():
            released = paid.left - amount if command.final else 0
            return [(paid.name, "captured", {"amount": amount, "released": released})]
        case ReleaseHold():
            return [(paid.name, "released", {"amount": amount, "reason": "released"})]
        case ExpirePayment():
            return [(paid.name, "released", {"amount": amount, "reason": "expired"})]
        case IncreaseHold():
            return [(paid.name, "increased", {"amount": amount})]
        case RefundPayment():
            by = {"refund_payment_id": command.refund_payment_id}
            return [(paid.name, "refunded", {"amount": amount, **by})]
        case ReversePayment():
            by = {"reversal_payment_id": command.reversal_payment_id}
            return [(paid.name, "reversed", {"amount": amount, **by})]
    return []


def read(rows: Sequence[RecordedEvent], requests: Iterable[Request]) -> Story:
    """Fold the rows by what was asked for."""
    asked = {
        (item.stream, item.fingerprint): item.command
        for request in requests
        for item in request.items
    }
    story = Story(rows, asked)
    for number, row in enumerate(rows, 1):
        story.add(number, row)
    story.finish()
    return story
