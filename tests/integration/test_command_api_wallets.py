"""Wallets over HTTP: opened, frozen, closed, overdrawn, each answer showing the wallet it left."""

from typing import Any

import pytest

from tests.command_api import Caller, CommandApi, refused


@pytest.fixture
def anna(command_api: CommandApi) -> Caller:
    return command_api.caller()


@pytest.fixture
def operator(command_api: CommandApi) -> Caller:
    return command_api.operator()


def test_a_wallet_is_shown_as_it_was_opened(anna: Caller) -> None:
    """201 with the wallet, its id, and the ledger's position in body and header."""
    response = anna.post("/v1/wallets", {"name": "Rainy days", "currency": "EUR"})
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    wallet = response.json()
    assert response.headers["ledger-position"] == str(wallet["position"])
    assert "idempotent-replayed" not in response.headers
    assert wallet.pop("wallet_id").startswith("wal_")
    assert wallet.pop("position") >= 1
    assert len(wallet.pop("created_at")) == 27
    assert wallet == {
        "name": "Rainy days",
        "kind": "personal",
        "currency": "EUR",
        "status": "open",
        "overdraft_limit": "0.00",
        "role": "owner",
    }


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"kind": "system"}, {"kind": "system", "class": "asset"}),
        ({"kind": "system", "class": "income"}, {"kind": "system", "class": "income"}),
        ({"kind": "shared"}, {"kind": "shared", "role": "owner"}),
        ({"overdraft_limit": "100"}, {"overdraft_limit": "100.00"}),
        ({"overdraft_limit": "0"}, {"overdraft_limit": "0.00"}),
        ({"overdraft_limit": "unlimited"}, {"overdraft_limit": "unlimited"}),
        ({"currency": "JPY", "overdraft_limit": "100"}, {"overdraft_limit": "100"}),
        ({"currency": "KWD", "overdraft_limit": "0.5"}, {"overdraft_limit": "0.500"}),
    ],
)
def test_operators_open_what_people_may_not(
    operator: Caller, fields: dict[str, Any], shown: dict[str, Any]
) -> None:
    """System wallets belong to nobody, so no role is shown; people's have no class to show."""
    response = operator.post("/v1/wallets", {"name": "Bank", "currency": "EUR", **fields})
    assert response.status_code == 201
    wallet = response.json()
    assert {name: wallet[name] for name in shown} == shown
    assert ("role" in wallet) is ("class" not in wallet) is (wallet["kind"] != "system")


def test_the_wallet_after_each_command(anna: Caller) -> None:
    """Frozen, open again, closed: each time the whole wallet, the opening's time, a later place."""
    opened = anna.post("/v1/wallets", {"name": "A", "currency": "EUR", "reference": "7"}).json()
    position = opened["position"]
    for action, status in (("freeze", "frozen"), ("unfreeze", "open"), ("close", "closed")):
        response = anna.act(opened["wallet_id"], action)
        assert response.status_code == 200
        wallet = response.json()
        assert response.headers["ledger-position"] == str(wallet["position"])
        assert wallet == {**opened, "status": status, "position": position + 2}
        position = wallet["position"]


def test_doing_it_twice_with_two_keys_is_done_both_times(anna: Caller) -> None:
    """A wallet that is frozen stays frozen, one that is open stays open."""
    wallet = anna.open()
    assert [anna.act(wallet, "freeze").json()["status"] for _ in range(2)] == ["frozen"] * 2
    assert [anna.act(wallet, "unfreeze").json()["status"] for _ in range(2)] == ["open"] * 2
    assert anna.act(wallet, "close").status_code == 200
    problem = refused(anna.act(wallet, "close"), 422, "wallet-closed")
    assert problem["position"] >= 1
    for action in ("freeze", "unfreeze"):
        refused(anna.act(wallet, action), 422, "wallet-closed")


def test_a_frozen_wallet_pays_nothing_and_takes_everything(anna: Caller, operator: Caller) -> None:
    """By its member and by operators alike, until it is lifted."""
    wallet, bank = anna.open(), operator.bank()
    operator.paid(bank, wallet, "5")
    anna.act(wallet, "freeze")
    for caller in (anna, operator):
        refused(caller.pay(wallet, bank, "1"), 422, "wallet-frozen")
    operator.paid(bank, wallet, "5")
    anna.act(wallet, "unfreeze")
    anna.paid(wallet, bank, "10")


def test_freezes_of_both_sides_stack(anna: Caller, operator: Caller) -> None:
    """Each side lifts its own, and neither the other's."""
    wallet, bank = anna.open(), operator.bank()
    operator.paid(bank, wallet, "5")
    operator.act(wallet, "freeze")
    refused(anna.act(wallet, "unfreeze"), 422, "wallet-frozen")
    refused(anna.act(wallet, "close"), 422, "wallet-frozen")
    assert anna.act(wallet, "freeze").json()["status"] == "frozen"
    assert operator.act(wallet, "unfreeze").json()["status"] == "frozen"
    refused(operator.act(wallet, "unfreeze"), 422, "wallet-frozen")
    refused(anna.pay(wallet, bank, "1"), 422, "wallet-frozen")
    assert anna.act(wallet, "unfreeze").json()["status"] == "open"
    anna.paid(wallet, bank, "5")


