"""The renderer of version 1 answers in exactly these bytes, for ever."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from application.commands import (
    Answer,
    ClockUnsure,
    Defect,
    NotExecuted,
    Overloaded,
    RecordedAnswer,
    Unanswered,
    Unavailable,
    WouldComplete,
)
from domain.events import Event, RequestAccepted, RequestRefused, WalletOpened, WalletStatus
from domain.identifiers import bits
from domain.instants import Instant
from domain.money import MAX_AMOUNT, Currencies
from domain.payment_events import PaymentCompleted, PaymentDeclined
from domain.recorded import EventMetadata
from domain.refusals import (
    REFUSALS,
    BalanceOutOfRange,
    InsufficientFunds,
    KeyReused,
    Refusal,
    Rejection,
    RoleMissing,
    WalletNotFound,
)
from interfaces.command_api.answers import RENDERERS, encode
from interfaces.command_api.outcomes import Outcomes, problem_of
from interfaces.command_api.payment_answers import Document
from interfaces.http.problem_kinds import KINDS
from tests.given import LATER, NOW, OURS, PAID, THEIRS, opening, transfer_of

GOLDEN = Path(__file__).parent / "golden"
CURRENCIES = Currencies({"POINTS": 0})
OUTCOMES = Outcomes(CURRENCIES)
VALUE_DATE = Instant("2026-01-01T00:00:00.000000Z")
WRITTEN = {"z": "last is not sorted", "a": 'quoted " and \\ and / and \u2028'}
TRANSFERS, WALLETS = "/v1/transfers", "/v1/wallets"


def completed(amount: int = 1234, currency: str = "EUR", **texts: Any) -> PaymentCompleted:
    return PaymentCompleted(
        kind="transfer",
        amount=amount,
        currency=currency,
        source_wallet_id=OURS,
        destination_wallet_id=THEIRS,
        effective_at=VALUE_DATE,
        **texts,
    )


def declined(code: str, available: int | None = None) -> PaymentDeclined:
    return PaymentDeclined(
        kind="transfer",
        amount=1234,
        currency="EUR",
        source_wallet_id=OURS,
        destination_wallet_id=THEIRS,
        effective_at=VALUE_DATE,
        code=code,
        available=available,
        description="not shown to anybody in a problem",
    )


def accepted(status: WalletStatus, limit: int | None, role: str | None) -> RequestAccepted:
    return RequestAccepted(
        action="freeze",
        wallet_id=OURS,
        status=status,
        overdraft_limit=limit,
        role=role,
    )


SYSTEM = opening(
    kind="system", account_class="equity", owner=None, name="Bank", overdraft_limit=None
)
ON_RECORD: dict[str, tuple[Event, WalletOpened | None]] = {
    "transfer": (completed(), None),
    "transfer-with-texts": (
        completed(description="Žofie \U0001f985", reference="", metadata=WRITTEN),
        None,
    ),
    "transfer-jpy": (completed(MAX_AMOUNT, "JPY"), None),
    "transfer-kwd": (completed(1, "KWD"), None),
    "transfer-asset": (completed(7, "POINTS"), None),
    "declined-insufficient-funds": (declined("insufficient-funds", -5), None),
    **{
        f"declined-{code}": (declined(code), None)
        for code in (
            "same-wallet",
            "currency-mismatch",
            "wallet-closed",
            "wallet-frozen",
            "payee-unavailable",
            "balance-out-of-range",
        )
    },
    "wallet": (opening(), None),
    "wallet-shared-with-reference": (
        opening(kind="shared", reference="no. 7", overdraft_limit=10_000),
        None,
    ),
    "wallet-system": (SYSTEM, None),
    "freeze": (accepted("frozen", 0, "owner"), opening(reference="no. 7")),
    "freeze-by-operator": (accepted("closed", None, None), SYSTEM),
    "refused-wallet-closed": (
        RequestRefused(action="close", wallet_id=OURS, code="wallet-closed"),
        opening(),
    ),
    "refused-wallet-not-empty": (
        RequestRefused(action="close", wallet_id=OURS, code="wallet-not-empty"),
        opening(),
    ),
    "refused-overdraft-in-use": (
        RequestRefused(action="change-overdraft-limit", wallet_id=OURS, code="overdraft-in-use"),
        opening(),
    ),
}


def answer(event: Event, first: WalletOpened | None, stream: UUID) -> Answer:
    recorded = None
    if first is not None:
        recorded = RecordedAnswer(first, EventMetadata(OURS, 0, 1), 3, NOW)
    return Answer(stream, event, 103, LATER, 1, replayed=False, opening=recorded)


def same_as_golden(name: str, status: int, document: Document) -> None:
    """Compare status and bytes with the file that was written when version 1 was made."""
    written = str(status).encode() + b"\n" + encode(document) + b"\n"
    assert (GOLDEN / f"{name}.txt").read_bytes() == written


@pytest.mark.parametrize("name", ON_RECORD)
def test_what_is_on_record_is_answered_in_these_bytes(name: str) -> None:
    """Field by field, in this order, whatever the code around the renderer becomes."""
    event, first = ON_RECORD[name]
    stream = bits(OURS) if isinstance(event, WalletOpened) else bits(PAID)
    path = WALLETS if first or isinstance(event, WalletOpened) else TRANSFERS
    same_as_golden(name, *OUTCOMES.answered(answer(event, first, stream), path))


def test_a_dry_run_is_answered_in_these_bytes() -> None:
    """Without id, position and time, since nothing of it is on record."""
    command = transfer_of(5, description="Lunch", metadata={"a": "b"}, effective_at=VALUE_DATE)
    same_as_golden(
        "would-complete", 200, OUTCOMES.newest.would_complete(WouldComplete(command, NOW))
    )


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("dry-run-insufficient-funds", InsufficientFunds(1)),
        ("dry-run-balance-out-of-range", BalanceOutOfRange()),
    ],
)
def test_a_refusal_that_is_not_on_record_is_answered_in_these_bytes(
    name: str, refusal: Refusal
) -> None:
    """As the one on record, but without id and position."""
    same_as_golden(name, 422, OUTCOMES.newest.refusal(refusal, "JPY", TRANSFERS))


def test_every_golden_answer_is_asked_for() -> None:
    """No file stays behind that nothing compares with."""
    known = {*ON_RECORD, "would-complete"}
    known |= {"dry-run-insufficient-funds", "dry-run-balance-out-of-range"}
    assert {path.stem for path in GOLDEN.iterdir()} == known


def test_every_version_on_record_has_its_renderer() -> None:
    """Version 1 was the first to be stored, so its renderer stays."""
    assert 1 in RENDERERS


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_is_a_problem_of_status_422(code: str) -> None:
    """A refusal that the domain knows can always be told."""
    assert KINDS[code].status == 422


@pytest.mark.parametrize(
    ("no", "status", "code", "retry"),
    [
        (WalletNotFound(OURS), 404, "wallet-not-found", False),
        (RoleMissing(), 403, "role-missing", False),
        (KeyReused(), 422, "idempotency-key-reused", False),
        (Overloaded(), 503, "overloaded", True),
        (ClockUnsure(), 503, "clock-unsure", True),
        (Unavailable(), 503, "service-unavailable", True),
        (Defect(), 500, "internal-error", False),
    ],
)
def test_what_is_not_on_record_is_told_as_a_problem(
    no: Rejection | Unanswered | Defect, status: int, code: str, retry: bool
) -> None:
    """Alone and as an item of a batch; what may be tried again soon says when."""
    problem = problem_of(no)
    assert (KINDS[problem.code].status, problem.code) == (status, code)
    assert ("Retry-After" in (problem.headers or {})) is retry
    number, document = OUTCOMES.item(no, "EUR", TRANSFERS)
    assert (number, document["status"], document["code"]) == (status, status, code)
    assert OURS not in str(document)


def test_an_item_that_would_have_passed_says_so() -> None:
    number, document = OUTCOMES.item(NotExecuted(), "EUR", TRANSFERS)
    assert (number, document["code"]) == (422, "not-executed")
