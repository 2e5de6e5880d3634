"""Who takes part in the play of the ledger, and which wallets they have at its beginning."""

from typing import NamedTuple

from domain.events import WalletKind
from domain.wallets import Caller

ANNA, BEN, CARL, DORA, STRANGER = (
    Caller(f"usr_{name}", "tests", operate=False) for name in ("a", "b", "c", "d", "s")
)
OPERATOR = Caller("usr_o", "tests", operate=True)
SWEEPER = Caller("usr_w", "tests", operate=True, system=True)
"""The ledger's own worker, which frees what has run out."""

CALLERS = (ANNA, BEN, OPERATOR)


class Begun(NamedTuple):
    """How a wallet is opened; a limit of none is unlimited."""

    owner: Caller
    kind: WalletKind
    currency: str
    limit: int | None


WALLETS: dict[str, Begun] = {
    "bank": Begun(OPERATOR, "system", "EUR", None),
    "vault": Begun(OPERATOR, "system", "EUR", None),
    "mint": Begun(OPERATOR, "system", "JPY", None),
    "rich": Begun(ANNA, "personal", "EUR", 0),
    "poor": Begun(ANNA, "personal", "EUR", 0),
    "overdrawn": Begun(ANNA, "personal", "EUR", 50),
    "frozen": Begun(ANNA, "personal", "EUR", 0),
    "closed": Begun(ANNA, "personal", "EUR", 0),
    "yen": Begun(ANNA, "personal", "JPY", 0),
    "limited": Begun(ANNA, "personal", "EUR", 0),
    "household": Begun(ANNA, "shared", "EUR", 0),
    "theirs": Begun(BEN, "shared", "EUR", 0),
    "shop": Begun(BEN, "personal", "EUR", 0),
    "their closed": Begun(BEN, "personal", "EUR", 0),
    "full": Begun(BEN, "personal", "EUR", 0),
}
"""`household` has owners Anna and Ben, a spender Carl and a viewer Dora."""

THRESHOLD = 30
"""What the household pays above it waits for one other owner."""

PER_PAYMENT, PER_DAY = 40, 50
"""The limits of `limited`."""
