"""Judges a finished world by the stored bytes and what clients were told, with rules of its own."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from application.commands import Answer, BatchOutcome, ClockUnsure, Overloaded, Submission
from domain.holds import CaptureHold, IncreaseHold, ReleaseHold
from domain.identifiers import bits
from domain.refunds import RefundPayment, ReversePayment
from domain.refusals import PaymentNotFound, Rejection, WalletNotFound
from domain.wallets import Wallet
from tests.simulation.requests import NOBODYS, Reply, Request
from tests.simulation.story import Story

REFUSED = {"payment.declined.v1", "request.refused.v1"}


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
            _found(story, request, reply)
            for item, answer in _answers(request, reply.outcome):
                told[item.stream].add((answer.event, answer.position, answer.recorded_at))
                _answered(story, request, item, answer, reply.stored)
                again = answer.replayed and asked[item.stream] == 1
                story.expect(not again, f"{request.key} was told a repeat at its first arrival")
                early = answer.recorded_at < min(asked_at[item.stream])
                story.expect(not early, f"{request.key} was recorded before it was asked")
    for stream, answers in told.items():
        story.expect(len(answers) == 1, f"{stream} was answered in {len(answers)} ways")
    strangers = set(story.firsts) - set(asked)
    story.expect(not strangers, f"nobody asked for {strangers}")
    _undone(story, requests)
    return story.faults


def _heads(story: Story, heads: Mapping[Any, Wallet]) -> None:
    story.expect(set(heads) == set(story.purses), "there are heads of other wallets")
    for name, head in heads.items():
        purse = story.purses[name]
        rules = head.rules
        same = (head.posted, head.held, head.version) == (purse.balance, purse.held, purse.version)
        ruled = (rules.overdraft_limit, rules.closed, rules.frozen) == (
            purse.limit,
            purse.closed,
            bool(purse.frozen),
        )
        story.expect(same and ruled, f"{name}: {head} is {purse}")


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


def _found(story: Story, request: Request, reply: Reply) -> None:
    """Expect that what was there before somebody asked for it was found.

    All wallets of the simulation are there from the beginning, but for one.
    """
    outcome = reply.outcome
    results = outcome.results if isinstance(outcome, BatchOutcome) else (outcome,)
    if any(isinstance(result, WalletNotFound) for result in results):
        story.expect(NOBODYS in repr(request.work), f"{request.key}: a wallet was not found")
    if isinstance(outcome, PaymentNotFound):
        story.expect(
            not any(_is_there(story, item, reply.before) for item in request.items),
            f"{request.key}: a payment was not found that was there before",
        )


def _is_there(story: Story, item: Submission, before: int) -> bool:
    """Whether the payment that a command goes on was among the first so many events."""
    command = item.command
    match command:
        case CaptureHold() | ReleaseHold() | IncreaseHold():
            kinds = ["payment.authorized.v1"]
        case RefundPayment() | ReversePayment():
            kinds = ["payment.authorized.v1", "payment.completed.v1", "payment.declined.v1"]
        case _:
            return False
    first = story.firsts.get(bits(command.payment_id))
    return first is not None and first <= before and story.rows[first - 1].type in kinds


def _answered(
    story: Story, request: Request, item: Submission, answer: Answer, stored: int
) -> None:
    """Hold an acknowledgement against what is stored, and when it was stored."""
    first = story.firsts.get(item.stream)
    if first is None:
        story.expect(False, f"{request.key} was acknowledged and is not stored")
        return
    row = story.rows[first - 1]
    story.expect(answer.position <= stored, f"{request.key} was acknowledged before its COMMIT")
    story.expect(answer.position == story.last_of[first], f"{request.key}: another position")
    story.expect(answer.recorded_at == row.recorded_at, f"{request.key}: another time")
    story.expect((row.type in REFUSED) is answer.refused, f"{request.key}: another outcome")
    asked = (item.stream, item.fingerprint) in story.answered
    story.expect(asked, f"{request.key}: what is stored was asked for by another request")


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
            story.expect(stream not in story.firsts, f"{stream} was refused and is stored")


def _says_undone(outcome: object) -> bool:
    if isinstance(outcome, BatchOutcome):
        return outcome.refused
    return isinstance(outcome, Overloaded | ClockUnsure | Rejection)
