"""Checks the one order: dense positions, times that never go back, commands that are whole."""

from interfaces.replay.findings import Difference, Findings
from interfaces.replay.stored import Moved, Paid, Stored

SIGNS = {"wallet.credited.v1": 1, "wallet.debited.v1": -1, "wallet.hold_captured.v1": -1}
"""Which way an event moves posted, by the table of the contract."""


class Command:
    """The command whose events are being read, and what they have moved so far."""

    def __init__(self, event: Stored) -> None:
        """Begin with the first event seen of it."""
        self.name = event.place.command_id
        self.count = event.place.count
        self.next_index = event.place.index
        self.whole = event.place.index == 0
        self.sums: dict[str, int] = {}
        self.legs: dict[str, dict[str, int]] = {}
        self.transfers: list[tuple[int, str, Paid]] = []

    def sum_up(self, event: Stored) -> None:
        """Remember what an event moves, and what a transfer says that its wallets move."""
        facts = event.facts
        if isinstance(facts, Moved):
            moved = facts.amount * SIGNS.get(event.type, 0)
            self.sums[facts.currency] = self.sums.get(facts.currency, 0) + moved
            legs = self.legs.setdefault(facts.payment_id, {})
            legs[event.name] = legs.get(event.name, 0) + moved
        elif isinstance(facts, Paid) and facts.kind == "transfer" and facts.code is None:
            self.transfers.append((event.position, event.name, facts))

    @property
    def ended(self) -> bool:
        """Whether all its events have been seen."""
        return self.next_index >= self.count


class OrderCheck:
    """Follows events in the order of their positions; its memory does not grow."""

    def __init__(self, findings: Findings) -> None:
        """Begin before position 1."""
        self._findings = findings
        self._recorded = b""
        self._command: Command | None = None
        self.position = 0

    def add(self, event: Stored) -> None:
        """Check an event against those before it."""
        self._place(event)
        command = self._command
        if command is None or command.ended:
            if event.place.index != 0:
                self._wrong(event, "metadata.index", 0, event.place.index)
            command = self._command = Command(event)
        elif not self._continues(command, event):
            command = self._command = Command(event)
        command.next_index += 1
        command.sum_up(event)
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

    @property
    def between_commands(self) -> bool:
        """Whether the events so far end with the end of a command."""
        return self._command is None or self._command.ended

    def _place(self, event: Stored) -> None:
        if event.position != self.position + 1:
            self._missing(self.position + 1, event.position)
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

    def _end(self, command: Command, event: Stored) -> None:
        # Of a command that is not whole it is known already that its sums cannot be right.
        if not command.whole:
            return
        for currency, total in command.sums.items():
            if total != 0:
                self._wrong(event, f"sum of {currency} over the command", 0, total)
        for position, payment, paid in command.transfers:
            legs = {paid.source_wallet_id: -paid.amount, paid.destination_wallet_id: paid.amount}
            found = command.legs.get(payment, {})
            if found != legs:
                self._findings.add(
                    Difference(position, "events", payment, "what its wallets moved", legs, found)
                )

    def _missing(self, position: int, found: int) -> None:
        self._findings.add(Difference(position, "events", "-", "position", position, found))

    def _wrong(self, event: Stored, field: str, expected: object, found: object) -> None:
        self._findings.add(Difference(event.position, "events", event.name, field, expected, found))
