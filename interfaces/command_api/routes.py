"""The routes of commands that begin something, through the gate to the ledger and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope

from application.commands import Command, DryRun, Submission
from domain.payments import MakePayment
from domain.periods import ClosePeriod
from interfaces.command_api.asking import answer, dry_run
from interfaces.command_api.bodies import OpenWalletBody, TransferBody
from interfaces.command_api.branch import Branch, Branches
from interfaces.command_api.endpoint import Endpoint, Handler
from interfaces.command_api.fingerprint import fingerprint
from interfaces.command_api.follow_ups import GOVERNS, MOVES, OPERATES
from interfaces.command_api.gate import Asked, Gate, body_of, parsed, require_key
from interfaces.command_api.parsing import (
    CLOSED_PERIODS,
    EXCHANGES,
    HOLDS,
    PAYMENT_REQUESTS,
    PAYMENTS,
    SCHEDULES,
    TRANSFERS,
    WALLETS,
)
from interfaces.command_api.payment_bodies import ExchangeBody, HoldBody, PaymentBody
from interfaces.command_api.period_bodies import ClosePeriodBody
from interfaces.command_api.request_bodies import PaymentRequestBody
from interfaces.command_api.request_parsing import payment_request
from interfaces.command_api.schedule_bodies import ScheduleBody
from interfaces.command_api.schedule_parsing import schedule, schedule_body
from interfaces.http.bodies import RequestBody, parse_object
from interfaces.http.middleware import note
from interfaces.http.problems import Problem

Parse = Callable[[Branch, Any, UUID], tuple[MakePayment, str]]
POST = ["POST"]


@dataclass(frozen=True, slots=True)
class Beginning:
    """A route that begins something, what is sent to it, and the scopes one of which it needs."""

    path: str
    summary: str
    body: type[RequestBody]
    scopes: tuple[str, ...]
    status: int = 201


BEGINNINGS = {
    each.path: each
    for each in (
        Beginning(TRANSFERS, "Transfer money", TransferBody, MOVES),
        Beginning(HOLDS, "Hold money", HoldBody, MOVES),
        Beginning(PAYMENTS, "Make a payment of many legs", PaymentBody, MOVES),
        Beginning(EXCHANGES, "Exchange money", ExchangeBody, OPERATES),
        Beginning(PAYMENT_REQUESTS, "Request a payment", PaymentRequestBody, MOVES),
        Beginning(SCHEDULES, "Schedule a transfer", ScheduleBody, MOVES),
        Beginning(WALLETS, "Open a wallet", OpenWalletBody, GOVERNS),
        Beginning(CLOSED_PERIODS, "Close a period", ClosePeriodBody, OPERATES, 200),
    )
}


class Commands:
    """Handlers of the commands that begin a wallet, a payment, a request or a schedule."""

    def __init__(self, gate: Gate, branches: Branches) -> None:
        """Take the gate, which knows no other ledgers than the branches."""
        self._gate = gate
        self._branches = branches

    def routes(self) -> list[Route]:
        """Return the routes, the hottest first."""
        handlers: dict[str, Handler] = {
            TRANSFERS: self._payment(TRANSFERS, lambda b, body, s: b.parser.transfer(body, s)),
            HOLDS: self._payment(HOLDS, lambda b, body, s: b.payments.hold(body, s)),
            PAYMENTS: self._payment(PAYMENTS, lambda b, body, s: b.payments.payment(body, s)),
            EXCHANGES: self.exchange,
            PAYMENT_REQUESTS: self.request_payment,
            SCHEDULES: self.schedule,
            WALLETS: self.open_wallet,
            CLOSED_PERIODS: self.close_period,
        }
        return [Route(path, Endpoint(handler), methods=POST) for path, handler in handlers.items()]

    def _payment(self, path: str, parse: Parse) -> Handler:
        route = BEGINNINGS[path]

        async def handle(scope: Scope, receive: Receive) -> Response:
            asked = await self._gate.ask(scope, receive)
            if asked.key is None and not _is_dry_run(asked):
                require_key(asked)
            body: Any = parsed(route.body, asked, *route.scopes)
            branch = self._branches[asked.caller.ledger]
            if body.dry_run:
                command, _ = parse(branch, body, asked.stream_of("dry run"))
                return await dry_run(branch, DryRun(command, asked.by), path)
            command, fingerprint = parse(branch, body, asked.stream)
            note(scope, payment_id=command.payment_id)
            return await answer(branch, _submission(asked, command, fingerprint), path)

        return handle

    async def exchange(self, scope: Scope, receive: Receive) -> Response:
        """`POST /v1/exchanges`."""
        asked = await self._gate.ask(scope, receive)
        body = body_of(ExchangeBody, asked, *OPERATES)
        branch = self._branches[asked.caller.ledger]
        command, fingerprint, written = branch.payments.exchange(body, asked.stream)
        note(scope, payment_id=command.payment_id)
        work = _submission(asked, command, fingerprint, written)
        return await answer(branch, work, EXCHANGES)

    async def request_payment(self, scope: Scope, receive: Receive) -> Response:
        """`POST /v1/payment-requests`."""
        asked = await self._gate.ask(scope, receive)
        body = body_of(PaymentRequestBody, asked, *MOVES)
        branch = self._branches[asked.caller.ledger]
        command, fingerprint = payment_request(branch.parser, body, asked.stream)
        work = _submission(asked, command, fingerprint)
        return await answer(branch, work, PAYMENT_REQUESTS)

    async def schedule(self, scope: Scope, receive: Receive) -> Response:
        """`POST /v1/schedules`."""
        asked = await self._gate.ask(scope, receive)
        body = schedule_body(asked)
        branch = self._branches[asked.caller.ledger]
        command, fingerprint = schedule(branch.parser, body, asked.stream)
        return await answer(branch, _submission(asked, command, fingerprint), SCHEDULES)

    async def open_wallet(self, scope: Scope, receive: Receive) -> Response:
        """`POST /v1/wallets`."""
        asked = await self._gate.ask(scope, receive)
        body = body_of(OpenWalletBody, asked, *GOVERNS)
        branch = self._branches[asked.caller.ledger]
        command, fingerprint = branch.parser.open_wallet(body, asked.stream)
        return await answer(branch, _submission(asked, command, fingerprint), WALLETS)

    async def close_period(self, scope: Scope, receive: Receive) -> Response:
        """`POST /v1/operations/periods/close`."""
        asked = await self._gate.ask(scope, receive)
        body = body_of(ClosePeriodBody, asked, *OPERATES)
        branch = self._branches[asked.caller.ledger]
        command = ClosePeriod(body.through, body.reason)
        content = fingerprint(CLOSED_PERIODS, {}, body.model_dump())
        return await answer(branch, _submission(asked, command, content), CLOSED_PERIODS)


def _submission(
    asked: Asked, command: Command, fingerprint: str, written: dict[str, str] | None = None
) -> Submission:
    return Submission(command, asked.by, asked.stream, fingerprint, asked.traceparent, written)


def _is_dry_run(asked: Asked) -> bool:
    """Whether a request without a key needs none; a body that cannot be read needs one."""
    try:
        return parse_object(asked.body).get("dry_run") is True
    except Problem:
        return False
