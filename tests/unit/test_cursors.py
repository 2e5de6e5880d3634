"""A cursor is believed only by the list, the caller and the filters that it was given for."""

from dataclasses import replace

import pytest

from infrastructure.tokens.caller import Caller
from interfaces.http.problems import Problem
from interfaces.query_api.cursors import Cursors
from interfaces.query_api.endpoint import Asked
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import ListParameters

CALLER = Caller("falconpay", "usr_1", "falcon", frozenset({"read"}), "main")
ROUTE = "/v1/wallets"
ROWS = ["a", "b", "c"]


def asked(caller: Caller = CALLER, object_id: str = "", **query: str) -> Asked[ListParameters]:
    return Asked(caller, object_id, ListParameters.model_validate_strings(query))


def pages(secret: str = "one") -> Pages:
    return Pages(Cursors(secret))


def given() -> str:
    _, cursor = pages().cut(asked(limit="1"), ROUTE, ROWS, lambda row: [row])
    assert cursor is not None
    return cursor


def refused(by: Pages, who: Asked[ListParameters], route: str = ROUTE) -> bool:
    try:
        by.key(who, route)
    except Problem as problem:
        return problem.code == "invalid-cursor"
    return False


def test_the_same_list_believes_it() -> None:
    assert pages().key(asked(cursor=given()), ROUTE) == ["a"]


def test_a_page_with_nothing_behind_it_has_no_cursor() -> None:
    assert pages().cut(asked(limit="3"), ROUTE, ROWS, lambda row: [row]) == (ROWS, None)
    assert pages().key(asked(), ROUTE) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"sub": "usr_2"},
        {"ledger": "other"},
        {"scopes": frozenset({"read", "audit"})},
        {"scopes": frozenset({"operate"})},
    ],
)
def test_another_caller_does_not(changed: dict[str, str]) -> None:
    other = replace(CALLER, **changed)  # type: ignore[arg-type]  # One of its fields each.
    assert refused(pages(), asked(other, cursor=given()))


@pytest.mark.parametrize("changed", [{"client_id": "other"}, {"scopes": frozenset({"wallets"})}])
def test_another_client_with_the_same_right_does(changed: dict[str, str]) -> None:
    other = replace(CALLER, **changed)  # type: ignore[arg-type]  # One of its fields each.
    assert not refused(pages(), asked(other, cursor=given()))


def test_another_route_object_or_secret_does_not() -> None:
    assert refused(pages(), asked(cursor=given()), "/v1/payments")
    assert refused(pages(), asked(object_id="wal_1", cursor=given()))
    assert refused(pages("two"), asked(cursor=given()))


def test_parts_do_not_run_into_each_other() -> None:
    """What stands at the end of one part cannot be moved to the beginning of the next."""
    cursors = Cursors("one")
    cursor = cursors.write(["ab", "c"], [1])
    assert cursors.read(["ab", "c"], cursor) == [1]
    for bound in (["a", "bc"], ["abc", ""], ["ab,c"], ['ab", "c']):
        with pytest.raises(Problem):
            cursors.read(bound, cursor)
