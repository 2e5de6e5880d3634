"""An outsider's reading of the stored events: types, JSON and the table of what moves money."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from domain.recorded import RecordedEvent
from tests.property.folded_orders import FoldedRequest, FoldedSchedule
from tests.property.folded_payments import FoldedPayment

POSTED = {"wallet.credited.v1": 1, "wallet.debited.v1": -1, "wallet.hold_captured.v1": -1}
HELD = {"wallet.funds_held.v1": 1, "wallet.hold_captured.v1": -1, "wallet.hold_released.v1": -1}


@dataclass
class Folded:
    """A wallet as its events tell it; a limit of none is unlimited."""

    currency: str
    limit: int | None
    posted: int = 0
    held: int = 0


@dataclass
class Fold:
    """Everything read so far; each rule that holds at every position is checked on the way."""

    position: int = 0
    recorded_at: str = ""
    wallets: dict[str, Folded] = field(default_factory=dict)
    payments: dict[str, FoldedPayment] = field(default_factory=dict)
    schedules: dict[str, FoldedSchedule] = field(default_factory=dict)
    requests: dict[str, FoldedRequest] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    freed: dict[str, int] = field(default_factory=dict)
    """What the wallets' events of one command free of each payment."""

    commands: set[str] = field(default_factory=set)
    keys: int = 0
    """How many idempotency keys have begun a stream."""

    group: dict[str, Any] | None = None
    occurring: bool = False
    """Whether the command being read is a schedule's, whose payment has no key of its own."""

    def read(self, rows: Iterable[RecordedEvent]) -> None:
        """Read the rows that follow what was read before."""
        for row in rows:
            self._place(row)
            fields = json.loads(row.data)
            self._command(row, json.loads(row.metadata), fields)
            if row.type.startswith("payment."):
                self._go_on(row, fields)
            elif row.type.startswith("schedule."):
                schedule = self.schedules.setdefault(row.stream_id, FoldedSchedule())
                schedule.read(row.type, fields, row.recorded_at[:10], self.payments)
            elif row.type.startswith("payment_request."):
                asked = self.requests.setdefault(row.stream_id, FoldedRequest())
                asked.read(row.type, fields, row.recorded_at, self.payments)
            else:
                self._move(row, fields)
            if self.group is None:
                assert not any(self.sums.values()), "a currency does not sum to 0"
                self._ended()

    def _place(self, row: RecordedEvent) -> None:
        assert row.position == self.position + 1, "positions are dense"
        assert row.recorded_at >= self.recorded_at, "time went back"
        assert row.version == self.versions.get(row.stream_id, 0) + 1, "versions are dense"
        self.position, self.recorded_at = row.position, row.recorded_at
        self.versions[row.stream_id] = row.version

    def _command(
        self, row: RecordedEvent, metadata: dict[str, Any], fields: dict[str, Any]
    ) -> None:
        name, index, count = (metadata[each] for each in ("command_id", "index", "count"))
        if self.group is None:
            assert index == 0
            assert name not in self.commands, "a command is stored once"
            assert row.version == 1
            self.commands.add(name)
            self.occurring = fields.get("action") == "run-occurrence"
        else:
            assert (name, index, count) == (
                self.group["command_id"],
                self.group["index"] + 1,
                self.group["count"],
            ), "a command's events stand side by side"
        begins_key = row.version == 1 and (index == 0 or not self.occurring)
        self.keys += begins_key
        assert ("fingerprint" in metadata) is begins_key
        assert ("actor" in metadata) is begins_key
        self.group = metadata if index + 1 < count else None

    def _move(self, row: RecordedEvent, fields: dict[str, Any]) -> None:
        if row.type == "wallet.opened.v1":
            limit = fields["overdraft_limit"]
            self.wallets[row.stream_id] = Folded(fields["currency"], limit)
        wallet = self.wallets.get(row.stream_id)
        if row.type == "wallet.overdraft_limit_changed.v1":
            assert wallet is not None
            wallet.limit = fields["overdraft_limit"]
        elif row.type in POSTED or row.type in HELD:
            assert wallet is not None
            assert fields["amount"] > 0
            assert fields["currency"] == wallet.currency
            moved = POSTED.get(row.type, 0) * fields["amount"]
            wallet.posted += moved
            wallet.held += HELD.get(row.type, 0) * fields["amount"]
            self.sums[wallet.currency] = self.sums.get(wallet.currency, 0) + moved
            if row.type == "wallet.hold_released.v1":
                name = fields["payment_id"]
                self.freed[name] = self.freed.get(name, 0) + fields["amount"]
                assert 0 <= fields["given_back"] <= fields["amount"]
        if wallet is not None:
            assert wallet.held >= 0, "less than nothing is held"
            low = wallet.limit is not None and wallet.posted - wallet.held < -wallet.limit
            assert not low, "less is available than the limit allows"

    def _go_on(self, row: RecordedEvent, fields: dict[str, Any]) -> None:
        payment = self.payments.setdefault(row.stream_id, FoldedPayment())
        payment.read(row.type, fields)

    def _ended(self) -> None:
        """Where a command has ended, expect wallets and payments to say the same."""
        for name, freed in self.freed.items():
            assert self.payments[name].freed_last == freed, "what is free again is told twice"
        self.freed = {}
