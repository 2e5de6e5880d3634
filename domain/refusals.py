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

    def __init__(self, available: int) -> None:
        """Keep what was available, in minor units, overdraft not included."""
        super().__init__(available)
        self.available = available


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


class Rejection(Exception):
    """A command that is not decided at all; nothing is recorded and a retry is decided afresh."""


class WalletNotFound(Rejection):
    """There is no such wallet, or none that the caller may know of."""

    def __init__(self, wallet_id: WalletId) -> None:
        """Keep which wallet was asked for."""
        super().__init__(wallet_id)
        self.wallet_id = wallet_id


class RoleMissing(Rejection):
    """A member of the wallet asks for what their role does not allow."""


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
    )
}
"""Each refusal by its code, so that a stored code finds its reason."""
