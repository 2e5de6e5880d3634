"""Seals and proofs over HTTP, checked as an outsider does: with nothing but the files."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from domain.identifiers import PaymentId
from domain.leaves import leaf_hash
from domain.merkle import verify_consistency
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.notes import parse_vkey, verified_by
from tests.every_payment import ANN, NOBODY, SHOP, EveryPayment, write_every_payment
from tests.proofs import Checked, check
from tests.query_system import QuerySystem, query_system
from tests.sealed_ledger import seal_now
from tests.servers import PostgresHome

AUDITOR = ("usr_auditor", "audit")
SEALS = "/v1/audit/seals"


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> EveryPayment:
    """Write the book and seal it in parts; at the end a payment is not sealed."""
    unsealed_at_first(system)
    book = write_every_payment(system.databases)
    system.follow()
    seal_now(system.databases, most=50)
    pair = [system.writer.open(kind="system") for _ in range(2)]
    book.payments["not sealed"] = PaymentId(system.writer.transfer(pair[0], pair[1], 1))
    system.follow()
    return book


def unsealed_at_first(system: QuerySystem) -> None:
    """See a ledger without a seal say so, and when to ask again."""
    for path in (f"{SEALS}/latest", "/v1/audit/key"):
        answer = system.ask(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "not-sealed-yet")
        assert answer.headers["retry-after"] == "10"
    assert system.found(SEALS) == {"items": [], "next_cursor": None}
    assert system.found("/v1/audit/keys") == {"items": []}
    assert system.ask("/v1/audit/consistency", from_=1, to=1).status_code == 422


def proof(system: QuerySystem, payment: str, *caller: str) -> dict[str, Any]:
    found: dict[str, Any] = system.found(f"/v1/audit/payments/{payment}/proof", *caller)
    return found


def checked(found: dict[str, Any], folder: Path, packages: Path, *options: str) -> Checked:
    file = folder / "proof.json"
    file.write_text(json.dumps(found))
    return check(file, packages, *options)


def test_every_payment_is_proven(
    system: QuerySystem, book: EveryPayment, tmp_path: Path, packages: Path
) -> None:
    """Of every kind and end: its own events and all those of wallets that bear its id."""
    vkey = system.found("/v1/audit/key")["vkey"]
    size = system.found(f"{SEALS}/latest")["size"]
    events = [event for event in system.pages("/v1/audit/events") if event["position"] <= size]
    for name, payment in book.payments.items():
        if name == "not sealed":
            continue
        expected = [
            event["position"]
            for event in events
            if event["stream_id"] == payment
            or (event["stream_id"][:3] == "wal" and event["data"].get("payment_id") == payment)
        ]
        result = checked(proof(system, payment), tmp_path, packages, "--key", vkey)
        assert (result.code, result.said["ok"], result.said["authenticated"]) == (0, True, True)
        assert [event["position"] for event in result.said["events"]] == expected, name
        assert (result.said["origin"], result.said["size"]) == ("falconpay/main", size)


def test_a_proof_alone_is_not_authenticated(
    system: QuerySystem, book: EveryPayment, tmp_path: Path, packages: Path
) -> None:
    """Without a key from elsewhere the file agrees with itself, which anybody can bring about."""
    result = checked(proof(system, book.payments["lunch"]), tmp_path, packages)
    assert (result.code, result.said["authenticated"]) == (0, False)


def test_each_side_sees_its_own_wallets(system: QuerySystem, book: EveryPayment) -> None:
    """The payment's own events and those of wallets of which the caller is a member."""
    lunch = book.payments["lunch"]

    def types(*caller: str) -> list[str]:
        entries = [b64decode(event["entry"]) for event in proof(system, lunch, *caller)["events"]]
        return [json.loads(entry)["type"] for entry in entries]

    payer = ["payment.completed.v1", "wallet.debited.v1"]
    assert types(*AUDITOR) == types("usr_operator", "operate") == [*payer, "wallet.credited.v1"]
    assert types(ANN, "read") == payer
    assert types(SHOP, "payments") == ["payment.completed.v1", "wallet.credited.v1"]
    for caller, status in (((NOBODY, "read"), 404), ((ANN, "wallets"), 403)):
        answer = system.ask(f"/v1/audit/payments/{lunch}/proof", *caller)
        assert answer.status_code == status
    for unknown in ("pay_00000000000000000000000000", "pay_x", book.wallets["shop"]):
        answer = system.ask(f"/v1/audit/payments/{unknown}/proof")
        assert (answer.status_code, answer.json()["code"]) == (404, "payment-not-found")


