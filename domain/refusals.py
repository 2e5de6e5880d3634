"""Why the ledger says no: refusals, which are stored facts, and rejections, which are not."""

from domain.identifiers import WalletId


class Refusal(Exception):
    """The ledger refuses a command; the refusal is recorded, so that a retry hears the same."""

    code: str
    reason: str


class SameWallet(Refusal):
    """Source and destination are one wallet."""

    code = "same-wallet"
    reason = "Source and destination are the same wallet."


class CurrencyMismatch(Refusal):
    """The amount is in another currency than a wallet it touches."""

    code = "currency-mismatch"
    reason = "The amount is in another currency than a wallet of the payment."


class WalletIsClosed(Refusal):
    """The caller's wallet has been closed."""

    code = "wallet-closed"
    reason = "The wallet is closed."


class WalletIsFrozen(Refusal):
    """The wallet is frozen: it receives money, but pays none."""

    code = "wallet-frozen"
    reason = "The wallet is frozen."


class PayeeUnavailable(Refusal):
    """Somebody else's wallet does not take money; why is not the payer's to know."""

    code = "payee-unavailable"
    reason = "The payee's wallet does not take payments."


class InsufficientFunds(Refusal):
    """The payment would take the source below its overdraft limit."""

    code = "insufficient-funds"
    reason = "The wallet has not enough available."

    def __init__(self, available: int, currency: str | None = None) -> None:
        """Keep what was available, in minor units, overdraft not included.

        The currency is the wallet's, where a payment has more than one.
        """
        super().__init__(available)
        self.available = available
        self.currency = currency


class BalanceOutOfRange(Refusal):
    """A balance would pass 9 * 10^18 minor units, above or below zero."""

    code = "balance-out-of-range"
    reason = "A balance would pass 9 * 10^18 minor units."


class WalletNotEmpty(Refusal):
    """A wallet with money or holds cannot be closed."""

    code = "wallet-not-empty"
    reason = "The wallet still has money or holds."


class OverdraftInUse(Refusal):
    """The new overdraft limit is lower than what is used of it."""

    code = "overdraft-in-use"
    reason = "The wallet is further below zero than the new limit allows."


class LimitExceeded(Refusal):
    """The payment would pass what may leave the wallet by one payment or on one day."""

    code = "limit-exceeded"
    reason = "The payment passes a limit of the wallet."


class LastOwner(Refusal):
    """A wallet keeps its last owner."""

    code = "last-owner"
    reason = "A wallet keeps at least one owner."


class WalletNotShared(Refusal):
    """Only shared wallets have members and approvals."""

    code = "wallet-not-shared"
    reason = "Only a shared wallet has members and approvals."


class HoldExpired(Refusal):
    """The hold has run out, whether it has been swept or not."""

    code = "hold-expired"
    reason = "The hold has expired."


class HoldAlreadyReleased(Refusal):
    """The hold was released before."""

    code = "hold-already-released"
    reason = "The hold has been released."


class HoldAlreadyCaptured(Refusal):
    """The hold was captured for good before."""

    code = "hold-already-captured"
    reason = "The hold has been captured."


class AmountExceedsHold(Refusal):
    """A capture of more than is left of the hold."""

    code = "amount-exceeds-hold"
    reason = "The amount is more than what is left of the hold."


class AmountExceedsPayment(Refusal):
    """A refund of more than is left of the payment."""

    code = "amount-exceeds-payment"
    reason = "The amount is more than what is left of the payment to be refunded."


class AlreadyReversed(Refusal):
    """The payment was undone before."""

    code = "already-reversed"
    reason = "The payment has been reversed."


class AlreadyRefunded(Refusal):
    """Some of the payment was given back before."""

    code = "already-refunded"
    reason = "The payment has been refunded in part or in full."


class NotRefundable(Refusal):
    """A payment of a kind, or in a state, that is not refunded."""

    code = "not-refundable"
    reason = "A payment of this kind, or in this state, cannot be refunded."


class NotReversible(Refusal):
    """A payment of a kind, or in a state, that is not reversed."""

    code = "not-reversible"
    reason = "A payment of this kind, or in this state, cannot be reversed."


class ApprovalNotNeeded(Refusal):
    """The payment does not wait for anybody, or not any more."""

    code = "approval-not-needed"
    reason = "The payment does not wait for approval."


class AlreadyApproved(Refusal):
    """The same owner has approved the payment before."""

    code = "already-approved"
    reason = "You have approved this payment already."


class ApprovalRejected(Refusal):
    """Another owner has rejected the payment."""

    code = "approval-rejected"
    reason = "Another owner of the wallet has rejected the payment."


class RequestClosed(Refusal):
    """The payment request has been accepted, declined or cancelled, or its time has passed."""

    code = "request-closed"
    reason = "The payment request has ended."


class PeriodIsClosed(Refusal):
    """The value date lies in a period that has been closed."""

    code = "period-closed"
    reason = "The value date lies in a closed period."


class PeriodNotOver(Refusal):
    """Only days that have ended can be closed."""

    code = "period-not-over"
    reason = "A period can be closed when its last day has ended in UTC."


class Rejection(Exception):
    """A command that is not decided at all; nothing is recorded and a retry is decided afresh."""


class WalletNotFound(Rejection):
    """There is no such wallet, or none that the caller may know of."""

    def __init__(self, wallet_id: WalletId) -> None:
        """Keep which wallet was asked for."""
        super().__init__(wallet_id)
        self.wallet_id = wallet_id


class PaymentNotFound(Rejection):
    """There is no such payment, or none that the caller may know of."""


class PaymentRequestNotFound(Rejection):
    """There is no such payment request, or it is meant for somebody else."""


class ScheduleNotFound(Rejection):
    """There is no such schedule, it is deleted, or it is none that the caller may know of."""


class MemberNotFound(Rejection):
    """Who is to be removed from the wallet is no member of it."""


class NothingToDo(Rejection):
    """What a worker asks for is done already, or its time has not come."""


class NotPayee(Rejection):
    """The payer asks for what only the payee may do."""


class RoleMissing(Rejection):
    """A member of the wallet asks for what their role does not allow."""


class FieldInvalid(Rejection):
    """A field of the request does not fit what only the ledger knows, such as a currency."""

    def __init__(self, field: str, detail: str) -> None:
        """Keep which field of the body it is, with `/` between its steps, and what is wrong."""
        super().__init__(field, detail)
        self.field = field
        self.detail = detail


class KeyReused(Rejection):
    """The idempotency key has been used for another request."""


REFUSALS: dict[str, type[Refusal]] = {
    cls.code: cls
    for cls in (
        SameWallet,
        CurrencyMismatch,
        WalletIsClosed,
        WalletIsFrozen,
        PayeeUnavailable,
        InsufficientFunds,
        BalanceOutOfRange,
        WalletNotEmpty,
        OverdraftInUse,
        LimitExceeded,
        LastOwner,
        WalletNotShared,
        HoldExpired,
        HoldAlreadyReleased,
        HoldAlreadyCaptured,
        AmountExceedsHold,
        AmountExceedsPayment,
        AlreadyReversed,
        AlreadyRefunded,
        NotRefundable,
        NotReversible,
        ApprovalNotNeeded,
        AlreadyApproved,
        ApprovalRejected,
        RequestClosed,
        PeriodIsClosed,
        PeriodNotOver,
    )
}
"""Each refusal by its code, so that a stored code finds its reason."""
