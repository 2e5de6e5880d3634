"""A payment request is paid once, by whom it is meant for, or ends without a payment."""

import pytest

from domain import payment_requests as requests
from domain.events import WalletMemberAdded
from domain.instants import Instant
from domain.payment_request_events import PaymentRequestEvent
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
    reference_of,
    request_of,
)
from domain.payments import MakePayment
from domain.refusals import (
    CurrencyMismatch,
    NotPayee,
    PaymentRequestNotFound,
    Rejection,
    RequestClosed,
    RoleMissing,
    WalletIsClosed,
    WalletNotFound,
)
from domain.wallets import Caller
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
    THEIRS,
    decided,
    transfer_of,
)
from tests.requested import (
    ACCEPTED,
    ASKED,
    ASKED_FOR,
    CANCELLED,
    DECLINED,
    END,
    JUST_BEFORE_END,
    PAYEE,
    asked_for,
    created,
    payee_wallet,
    request_of_payee,
)

ACCEPT = AcceptPaymentRequest(PAID, ASKED, OURS)
DECLINE, CANCEL = DeclinePaymentRequest(ASKED), CancelPaymentRequest(ASKED)
SPENDER, VIEWER = (
    Caller("usr_spender", "t", operate=False),
    Caller("usr_viewer", "t", operate=False),
)
MEMBERS = (
    WalletMemberAdded(SPENDER.subject, "spender"),
    WalletMemberAdded(VIEWER.subject, "viewer"),
)
KNOWN = {THEIRS: payee_wallet(*MEMBERS)}


def test_what_is_asked_for_is_a_fact() -> None:
    """With when it ends, and who asks."""
    decided(requests.request, request_of_payee(), payee_wallet(), PAYEE, NOW).then(created())


@pytest.mark.parametrize("frozen", [FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR])
def test_a_frozen_wallet_may_ask(frozen: WalletMemberAdded) -> None:
    """What comes in passes a freeze."""
    asking = decided(requests.request, request_of_payee(), payee_wallet(frozen), PAYEE, NOW)
    asking.then(created())


def test_a_request_in_another_currency_is_refused_before_a_closed_wallet() -> None:
    command = request_of_payee(currency="USD")
    asking = decided(requests.request, command, payee_wallet(CLOSED), PAYEE, NOW)
    asking.refused(CurrencyMismatch)


def test_a_closed_wallet_asks_for_nothing() -> None:
    asking = decided(requests.request, request_of_payee(), payee_wallet(CLOSED), PAYEE, NOW)
    asking.refused(WalletIsClosed)


@pytest.mark.parametrize(
    ("caller", "right"),
    [
        (PAYEE, "member"),
        (SPENDER, "member"),
        (OPERATOR, "operate"),
        (VIEWER, RoleMissing),
        (STRANGER, WalletNotFound),
    ],
)
def test_owners_and_spenders_ask(caller: Caller, right: str | type[Rejection]) -> None:
    """A viewer may not, and a stranger does not hear of the wallet."""
    _expect(right, requests.right_to_request, request_of_payee(), KNOWN, caller)


@pytest.mark.parametrize(
    ("payer", "caller", "right"),
    [
        (None, STRANGER, "member"),
        (None, PAYEE, "member"),
        (OWNER.subject, OWNER, "member"),
        (OWNER.subject, OPERATOR, "operate"),
        (OWNER.subject, STRANGER, PaymentRequestNotFound),
        (OWNER.subject, PAYEE, PaymentRequestNotFound),
    ],
)
def test_whom_it_is_meant_for_may_answer(
    payer: str | None, caller: Caller, right: str | type[Rejection]
) -> None:
    """Without a payer that is anybody; what is meant for somebody else is not found."""
    _expect(right, requests.right_to_answer, asked_for(payer=payer), caller)


@pytest.mark.parametrize(
    ("payer", "caller", "right"),
    [
        (None, PAYEE, "member"),
        (None, SPENDER, "member"),
        (None, OPERATOR, "operate"),
        (None, VIEWER, RoleMissing),
        (None, STRANGER, NotPayee),
        (OWNER.subject, OWNER, NotPayee),
        (OWNER.subject, STRANGER, PaymentRequestNotFound),
    ],
)
def test_the_payees_side_cancels(
    payer: str | None, caller: Caller, right: str | type[Rejection]
) -> None:
    """Its owners and spenders do; who may know of the request hears why they may not."""
    _expect(right, requests.right_to_cancel, asked_for(payer=payer), KNOWN, caller)


def _expect(right: str | type[Rejection], decide: object, *arguments: object) -> None:
    found = decided(decide, *arguments)
    if isinstance(right, str):
        assert "".join(found.result) == right  # type: ignore[arg-type]  # a word's letters
    else:
        found.refused(right)


def test_an_acceptance_is_a_transfer_of_just_that_amount() -> None:
    """It bears what the payee wrote, and the reference by which both sides find it again."""
    order = requests.payment_for(ACCEPT, asked_for())
    assert order == transfer_of(ASKED_FOR, description="Lunch", reference=reference_of(ASKED))
    assert isinstance(order, MakePayment)


def test_an_open_request_is_accepted_declined_or_cancelled() -> None:
    """Each says who it was, an acceptance by which payment."""
    decided(requests.accept, ACCEPT, asked_for(), OWNER, NOW).then(ACCEPTED)
    decided(requests.end, DECLINE, asked_for(), OWNER, NOW).then(DECLINED)
    decided(requests.end, CANCEL, asked_for(), PAYEE, NOW).then(CANCELLED)


@pytest.mark.parametrize("ended", [ACCEPTED, DECLINED, CANCELLED])
def test_what_has_ended_stays_as_it_is(ended: PaymentRequestEvent) -> None:
    asked = asked_for(ended)
    decided(requests.accept, ACCEPT, asked, OWNER, NOW).refused(RequestClosed)
    decided(requests.end, DECLINE, asked, OWNER, NOW).refused(RequestClosed)
    decided(requests.end, CANCEL, asked, PAYEE, NOW).refused(RequestClosed)


@pytest.mark.parametrize("now", [END, Instant("2027-01-01T00:00:00.000000Z")])
def test_a_request_ends_by_its_time(now: Instant) -> None:
    """At the very microsecond, without anybody having said so."""
    decided(requests.accept, ACCEPT, asked_for(), OWNER, now).refused(RequestClosed)
    decided(requests.end, DECLINE, asked_for(), OWNER, now).refused(RequestClosed)
    decided(requests.end, CANCEL, asked_for(), PAYEE, now).refused(RequestClosed)


def test_a_request_lasts_until_its_time() -> None:
    """A microsecond before it can be paid."""
    decided(requests.accept, ACCEPT, asked_for(), OWNER, JUST_BEFORE_END).then(ACCEPTED)


@pytest.mark.parametrize("last", [created(), ACCEPTED, DECLINED, CANCELLED])
def test_a_request_is_known_from_its_first_and_last_event(last: PaymentRequestEvent) -> None:
    """As it is when all its events are folded."""
    folded = asked_for() if last == created() else asked_for(last)
    assert request_of(ASKED, created(), last, folded.version) == folded


def test_a_reference_is_the_end_of_the_id() -> None:
    """Two groups of four, to be read aloud."""
    assert reference_of(ASKED) == f"{ASKED[-8:-4]}-{ASKED[-4:]}"
