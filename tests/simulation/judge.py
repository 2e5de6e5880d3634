"""Judges a finished world by the stored bytes and what clients were told, with rules of its own."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.commands import Answer, BatchOutcome, ClockUnsure, Overloaded, Submission
from domain.identifiers import bits
from domain.payments import MakePayment
from domain.recorded import RecordedEvent
from domain.refusals import Rejection, WalletNotFound
from domain.wallets import Wallet
from tests.simulation.requests import NOBODYS, Request

LEGS = {"wallet.debited.v1": -1, "wallet.credited.v1": 1}


@dataclass
class Purse:
    """A wallet as the events say."""

    limit: int | None
    balance: int = 0
    held: int = 0
    version: int = 1
    frozen: set[str] = field(default_factory=set)
    closed: bool = False


@dataclass
class Story:
    """Everything that is stored, folded once more."""

    rows: Sequence[RecordedEvent]
    faults: list[str] = field(default_factory=list)
    purses: dict[str, Purse] = field(default_factory=dict)
    firsts: dict[UUID, int] = field(default_factory=dict)
    """Where each stream begins, by its bits."""

    legs: Counter[tuple[str, str]] = field(default_factory=Counter)
    last_of: dict[int, int] = field(default_factory=dict)
    """The position of the last event of a command, for each position."""


def read(rows: Sequence[RecordedEvent]) -> Story:
    """Fold the rows; what breaks a promise becomes a fault."""
    story = Story(rows)
    versions: Counter[str] = Counter()
    group: list[int] = []
    total = 0
    for number, row in enumerate(rows, 1):
        data, metadata = json.loads(row.data), json.loads(row.metadata)
        versions[row.stream_id] += 1
        _expect(story, row.position == number, f"position {row.position} is not {number}")
        _expect(story, row.version == versions[row.stream_id], f"{number}: version {row.version}")
        _expect(story, metadata["index"] == len(group), f"{number}: index {metadata['index']}")
        if number > 1:
            _expect(story, row.recorded_at >= rows[number - 2].recorded_at, f"{number}: went back")
        if row.version == 1:
            story.firsts[bits(row.stream_id)] = number
        total += _apply(story, row, data)
        group.append(number)
        if metadata["index"] == metadata["count"] - 1:
            story.last_of.update(dict.fromkeys(group, number))
            _expect(story, total == 0, f"{number}: the sum is {total} where a command ends")
            group = []
    _expect(story, not group, "the last command is not whole")
    return story


def _apply(story: Story, row: RecordedEvent, data: Mapping[str, Any]) -> int:
    name = row.stream_id
    if row.type == "wallet.opened.v1":
        story.purses[name] = Purse(data["overdraft_limit"])
        return 0
    if not row.type.startswith("wallet."):
        return 0
    purse = story.purses[name]
    purse.version = row.version
    sign = LEGS.get(row.type, 0)
    if sign:
        purse.balance += sign * data["amount"]
        story.legs[(data["payment_id"], row.type)] += 1
        enough = sign > 0 or purse.limit is None or purse.balance >= -purse.limit
        _expect(story, enough, f"{row.position}: {name} is at {purse.balance}")
        _expect(story, not purse.closed, f"{row.position}: {name} is closed")
        _expect(story, sign > 0 or not purse.frozen, f"{row.position}: {name} is frozen")
        return sign * int(data["amount"])
    match row.type:
        case "wallet.overdraft_limit_changed.v1":
            purse.limit = data["overdraft_limit"]
        case "wallet.frozen.v1":
            purse.frozen.add(data["side"])
        case "wallet.unfrozen.v1":
            purse.frozen.discard(data["side"])
        case "wallet.closed.v1":
            _expect(story, purse.balance == 0, f"{row.position}: closed with {purse.balance}")
            purse.closed = True
    return 0


def judge(story: Story, requests: Iterable[Request], heads: Mapping[Any, Wallet]) -> list[str]:
    """Return every broken promise, in words."""
    _heads(story, heads)
    told: dict[UUID, set[tuple[object, ...]]] = defaultdict(set)
    asked: Counter[UUID] = Counter()
    asked_at: dict[UUID, list[str]] = defaultdict(list)
    requests = list(requests)
    for request in requests:
        for item in request.items:
            asked[item.stream] += request.arrivals
            asked_at[item.stream].append(request.asked_at)
    for request in requests:
        for reply in request.replies:
            _found(story, request, reply.outcome)
            for item, answer in _answers(request, reply.outcome):
                told[item.stream].add((answer.event, answer.position, answer.recorded_at))
                _answered(story, request, item, answer, reply.stored)
                again = answer.replayed and asked[item.stream] == 1
                _expect(story, not again, f"{request.key} was told a repeat at its first arrival")
                early = answer.recorded_at < min(asked_at[item.stream])
                _expect(story, not early, f"{request.key} was recorded before it was asked")
    for stream, answers in told.items():
        _expect(story, len(answers) == 1, f"{stream} was answered in {len(answers)} ways")
    strangers = set(story.firsts) - set(asked)
    _expect(story, not strangers, f"nobody asked for {strangers}")
    _undone(story, requests)
    for (payment, kind), times in story.legs.items():
        _expect(story, times == 1, f"{payment} has {times} events {kind}")
    return story.faults


def _heads(story: Story, heads: Mapping[Any, Wallet]) -> None:
    _expect(story, set(heads) == set(story.purses), "there are heads of other wallets")
    for name, head in heads.items():
        purse = story.purses[name]
        rules = head.rules
        same = (head.posted, head.held, head.version) == (purse.balance, purse.held, purse.version)
        ruled = (rules.overdraft_limit, rules.closed, rules.frozen) == (
            purse.limit,
            purse.closed,
            bool(purse.frozen),
        )
        _expect(story, same and ruled, f"{name}: {head} is {purse}")


def _answers(request: Request, outcome: object) -> list[tuple[Submission, Answer]]:
    if isinstance(outcome, Answer):
        return [(item, outcome) for item in request.items]
    if isinstance(outcome, BatchOutcome):
        return [
            (item, result)
            for item, result in zip(request.items, outcome.results, strict=True)
            if isinstance(result, Answer)
        ]
    return []


def _found(story: Story, request: Request, outcome: object) -> None:
    """All wallets of the simulation are there from the beginning, but for one."""
    results = outcome.results if isinstance(outcome, BatchOutcome) else (outcome,)
    if any(isinstance(result, WalletNotFound) for result in results):
        _expect(story, NOBODYS in repr(request.work), f"{request.key}: a wallet was not found")


def _answered(
    story: Story, request: Request, item: Submission, answer: Answer, stored: int
) -> None:
    """Hold an acknowledgement against what is stored, when it was stored, and what was asked."""
    first = story.firsts.get(item.stream)
    if first is None:
        _expect(story, False, f"{request.key} was acknowledged and is not stored")
        return
    row = story.rows[first - 1]
    _expect(story, answer.position <= stored, f"{request.key} was acknowledged before its COMMIT")
    _expect(story, answer.position == story.last_of[first], f"{request.key}: another position")
    _expect(story, answer.recorded_at == row.recorded_at, f"{request.key}: another time")
    if not isinstance(item.command, MakePayment):
        return
    if not row.type.startswith("payment."):
        _expect(story, False, f"{request.key}: a transfer is answered by {row.type}")
        return
    data, done = json.loads(row.data), row.type == "payment.completed.v1"
    _expect(story, done is not answer.refused, f"{request.key}: another outcome")
    same_day = data["effective_at"][:10] == row.recorded_at[:10]
    _expect(story, same_day, f"{request.key}: decided for another day than it is recorded")
    for name in ("source_wallet_id", "destination_wallet_id", "amount"):
        wanted = getattr(item.command, name)
        _expect(story, data[name] == wanted, f"{request.key}: {name} is {data[name]}")
    legs = [story.legs[(item.command.payment_id, kind)] for kind in LEGS]
    _expect(story, legs == [int(done)] * 2, f"{request.key}: legs {legs}")


def _undone(story: Story, requests: Sequence[Request]) -> None:
    """Who was told each time that nothing was done finds nothing done."""
    streams: dict[UUID, list[Request]] = defaultdict(list)
    for request in requests:
        for item in request.items:
            streams[item.stream].append(request)
    for stream, of_key in streams.items():
        told_all = not any(request.unanswered for request in of_key)
        refused = all(_says_undone(r.outcome) for request in of_key for r in request.replies)
        if told_all and refused:
            _expect(story, stream not in story.firsts, f"{stream} was refused and is stored")


def _says_undone(outcome: object) -> bool:
    if isinstance(outcome, BatchOutcome):
        return outcome.refused
    return isinstance(outcome, Overloaded | ClockUnsure | Rejection)


def _expect(story: Story, holds: bool, fault: str) -> None:
    if not holds:
        story.faults.append(fault)
