"""Keys on the routes of holds, payments and members: one effect and one answer for each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.command_api import Caller, CommandApi, Sides, new_key, refused, transfer
from tests.command_routes import KEYED, Sent

Request = tuple[Caller, str, Any]


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


def again(first: httpx.Response, repeat: httpx.Response) -> None:
    """Expect the first answer once more, to the byte, and marked as a repeat."""
    assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
    assert "idempotent-replayed" not in first.headers
    assert repeat.headers["idempotent-replayed"] == "true"
    for name in ("ledger-position", "content-type"):
        assert repeat.headers[name] == first.headers[name]


class Told:
    """Sends requests, each with a key of its own, and keeps what was answered."""

    def __init__(self) -> None:
        self.firsts: list[tuple[Request, str, httpx.Response]] = []

    def send(self, caller: Caller, path: str, body: Any, status: int) -> str:
        """Send one; return the payment that the answer is about, if it is about any."""
        key = new_key()
        response = caller.post(path, body, key)
        assert response.status_code == status, (path, response.text)
        self.firsts.append(((caller, path, body), key, response))
        return str(response.json().get("payment_id"))


def leg(payer: str, payee: str, amount: str) -> dict[str, str]:
    return transfer(payer, payee, amount)


def tell_holds(told: Told, sides: Sides) -> None:
    texts = {"description": "Room", "reference": "B", "metadata": {"ä": "ö", "a": "b"}}
    body = transfer(sides.full, sides.shop, "20", expires_in=3600, **texts)
    hold = f"/v1/holds/{told.send(sides.anna, '/v1/holds', body, 201)}"
    told.send(sides.anna, "/v1/holds", transfer(sides.full, sides.shop, "999"), 422)
    told.send(sides.anna, f"{hold}/increase", {"amount": "5"}, 200)
    told.send(sides.anna, f"{hold}/increase", {"amount": "500"}, 422)
    told.send(sides.ben, f"{hold}/capture", {"amount": "8", "final": False}, 200)
    told.send(sides.anna, f"{hold}/capture", {"amount": "1", "final": False}, 200)
    told.send(sides.ben, f"{hold}/capture", {"amount": "99"}, 422)
    told.send(sides.operator, f"{hold}/release", {}, 200)
    told.send(sides.ben, f"{hold}/release", {}, 422)


def tell_payments(told: Told, sides: Sides) -> None:
    legs = [leg(sides.full, sides.shop, "2"), leg(sides.full, sides.bank, "1")]
    fees = [{"wallet_id": sides.bank, "amount": "0.50"}]
    split = told.send(sides.anna, "/v1/payments", {"legs": legs, "fees": fees}, 201)
    told.send(sides.anna, "/v1/payments", {"legs": [leg(sides.full, sides.shop, "999")]}, 422)
    told.send(sides.operator, f"/v1/payments/{split}/reverse", {"reason": "x"}, 201)
    told.send(sides.operator, f"/v1/payments/{split}/reverse", {"reason": "x"}, 422)
    paid = sides.anna.paid(sides.full, sides.shop, "3")["payment_id"]
    told.send(sides.ben, f"/v1/payments/{paid}/refund", {"amount": "1", "reason": "x"}, 201)
    told.send(sides.ben, f"/v1/payments/{paid}/refund", {"amount": "9"}, 422)
    dollars, operator = sides.anna.open(currency="USD"), sides.operator
    exchange = {
        "source_wallet_id": sides.full,
        "destination_wallet_id": dollars,
        "amount": "1",
        "rate": {"numerator": "3", "denominator": "2"},
        "through": [sides.bank, operator.bank("USD")],
    }
    told.send(operator, "/v1/exchanges", exchange, 201)
    told.send(operator, "/v1/exchanges", {**exchange, "amount": "999"}, 422)


def tell_members(told: Told, sides: Sides) -> None:
    carl, members = sides.api.caller(), f"/v1/wallets/{sides.full}/members"
    told.send(sides.anna, members, {"user_id": carl.subject, "role": "owner"}, 201)
    assert sides.anna.put(sides.full, "approvals", required=1, above="0.5").status_code == 200
    body = transfer(sides.full, sides.shop, "1")
    waits = told.send(sides.anna, "/v1/transfers", body, 201)
    told.send(carl, f"/v1/payments/{waits}/approve", {"reason": "x"}, 200)
    told.send(carl, f"/v1/payments/{waits}/approve", {}, 422)
    waits = told.send(sides.anna, "/v1/holds", body, 201)
    told.send(carl, f"/v1/payments/{waits}/reject", {}, 200)
    told.send(carl, f"/v1/payments/{waits}/reject", {}, 422)
    me = {"user_id": sides.ben.subject, "role": "viewer"}
    told.send(sides.ben, f"/v1/wallets/{sides.shop}/members", me, 422)
    # The owner's last act takes the rights away by which some of all this was done.
    assert sides.anna.remove(sides.full, carl.subject).status_code == 200


def tell_schedules(told: Told, sides: Sides) -> None:
    starts_on = str((datetime.now(UTC) + timedelta(days=9)).date())
    order = {"transfer": leg(sides.full, sides.shop, "1"), "starts_on": starts_on}
    told.send(sides.anna, "/v1/schedules", order, 201)
    schedule = f"/v1/schedules/{told.firsts[-1][2].json()['schedule_id']}"
    told.send(sides.anna, f"{schedule}/pause", {}, 200)
    told.send(sides.anna, f"{schedule}/resume", {}, 200)


def test_every_answer_is_given_again(sides: Sides) -> None:
    """To the byte, done or refused, however things stand by then; nothing is stored for it."""
    told = Told()
    for tell in (tell_holds, tell_payments, tell_schedules, tell_members):
        tell(told, sides)
    routes = {(sent.path.rsplit("/", 1)[-1]) for sent in KEYED}
    assert {path.rsplit("/", 1)[-1] for (_, path, _), _, _ in told.firsts} >= routes
    before = sides.api.head()
    for (caller, path, body), key, first in told.firsts:
        for _ in range(2):
            again(first, caller.post(path, body, key))
    assert sides.api.head() == before


@pytest.mark.parametrize("sent", KEYED, ids=str)
def test_a_key_of_another_route_is_another_request(command_api: CommandApi, sent: Sent) -> None:
    """422 before anything is looked for; the first answer is still there."""
    caller, key = command_api.caller(scope="wallets payments operate"), new_key()
    body = {"name": "A", "currency": "EUR"}
    first = caller.post("/v1/wallets", body, key)
    refused(caller.post(sent.path, sent.body, key), 422, "idempotency-key-reused")
    again(first, caller.post("/v1/wallets", body, key))


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        ({"amount": "12.3"}, {"amount": "12.30"}),
        ({"amount": "12"}, {"amount": "12.00", "final": True}),
        ({}, {"amount": None, "final": None}),
        ({"amount": "1", "final": False}, {"final": False, "amount": "1.0"}),
    ],
)
def test_captures_are_compared_as_they_are_meant(sides: Sides, sent: Any, same: Any) -> None:
    hold, key = sides.anna.held(sides.full, sides.shop, "60"), new_key()
    again(sides.ben.on(hold, "capture", sent, key), sides.ben.on(hold, "capture", same, key))


def test_an_empty_body_is_an_empty_object(sides: Sides) -> None:
    hold, key = sides.anna.held(sides.full, sides.shop, "60"), new_key()
    again(sides.ben.on(hold, "release", None, key), sides.ben.on(hold, "release", {}, key))


@pytest.mark.parametrize(
    ("action", "sent", "other"),
    [
        ("capture", {"amount": "1"}, {"amount": "2"}),
        ("capture", {"amount": "1"}, {"amount": "1", "final": False}),
        ("capture", {"amount": "60"}, {}),
        ("increase", {"amount": "1"}, {"amount": "1", "expires_in": 604800}),
        ("refund", {"amount": "1"}, {"amount": "1", "reason": "x"}),
        ("refund", {}, {"amount": "60"}),
    ],
)
def test_what_says_something_else_is_another_request(
    sides: Sides, action: str, sent: Any, other: Any
) -> None:
    """Even where it would come to the same; and so is another payment's path."""
    key, who = new_key(), sides.anna if action == "increase" else sides.ben
    if action == "refund":
        one, two = (sides.anna.paid(sides.full, sides.shop, "40")["payment_id"] for _ in range(2))
    else:
        one, two = (sides.anna.held(sides.full, sides.shop, "40") for _ in range(2))
    first = who.on(one, action, sent, key)
    refused(who.on(one, action, other, key), 422, "idempotency-key-reused")
    refused(who.on(two, action, sent, key), 422, "idempotency-key-reused")
    again(first, who.on(one, action, sent, key))


