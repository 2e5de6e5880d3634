"""The routes of commands: each takes a request through the gate to the ledger and back."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from application.commands import (
    Answer,
    Defect,
    DryRun,
    Outcome,
    Overloaded,
    Submission,
    Unanswered,
    WouldComplete,
)
from domain.identifiers import IdentifierInvalid, WalletId, decode, wallet_id
from domain.refusals import Refusal, Rejection
from interfaces.command_api.answers import encode
from interfaces.command_api.bodies import OpenWalletBody, ReasonBody, TransferBody
from interfaces.command_api.branch import Branch, Branches
from interfaces.command_api.gate import (
    Asked,
    Gate,
    body_of,
    parsed,
    require_key,
    respond,
)
from interfaces.command_api.outcomes import problem_of
from interfaces.command_api.parsing import (
    REASONED,
    TRANSFERS,
    WALLETS,
    reason_fingerprint,
)
from interfaces.http.bodies import parse_object
from interfaces.http.middleware import note
from interfaces.http.problems import Problem, response_to

Handler = Callable[[Scope, Receive], Awaitable[Response]]


class Endpoint:
    """A route's handler as an ASGI application, without a request object between."""

    def __init__(self, handler: Handler) -> None:
        """Take the handler, which may raise a `Problem`."""
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            response = await self._handler(scope, receive)
        except Problem as problem:
            response = response_to(scope, problem)
        await response(scope, receive, send)


class Commands:
    """Handlers of the single commands."""

    def __init__(self, gate: Gate, branches: Branches) -> None:
        """Take the gate, which knows no other ledgers than the branches."""
        self._gate = gate
        self._branches = branches

    def routes(self) -> list[Route]:
        """Return the routes, the hottest first."""
        on_wallet = [
            Route(
                f"{WALLETS}/{{wallet_id}}/{action}", Endpoint(self._reasoned(action)), methods=POST
            )
            for action in REASONED
        ]
        return [
            Route(TRANSFERS, Endpoint(self.transfer), methods=POST),
            Route(WALLETS, Endpoint(self.open_wallet), methods=POST),
            *on_wallet,
        ]

    async def transfer(self, scope: Scope, receive: Receive) -> Response:
        """`POST /v1/transfers`."""
        asked = await self._gate.ask(scope, receive)
        if asked.key is None and not _is_dry_run(asked):
            require_key(asked)
        body = parsed(TransferBody, asked, "payments", "operate")
        branch = self._branches[asked.caller.ledger]
        if body.dry_run:
            return await _dry_run(branch, asked, body)
        stream = asked.stream
        command, fingerprint = branch.parser.transfer(body, stream)
        note(scope, payment_id=command.payment_id)
        work = Submission(command, asked.by, stream, fingerprint, asked.traceparent)
        return await _answer(branch, work, TRANSFERS)

    async def open_wallet(self, scope: Scope, receive: Receive) -> Response:
        """`POST /v1/wallets`."""
        asked = await self._gate.ask(scope, receive)
        body = body_of(OpenWalletBody, asked, "wallets", "operate")
        branch = self._branches[asked.caller.ledger]
        stream = asked.stream
        command, fingerprint = branch.parser.open_wallet(body, stream)
        work = Submission(command, asked.by, stream, fingerprint, asked.traceparent)
        return await _answer(branch, work, WALLETS)

    def _reasoned(self, action: str) -> Handler:
        async def handle(scope: Scope, receive: Receive) -> Response:
            asked = await self._gate.ask(scope, receive)
            body = body_of(ReasonBody, asked, "wallets", "operate")
            wallet = _wallet_in_path(scope)
            fingerprint = reason_fingerprint(action, wallet, body)
            command = REASONED[action](wallet, body.reason)
            work = Submission(command, asked.by, asked.stream, fingerprint, asked.traceparent)
            branch = self._branches[asked.caller.ledger]
            return await _answer(branch, work, f"{WALLETS}/{wallet}/{action}")

        return handle


async def _dry_run(branch: Branch, asked: Asked, body: TransferBody) -> Response:
    command, _ = branch.parser.transfer(body, asked.stream_of("dry run"))
    outcome = await _ask(branch, DryRun(command, asked.by))
    if isinstance(outcome, WouldComplete):
        return respond(200, encode(branch.outcomes.newest.would_complete(outcome)))
    assert isinstance(outcome, Refusal)
    document = branch.outcomes.newest.refusal(outcome, command.currency, TRANSFERS)
    return respond(422, encode(document))


async def _answer(branch: Branch, work: Submission, instance: str) -> Response:
    # The path as it is written in the contract: however a client spells it, the answer on
    # record is the same to the byte.
    outcome = await _ask(branch, work)
    assert isinstance(outcome, Answer)
    status, document = branch.outcomes.answered(outcome, instance)
    return respond(status, encode(document), position=outcome.position, replayed=outcome.replayed)


async def _ask(branch: Branch, work: Submission | DryRun) -> Outcome:
    try:
        outcome = await branch.desk.ask(work)
    except Overloaded as overloaded:
        raise problem_of(overloaded) from None
    if isinstance(outcome, Rejection | Unanswered | Defect):
        raise problem_of(outcome)
    return outcome


POST = ["POST"]


def _is_dry_run(asked: Asked) -> bool:
    """Whether a request without a key needs none; a body that cannot be read needs one."""
    try:
        return parse_object(asked.body).get("dry_run") is True
    except Problem:
        return False


NOBODYS = wallet_id(UUID(int=0))
"""The id that no wallet has: all are UUIDs of version 5."""


def _wallet_in_path(scope: Scope) -> WalletId:
    """Return the wallet that the path names; a malformed id is not found where unknown ones are.

    That is in the ledger, behind the key, whose answer comes first.
    """
    text: str = scope["path_params"]["wallet_id"]
    try:
        decode("wal", text)
    except IdentifierInvalid:
        return NOBODYS
    return WalletId(text)
