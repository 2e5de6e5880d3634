"""A right book of holds, refunds, approvals and a schedule, to be forged command by command."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.faults.book import Row
from tests.faults.names import Keys, expiry, identifier, occurrence, run, stream_of

KEYS = Keys("somebody")
OTHER, ACTOR = "another owner", "somebody"
BEGUN = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE, DAY = "2025-12-31", "2026-01-01"
YESTERDAY = 24 * 3600.0
A, B, S = (identifier("wal", KEYS.stream(key)) for key in "abs")


@dataclass
class Command:
    """What one command stored: the stream of its answer, when, and its events by name."""

    stream: UUID
    at: float
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


Commands = dict[str, Command]


def moment(seconds: float) -> str:
    """Return a time of the book as events tell it."""
    return (BEGUN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rows(commands: Commands) -> list[Row]:
    """Return the event table; each event's place is `stream topic`, `-` being the answer's."""
    found: list[Row] = []
    versions: dict[UUID, int] = {}
    for name, command in commands.items():
        for index, (place, fields) in enumerate(command.events):
            where, topic = place.split(" ")
            stream = command.stream if where == "-" else stream_of(where)
            versions[stream] = versions.get(stream, 0) + 1
            metadata: dict[str, Any] = {"command_id": name, "index": index}
            metadata["count"] = len(command.events)
            if index == 0:
                metadata["actor"] = {"sub": ACTOR, "client_id": "campaign", "right": "member"}
            found.append(
                (
                    len(found) + 1,
                    stream,
                    versions[stream],
                    f"{topic}.v1",
                    json.dumps(fields).encode(),
                    json.dumps(metadata).encode(),
                    BEGUN + timedelta(seconds=command.at),
                )
            )
    return found


def standing(status: str, amount: int, **more: Any) -> dict[str, Any]:
    """Return how a payment stands."""
    nothing: dict[str, Any] = {"captured": 0, "left": 0, "refunded": 0, "refundable": 0}
    nothing |= {"expires_at": None, "counted_on": None, "counted": 0, "approved_by": []}
    return {"status": status, "ended_by": None, "amount": amount, **nothing, **more}


def pay(key: str) -> str:
    """Return the payment that a key begins."""
    return identifier("pay", KEYS.stream(key))


def facts(key: str, source: str, amount: int, kind: str, at: float | None) -> dict[str, Any]:
    """Return the facts with which a payment to B begins, its key being its description."""
    wallets = {"source_wallet_id": source, "destination_wallet_id": B}
    fields = {"kind": kind, "amount": amount, "currency": "EUR", "description": key, **wallets}
    return fields | {"effective_at": None if at is None else moment(at)}


def out(
    word: str, payment: str, source: str, payee: str, amount: int, at: float, **more: Any
) -> Any:
    """Return the two events by which money goes from one wallet to another."""
    money = {"payment_id": payment, "amount": amount, "currency": "EUR"}
    money["effective_at"] = moment(at)
    return [
        (f"{source} wallet.{word}", {**money, "counterparty": payee, **more}),
        (f"{payee} wallet.credited", {**money, "counterparty": source}),
    ]


def held(payment: str, wallet: str, amount: int, until: float) -> Any:
    """Return the event by which money is set aside."""
    money = {"payment_id": payment, "amount": amount, "currency": "EUR"}
    return (f"{wallet} wallet.funds_held", {**money, "expires_at": moment(until)})


def freed(payment: str, wallet: str, amount: int, reason: str) -> Any:
    """Return the event by which it is free again."""
    money = {"payment_id": payment, "amount": amount, "currency": "EUR"}
    return (f"{wallet} wallet.hold_released", {**money, "reason": reason, "given_back": amount})


def accepted(action: str, **about: Any) -> Any:
    """Return the answer to a command on something."""
    return ("- request.accepted", {"action": action, **about})


def opened(key: str, limit: int, kind: str = "personal") -> Any:
    """Return the opening of a wallet."""
    wallet: dict[str, Any] = {"kind": kind, "class": "liability", "owner": "somebody", "name": key}
    wallet |= {"reference": key, "currency": "EUR", "overdraft_limit": limit}
    return [("- wallet.opened", wallet)]


class Writer:
    """Writes the commands of the book one after another."""

    def __init__(self) -> None:
        """Begin with an empty book."""
        self.commands: Commands = {}

    def write(self, key: str, at: float, *events: Any, stream: UUID | None = None) -> None:
        """Add a command."""
        self.commands[key] = Command(stream or KEYS.stream(key), at, list(events))

    def hold(self, key: str, at: float, amount: int, seconds: float) -> dict[str, Any]:
        """Hold money of A for B, and return how the hold stands."""
        how = {"expires_at": moment(at + seconds), "counted_on": DAY}
        stands = standing("authorized", amount, left=amount, counted=amount, **how)
        began = facts(key, A, amount, "hold", None) | {"standing": stands}
        events = ("- payment.authorized", began), held(pay(key), A, amount, at + seconds)
        self.write(key, at, *events)
        return stands

    def free(self, key: str, hold: str, at: float, stands: dict[str, Any], reason: str) -> None:
        """Release a hold, or let it run out."""
        amount, name = stands["left"], pay(hold)
        status = "expired" if reason == "expired" else "cancelled"
        after = stands | {"status": status, "ended_by": reason, "left": 0, "counted": 0}
        told = {"amount": amount, "reason": reason, "kind": "hold", "currency": "EUR"}
        told |= {"effective_at": moment(at), "standing": after}
        action = "expire" if reason == "expired" else "release"
        stream = expiry(name, stands["expires_at"]) if reason == "expired" else None
        answer = accepted(action, payment_id=name, standing=after)
        events = (f"{name} payment.released", told), freed(name, A, amount, reason)
        self.write(key, at, answer, *events, stream=stream)

    def capture(
        self, key: str, at: float, stands: dict[str, Any], amount: int, rest: int
    ) -> dict[str, Any]:
        """Capture so much of the hold `h`, and return how it stands."""
        name, left = pay("h"), stands["left"] - amount - rest
        after = stands | {"captured": stands["captured"] + amount, "left": left}
        after |= {"refundable": stands["refundable"] + amount}
        after["counted"] = min(stands["counted"] - rest, left)
        if not left:
            after |= {"status": "completed", "ended_by": "captured"}
        told = {"amount": amount, "released": rest, "currency": "EUR", "description": "h"}
        told |= {"effective_at": moment(at), "standing": after}
        events = [(f"{name} payment.captured", told)]
        events += out("hold_captured", name, A, B, amount, at)
        events += [freed(name, A, rest, "captured")] if rest else []
        self.write(key, at, accepted("capture", payment_id=name, standing=after), *events)
        return after

    def undo(self, key: str, at: float, first: str, stands: dict[str, Any], kind: str) -> None:
        """Refund 100 of a payment from A to B, or reverse all of it."""
        name, amount = pay(first), 100 if kind == "refund" else stands["refundable"]
        began = facts(key, B, amount, kind, at) | {"destination_wallet_id": A}
        began["original_payment_id"] = name
        after = {**stands, "refundable": stands["refundable"] - amount}
        after |= {"status": "reversed" if kind == "reversal" else "partially-refunded"}
        after["refunded"] = amount if kind == "refund" else 0
        told = {f"{kind}_payment_id": pay(key), "amount": amount, "currency": "EUR"}
        word = "refunded" if kind == "refund" else "reversed"
        event = (f"{name} payment.{word}", {**told, "standing": after})
        money = out("debited", pay(key), B, A, amount, at, counted=0)
        self.write(key, at, ("- payment.completed", began), event, *money)

    def transfer(
        self, key: str, at: float, source: str, amount: int, dated: float | None = None
    ) -> None:
        """Pay B at once, perhaps under another value date."""
        value = at if dated is None else dated
        began = facts(key, source, amount, "transfer", value)
        money = out("debited", pay(key), source, B, amount, value)
        self.write(key, at, ("- payment.completed", began), *money)

    def ask(self, key: str, at: float, amount: int) -> dict[str, Any]:
        """Ask for a payment from S that waits, and return how it stands."""
        how = {"expires_at": moment(at + 600), "counted_on": DAY, "counted": amount}
        stands = standing("awaiting-approval", amount, **how)
        began = facts(key, S, amount, "transfer", None)
        began |= {"requested_by": "somebody", "quorums": [{"wallet_id": S, "required": 1}]}
        event = ("- payment.approval_requested", {**began, "standing": stands})
        self.write(key, at, event, held(pay(key), S, amount, at + 600))
        return stands


def living() -> Commands:
    """Return the book: each command by its key."""
    w = Writer()
    w.write("a", 1, *opened("a", 2000))
    w.write("b", 2, *opened("b", 0))
    w.write("s", 3, *opened("s", 1000, "shared"))
    limits = {"per_payment": None, "per_day": 900}
    w.write(
        "limits", 4, accepted("change-limits", wallet_id=A), (f"{A} wallet.limits_changed", limits)
    )
    member = {"user_id": OTHER, "role": "owner"}
    w.write(
        "m",
        5,
        accepted("add-member", wallet_id=S, member=member),
        (f"{S} wallet.member_added", member),
    )
    above = {"required": 1, "above": 100}
    answer = accepted("change-approvals", wallet_id=S)
    w.write("above", 6, answer, (f"{S} wallet.approvals_changed", above))
    stands = w.hold("h", 10, 300, 60)
    stands = w.capture("c1", 11, stands, 100, 0)
    stands = w.capture("c2", 12, stands, 150, 50)
    w.undo("r", 13, "h", stands, "refund")
    stands = w.hold("y", 20, 70, 60)
    w.free("yr", "y", 21, stands, "released")
    stands = w.hold("x", 22, 80, 5)
    w.free("xe", "x", 28, stands, "expired")
    w.transfer("t", 30, A, 40)
    w.undo("v", 31, "t", standing("completed", 40, refundable=40), "reversal")
    w.transfer("u", 32, S, 50)
    _approved(w)
    _scheduled(w)
    _closed(w)
    return w.commands


def _approved(w: Writer) -> None:
    stands = w.ask("q", 40, 200)
    agreed = {**stands, "approved_by": [OTHER]}
    approved = (f"{pay('q')} payment.approved", {"by": OTHER, "reason": "ok", "standing": agreed})
    done = standing("completed", 200, refundable=200, approved_by=[OTHER])
    paid = facts("q", S, 200, "transfer", 41) | {"standing": done}
    events = [approved, (f"{pay('q')} payment.completed", paid)]
    money = out("hold_captured", pay("q"), S, B, 200, 41)
    answer = accepted("approve", payment_id=pay("q"), standing=done)
    w.write("ok", 41, answer, *events, *money, stream=KEYS.of(OTHER).stream("ok"))
    stands = w.ask("n", 42, 150)
    after = stands | {"status": "declined", "counted": 0}
    told = {"by": OTHER, "reason": "no", "kind": "transfer", "currency": "EUR", "standing": after}
    events = [(f"{pay('n')} payment.rejected", told), freed(pay("n"), S, 150, "rejected")]
    answer = accepted("reject", payment_id=pay("n"), standing=after)
    w.write("no", 43, answer, *events, stream=KEYS.of(OTHER).stream("no"))


def _scheduled(w: Writer) -> None:
    name = identifier("sch", KEYS.stream("k"))
    stands = {"status": "active", "next_on": DAY, "done": 0, "attempt": 1, "retry_on": None}
    plan: dict[str, Any] = {"starts_on": DAY, "recurrence": "FREQ=DAILY", "until": None, "count": 2}
    plan |= {"if_missed": "run", "created_by": "somebody", "operate": False, "standing": stands}
    w.write("k", 50, ("- schedule.created", facts("k", A, 30, "transfer", None) | plan))
    after = {**stands, "next_on": "2026-01-02", "done": 1}
    payment = occurrence(name, DAY)
    paid = facts("k", A, 30, "transfer", 51)
    ran = {"on": DAY, "attempt": 1, "payment_id": payment, "standing": after}
    w.write(
        "run",
        51,
        accepted("run-occurrence", schedule_id=name, schedule_standing=after),
        (f"{payment} payment.completed", paid),
        (f"{name} schedule.occurred", ran),
        *out("debited", payment, A, B, 30, 51),
        stream=run(name, DAY, 1),
    )


def _closed(w: Writer) -> None:
    """Pay under yesterday's date, close that day, and be refused."""
    w.transfer("e", 52, A, 25, dated=-YESTERDAY)
    w.write("p", 53, ("- operation.period_closed", {"through": BEFORE, "reason": "p"}))
    late = facts("z", A, 25, "transfer", -YESTERDAY) | {"code": "period-closed"}
    w.write("z", 54, ("- payment.declined", late))
