"""A payment request and its payment are decided as one command, or only the payment declined."""

from collections.abc import Iterable
from uuid import UUID

import pytest

from application.commands import Command, Submission
from application.deciding import Decision
from application.decisions import decide
from application.state import State
from domain.events import RequestAccepted, RequestRefused, WalletCredited, WalletDebited
from domain.identifiers import bits, payment_id
from domain.instants import Instant
from domain.payment_events import PaymentApprovalRequested, PaymentCompleted, PaymentDeclined
from domain.payment_request_events import PaymentRequestAccepted
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
    PaymentRequest,
)
from domain.refusals import (
    InsufficientFunds,
    PaymentRequestNotFound,
    RequestClosed,
    RoleMissing,
    SameWallet,
    WalletNotFound,
)
from domain.wallets import Caller, Wallet
from tests.given import ISO, NOW, OURS, OWNER, STRANGER, THEIRS, credited, ruled, wallet
from tests.requested import (
    ACCEPTED,
    ASKED,
    ASKED_FOR,
    CANCELLED,
    DECLINED,
    END,
    PAYEE,
    asked_for,
    created,
    payee_wallet,
    request_of_payee,
)

KEY = UUID(int=1001)
MADE = payment_id(KEY)
ACCEPT = AcceptPaymentRequest(MADE, ASKED, OURS)
RICH, POOR = wallet(credited(ASKED_FOR)), wallet(credited(ASKED_FOR - 1))


def decision(
    command: Command,
    *requests: PaymentRequest,
    by: Caller = OWNER,
    wallets: Iterable[Wallet] = (RICH, payee_wallet()),
    now: Instant = NOW,
) -> Decision:
    """Decide one command on these wallets and requests."""
    state = State(
        {each.wallet_id: each for each in wallets},
        ISO.digits,
        requests={each.payment_request_id: each for each in requests},
    )
    return decide(Submission(command, by, KEY, "asked"), state, now)


def kinds(found: Decision) -> list[type]:
    """Return of which classes the events are, in their order."""
    return [type(event) for _, _, event in found.events]


def test_asking_begins_the_requests_own_stream() -> None:
    found = decision(request_of_payee(), by=PAYEE)
    assert found.events == ((KEY, 1, created()),)
    assert [each.standing.status for each in found.requests] == ["open"]


def test_a_refused_request_is_remembered_under_its_key() -> None:
    """A retry hears the same."""
    found = decision(request_of_payee(currency="USD"), by=PAYEE)
    refused = RequestRefused(action="request-payment", wallet_id=THEIRS, code="currency-mismatch")
    assert found.events == ((KEY, 1, refused),)
    assert found.requests == ()


def test_accepting_pays_and_ends_the_request_in_one_command() -> None:
    """The payment is the answer, so it stands first; then the request, then the wallets."""
    found = decision(ACCEPT, asked_for())
    assert kinds(found) == [PaymentCompleted, PaymentRequestAccepted, WalletDebited, WalletCredited]
    assert [(stream, version) for stream, version, _ in found.events] == [
        (KEY, 1),
        (bits(ASKED), 2),
        (bits(OURS), 3),
        (bits(THEIRS), 2),
    ]
    (after,) = found.requests
    assert (after.version, after.standing.status, after.standing.payment_id) == (
        2,
        "accepted",
        MADE,
    )


def test_what_was_decided_in_time_holds_until_the_requests_end() -> None:
    """A commit after it is decided again, so that no payment stands behind the end."""
    assert decision(ACCEPT, asked_for()).valid_before == END
    assert decision(DeclinePaymentRequest(ASKED), asked_for()).valid_before == END


def test_a_declined_payment_leaves_the_request_open() -> None:
    """It is a fact with an id of its own; the next attempt may have the money."""
    found = decision(ACCEPT, asked_for(), wallets=(POOR, payee_wallet()))
    assert kinds(found) == [PaymentDeclined]
    assert isinstance(found.refusal, InsufficientFunds)
    assert found.requests == ()
    assert found.wallets == ()


def test_an_ended_request_declines_the_payment_before_all_else() -> None:
    """Also where the payer has not the money."""
    found = decision(ACCEPT, asked_for(CANCELLED), wallets=(POOR, payee_wallet()))
    assert kinds(found) == [PaymentDeclined]
    assert isinstance(found.refusal, RequestClosed)


def test_a_payment_that_waits_for_other_owners_counts_as_accepted() -> None:
    """Its money is held, so nobody else needs to pay."""
    shared = ruled(RICH, approvals_required=1, approvals_above=ASKED_FOR - 1)
    found = decision(ACCEPT, asked_for(), wallets=(shared, payee_wallet()))
    assert kinds(found)[:2] == [PaymentApprovalRequested, PaymentRequestAccepted]
    assert found.requests[0].standing.status == "accepted"


def test_a_wallet_does_not_pay_itself() -> None:
    """The request stays open."""
    command = AcceptPaymentRequest(MADE, ASKED, THEIRS)
    found = decision(command, asked_for(), by=PAYEE)
    assert isinstance(found.refusal, SameWallet)
    assert found.requests == ()


@pytest.mark.parametrize(
    ("command", "by", "ended"),
    [
        (DeclinePaymentRequest(ASKED), OWNER, DECLINED),
        (CancelPaymentRequest(ASKED), PAYEE, CANCELLED),
    ],
)
def test_ending_a_request_is_answered_by_a_stream_of_its_own(
    command: DeclinePaymentRequest | CancelPaymentRequest, by: Caller, ended: object
) -> None:
    """The answer tells how the request stands then; no wallet changes."""
    found = decision(command, asked_for(), by=by)
    (key, first, answer), (stream, version, fact) = found.events
    assert (key, first, stream, version, fact) == (KEY, 1, bits(ASKED), 2, ended)
    assert isinstance(answer, RequestAccepted)
    assert answer.payment_request_id == ASKED
    assert answer.request_standing == ended.standing  # type: ignore[attr-defined]  # one of two
    assert found.wallets == ()


@pytest.mark.parametrize("command", [DeclinePaymentRequest(ASKED), CancelPaymentRequest(ASKED)])
def test_what_has_ended_is_refused_on_record(
    command: DeclinePaymentRequest | CancelPaymentRequest,
) -> None:
    """A retry hears the same, and the request keeps its end."""
    found = decision(command, asked_for(ACCEPTED), by=PAYEE)
    ((stream, version, refused),) = found.events
    assert (stream, version) == (KEY, 1)
    assert isinstance(refused, RequestRefused)
    assert (refused.code, refused.payment_request_id) == ("request-closed", ASKED)
    assert found.requests == ()


def test_a_request_is_looked_for_before_the_wallet_that_pays() -> None:
    """First what the path names, then the body's fields, then the caller's role."""
    with pytest.raises(PaymentRequestNotFound):
        decision(ACCEPT, by=STRANGER)
    with pytest.raises(PaymentRequestNotFound):
        decision(ACCEPT, asked_for(payer="usr_else"), by=STRANGER)
    with pytest.raises(WalletNotFound):
        decision(ACCEPT, asked_for(), by=STRANGER)
    with pytest.raises(WalletNotFound):
        decision(ACCEPT, asked_for(ACCEPTED), by=STRANGER)
    viewed = ruled(RICH, members={OWNER.subject: "owner", STRANGER.subject: "viewer"})
    with pytest.raises(RoleMissing):
        decision(ACCEPT, asked_for(ACCEPTED), by=STRANGER, wallets=(viewed, payee_wallet()))
