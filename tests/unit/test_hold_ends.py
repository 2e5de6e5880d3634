"""How holds end, by whom and by the clock, and what stops a capture before."""

from typing import Any

import pytest

from domain.events import (
    WalletHoldReleased,
)
from domain.money import (
    MAX_BALANCE,
)
from domain.payment_events import (
    PaymentCaptured,
)
from domain.refusals import (
    AmountExceedsHold,
    BalanceOutOfRange,
    FieldInvalid,
    HoldAlreadyCaptured,
    HoldAlreadyReleased,
    HoldExpired,
    InsufficientFunds,
    NothingToDo,
    NotPayee,
    PayeeUnavailable,
    PaymentNotFound,
    Refusal,
    Rejection,
    RoleMissing,
    WalletIsClosed,
    WalletIsFrozen,
)
from domain.wallets import Caller
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    FROZEN_BY_OPERATOR,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    THEIRS,
    transfer_of,
)
from tests.story import (
    AUDITOR,
    END,
    EXPIRE,
    HOUR,
    LAST_MOMENT,
    PAYEE,
    RELEASE,
    SPENDER,
    SWEEPER,
    TILL,
    VIEWER,
    capture,
    held,
    hold_of,
    increase,
    ours,
    story,
    theirs,
)


@pytest.mark.parametrize(("by", "command"), [(PAYEE, RELEASE), (SWEEPER, EXPIRE)])
def test_with_anything_captured_a_hold_ends_completed(by: Caller, command: Any) -> None:
    """Released or run out: what was captured stays paid and can be refunded."""
    tale = held().done(capture(40, final=False), by=PAYEE)
    if by is SWEEPER:
        tale.at(END)
    tale.done(command, by=by)
    assert (tale.standing.status, tale.standing.refundable) == ("completed", 40)
    assert tale.money() == (960, 0, 40)


# A hold of 100 for an hour; each row: what happened, whether an hour passed, what follows, why not.
NONE: list[tuple[Any, Caller]] = []
PART = [(capture(40, final=False), PAYEE)]
ENDED: list[tuple[list[tuple[Any, Caller]], bool, type[Refusal]]] = [
    ([(RELEASE, PAYEE)], False, HoldAlreadyReleased),
    ([(RELEASE, PAYEE)], True, HoldAlreadyReleased),
    ([*PART, (RELEASE, PAYEE)], False, HoldAlreadyReleased),
    ([*PART, (RELEASE, PAYEE)], True, HoldAlreadyReleased),
    ([(capture(), PAYEE)], False, HoldAlreadyCaptured),
    ([(capture(), PAYEE)], True, HoldAlreadyCaptured),
    ([(capture(40), PAYEE)], False, HoldAlreadyCaptured),
    ([*PART, (capture(60, final=False), PAYEE)], False, HoldAlreadyCaptured),
    ([*PART, (capture(10), PAYEE)], True, HoldAlreadyCaptured),
    (NONE, True, HoldExpired),
    (PART, True, HoldExpired),
]
AFTERWARDS = [(capture(500), PAYEE), (capture(), OWNER), (RELEASE, PAYEE), (increase(1), OWNER)]


@pytest.mark.parametrize(("command", "by"), AFTERWARDS)
@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.parametrize(("before", "passed", "no"), ENDED)
def test_after_its_end_a_hold_says_how_it_ended(
    before: list[tuple[Any, Caller]],
    passed: bool,
    no: type[Refusal],
    swept: bool,
    command: Any,
    by: Caller,
) -> None:
    """What ended it first counts, whatever the clock says since, and swept or not."""
    tale = held()
    for step, caller in before:
        tale.done(step, by=caller)
    if passed:
        tale.at(END)
    if swept:
        tale.ask(EXPIRE, SWEEPER)
    tale.ask(command, by).refused(no)


