"""A wallet of three owners, whose large payments wait for the others."""

from typing import Any

from domain.events import (
    WalletApprovalsChanged,
    WalletMemberAdded,
)
from domain.payments import MakePayment
from domain.wallets import Caller, Wallet
from tests.given import (
    OWNER,
    transfer_of,
)
from tests.story import (
    Story,
    ours,
    story,
    theirs,
)

ANNA = Caller("usr_anna", "tests", operate=False)
BEN = Caller("usr_ben", "tests", operate=False)
OTHERS = (WalletMemberAdded(ANNA.subject, "owner"), WalletMemberAdded(BEN.subject, "owner"))


def household(required: int = 1, *events: Any, money: int = 1000) -> Wallet:
    """Return a wallet of three owners whose payments above 100 wait for so many of the others."""
    return ours(*OTHERS, WalletApprovalsChanged(required, 100), *events, money=money)


def waiting(required: int = 1, command: MakePayment | None = None) -> Story:
    """Return a story that begins with a payment of 200 that waits for so many other owners."""
    tale = story(household(required), theirs())
    return tale.done(command or transfer_of(200), by=OWNER)