@pytest.mark.parametrize(
    "other",
    [
        {"expires_in": 604_801},
        {"amount": "1.01"},
        {"description": ""},
        {"metadata": {}},
    ],
)
def test_a_hold_with_another_word_is_another_request(sides: Sides, other: Any) -> None:
    """The default of `expires_in` written out is none."""
    body, key = transfer(sides.full, sides.shop, "1"), new_key()
    first = sides.anna.post("/v1/holds", body, key)
    same = {**body, "expires_in": 604_800, "dry_run": False, "amount": "1.00"}
    again(first, sides.anna.post("/v1/holds", same, key))
    refused(sides.anna.post("/v1/holds", {**body, **other}, key), 422, "idempotency-key-reused")


def test_how_money_is_dealt_out_is_part_of_the_request(sides: Sides) -> None:
    """Other parts are another request, and so are legs; `fees` that are none are as if absent."""
    share = {"destination_wallet_id": sides.shop, "parts_per_million": 1_000_000}
    dealt = {"source_wallet_id": sides.full, "amount": "1", "currency": "EUR", "shares": [share]}
    key = new_key()
    first = sides.anna.post("/v1/payments", dealt, key)
    same = {**dealt, "amount": "1.00", "fees": [], "shares": [{**share, "remainder": False}]}
    again(first, sides.anna.post("/v1/payments", same, key))
    rest = {"destination_wallet_id": sides.shop, "remainder": True}
    for other in ({**dealt, "shares": [rest]}, {"legs": [leg(sides.full, sides.shop, "1")]}):
        refused(sides.anna.post("/v1/payments", other, key), 422, "idempotency-key-reused")
    legs = {"legs": [leg(sides.full, sides.shop, "1"), leg(sides.full, sides.bank, "1")]}
    key = new_key()
    assert sides.anna.post("/v1/payments", legs, key).status_code == 201
    fees = [{"wallet_id": sides.bank, "amount": "1"}]
    other = {"legs": legs["legs"][:1], "fees": fees}
    refused(sides.anna.post("/v1/payments", other, key), 422, "idempotency-key-reused")