def test_what_is_not_sealed_yet(system: QuerySystem, book: EveryPayment) -> None:
    """The payment is there and its proof is not, so the caller is told to ask again."""
    answer = system.ask(f"/v1/audit/payments/{book.payments['not sealed']}/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-sealed-yet")
    assert answer.headers["retry-after"] == "10"


def test_seals_are_listed_and_chained(system: QuerySystem, book: EveryPayment) -> None:
    """The oldest first, in pages; each one is signed, and leads to the next."""
    seals = system.pages(SEALS, "usr_anybody", "wallets", limit=2)
    assert len(seals) > 3
    assert seals[-1] == system.found(f"{SEALS}/latest", "usr_anybody", "read")
    key = parse_vkey(system.found("/v1/audit/key", "usr_anybody", "admin")["vkey"])
    for seal in seals:
        assert verified_by(seal["checkpoint"], [key])
        assert seal["checkpoint"].splitlines()[1:3] == [str(seal["size"]), seal["root"]]
    for old, new in pairwise(seals):
        query = {"from_": old["size"], "to": new["size"]}
        path = system.found("/v1/audit/consistency", "usr_anybody", "read", **query)["proof"]
        verify_consistency(
            old["size"],
            new["size"],
            b64decode(old["root"]),
            b64decode(new["root"]),
            [b64decode(each) for each in path],
        )


def test_sizes_of_a_consistency_proof(system: QuerySystem, book: EveryPayment) -> None:
    """From 1 to the latest size, in order; equal sizes have an empty proof."""
    size = system.found(f"{SEALS}/latest")["size"]
    assert system.found("/v1/audit/consistency", from_=size, to=size) == {"proof": []}
    assert system.found("/v1/audit/consistency", from_=1, to=size)["proof"]
    for query in ({"from_": 0, "to": 1}, {"from_": 2, "to": 1}, {"from_": 1, "to": size + 1},
                  {"from_": 1}, {"to": 1}, {}, {"from_": "x", "to": 1}):  # fmt: skip
        answer = system.ask("/v1/audit/consistency", **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
        assert answer.json()["errors"]


def test_a_query_waits_for_a_seal(system: QuerySystem, book: EveryPayment) -> None:
    """`min_position` asks for a seal that covers it, and the header says how far seals are."""
    size = system.found(f"{SEALS}/latest")["size"]
    for path in (SEALS, f"{SEALS}/latest", "/v1/audit/key", "/v1/audit/keys"):
        answer = system.ask(path, min_position=size)
        assert (answer.status_code, answer.headers["ledger-position"]) == (200, str(size))
    answer = system.ask(f"{SEALS}/latest", min_position=size + 1)
    assert (answer.status_code, answer.json()["code"]) == (503, "read-model-behind")


def test_keys_have_their_periods(
    system: QuerySystem, book: EveryPayment, tmp_path: Path, packages: Path
) -> None:
    """A key signs from its first seal to the one that bears the next key's signature, too."""
    before = system.found(f"{SEALS}/latest")
    old_proof = proof(system, book.payments["lunch"])
    assert system.found("/v1/audit/keys")["items"] == [
        {"vkey": old_proof["vkey"], "from_size": 50, "to_size": None}
    ]
    SealKeys(system.databases.settings.home, {}).rotate()
    sealed = seal_now(system.databases)
    assert sealed > before["size"]
    old, new = system.found("/v1/audit/keys")["items"]
    assert (old["vkey"], old["from_size"], old["to_size"]) == (old_proof["vkey"], 50, sealed)
    assert (new["from_size"], new["to_size"]) == (sealed, None)
    assert system.found("/v1/audit/key") == {"vkey": new["vkey"]}
    fresh = proof(system, book.payments["lunch"])
    assert fresh["vkey"] == new["vkey"]
    for found, keys in ((old_proof, [old]), (fresh, [old, new])):
        for key in keys:
            assert checked(found, tmp_path, packages, "--key", key["vkey"]).code == 0
    assert checked(old_proof, tmp_path, packages, "--key", new["vkey"]).code == 1


def test_entries_are_what_the_log_shows(system: QuerySystem, book: EveryPayment) -> None:
    """The entry of a proof holds the bytes whose leaf hash the stored event has."""
    found = proof(system, book.payments["lunch"])["events"]
    stored = {event["position"]: event for event in system.pages("/v1/audit/events")}
    for event in found:
        leaf = b64encode(leaf_hash(b64decode(event["entry"]))).decode()
        assert leaf == stored[event["position"]]["leaf_hash"]
