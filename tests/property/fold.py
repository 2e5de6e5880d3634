"""An outsider's reading of the stored events: types, JSON and the table of what moves money."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from domain.recorded import RecordedEvent

MOVES = {"wallet.credited.v1": 1, "wallet.debited.v1": -1}


@dataclass
class Folded:
    """A wallet as its events tell it; a limit of none is unlimited."""

    currency: str
    limit: int | None
    posted: int = 0


@dataclass
class Fold:
    """Everything read so far; each rule that holds at every position is checked on the way."""

    position: int = 0
    recorded_at: str = ""
    wallets: dict[str, Folded] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    commands: set[str] = field(default_factory=set)
    group: dict[str, Any] | None = None

    def read(self, rows: Iterable[RecordedEvent]) -> None:
        """Read the rows that follow what was read before."""
        for row in rows:
            self._place(row)
            self._command(row, json.loads(row.metadata))
            self._move(row, json.loads(row.data))
            if self.group is None:
                assert not any(self.sums.values()), "a currency does not sum to 0"

    def _place(self, row: RecordedEvent) -> None:
        assert row.position == self.position + 1, "positions are dense"
        assert row.recorded_at >= self.recorded_at, "time went back"
        assert row.version == self.versions.get(row.stream_id, 0) + 1, "versions are dense"
        self.position, self.recorded_at = row.position, row.recorded_at
        self.versions[row.stream_id] = row.version

    def _command(self, row: RecordedEvent, metadata: dict[str, Any]) -> None:
        name, index, count = (metadata[each] for each in ("command_id", "index", "count"))
        if self.group is None:
            assert index == 0
            assert name not in self.commands, "a command is stored once"
            assert row.version == 1
            self.commands.add(name)
        else:
            assert (name, index, count) == (
                self.group["command_id"],
                self.group["index"] + 1,
                self.group["count"],
            ), "a command's events stand side by side"
        begins_key = row.version == 1
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
        elif row.type in MOVES:
            assert wallet is not None
            moved = MOVES[row.type] * fields["amount"]
            assert fields["amount"] > 0
            assert fields["currency"] == wallet.currency
            wallet.posted += moved
            self.sums[wallet.currency] = self.sums.get(wallet.currency, 0) + moved
        if wallet is not None and wallet.limit is not None:
            assert wallet.posted >= -wallet.limit, "a wallet is below its limit"