def test_a_refusal_stays_what_it_was(sides: Sides) -> None:
    """Also when it would go through by now; another key has another answer."""
    keys = [new_key() for _ in range(3)]
    hold = sides.anna.held(sides.full, sides.shop, "60")
    paid = sides.anna.paid(sides.full, sides.shop, "40")["payment_id"]
    more = {"amount": "1"}
    firsts = [
        sides.anna.hold(sides.full, sides.shop, "1", keys[0]),
        sides.anna.on(hold, "increase", more, keys[1]),
        sides.ben.on(hold, "capture", {"amount": "61"}, keys[2]),
    ]
    assert [first.status_code for first in firsts] == [422] * 3
    sides.operator.paid(sides.bank, sides.full, "50")
    assert sides.anna.on(hold, "increase", more).status_code == 200
    again(firsts[0], sides.anna.hold(sides.full, sides.shop, "1", keys[0]))
    again(firsts[1], sides.anna.on(hold, "increase", more, keys[1]))
    again(firsts[2], sides.ben.on(hold, "capture", {"amount": "61"}, keys[2]))
    assert sides.ben.on(paid, "refund").status_code == 201


@pytest.mark.parametrize("action", ["capture", "refund"])
def test_sixteen_callers_with_one_key_have_one_effect(sides: Sides, action: str) -> None:
    """At the same moment, all over both processes: the same bytes; all but one are repeats."""
    paid = sides.anna.paid(sides.full, sides.shop, "50")["payment_id"]
    hold = sides.anna.held(sides.full, sides.shop, "50")
    payment = hold if action == "capture" else paid
    body = {"amount": "1", "final": False} if action == "capture" else {"amount": "1"}
    callers = [sides.api.caller(sides.ben.subject) for _ in range(16)]
    sign = 1 if action == "capture" else -1
    with ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            key, before = new_key(), sides.api.posted(sides.shop)
            asked = [pool.submit(each.on, payment, action, body, key) for each in callers]
            answers = [each.result() for each in asked]
            assert {answer.status_code for answer in answers} == {200 if sign == 1 else 201}
            assert len({answer.content for answer in answers}) == 1
            fresh = [each for each in answers if "idempotent-replayed" not in each.headers]
            assert len(fresh) == 1
            assert sides.api.posted(sides.shop) == before + sign * 100
