"""What may be done to a wallet, in which order it is refused, and how events change it."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.events import (
    WalletClosed,
    WalletEvent,
    WalletFrozen,
    WalletFundsHeld,
    WalletOpened,
    WalletOverdraftLimitChanged,
    WalletUnfrozen,
)
from domain.money import MAX_BALANCE
from domain.refusals import (
    OverdraftInUse,
    Refusal,
    Rejection,
    RoleMissing,
    WalletIsClosed,
    WalletIsFrozen,
    WalletNotEmpty,
    WalletNotFound,
)
from domain.wallet_rules import (
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    UnfreezeWallet,
    change_overdraft_limit,
    close,
    freeze,
    open_wallet,
    right_to,
    unfreeze,
)
from domain.wallets import Caller, Wallet, evolve
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    FROZEN_BY_OPERATOR,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    credited,
    debited,
    decided,
    opening,
    wallet,
)

WHY = "card lost"
DECIDERS: dict[type, Callable[..., Any]] = {
    FreezeWallet: freeze,
    UnfreezeWallet: unfreeze,
    CloseWallet: close,
}
FREEZE, UNFREEZE, CLOSE = (
    FreezeWallet(OURS, WHY),
    UnfreezeWallet(OURS, WHY),
    CloseWallet(OURS, WHY),
)
OWNER_WHO_OPERATES = Caller(OWNER.subject, "tests", operate=True)


def decide(command: Any, found: Wallet, by: Caller) -> Any:
    """Decide a command as it is decided for a caller: the right first, then the wallet."""
    right = right_to(command, found, by)
    if isinstance(command, ChangeOverdraftLimit):
        return change_overdraft_limit(command, found)
    return DECIDERS[type(command)](command, found, right)


def limit(minor: int | None) -> ChangeOverdraftLimit:
    return ChangeOverdraftLimit(OURS, minor, WHY)


ACCEPTED = [
    # given, when, by, then
    ([], FREEZE, OWNER, [WalletFrozen("member", WHY)]),
    ([], FREEZE, OPERATOR, [WalletFrozen("operate", WHY)]),
    ([FROZEN_BY_OPERATOR], FREEZE, OWNER, [WalletFrozen("member", WHY)]),
    ([FROZEN_BY_MEMBER], FREEZE, OPERATOR, [WalletFrozen("operate", WHY)]),
    ([FROZEN_BY_MEMBER], FREEZE, OWNER, []),
    ([FROZEN_BY_OPERATOR], FREEZE, OPERATOR, []),
    ([], FREEZE, OWNER_WHO_OPERATES, [WalletFrozen("member", WHY)]),
    ([FROZEN_BY_MEMBER], UNFREEZE, OWNER, [WalletUnfrozen("member", WHY)]),
    ([FROZEN_BY_OPERATOR], UNFREEZE, OPERATOR, [WalletUnfrozen("operate", WHY)]),
    (
        [FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR],
        UNFREEZE,
        OWNER,
        [WalletUnfrozen("member", WHY)],
    ),
    ([], UNFREEZE, OWNER, []),
    ([], UNFREEZE, OPERATOR, []),
    ([], CLOSE, OWNER, [WalletClosed(WHY)]),
    ([], CLOSE, OPERATOR, [WalletClosed(WHY)]),
    ([credited(5), debited(5)], CLOSE, OWNER, [WalletClosed(WHY)]),
    ([FROZEN_BY_MEMBER], CLOSE, OWNER, [WalletClosed(WHY)]),
    ([FROZEN_BY_OPERATOR], CLOSE, OPERATOR, [WalletClosed(WHY)]),
    ([], limit(500), OPERATOR, [WalletOverdraftLimitChanged(500, WHY)]),
    ([], limit(None), OPERATOR, [WalletOverdraftLimitChanged(None, WHY)]),
    ([debited(500)], limit(500), OPERATOR, [WalletOverdraftLimitChanged(500, WHY)]),
    ([FROZEN_BY_MEMBER], limit(1), OPERATOR, [WalletOverdraftLimitChanged(1, WHY)]),
    ([credited(5)], limit(0), OWNER_WHO_OPERATES, [WalletOverdraftLimitChanged(0, WHY)]),
]

# In each row several refusals apply at once where they can; the named one is the first.
REFUSED: list[tuple[list[WalletEvent], Any, Caller, type[Refusal | Rejection]]] = [
    ([], FREEZE, STRANGER, WalletNotFound),
    ([CLOSED], FREEZE, STRANGER, WalletNotFound),
    ([CLOSED], FREEZE, OWNER, WalletIsClosed),
    ([FROZEN_BY_MEMBER, CLOSED], FREEZE, OWNER, WalletIsClosed),
    ([], UNFREEZE, STRANGER, WalletNotFound),
    ([FROZEN_BY_OPERATOR, CLOSED], UNFREEZE, STRANGER, WalletNotFound),
    ([FROZEN_BY_OPERATOR, CLOSED], UNFREEZE, OWNER, WalletIsClosed),
    ([FROZEN_BY_OPERATOR, CLOSED], UNFREEZE, OPERATOR, WalletIsClosed),
    ([FROZEN_BY_OPERATOR], UNFREEZE, OWNER, WalletIsFrozen),
    ([FROZEN_BY_OPERATOR], UNFREEZE, OWNER_WHO_OPERATES, WalletIsFrozen),
    ([FROZEN_BY_MEMBER], UNFREEZE, OPERATOR, WalletIsFrozen),
    ([credited(1), FROZEN_BY_OPERATOR, CLOSED], CLOSE, STRANGER, WalletNotFound),
    ([credited(1), FROZEN_BY_OPERATOR, CLOSED], CLOSE, OWNER, WalletIsClosed),
    ([credited(1), FROZEN_BY_OPERATOR], CLOSE, OWNER, WalletIsFrozen),
    ([credited(1), FROZEN_BY_OPERATOR], CLOSE, OPERATOR, WalletNotEmpty),
    ([credited(1)], CLOSE, OWNER, WalletNotEmpty),
    ([debited(1)], CLOSE, OWNER, WalletNotEmpty),
    ([WalletFundsHeld(PAID, 1, "EUR", NOW)], CLOSE, OWNER, WalletNotEmpty),
    ([debited(500), CLOSED], limit(499), STRANGER, WalletNotFound),
    ([debited(500), CLOSED], limit(499), OWNER, RoleMissing),
    ([debited(500), CLOSED], limit(499), OPERATOR, WalletIsClosed),
    ([debited(500)], limit(499), OPERATOR, OverdraftInUse),
    ([debited(1)], limit(0), OPERATOR, OverdraftInUse),
    ([WalletFundsHeld(PAID, 1, "EUR", NOW)], limit(0), OPERATOR, OverdraftInUse),
]


@pytest.mark.parametrize(("given", "command", "by", "then"), ACCEPTED)
def test_a_command_on_a_wallet_is_done(
    given: list[WalletEvent], command: Any, by: Caller, then: list[WalletEvent]
) -> None:
    """Given these events, when this command, then those events."""
    decided(decide, command, wallet(*given), by).then(*then)


@pytest.mark.parametrize(("given", "command", "by", "no"), REFUSED)
def test_the_first_refusal_that_applies_is_the_one_given(
    given: list[WalletEvent], command: Any, by: Caller, no: type[Refusal | Rejection]
) -> None:
    """Unknown before the right, closed before frozen, frozen before what the balance forbids."""
    decided(decide, command, wallet(*given), by).refused(no)


@pytest.mark.parametrize("command", [FREEZE, UNFREEZE, CLOSE])
def test_a_system_wallet_is_operated_by_operators_only(command: Any) -> None:
    """It belongs to nobody, so that no subject, not even an empty one, is its member."""
    system = wallet(first=opening(kind="system", account_class="asset", owner=None))
    for caller in (OWNER, STRANGER, Caller("", "tests", operate=False)):
        decided(decide, command, system, caller).refused(WalletNotFound)
    assert isinstance(decided(decide, command, system, OPERATOR).result, tuple)


@pytest.mark.parametrize(
    ("kind", "by", "owner"),
    [
        ("personal", OWNER, OWNER.subject),
        ("shared", OWNER, OWNER.subject),
        ("personal", OPERATOR, OPERATOR.subject),
        ("system", OPERATOR, None),
    ],
)
def test_a_wallet_belongs_to_who_opens_it(kind: Any, by: Caller, owner: str | None) -> None:
    """All that the command says is in the event; a system wallet has no owner."""
    command = OpenWallet(
        wallet_id=OURS,
        kind=kind,
        account_class="liability",
        name="Everyday",
        reference="ref 1",
        currency="EUR",
        overdraft_limit=5,
    )
    assert open_wallet(command, by) == WalletOpened(
        kind=kind,
        account_class="liability",
        owner=owner,
        name="Everyday",
        reference="ref 1",
        currency="EUR",
        overdraft_limit=5,
    )


@pytest.mark.parametrize(
    ("events", "status", "posted", "overdraft_limit"),
    [
        ([], "open", 0, 0),
        ([credited(7), debited(3)], "open", 4, 0),
        ([debited(MAX_BALANCE)], "open", -MAX_BALANCE, 0),
        ([FROZEN_BY_MEMBER], "frozen", 0, 0),
        ([FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR, WalletUnfrozen("member", WHY)], "frozen", 0, 0),
        ([FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR, WalletUnfrozen("operate", WHY)], "frozen", 0, 0),
        ([FROZEN_BY_OPERATOR, WalletUnfrozen("operate", WHY)], "open", 0, 0),
        ([FROZEN_BY_OPERATOR, CLOSED], "closed", 0, 0),
        ([CLOSED, credited(5)], "closed", 5, 0),
        ([WalletOverdraftLimitChanged(9, WHY)], "open", 0, 9),
        ([WalletOverdraftLimitChanged(None, WHY)], "open", 0, None),
    ],
)
def test_events_change_what_decisions_see(
    events: list[WalletEvent], status: str, posted: int, overdraft_limit: int | None
) -> None:
    """No event is ever refused, each one raises the version, and available follows posted."""
    after = wallet(*events)
    rules = after.rules
    assert (rules.status, after.posted, rules.overdraft_limit) == (status, posted, overdraft_limit)
    assert after.available == posted
    assert after.version == 1 + len(events)


def test_an_opening_begins_a_wallet_wherever_it_is_read() -> None:
    """A fold of a stream from its first event leads to what the opening alone leads to."""
    before = wallet(credited(5), FROZEN_BY_MEMBER, CLOSED)
    assert evolve(before, opening(overdraft_limit=7), NOW[:10]) == wallet(
        first=opening(overdraft_limit=7)
    )


@pytest.mark.parametrize(
    ("overdraft", "events", "amount", "affords"),
    [
        (0, [], 0, True),
        (0, [], 1, False),
        (0, [credited(5)], 5, True),
        (0, [credited(5)], 6, False),
        (3, [], 3, True),
        (3, [], 4, False),
        (3, [debited(3)], 1, False),
        (3, [credited(2)], 5, True),
        (3, [credited(2)], 6, False),
        (None, [], 10**18, True),
    ],
)
def test_a_wallet_affords_to_its_limit_and_not_a_unit_more(
    overdraft: int | None, events: list[WalletEvent], amount: int, affords: bool
) -> None:
    """The overdraft limit is how far below zero a wallet may go, to the last minor unit."""
    assert wallet(*events, first=opening(overdraft_limit=overdraft)).affords(amount) is affords
