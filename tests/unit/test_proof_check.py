"""The offline checker believes what is proven and nothing else, whatever is changed in a file."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from domain.checkpoints import Checkpoint
from domain.identifiers import wallet_id
from domain.leaves import entry, leaf_hash
from infrastructure.seals.notes import sign_note
from interfaces.cli import proof_check
from tests.naive_tree import tree_hash
from tests.proven import (
    EVENTS,
    LEAVES,
    OTHER,
    PAYMENT,
    SIGNER,
    SIZE,
    VKEY,
    Json,
    check,
    checkpoint,
    payment_proof,
    put,
    refused,
    run,
    text,
)


def test_a_proof_holds(tmp_path: Path) -> None:
    """It shows what the entries hold; without a key it says that nobody vouches for the file."""
    code, said, _ = run(tmp_path, json.dumps(payment_proof()), "--key", VKEY)
    assert (code, "authenticated: true" in said, "payment.completed.v1" in said) == (0, True, True)
    code, said, _ = run(tmp_path, json.dumps(payment_proof(), indent=2))
    assert (code, "authenticated: false" in said) == (0, True)


def in_event(change: Callable[[Json], None]) -> Callable[[Json], None]:
    return lambda found: change(found["events"][1])


def altered(old: str, new: str) -> Callable[[Json], None]:
    """Return what changes the entry of an event by its text."""

    def change(event: Json) -> None:
        raw = b64decode(event["entry"]).decode()
        assert old in raw
        event["entry"] = text(raw.replace(old, new, 1).encode())

    return in_event(change)


CHANGES: dict[str, Callable[[Json], None]] = {
    "another amount": altered('"data":"', '"data":"AAAA'),
    "another type": altered("wallet.debited.v1", "wallet.credited.v1"),
    "another position": altered('"position":2', '"position":3'),
    "another time": altered("2026-01-31", "2026-01-30"),
    "a space in the entry": altered('"position":2', '"position": 2'),
    "names in another order": altered('{"data"', '{"version":1,"data"'),
    "a number with a fraction": altered('"version":1', '"version":1.0'),
    "a name twice": altered('"version":1', '"version":1,"version":1'),
    "one more field": altered('"version":1', '"version":1,"x":1'),
    "a field less": altered(',"version":1', ""),
    "a position beside the entry": in_event(put(position=3)),
    "a position that is a text": in_event(put(position="2")),
    "no entry": in_event(lambda event: event.pop("entry")),
    "an entry that is no base64": in_event(put(entry="?")),
    "base64 with loose bits": in_event(lambda event: event.update(entry=event["entry"] + "\n")),
    "a hash less": in_event(lambda event: event["proof"].pop()),
    "a hash more": in_event(lambda event: event["proof"].append(text(bytes(32)))),
    "another hash": in_event(lambda event: event["proof"].insert(0, event["proof"].pop())),
    "a short hash": in_event(lambda event: event["proof"].append(text(bytes(31)))),
    "no proof": in_event(lambda event: event.pop("proof")),
    "another payment": put(payment_id="pay_other"),
    "no events": put(events=[]),
    "an event that is none": put(events=[1]),
    "events in another order": lambda found: found["events"].reverse(),
    "an event twice": lambda found: found["events"].append(found["events"][1]),
    "another size": put(checkpoint=checkpoint(SIZE - 1)),
    "a checkpoint of another key": put(checkpoint=checkpoint(signer=OTHER)),
    "another key": put(vkey=OTHER.verifier.vkey),
    "a key that is none": put(vkey="falconpay/main+00000000+AA=="),
    "no key": put(vkey=None),
    "no checkpoint": put(checkpoint=None),
    "a checkpoint of another log": put(checkpoint=checkpoint(origin="falconpay/other")),
    "a checkpoint that says nothing": put(checkpoint=sign_note("hello\n", [SIGNER])),
    "an altered checkpoint": lambda found: found.update(
        checkpoint=found["checkpoint"].replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n")
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_proof_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever is changed, and be it only beside what is proven."""
    found = payment_proof()
    CHANGES[name](found)
    assert refused(tmp_path, json.dumps(found))


NOT_CANONICAL = {
    "a space": ('"position":2', '"position": 2'),
    "names in another order": ('{"data"', '{"version":1,"data"'),
    "a fraction": ('"version":1', '"version":1.0'),
    "an exponent": ('"version":1', '"version":1e0'),
    "a truth": ('"version":1', '"version":true'),
    "a name twice": ('"version":1', '"version":1,"version":1'),
    "one more field": ('"version":1', '"version":1,"x":1'),
    "a field less": (',"version":1', ""),
    "an escape": ("wallet.debited", "\\u0077allet.debited"),
    "another form of base64": ('"metadata":"eyJ', '"metadata":"eyJ\\n'),
    "no position": ('"position":2', '"position":"2"'),
    "a byte behind": ('"version":1}', '"version":1}\n'),
}


@pytest.mark.parametrize("name", NOT_CANONICAL)
def test_an_entry_in_the_log_that_is_not_canonical_is_refused(tmp_path: Path, name: str) -> None:
    """Also where it is hashed and signed, as two readers might read it in two ways."""
    old, new = NOT_CANONICAL[name]
    written = entry(EVENTS[1]).decode()
    assert old in written
    raw = written.replace(old, new, 1).encode()
    root = tree_hash([LEAVES[0], leaf_hash(raw)])
    note = sign_note(Checkpoint("falconpay/main", 2, root).text(), [SIGNER])
    event = {"position": 2, "entry": text(raw), "proof": [text(LEAVES[0])]}
    found = payment_proof() | {"checkpoint": note, "events": [event]}
    assert refused(tmp_path, json.dumps(found))


def test_a_key_of_another_source_decides(tmp_path: Path) -> None:
    """A file whose own key and signature agree is refused all the same."""
    forged = payment_proof() | {
        "checkpoint": checkpoint(signer=OTHER),
        "vkey": OTHER.verifier.vkey,
    }
    assert check(tmp_path, json.dumps(forged))["authenticated"] is False
    assert "not signed by the key" in refused(tmp_path, json.dumps(forged), VKEY)


@pytest.mark.parametrize(
    "content", ["", "x", "[]", "{}", '{"a":1}\n{"b":2}\n', "\udcff", "[" * 9_999]
)
def test_what_is_no_proof_is_wrong_usage(tmp_path: Path, content: str) -> None:
    """In a sentence, with 2."""
    (tmp_path / "file").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(proof_check.Unusable, match="neither the proof"):
        proof_check.check(tmp_path / "file")


def test_wrong_usage_ends_with_2(tmp_path: Path) -> None:
    """A key that is none, a file that is not there."""
    code, said, told = run(tmp_path, json.dumps(payment_proof()), "--key", "nonsense", "--json")
    assert (code, json.loads(said)["ok"], "no Ed25519 key" in told) == (2, False, True)
    code, _, told = run(tmp_path, "", "--key", VKEY, "--json")
    assert (code, told.count("\n")) == (2, 1)
    with pytest.raises(proof_check.Unusable, match="cannot be read"):
        proof_check.check(tmp_path / "absent")


def test_wallets_of_the_payment_are_named_by_their_events() -> None:
    """The events of these tests are what they are meant to be."""
    assert str(EVENTS[0].stream_id) == PAYMENT
    assert str(EVENTS[1].stream_id) == wallet_id(UUID(int=102))
