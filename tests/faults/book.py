"""The event table folded by nothing but the contract's list of event types.

It shares no code with the ledger: what it knows is written down here a second time.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tests.faults.book_periods import Periods
from tests.faults.book_schedules import Schedules
from tests.faults.book_wallets import EFFECTS, Wallet
from tests.faults.names import OPERATIONS, PERIOD_CLOSED, Keys, expiry, identifier
from tests.faults.stories import Stories

PAYMENTS = (
    *("payment.completed.v1", "payment.declined.v1"),
    *("payment.authorized.v1", "payment.approval_requested.v1"),
)
BEGINNINGS = (
    *(*PAYMENTS, "wallet.opened.v1", "schedule.created.v1"),
    *("request.accepted.v1", "request.refused.v1", PERIOD_CLOSED),
)
WORKERS = ("expire", "run-occurrence")
"""What the ledger's own worker asks for; its commands follow from what they react to."""

MOST_FAULTS = 200

Row = tuple[int, UUID, int, str, bytes, bytes, datetime]
"""Position, stream, version, type, data, metadata and time of one event."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a key has begun: its first event, and the position of its command's last.

    An atomic batch is one command, with which all of its keys have ended.
    """

    position: int
    last: int
    topic: str
    state: bytes
    recorded_at: datetime