def test_only_an_empty_wallet_is_closed_and_then_for_good(anna: Caller, operator: Caller) -> None:
    """Money in it or money owed: both must be brought to zero first."""
    bank = operator.bank()
    wallet = anna.open()
    operator.paid(bank, wallet, "0.01")
    refused(anna.act(wallet, "close"), 422, "wallet-not-empty")
    refused(operator.act(bank, "close"), 422, "wallet-not-empty")
    anna.paid(wallet, bank, "0.01")
    assert anna.act(wallet, "close").json()["status"] == "closed"
    refused(anna.pay(wallet, bank, "1"), 422, "wallet-closed")
    refused(operator.pay(bank, wallet, "1"), 422, "wallet-closed")
    assert operator.act(bank, "close").json()["status"] == "closed"


def test_why_a_strangers_wallet_takes_no_money_is_not_told(
    command_api: CommandApi, anna: Caller
) -> None:
    """Closed shows as `payee-unavailable` to whom it is not."""
    ben = command_api.caller()
    closed, source = ben.open(), anna.open()
    ben.act(closed, "close")
    problem = refused(anna.pay(source, closed, "1"), 422, "payee-unavailable")
    assert "closed" not in str(problem).replace(closed, "")


def test_an_overdraft_is_used_to_its_limit_and_not_a_cent_more(
    command_api: CommandApi, operator: Caller
) -> None:
    """`available` leaves the overdraft out, and has its sign."""
    bank = operator.bank()
    wallet = operator.open(overdraft_limit="100.00")
    problem = refused(operator.pay(wallet, bank, "100.01"), 422, "insufficient-funds")
    assert problem["available"] == "0.00"
    operator.paid(wallet, bank, "60")
    problem = refused(operator.pay(wallet, bank, "40.01"), 422, "insufficient-funds")
    assert problem["available"] == "-60.00"
    operator.paid(wallet, bank, "40")
    assert command_api.posted(wallet) == -10_000
    refused(operator.pay(wallet, bank, "0.01"), 422, "insufficient-funds")


def test_no_balance_passes_the_range(operator: Caller) -> None:
    """9 * 10^18 minor units, above and below zero, for unlimited wallets too."""
    first, second, third = operator.bank("JPY"), operator.bank("JPY"), operator.bank("JPY")
    most = "1000000000000000000"
    for _ in range(9):
        operator.paid(first, second, most, currency="JPY")
    refused(operator.pay(first, third, "1", currency="JPY"), 422, "balance-out-of-range")
    refused(operator.pay(third, second, "1", currency="JPY"), 422, "balance-out-of-range")
    operator.paid(second, first, "1", currency="JPY")
    operator.paid(third, second, "1", currency="JPY")


def test_each_refusal_of_a_transfer_is_on_record(
    command_api: CommandApi, anna: Caller, operator: Caller
) -> None:
    """It bears the payment's id and the position, in the header as well, and moves nothing."""
    own, yen, poor = anna.open(), anna.open(currency="JPY"), anna.open()
    for source, payee, code, fields in [
        (own, own, "same-wallet", {}),
        (own, yen, "currency-mismatch", {}),
        (yen, own, "currency-mismatch", {}),
        (own, poor, "currency-mismatch", {"currency": "USD"}),
        (own, poor, "insufficient-funds", {}),
    ]:
        before = command_api.head()
        response = anna.pay(source, payee, "1", **fields)
        problem = refused(response, 422, code)
        assert problem["payment_id"].startswith("pay_")
        assert problem["position"] == int(response.headers["ledger-position"]) == before + 1
        assert ("available" in problem) is (code == "insufficient-funds")
        assert command_api.head() == before + 1


def test_the_position_counts_every_event(
    command_api: CommandApi, anna: Caller, operator: Caller
) -> None:
    """A transfer is three events, and its answer shows the last one's place."""
    wallet, bank = anna.open(), operator.bank()
    before = command_api.head()
    assert operator.paid(bank, wallet, "1")["position"] == before + 3 == command_api.head()


def test_a_value_date_reorders_nothing(
    command_api: CommandApi, anna: Caller, operator: Caller
) -> None:
    """Money of tomorrow can be spent today: order is that of the positions."""
    wallet, bank = anna.open(), operator.bank()
    operator.paid(bank, wallet, "5", effective_at="2999-12-31T23:59:59+01:00")
    operator.paid(bank, wallet, "5", effective_at="0001-01-01T00:00:00Z")
    anna.paid(wallet, bank, "10")
    assert command_api.posted(wallet) == 0
