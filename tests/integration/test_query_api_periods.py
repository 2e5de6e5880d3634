"""Who may ask up to when the books are closed, and what they are told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from application.commands import Answer
from domain.identifiers import operation_id
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
