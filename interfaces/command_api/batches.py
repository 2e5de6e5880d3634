"""`POST /v1/transfers/batch`: many transfers in one request, each on its own or all or none."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope

from application.commands import (
    Answer,
    AtomicBatch,
    BatchOutcome,
    ItemOutcome,
    Outcome,
    Overloaded,
    Submission,
)
from interfaces.command_api.answers import encode
from interfaces.command_api.bodies import BatchBody, TransferItem
from interfaces.command_api.branch import Branch, Branches
from interfaces.command_api.endpoint import Endpoint
from interfaces.command_api.follow_ups import MOVES
from interfaces.command_api.gate import Asked, Gate, parsed, respond
from interfaces.command_api.outcomes import problem_of
from interfaces.command_api.parsing import TRANSFERS, require_field_scopes
from interfaces.command_api.payment_answers import Document
from interfaces.command_api.routes import POST, Beginning
from interfaces.http.bodies import validated
from interfaces.http.problems import Problem, field_error, problem_document

PATH = f"{TRANSFERS}/batch"
BATCH = Beginning(PATH, "Transfer money many times", BatchBody, MOVES)


@dataclass(frozen=True, slots=True)
class _Item:
    """One transfer of a batch: to be submitted, or the problem that it has already."""

    work: Submission | None
    problem: Problem | None
    currency: str


class Batches:
    """Handler of batches of transfers."""

    def __init__(self, gate: Gate, branches: Branches) -> None:
        """Take what single commands take."""
        self._gate = gate
        self._branches = branches

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route(PATH, Endpoint(self.batch), methods=POST)]

    async def batch(self, scope: Scope, receive: Receive) -> Response:
        """Answer the results of all transfers, in order."""
        asked = await self._gate.ask(scope, receive)
        body = parsed(BatchBody, asked, *BATCH.scopes)
        branch = self._branches[asked.caller.ledger]
        items = [_item(branch, asked, item) for item in body.transfers]
        if body.mode == "atomic":
            return await _atomic(branch, items)
        return await _independent(branch, items)


def _item(branch: Branch, asked: Asked, sent: Any) -> _Item:
    try:
        if not isinstance(sent, dict):
            raise Problem(
                "invalid-request",
                "The transfer is not as it should be.",
                errors=[field_error("#", "must be an object")],
            )
        require_field_scopes(asked.caller, sent, TransferItem)
        body = validated(TransferItem, sent)
        stream = asked.stream_of(body.idempotency_key)
        command, fingerprint = branch.parser.transfer(body, stream)
    except Problem as problem:
        return _Item(None, problem, "")
    work = Submission(command, asked.by, stream, fingerprint, asked.traceparent)
    return _Item(work, None, command.currency)


async def _independent(branch: Branch, items: list[_Item]) -> Response:
    # All are queued before the first is awaited, so they are decided in their order.
    waiting = [_queued(branch, item.work) for item in items]
    outcomes: list[Outcome | None] = [
        await ticket if isinstance(ticket, asyncio.Future) else ticket for ticket in waiting
    ]
    return _results(branch, 200, items, outcomes)


def _queued(branch: Branch, work: Submission | None) -> asyncio.Future[Outcome] | Overloaded | None:
    if work is None:
        return None
    try:
        return branch.desk.ask(work)
    except Overloaded as overloaded:
        return overloaded


async def _atomic(branch: Branch, items: list[_Item]) -> Response:
    try:
        outcome = await branch.desk.ask(AtomicBatch(tuple(item.work for item in items)))
    except Overloaded as overloaded:
        raise problem_of(overloaded) from None
    if not isinstance(outcome, BatchOutcome):
        assert not isinstance(outcome, Answer)
        raise problem_of(outcome)  # type: ignore[arg-type]  # a batch is never refused as one
    return _results(branch, 422 if outcome.refused else 200, items, list(outcome.results))


def _results(
    branch: Branch,
    status: int,
    items: list[_Item],
    outcomes: list[Outcome | None] | list[ItemOutcome],
) -> Response:
    results: list[Document] = []
    position = 0
    for item, outcome in zip(items, outcomes, strict=True):
        if isinstance(outcome, Answer):
            position = max(position, outcome.position)
        number, document = branch.outcomes.item(item.problem or outcome, item.currency, TRANSFERS)
        results.append({"status": number, "body": document})
    content: Document = {"results": results}
    if status != 200:
        content = problem_document(
            "batch-refused",
            "A transfer of the batch was refused, so none was done.",
            instance=PATH,
            results=results,
        )
    return respond(status, encode(content), position=position or None)