@pytest.mark.parametrize(("command", "by"), [(capture(), PAYEE), (RELEASE, PAYEE)])
def test_until_its_last_moment_a_hold_can_be_captured(command: Any, by: Caller) -> None:
    """The end itself is past; a microsecond before is not."""
    held().at(LAST_MOMENT).done(command, by=by)
    held().at(END).ask(command, by).refused(HoldExpired)


@pytest.mark.parametrize(
    ("command", "by"), [(capture(1), PAYEE), (RELEASE, PAYEE), (increase(1), OWNER)]
)
def test_what_is_decided_on_a_hold_is_valid_until_it_runs_out(command: Any, by: Caller) -> None:
    """The store stores it at an earlier time than that, or lets it be decided again."""
    assert held().ask(command, by).valid_before == END


def test_a_hold_that_has_run_out_is_swept_once() -> None:
    """Not before its time, not twice, and only by the ledger's own worker."""
    tale = held()
    tale.ask(EXPIRE, SWEEPER).refused(NothingToDo)
    tale.at(LAST_MOMENT).ask(EXPIRE, SWEEPER).refused(NothingToDo)
    tale.at(END)
    for nobody in (OWNER, PAYEE, OPERATOR):
        tale.ask(EXPIRE, nobody).refused(PaymentNotFound)
    told = tale.ask(EXPIRE, SWEEPER)
    assert told.right == "system"
    assert told.the(WalletHoldReleased) == WalletHoldReleased(PAID, 100, "EUR", "expired", 100)
    assert (tale.standing.status, tale.money()) == ("expired", (1000, 0, 0))
    tale.ask(EXPIRE, SWEEPER).refused(NothingToDo)


def test_a_released_hold_is_not_swept() -> None:
    """Its end came before its time."""
    held().done(RELEASE, by=PAYEE).at(END).ask(EXPIRE, SWEEPER).refused(NothingToDo)


def test_what_has_not_been_swept_is_still_held() -> None:
    """It cannot be captured any more, but the money is free only when a release says so."""
    tale = held().at(END)
    tale.ask(capture(), PAYEE).refused(HoldExpired)
    assert tale.money() == (1000, 100, 0)


CAPTURE = capture(10, final=False)
RIGHTS: list[tuple[Any, Caller, str | type[Rejection]]] = [
    (CAPTURE, PAYEE, "member"),
    (CAPTURE, TILL, "member"),
    (CAPTURE, AUDITOR, RoleMissing),
    (CAPTURE, OWNER, "member"),
    (CAPTURE, SPENDER, "member"),
    (CAPTURE, VIEWER, RoleMissing),
    (CAPTURE, OPERATOR, "operate"),
    (CAPTURE, STRANGER, PaymentNotFound),
    (RELEASE, PAYEE, "member"),
    (RELEASE, TILL, "member"),
    (RELEASE, AUDITOR, RoleMissing),
    (RELEASE, OWNER, NotPayee),
    (RELEASE, SPENDER, NotPayee),
    (RELEASE, VIEWER, RoleMissing),
    (RELEASE, OPERATOR, "operate"),
    (RELEASE, STRANGER, PaymentNotFound),
    (increase(10), OWNER, "member"),
    (increase(10), SPENDER, "member"),
    (increase(10), VIEWER, RoleMissing),
    (increase(10), PAYEE, RoleMissing),
    (increase(10), OPERATOR, "operate"),
    (increase(10), STRANGER, PaymentNotFound),
]


@pytest.mark.parametrize(("command", "by", "end"), RIGHTS)
def test_who_may_do_what_to_a_hold(command: Any, by: Caller, end: str | type[Rejection]) -> None:
    """Both sides capture, the payee's side releases, the payer's side increases, operators all."""
    told = held().ask(command, by)
    if isinstance(end, str):
        assert (told.no, told.right) == (None, end)
    else:
        told.refused(end)


@pytest.mark.parametrize(("command", "by", "end"), RIGHTS)
def test_rights_come_before_how_the_hold_ended(
    command: Any, by: Caller, end: str | type[Rejection]
) -> None:
    """Who may not act is told so, and not what became of the hold."""
    told = held().done(RELEASE, by=PAYEE).ask(command, by)
    told.refused(HoldAlreadyReleased if isinstance(end, str) else end)


