"""Commands on something that is there already: a payment, a request, a schedule, a wallet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from application.commands import Command
from domain.approvals import ApprovePayment, RejectPayment
from domain.holds import CaptureHold, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, PaymentRequestId, ScheduleId, WalletId
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
)
from domain.refunds import RefundPayment, ReversePayment
from domain.schedules import DeleteSchedule, PauseSchedule, ResumeSchedule
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    RemoveMember,
    UnfreezeWallet,
)
from interfaces.command_api.bodies import ReasonBody
from interfaces.command_api.payment_bodies import (
    CaptureBody,
    DecisionBody,
    IncreaseBody,
    NothingBody,
    RefundBody,
)
from interfaces.command_api.request_bodies import AcceptBody
from interfaces.command_api.wallet_bodies import (
    ApprovalsBody,
    LimitsBody,
    MemberBody,
    OverdraftBody,
)
from interfaces.http.bodies import RequestBody

HOLD = "/v1/holds/{payment_id}"
PAYMENT = "/v1/payments/{payment_id}"
WALLET = "/v1/wallets/{wallet_id}"
REQUEST = "/v1/payment-requests/{request_id}"
SCHEDULE = "/v1/schedules/{schedule_id}"
MOVES, GOVERNS, OPERATES = ("payments", "operate"), ("wallets", "operate"), ("operate",)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about: the id in its path, the id that its own key begins, the body."""

    payment_id: PaymentId
    wallet_id: WalletId
    request_id: PaymentRequestId
    schedule_id: ScheduleId
    user_id: str
    own: PaymentId
    body: Any


Build = Callable[[Subject], Command]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A route, and how its request becomes a command.

    `amounts` are the fields of the body that the command takes as decimal strings in a currency
    that only the ledger knows.
    """

    method: str
    path: str
    summary: str
    body: type[RequestBody]
    scopes: tuple[str, ...]
    build: Build
    amounts: tuple[str, ...] = ()
    status: int = 200

    def written(self, body: RequestBody) -> dict[str, str]:
        """Return the amounts that are given, as they were written."""
        found = {name: getattr(body, name) for name in self.amounts}
        return {name: text for name, text in found.items() if text not in {None, "unlimited"}}

    def content(self, body: RequestBody) -> Mapping[str, Any]:
        """Return the body as it counts for a fingerprint: `12.3` is `12.30`."""
        fields = body.model_dump()
        return {**fields, **{name: plain(text) for name, text in self.written(body).items()}}


def plain(amount: str) -> str:
    """Return a decimal string without what does not change its value."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


FOLLOW_UPS: tuple[FollowUp, ...] = (
    FollowUp(
        *("POST", f"{HOLD}/capture", "Capture a hold", CaptureBody, MOVES),
        lambda s: CaptureHold(s.payment_id, None, s.body.final),
        ("amount",),
    ),
    FollowUp(
        *("POST", f"{HOLD}/release", "Release a hold", NothingBody, MOVES),
        lambda s: ReleaseHold(s.payment_id),
    ),
    FollowUp(
        *("POST", f"{HOLD}/increase", "Increase a hold", IncreaseBody, MOVES),
        lambda s: IncreaseHold(s.payment_id, 0, s.body.expires_in),
        ("amount",),
    ),
    FollowUp(
        *("POST", f"{PAYMENT}/refund", "Refund a payment", RefundBody, MOVES),
        lambda s: RefundPayment(s.own, s.payment_id, None, s.body.reason),
        ("amount",),
        201,
    ),
    FollowUp(
        *("POST", f"{PAYMENT}/reverse", "Reverse a payment", ReasonBody, OPERATES),
        lambda s: ReversePayment(s.own, s.payment_id, s.body.reason),
        status=201,
    ),
    FollowUp(
        *("POST", f"{PAYMENT}/approve", "Approve a payment", DecisionBody, MOVES),
        lambda s: ApprovePayment(s.payment_id, s.body.reason),
    ),
    FollowUp(
        *("POST", f"{PAYMENT}/reject", "Reject a payment", DecisionBody, MOVES),
        lambda s: RejectPayment(s.payment_id, s.body.reason),
    ),
    FollowUp(
        *("POST", f"{REQUEST}/accept", "Accept a payment request", AcceptBody, MOVES),
        lambda s: AcceptPaymentRequest(s.own, s.request_id, WalletId(s.body.source_wallet_id)),
        status=201,
    ),
    FollowUp(
        *("POST", f"{REQUEST}/decline", "Decline a payment request", NothingBody, MOVES),
        lambda s: DeclinePaymentRequest(s.request_id),
    ),
    FollowUp(
        *("POST", f"{REQUEST}/cancel", "Cancel a payment request", NothingBody, MOVES),
        lambda s: CancelPaymentRequest(s.request_id),
    ),
    FollowUp(
        *("POST", f"{SCHEDULE}/pause", "Pause a schedule", NothingBody, MOVES),
        lambda s: PauseSchedule(s.schedule_id),
    ),
    FollowUp(
        *("POST", f"{SCHEDULE}/resume", "Resume a schedule", NothingBody, MOVES),
        lambda s: ResumeSchedule(s.schedule_id),
    ),
    FollowUp(
        *("DELETE", SCHEDULE, "Delete a schedule", NothingBody, MOVES),
        lambda s: DeleteSchedule(s.schedule_id),
    ),
    FollowUp(
        *("POST", f"{WALLET}/freeze", "Freeze a wallet", ReasonBody, GOVERNS),
        lambda s: FreezeWallet(s.wallet_id, s.body.reason),
    ),
    FollowUp(
        *("POST", f"{WALLET}/unfreeze", "Unfreeze a wallet", ReasonBody, GOVERNS),
        lambda s: UnfreezeWallet(s.wallet_id, s.body.reason),
    ),
    FollowUp(
        *("POST", f"{WALLET}/close", "Close a wallet", ReasonBody, GOVERNS),
        lambda s: CloseWallet(s.wallet_id, s.body.reason),
    ),
    FollowUp(
        *("POST", f"{WALLET}/members", "Give somebody a role", MemberBody, GOVERNS),
        lambda s: AddMember(s.wallet_id, s.body.user_id, s.body.role),
        status=201,
    ),
    FollowUp(
        *("DELETE", f"{WALLET}/members/{{user_id}}", "Take a role away", NothingBody, GOVERNS),
        lambda s: RemoveMember(s.wallet_id, s.user_id),
    ),
    FollowUp(
        *("PUT", f"{WALLET}/limits", "Set the limits of a wallet", LimitsBody, GOVERNS),
        lambda s: ChangeLimits(s.wallet_id, None, None),
        ("per_payment", "per_day"),
    ),
    FollowUp(
        *("PUT", f"{WALLET}/overdraft", "Set an overdraft limit", OverdraftBody, OPERATES),
        lambda s: ChangeOverdraftLimit(s.wallet_id, None, s.body.reason),
        ("overdraft_limit",),
    ),
    FollowUp(
        *("PUT", f"{WALLET}/approvals", "Set who must approve", ApprovalsBody, GOVERNS),
        lambda s: ChangeApprovals(s.wallet_id, s.body.required, 0),
        ("above",),
    ),
)
