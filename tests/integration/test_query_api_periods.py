"""Who may ask up to when the books are closed, and what they are told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.commands import Answer, Submission
from domain.identifiers import PaymentId, WalletId, operation_id, payment_id
from domain.instants import Instant
from domain.payments import MakePayment
from domain.periods import ClosePeriod
from tests.given import OPERATOR
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome
from tests.written import Written

PERIODS = "/v1/operations/periods"
AUDITOR, OPERATE = ("usr_auditor", "audit"), ("usr_operator", "operate")
DAYS = [(datetime.now(UTC) - timedelta(days=back)).date().isoformat() for back in (90, 60, 30)]


@pytest.fixture(scope="module")
def closed(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[QuerySystem, list[Answer]]]:
    """Give a ledger of which three periods are closed, one after the other."""
    with query_system(postgres, tmp_path_factory.mktemp("home")) as system:
        writer = Written(system.databases.settings, system.databases.secrets)
        answers = [writer.one(writer.asking(ClosePeriod(day, f"up to {day}"))) for day in DAYS]
        writer.close()
        yield system, [answer for answer in answers if isinstance(answer, Answer)]


@pytest.mark.parametrize("caller", [AUDITOR, OPERATE])
def test_periods_are_told_the_latest_first(
    closed: tuple[QuerySystem, list[Answer]], caller: tuple[str, str]
) -> None:
    """Each with who closed it, when and why."""
    system, answers = closed
    found = system.found(PERIODS, *caller)["items"]
    assert found == [
        {
            "operation_id": operation_id(answer.stream),
            "through": day,
            "reason": f"up to {day}",
            "closed_by": OPERATOR.subject,
            "closed_at": answer.recorded_at,
            "position": answer.position,
        }
        for day, answer in reversed(list(zip(DAYS, answers, strict=True)))
    ]


def test_they_come_in_pages(closed: tuple[QuerySystem, list[Answer]]) -> None:
    system, _ = closed
    first = system.found(PERIODS, *AUDITOR, limit=2)
    rest = system.found(PERIODS, *AUDITOR, limit=2, cursor=first["next_cursor"])
    told = [item["through"] for page in (first, rest) for item in page["items"]]
    assert (told, rest["next_cursor"]) == (DAYS[::-1], None)


@pytest.mark.parametrize("scope", ["read", "wallets payments", "admin"])
def test_others_are_not_told(closed: tuple[QuerySystem, list[Answer]], scope: str) -> None:
    system, _ = closed
    answer = system.ask(PERIODS, "usr_1", scope)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")


def dated(writer: Written, source: WalletId, payee: WalletId, amount: int) -> Submission:
    """Return a transfer with a value date in the earliest of the periods."""
    work = writer.transfer(source, payee, amount)
    assert isinstance(work.command, MakePayment)
    command = replace(work.command, effective_at=Instant(f"{DAYS[0]}T12:00:00.000000Z"))
    return replace(work, command=command, fingerprint=repr(command))


def test_a_statement_of_a_closed_period_never_changes(
    postgres: PostgresHome, tmp_path: Path
) -> None:
    """What refunds, reverses or joins its payments stands behind it; nothing comes into it."""
    with query_system(postgres, tmp_path) as system:
        writer = Written(system.databases.settings, system.databases.secrets)
        bank = writer.open(kind="system", account_class="asset", overdraft_limit=None)
        shop = writer.open()
        works = [dated(writer, bank, shop, amount) for amount in (3_00, 5_00)]
        paid = [PaymentId(payment_id(work.stream)) for work in works]
        closing = writer.asking(ClosePeriod(DAYS[0], "Accounts"))

        def accepted(*more: Submission) -> list[bool]:
            outcomes = [writer.one(work) for work in more]
            system.follow()
            return [isinstance(each, Answer) and not each.refused for each in outcomes]

        def statement() -> list[str]:
            path = f"/v1/wallets/{shop}/statement"
            return system.ask(path, *AUDITOR, to=DAYS[0], format="csv").text.splitlines()

        assert accepted(*works, closing) == [True, True, True]
        before = statement()
        assert len(before) == 1 + len(works)
        more = [writer.refunding(paid[0], 1_00), writer.reversing(paid[1])]
        more += [writer.transfer(bank, shop, 9_00), dated(writer, bank, shop, 7_00)]
        assert accepted(*more) == [True, True, True, False]
        assert statement() == before
        writer.close()
