"""The offline checker ends in a sentence whatever a file holds, and shows nothing that misleads."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from domain.checkpoints import Checkpoint
from domain.leaves import leaf_hash
from infrastructure.seals.notes import sign_note
from tests.proven import (
    PAYMENT,
    SIGNER,
    SIZE,
    VKEY,
    Json,
    book,
    check,
    checkpoint,
    payment_proof,
    refused,
    run,
    text,
)


def own_log(data: object, payment: object = PAYMENT, **fields: Any) -> Json:
    """Return a proof from a log of one event that somebody has made and signed to deceive."""
    stored = data if isinstance(data, bytes) else json.dumps(data).encode()
    event = {"data": text(stored), "metadata": text(b"{}"), "position": 1,
             "recorded_at": "2026-01-31T12:00:00.000001Z", "stream_id": "wal_1",
             "type": "wallet.debited.v1", "version": 1, **fields}  # fmt: skip
    raw = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    note = sign_note(Checkpoint("falconpay/main", 1, leaf_hash(raw)).text(), [SIGNER])
    proven = {"position": event["position"], "entry": text(raw), "proof": []}
    return {"payment_id": payment, "checkpoint": note, "vkey": VKEY, "events": [proven]}


def test_a_log_of_one_event_is_proven(tmp_path: Path) -> None:
    """So that the others are refused for what is wrong with them."""
    assert check(tmp_path, json.dumps(own_log({"payment_id": PAYMENT})))["size"] == 1


OF_PAYMENT = {"payment_id": PAYMENT}
REFUSED: dict[str, Json] = {
    "no payment": own_log({}, None),
    "a payment that is a list": own_log({"payment_id": [PAYMENT]}, [PAYMENT]),
    "an event whose payment is a list": own_log({"payment_id": [PAYMENT]}),
    "stored bytes that are no JSON": own_log(b"\xff"),
    "position 0": own_log(OF_PAYMENT, position=0),
    "a position below 0": own_log(OF_PAYMENT, position=-1),
    "a version beyond what every reader of JSON knows": own_log(OF_PAYMENT, version=2**53),
    "version 0": own_log(OF_PAYMENT, version=0),
    "half a letter in the payment": own_log({"payment_id": "\ud800"}, "\ud800"),
    "an empty log": payment_proof() | {"checkpoint": checkpoint(0)},
    "a log that is said to be larger": payment_proof()
    | {"checkpoint": sign_note(Checkpoint("falconpay/main", 10**15, bytes(32)).text(), [SIGNER])},
    "events that are an object": payment_proof() | {"events": {"0": 1}},
    "a key that is a number": payment_proof() | {"vkey": 7},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_somebody_made_to_deceive_is_refused(tmp_path: Path, name: str) -> None:
    """In a sentence and with 1 or 2, also when it is signed by the file's own key."""
    code, said, told = run(tmp_path, json.dumps(REFUSED[name]))
    assert (code in (1, 2), said, told.count("\n")) == (True, "", 1)


HALF = "\ud800"
UNWRITABLE: dict[str, Json] = {
    "in the key": payment_proof() | {"vkey": f"{HALF}+00000000+{'A' * 44}"},
    "in the note": payment_proof() | {"checkpoint": f"{HALF}{checkpoint()}"},
    "in a report": {"report": {"ledger": HALF}, "note": checkpoint(), "vkey": VKEY},
    "in the name of a ledger": {"ledger": HALF, "from": 1, "to": 1},
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_half_a_letter_is_no_text(tmp_path: Path, name: str) -> None:
    """A lone surrogate can be read from JSON, and can be hashed and printed by nobody."""
    code, said, told = run(tmp_path, json.dumps(UNWRITABLE[name]))
    assert (code, said, told.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("depth", range(200, 1_200, 200))
def test_what_is_nested_deeply_is_one_sentence(tmp_path: Path, depth: int) -> None:
    """Reading stops at some depth, and writing at another one."""
    nested = "[" * depth + "]" * depth
    report = {"note": checkpoint(), "vkey": VKEY}
    content = json.dumps(report)[:-1] + f', "report": {{"x": {nested}}}}}'
    code, said, told = run(tmp_path, content)
    assert (code in (1, 2), said, told.count("\n")) == (True, "", 1)


def test_a_number_that_nobody_can_read(tmp_path: Path) -> None:
    """Python refuses to read it, so the file is none."""
    code, _, told = run(tmp_path, json.dumps(payment_proof())[:-1] + f', "x": {"9" * 5_000}}}')
    assert (code, told.count("\n")) == (2, 1)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no endless file")
def test_an_endless_file_is_read_to_a_bound(tmp_path: Path) -> None:
    """Without a newline, so that its first line has no end either."""
    (tmp_path / "file").symlink_to("/dev/zero")
    code, said, told = run(tmp_path, None)
    assert (code, said, told.count("\n")) == (2, "", 1)


def test_a_line_without_end_in_a_book(tmp_path: Path) -> None:
    """It is read no further than to where no event's line can be."""
    (tmp_path / "file").write_text("".join(book(2, 5)[:3]))
    os.truncate(tmp_path / "file", 1 << 31)
    code, _, told = run(tmp_path, None)
    assert (code, "The line of position 4 is missing" in told) == (1, True)


@pytest.mark.parametrize("payment", ["x\nauthenticated: true", "x\r\x1b[1Aauthenticated: true"])
def test_nothing_in_a_file_passes_for_a_line_of_the_checker(tmp_path: Path, payment: str) -> None:
    """A newline or a terminal's control in what is shown is written as an escape."""
    code, said, _ = run(tmp_path, json.dumps(own_log({"payment_id": payment}, payment)))
    lines = said.splitlines()
    assert (code, [each for each in lines if each.startswith("auth")]) == (
        0,
        ["authenticated: false"],
    )
    assert all(each.isprintable() for each in lines)


@pytest.mark.parametrize("amount", ["true", "3.0", '"3"'])
def test_a_book_shows_the_numbers_that_its_entries_hold(tmp_path: Path, amount: str) -> None:
    """Also where Python takes two for the same, as 1 and true."""
    lines = book(1, 3)
    position = 1 if amount == "true" else 3
    old = f'"amount": {position},'
    assert old in lines[position]
    lines[position] = lines[position].replace(old, f'"amount": {amount},')
    assert "data at position" in refused(tmp_path, "".join(lines))


def test_an_empty_key_is_none(tmp_path: Path) -> None:
    """As where a variable is not set: it is refused, instead of believing the file's own."""
    code, said, told = run(tmp_path, json.dumps(payment_proof()), "--key", "")
    assert (code, said, "no Ed25519 key" in told) == (2, "", True)


def test_the_proof_that_the_others_alter_holds(tmp_path: Path) -> None:
    """What is refused above is refused for its alteration alone."""
    assert check(tmp_path, json.dumps(payment_proof()), VKEY)["size"] == SIZE
