"""The routes of commands on something that is there already."""

from uuid import UUID, uuid4

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope

from application.commands import Submission
from domain.identifiers import (
    IdentifierInvalid,
    PaymentId,
    PaymentRequestId,
    ScheduleId,
    WalletId,
    decode,
    payment_id,
    payment_request_id,
    schedule_id,
    wallet_id,
)
from interfaces.command_api.asking import answer
from interfaces.command_api.branch import Branches
from interfaces.command_api.endpoint import Endpoint, Handler
from interfaces.command_api.fingerprint import fingerprint
from interfaces.command_api.follow_ups import FOLLOW_UPS, FollowUp, Subject
from interfaces.command_api.gate import Gate, parsed, require_key

NOBODY = UUID(int=0)
"""What no wallet and no payment has for an id: all are UUIDs of version 5."""


class FollowUpRoutes:
    """Handlers of commands on wallets and payments that are named in the path."""

    def __init__(self, gate: Gate, branches: Branches) -> None:
        """Take what single commands take."""
        self._gate = gate
        self._branches = branches

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(each.path, Endpoint(self._handler(each)), methods=[each.method])
            for each in FOLLOW_UPS
        ]

    def _handler(self, route: FollowUp) -> Handler:
        async def handle(scope: Scope, receive: Receive) -> Response:
            asked = await self._gate.ask(scope, receive)
            if route.method == "POST":
                require_key(asked)
            body = parsed(route.body, asked, *route.scopes)
            # What takes no key gets a stream of its own on arrival: it is the same to do it twice.
            stream = asked.stream if route.method == "POST" else uuid4()
            path: dict[str, str] = scope["path_params"]
            subject = Subject(
                payment_id=_payment(path.get("payment_id", "")),
                wallet_id=_wallet(path.get("wallet_id", "")),
                request_id=_request(path.get("request_id", "")),
                schedule_id=_schedule(path.get("schedule_id", "")),
                user_id=path.get("user_id", ""),
                own=payment_id(stream),
                body=body,
            )
            work = Submission(
                route.build(subject),
                asked.by,
                stream,
                fingerprint(route.path, path, route.content(body)),
                asked.traceparent,
                route.written(body),
            )
            branch = self._branches[asked.caller.ledger]
            return await answer(branch, work, route.path.format(**path))

        return handle


def _wallet(text: str) -> WalletId:
    """Return the wallet that the path names; a malformed id is not found where unknown ones are.

    That is in the ledger, behind the key, whose answer comes first.
    """
    return WalletId(text) if _is("wal", text) else wallet_id(NOBODY)


def _payment(text: str) -> PaymentId:
    return PaymentId(text) if _is("pay", text) else payment_id(NOBODY)


def _request(text: str) -> PaymentRequestId:
    return PaymentRequestId(text) if _is("prq", text) else payment_request_id(NOBODY)


def _schedule(text: str) -> ScheduleId:
    return ScheduleId(text) if _is("sch", text) else schedule_id(NOBODY)


def _is(prefix: str, text: str) -> bool:
    try:
        decode(prefix, text)
    except IdentifierInvalid:
        return False
    return True
