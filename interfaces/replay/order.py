"""Checks the one order: dense positions, times that never go back, commands that are whole."""

from typing import TypeGuard

import msgspec

from interfaces.replay.closed_periods import ClosedPeriods
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.stored import Moved, Paid, Stored

SIGNS = {"wallet.credited.v1": 1, "wallet.debited.v1": -1, "wallet.hold_captured.v1": -1}
"""Which way an event moves posted, by the table of the contract."""

LEG_FIELDS = ("stream", "amount", "currency", "counterparty")


class Transfer(msgspec.Struct):
    """A transfer that has completed, and which of its two sides have been seen."""

    position: int
    paid: Paid
    sides: int = 0


class Command:
    """The command whose events are being read, and what they have moved so far."""

    def __init__(self, event: Stored) -> None:
        """Begin with the first event seen of it."""
        self.name = event.place.command_id
        self.count = event.place.count
        self.next_index = event.place.index
        self.whole = event.place.index == 0
        self.sums: dict[str, int] = {}
        self.transfers: dict[str, Transfer] = {}

    @property
    def ended(self) -> bool:
        """Whether all its events have been seen."""
        return self.next_index >= self.count


def _one_leg(facts: object) -> TypeGuard[Paid]:
    return isinstance(facts, Paid) and facts.legs is None


class OrderCheck:
    """Follows events in the order of their positions; its memory does not grow."""

    def __init__(self, findings: Findings) -> None:
        """Begin before position 1."""
        self._findings = findings
        self._recorded = b""
        self._command: Command | None = None
        self.position = 0
        self.periods = ClosedPeriods(findings)

    @property
    def between_commands(self) -> bool:
        """Whether the events so far end with the end of a command."""
        return self._command is None or self._command.ended

    def add(self, event: Stored) -> None:
        """Check an event against those before it."""
        self._place(event)
        self.periods.add(event)
        command = self._command
        if command is None or command.ended:
            if event.place.index != 0:
                self._wrong(event, "metadata.index", 0, event.place.index)
            command = self._command = Command(event)
        elif not self._continues(command, event):
            command = self._command = Command(event)
        command.next_index += 1
        facts = event.facts
        if isinstance(facts, Moved):
            moved = facts.amount * SIGNS.get(event.type, 0)
            command.sums[facts.currency] = command.sums.get(facts.currency, 0) + moved
            self._check_leg(command, event, facts)
        elif event.type == "payment.completed.v1" and _one_leg(facts):
            command.transfers[event.name] = Transfer(event.position, facts)
        if command.ended:
            self._end(command, event)

    def skip(self, position: int) -> None:
        """Go on behind an event that cannot be read."""
        self.position = position
        self._command = None

    def end(self, last: int) -> None:
        """Check that the last command is whole."""
        command = self._command
        if command is not None and not command.ended:
            field, count, seen = "events of the command", command.count, command.next_index
            self._findings.add(Difference(last + 1, "events", command.name, field, count, seen))

    def _place(self, event: Stored) -> None:
        expected = self.position + 1
        if event.position != expected:
            self._findings.add(
                Difference(expected, "events", "-", "position", expected, event.position)
            )
        self.position = event.position
        if event.recorded < self._recorded:
            self._wrong(event, "recorded_at", "not before the one before", "earlier")
        self._recorded = event.recorded

    def _continues(self, command: Command, event: Stored) -> bool:
        place = event.place
        if place.command_id != command.name:
            self._wrong(event, "metadata.command_id", command.name, place.command_id)
        elif place.index != command.next_index:
            self._wrong(event, "metadata.index", command.next_index, place.index)
        elif place.count != command.count:
            self._wrong(event, "metadata.count", command.count, place.count)
        else:
            return True
        return False

    def _check_leg(self, command: Command, event: Stored, moved: Moved) -> None:
        """Compare one side of a transfer with what its payment says; of others nothing is known."""
        transfer = command.transfers.get(moved.payment_id)
        if transfer is None or event.type not in SIGNS:
            return
        transfer.sides += 1
        paid = transfer.paid
        wallets = (paid.source_wallet_id, paid.destination_wallet_id)
        wallet, other = wallets if event.type != "wallet.credited.v1" else wallets[::-1]
        expected = (wallet, paid.amount, paid.currency, other)
        found = (event.name, moved.amount, moved.currency, moved.counterparty)
        if expected != found:
            self._findings.compare(
                event.position, "events", event.name, LEG_FIELDS, expected, found
            )

    def _end(self, command: Command, event: Stored) -> None:
        # Of a command that is not whole it is known already that its sums cannot be right.
        if not command.whole:
            return
        for currency, total in command.sums.items():
            if total != 0:
                self._wrong(event, f"sum of {currency} over the command", 0, total)
        for payment, transfer in command.transfers.items():
            if transfer.sides != 2:
                self._findings.add(
                    Difference(
                        transfer.position, "events", payment, "sides moved", 2, transfer.sides
                    )
                )

    def _wrong(self, event: Stored, field: str, expected: object, found: object) -> None:
        self._findings.add(Difference(event.position, "events", event.name, field, expected, found))