@pytest.mark.parametrize("command", [capture(), RELEASE, increase(1)])
def test_what_is_no_hold_is_not_found_among_holds(command: Any) -> None:
    """A transfer, a declined hold and a payment that does not exist are all the same."""
    story().ask(command, OPERATOR).refused(PaymentNotFound)
    story().done(transfer_of(5), by=OWNER).ask(command, OPERATOR).refused(PaymentNotFound)
    declined = story(ours(money=1), theirs())
    declined.ask(hold_of(5)).refused(InsufficientFunds)
    for caller in (OPERATOR, PAYEE, OWNER):
        declined.ask(command, caller).refused(PaymentNotFound)


WRONG = {"too much": AmountExceedsHold, "frozen": WalletIsFrozen, "closed": WalletIsClosed}


@pytest.mark.parametrize("place", range(3))
def test_a_capture_is_refused_for_the_first_thing_that_is_wrong(place: int) -> None:
    """The amount before the payer's freeze, the freeze before the payee's end."""
    names = list(WRONG)[place:]
    tale = held()
    if "frozen" in names:
        tale.happens(OURS, FROZEN_BY_MEMBER)
    if "closed" in names:
        tale.happens(THEIRS, CLOSED)
    tale.ask(capture(101 if "too much" in names else 1), PAYEE).refused(WRONG[names[0]])


@pytest.mark.parametrize("by", [OWNER, PAYEE, OPERATOR])
@pytest.mark.parametrize("freeze", [FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR])
def test_frozen_means_no_capture_by_people(by: Caller, freeze: Any) -> None:
    """Whichever side froze the payer's wallet, and whoever captures."""
    tale = held()
    tale.happens(OURS, freeze)
    tale.ask(capture(), by).refused(WalletIsFrozen)
    tale.ask(increase(1), OWNER).refused(WalletIsFrozen)


def test_a_freeze_stops_neither_release_nor_expiry() -> None:
    """Both give back to the payer what is theirs."""
    tale = held()
    tale.happens(OURS, FROZEN_BY_MEMBER)
    tale.done(RELEASE, by=PAYEE)
    tale = held()
    tale.happens(OURS, FROZEN_BY_OPERATOR)
    tale.at(END).done(EXPIRE, by=SWEEPER)


def test_a_frozen_payee_takes_a_capture() -> None:
    """Credits pass."""
    tale = held()
    tale.happens(THEIRS, FROZEN_BY_OPERATOR)
    tale.done(capture(), by=OWNER)


@pytest.mark.parametrize(("by", "no"), [(OWNER, PayeeUnavailable), (PAYEE, WalletIsClosed)])
def test_a_closed_payee_takes_no_capture(by: Caller, no: type[Refusal]) -> None:
    """Their own side hears that it is closed, the payer that it is unavailable."""
    tale = held()
    tale.happens(THEIRS, CLOSED)
    tale.ask(capture(), by).refused(no)
    tale.done(RELEASE, by=OPERATOR)


def test_a_capture_keeps_the_payee_in_range() -> None:
    """9 * 10^18 is the most that anybody has."""
    tale = held(100, HOUR, ours(), theirs(money=MAX_BALANCE - 40))
    tale.ask(capture(41), PAYEE).refused(BalanceOutOfRange)
    tale.done(capture(40), by=PAYEE)


def test_a_capture_of_nothing_is_no_amount() -> None:
    """Amounts are above zero, and no more exact than the currency."""
    tale = held()
    for text in ("0", "0.00", "0.001"):
        told = tale.ask(capture(), PAYEE, {"amount": text})
        assert told.refused(FieldInvalid).field == "amount"
    told = tale.ask(capture(), PAYEE, {"amount": "0.40"})
    assert told.the(PaymentCaptured).amount == 40
