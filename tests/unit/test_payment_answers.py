"""What comes of payments that live on, and of a wallet's rules, is answered in these bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from application.commands import Answer, RecordedAnswer, WouldComplete
from domain.events import RequestAccepted, RequestRefused
from domain.identifiers import bits
from domain.instants import Instant
from domain.money import Currencies
from domain.payment_events import Leg
from domain.recorded import EventMetadata
from domain.refunds import RefundPayment, ReversePayment
from domain.refusals import FieldInvalid, MemberNotFound, NotPayee, PaymentNotFound, Rejection
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    ChangeOverdraftLimit,
    FreezeWallet,
    RemoveMember,
)
from domain.wallets import Caller
from interfaces.command_api.answers import encode
from interfaces.command_api.outcomes import Outcomes, problem_of
from interfaces.http.problem_kinds import KINDS
from tests.given import LATER, NOW, OPERATOR, OURS, OWNER, PAID, THEIRS, transfer_of
from tests.household import ANNA, BEN, household, waiting
from tests.story import (
    APPROVE,
    END,
    PAYEE,
    REFUND,
    REJECT,
    RELEASE,
    REVERSAL,
    SHARED,
    SPENDER,
    Story,
    capture,
    declined,
    held,
    hold_of,
    increase,
    limits,
    ours,
    paid,
    refund,
    reverse,
    split_of,
    story,
    theirs,
)
from tests.unit.test_approved_payments import DORA, THIRD, two_households
from tests.unit.test_exchanges import exchange, market

GOLDEN = Path(__file__).parent / "golden_payments"
OUTCOMES = Outcomes(Currencies({}))
TEXTS: dict[str, Any] = {
    "description": "Room 7",
    "reference": "b-1",
    "metadata": {"night": "1"},
    "effective_at": Instant("2026-01-01T00:00:00.000000Z"),
}
LEGS = (Leg(OURS, THEIRS, 60, "EUR"), Leg(OURS, THEIRS, 40, "EUR"))


def booked() -> Story:
    """Return a story of a hold about which its payer wrote something."""
    return story().done(hold_of(100, **TEXTS), by=OWNER)


def rules(*events: Any) -> Story:
    return story(household(1, *events), theirs())


def short() -> Story:
    return held(900)


def ended() -> Story:
    return held().at(END)


Told = tuple[Callable[[], Story], Any, Caller]
TOLD: dict[str, Told] = {
    # An answer: what had happened before, the command, and who gave it.
    "hold": (story, hold_of(100), OWNER),
    "hold-with-texts": (story, hold_of(100, **TEXTS), OPERATOR),
    "hold-waits": (rules, hold_of(200, **TEXTS), OWNER),
    "capture-part-by-payee": (booked, capture(40, final=False), PAYEE),
    "capture-final-by-payer": (booked, capture(40), OWNER),
    "capture-all-by-operator": (booked, capture(), OPERATOR),
    "release": (booked, RELEASE, PAYEE),
    "release-after-capture": (
        lambda: booked().done(capture(40, final=False), by=PAYEE),
        RELEASE,
        PAYEE,
    ),
    "increase": (booked, increase(50, 7200), SPENDER),
    "capture-after-refund": (
        lambda: held().done(capture(40, final=False), refund(40), by=PAYEE),
        capture(10),
        PAYEE,
    ),
    "refused-hold-expired": (ended, capture(), PAYEE),
    "refused-hold-already-captured": (lambda: held().done(capture(), by=PAYEE), RELEASE, PAYEE),
    "refused-hold-already-released": (lambda: held().done(RELEASE, by=PAYEE), capture(), PAYEE),
    "refused-amount-exceeds-hold": (held, capture(101), PAYEE),
    "refused-increase-without-funds": (short, increase(101), OWNER),
    "split": (story, split_of(*LEGS, **TEXTS), OWNER),
    "split-waits": (rules, split_of(*LEGS, Leg(OURS, THEIRS, 1, "EUR")), OWNER),
    "declined-split": (lambda: story(ours(money=99), theirs()), split_of(*LEGS), OWNER),
    "transfer-waits": (
        rules,
        transfer_of(200, description="Sofa"),
        OWNER,
    ),
    "exchange": (market, exchange(), OPERATOR),
    "refund": (paid, refund(40), PAYEE),
    "declined-refund": (paid, refund(101), PAYEE),
    "declined-refund-of-what-was-declined": (declined, refund(1), OPERATOR),
    "reversal": (paid, reverse(), OPERATOR),
    "reversal-of-a-split": (lambda: story().done(split_of(*LEGS)), reverse(), OPERATOR),
    "approve": (lambda: waiting(2), APPROVE, ANNA),
    "approve-as-the-last": (lambda: waiting(2).done(APPROVE, by=ANNA), APPROVE, BEN),
    "approve-a-hold": (lambda: waiting(1, hold_of(200, **TEXTS)), APPROVE, ANNA),
    "approve-what-is-paid-from-two-wallets": (two_households, APPROVE, DORA),
    "reject": (lambda: waiting(2), REJECT, ANNA),
    "reject-a-hold": (lambda: waiting(1, hold_of(200)), REJECT, ANNA),
    "refused-already-approved": (lambda: waiting(2).done(APPROVE, by=ANNA), APPROVE, ANNA),
    "limits": (rules, ChangeLimits(OURS, 5000, None), OWNER),
    "limits-none": (lambda: rules(limits(1, 2)), ChangeLimits(OURS, None, None), OWNER),
    "freeze-with-limits": (lambda: rules(limits(None, 0)), FreezeWallet(OURS, "x"), ANNA),
    "approvals": (story, ChangeApprovals(OURS, 2, 10000), OWNER),
    "overdraft": (story, ChangeOverdraftLimit(OURS, 10000, "agreed"), OPERATOR),
    "overdraft-unlimited": (story, ChangeOverdraftLimit(OURS, None, "agreed"), OPERATOR),
    "member": (story, AddMember(OURS, "usr_new", "spender"), OWNER),
    "member-removed": (story, RemoveMember(OURS, SPENDER.subject), OWNER),
    "member-left": (story, RemoveMember(OURS, SPENDER.subject), SPENDER),
    "refused-last-owner": (story, RemoveMember(OURS, OWNER.subject), OWNER),
}


def answered(name: str) -> tuple[int, Any]:
    """Return status and document of an answer, as it would be on record."""
    before, command, by = TOLD[name]
    tale = before()
    began = tale.streams[bits(PAID)][:1]
    told = tale.ask(command, by)
    event = told.events[0]
    assert (told.no is not None) == ("refused" in name or "declined" in name)
    first = began[0] if began and getattr(event, "payment_id", None) else SHARED
    opened = None
    if isinstance(event, RequestAccepted | RequestRefused):
        opened = RecordedAnswer(first, EventMetadata(PAID, 0, 1), 3, NOW)
    begun = {RefundPayment: REFUND, ReversePayment: REVERSAL}.get(type(command), PAID)
    stream = bits(begun)
    answer = Answer(stream, event, 103, LATER, 1, replayed=False, opening=opened)
    return OUTCOMES.answered(answer, "/v1/path")


@pytest.mark.parametrize("name", TOLD)
def test_what_is_on_record_is_answered_in_these_bytes(name: str) -> None:
    """Field by field, in this order, whatever the code around the renderer becomes."""
    status, document = answered(name)
    written = str(status).encode() + b"\n" + encode(document) + b"\n"
    assert (GOLDEN / f"{name}.txt").read_bytes() == written


WOULD = {
    "would-hold": hold_of(100, **TEXTS),
    "would-split": split_of(*LEGS, description="Dinner"),
}


@pytest.mark.parametrize("name", WOULD)
def test_a_dry_run_is_answered_in_these_bytes(name: str) -> None:
    """Without id, position and time, since nothing of it is on record."""
    document = OUTCOMES.newest.would_complete(WouldComplete(WOULD[name], NOW))
    assert (GOLDEN / f"{name}.txt").read_bytes() == b"200\n" + encode(document) + b"\n"


def test_every_golden_answer_is_asked_for() -> None:
    """No file stays behind that nothing compares with."""
    assert {path.stem for path in GOLDEN.iterdir()} == {*TOLD, *WOULD}


def test_a_payee_reads_what_is_theirs() -> None:
    """The description is for both, reference and metadata are the payer's."""
    _, payee = answered("capture-part-by-payee")
    assert payee["description"] == "Room 7"
    assert not {"reference", "metadata"} & set(payee)
    for name in ("capture-final-by-payer", "capture-all-by-operator"):
        _, payer = answered(name)
        assert (payer["reference"], payer["metadata"]) == ("b-1", {"night": "1"})


def test_an_owner_who_decides_sees_the_legs_from_wallets_of_theirs() -> None:
    """And their sum, where the payment is from several."""
    _, document = answered("approve-what-is-paid-from-two-wallets")
    assert [leg["source_wallet_id"] for leg in document["legs"]] == [THIRD]
    assert document["amount"] == "2.00"


@pytest.mark.parametrize(
    ("no", "status", "code"),
    [
        (PaymentNotFound(), 404, "payment-not-found"),
        (MemberNotFound(), 404, "member-not-found"),
        (NotPayee(), 403, "not-payee"),
        (FieldInvalid("legs/0/amount", "is wrong"), 422, "invalid-request"),
    ],
)
def test_what_is_not_on_record_is_told_as_a_problem(no: Rejection, status: int, code: str) -> None:
    """A field that only the ledger could judge is named as any other is."""
    problem = problem_of(no)
    assert (KINDS[problem.code].status, problem.code) == (status, code)
    if isinstance(no, FieldInvalid):
        assert problem.errors == [{"detail": "is wrong", "pointer": "#/legs/0/amount"}]