@dataclass(slots=True)
class Book:
    """The fold; what breaks a promise is noted with its position.

    After each event `entry` is the row that it adds to the read model of entries. `derived` are
    the streams that the ledger's own worker has begun.
    """

    keys: Keys
    faults: list[str] = field(default_factory=list)
    begun: dict[bytes, Begun] = field(default_factory=dict)
    derived: set[bytes] = field(default_factory=set)
    wallets: dict[str, Wallet] = field(default_factory=dict)
    days: dict[tuple[date, str, str], list[int]] = field(default_factory=dict)
    events: int = 0
    doubled: int = 0
    entry: tuple[Any, ...] | None = None
    stories: Stories = field(init=False)
    schedules: Schedules = field(init=False)
    periods: Periods = field(init=False)
    operations: Counter[str] = field(default_factory=Counter)
    _versions: Counter[bytes] = field(default_factory=Counter)
    _sums: Counter[str] = field(default_factory=Counter)
    _touched: set[str] = field(default_factory=set)
    _command: tuple[str, int, int] = ("", 0, 0)
    _answer: tuple[UUID, dict[str, Any]] | None = None
    _begun: UUID | None = None
    _recorded_at: datetime | None = None

    def __post_init__(self) -> None:
        """Share the wallets, the days and where faults go."""
        self.stories = Stories(self.fault, self.wallets, self.days)
        self.schedules = Schedules(self.fault)
        self.periods = Periods(self.fault)

    def fault(self, text: str) -> None:
        """Note what breaks a promise; the first of very many are enough."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)

    def add(self, row: Row) -> None:
        """Fold one event."""
        position, stream, version, topic, state, stored, recorded_at = row
        self.events += 1
        self.entry = self.stories.step = self.schedules.occurrence = None
        self.stories.legs = []
        if position != self.events:
            self.fault(f"position {position} where {self.events} was expected")
            self.events = position
        self._versions[stream.bytes] += 1
        if version != self._versions[stream.bytes]:
            self.fault(f"position {position}: version {version} of {stream} out of order")
        if self._recorded_at is not None and recorded_at < self._recorded_at:
            self.fault(f"position {position} was recorded before the one before it")
        self._recorded_at = recorded_at
        ends = self._place_in_command(position, json.loads(stored))
        fields = json.loads(state)
        if self._command[1] == 1:
            self._answer = stream, fields
            if topic not in (*BEGINNINGS, *OPERATIONS) or version != 1:
                self.fault(f"position {position}: a command that begins with {topic}")
        if topic in BEGINNINGS and version == 1:
            self._begin(row, fields, position + self._command[2] - self._command[1])
        self._apply(row, fields, ends)
        if ends:
            self._end(position)

    def finish(self, now: datetime | None = None) -> None:
        """Note what is wrong with the end, at which nothing that is due may be left undone."""
        _, index, count = self._command
        if index != count:
            self.fault(f"the log ends at position {self.events} inside a command")
        if now is None:
            return
        for story in self.stories.overdue(now):
            self.fault(f"{story.name} ran out at {story.expires_at} and still holds money")
        self.schedules.finish(now)

    def _place_in_command(self, position: int, metadata: dict[str, Any]) -> bool:
        command, index, count = self._command
        found = (metadata["command_id"], metadata["index"], metadata["count"])
        expected = (command, index, count) if index < count else (found[0], 0, found[2])
        if found != expected:
            self.fault(f"position {position}: a command's events are not side by side")
        self._command = (found[0], found[1] + 1, found[2])
        return bool(found[1] + 1 == found[2])

    def _end(self, position: int) -> None:
        dues = self.stories.dues
        if dues.due:
            self.fault(f"position {position}: a payment ends without its {dues.due[0][1]}")
            dues.due.clear()
        self.stories.end(position)
        for currency, total in self._sums.items():
            if total:
                self.fault(f"position {position}: {currency} sums to {total}")
                self._sums[currency] = 0
        for name in self._touched:
            held, left = self.wallets[name].held, dues.open[name]
            if held != left:
                self.fault(f"position {position}: {name} holds {held} and its payments {left}")
                dues.open[name] = held
        self._touched.clear()

    def _begin(self, row: Row, fields: dict[str, Any], last: int) -> None:
        position, stream, _, topic, state, _, recorded_at = row
        if topic in PAYMENTS and self.stories.dues.due:
            self.fault(f"position {position}: begins before the money of the last has moved")
            self.stories.dues.due.clear()
        self._begun = stream
        self.begun[stream.bytes] = Begun(position, last, topic, state, recorded_at)
        if self._by_worker():
            self.derived.add(stream.bytes)
        if fields.get("action") == "expire":
            payment = fields["payment_id"]
            story = self.stories.told.get(payment)
            if story is None or stream != expiry(payment, story.expires_at):
                self.fault(f"position {position}: {payment} is ended by a command of no derived id")
        if topic in PAYMENTS or topic in ("wallet.opened.v1", "schedule.created.v1"):
            text = "reference" if topic == "wallet.opened.v1" else "description"
            self._belongs(position, fields.get(text))

    def _by_worker(self) -> bool:
        return self._answer is not None and self._answer[1].get("action") in WORKERS

    def _belongs(self, position: int, text: str | None, subject: str | None = None) -> None:
        """Each command of a campaign bears its key as a text, so that no effect hides."""
        if self._by_worker():
            return
        assert self._begun is not None, "what has a text stands behind what began it"
        if text is None or self.keys.of(subject).stream(text) != self._begun:
            self.doubled += 1
            self.fault(f"position {position}: an effect of {text!r} which is not its key's")

    def _apply(self, row: Row, fields: dict[str, Any], ends: bool) -> None:
        position, _stream, _, topic, _, _, _recorded_at = row
        kind = topic.split(".")[0]
        self.periods.tell(row, fields, self.stories.told)
        if kind == "payment":
            self.stories.tell(row, fields)
            if "by" in fields:
                self._belongs(position, fields["reason"], fields["by"])
        elif kind == "schedule":
            answer = None if self._answer is None else self._answer[0]
            self.schedules.tell(row, fields, answer, self.stories.told)
        elif kind == "wallet":
            self._on_wallet(row, fields)
        elif topic in (*OPERATIONS, PERIOD_CLOSED):
            self.operations[topic] += 1
            if not ends:
                self.fault(f"position {position}: {topic} is only a part of a command")
            if topic == PERIOD_CLOSED:
                self._belongs(position, fields["reason"])
        elif kind != "request":
            self.fault(f"position {position}: {topic} is of no known type")

    def _on_wallet(self, row: Row, fields: dict[str, Any]) -> None:
        position, stream, _, topic, _, _, recorded_at = row
        name = identifier("wal", stream)
        if topic == "wallet.opened.v1":
            opened = {**fields, "opened_position": position, "opened_at": recorded_at}
            wallet = Wallet(0, fields["overdraft_limit"], opened, position)
            if fields["owner"] is not None:
                wallet.members[fields["owner"]] = "owner"
            self.wallets[name] = wallet
            return
        known = self.wallets.get(name)
        if known is None:
            self.fault(f"position {position}: {topic} of a wallet that was never opened")
            return
        known.position = position
        if topic in EFFECTS:
            self._move(row, name, known, fields)
            return
        wrong = known.change(topic, fields)
        if wrong is not None:
            self.fault(f"position {position}: {name} {wrong}")
        if "reason" in fields:
            self._belongs(position, fields["reason"])

    def _move(self, row: Row, name: str, wallet: Wallet, fields: dict[str, Any]) -> None:
        position, _, version, topic, _, _, recorded_at = row
        due = self.stories.dues.due
        expected = due.pop(0) if due else ("", "", {}, None)
        told = {fact: fields.get(fact) for fact in expected[2]}
        if (name, topic, told) != expected[:3]:
            self.fault(f"position {position}: {topic} that its payment does not tell of")
        posted, held, direction = EFFECTS[topic]
        wallet.balance += posted * fields["amount"]
        wallet.held += held * fields["amount"]
        self._sums[fields["currency"]] += posted * fields["amount"]
        self._touched.add(name)
        if fields["currency"] != wallet.row["currency"] or fields["amount"] <= 0:
            self.fault(f"position {position}: {fields['amount']} {fields['currency']} in {name}")
        self._permitted(position, name, wallet, topic, fields)
        passed = wallet.follow(topic, fields, recorded_at.date())
        if passed is not None:
            self.fault(f"position {position}: {name} {passed}")
        moves = direction is not None
        at = datetime.fromisoformat(fields["effective_at"]) if moves else recorded_at
        self.entry = (
            position,
            version,
            fields["amount"],
            wallet.balance,
            wallet.held,
            recorded_at,
            at,
            name,
            fields["payment_id"],
            fields["counterparty"] if moves else None,
            direction,
            fields["currency"],
            expected[3],
        )

    def _permitted(
        self, position: int, name: str, wallet: Wallet, topic: str, fields: dict[str, Any]
    ) -> None:
        """Say what may not leave, or be held: nothing below a limit, nothing of what is stopped."""
        if topic in ("wallet.credited.v1", "wallet.hold_released.v1"):
            return
        if not wallet.affords(0):
            available = wallet.balance - wallet.held
            self.fault(f"position {position}: {name} at {available}, below its limit")
        story = self.stories.told.get(fields["payment_id"])
        # An operator's reversal passes a freeze, and nothing else does.
        passes = story is not None and story.kind == "reversal" and not wallet.closed
        if wallet.stopped and not passes:
            self.fault(f"position {position}: {name} pays and is closed or frozen")
