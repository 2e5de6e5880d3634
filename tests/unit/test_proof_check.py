"""The offline checker believes what is proven and nothing else, whatever is changed in a file."""

import json
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.checkpoints import Checkpoint
from domain.identifiers import payment_id, stream_id, wallet_id
from domain.instants import Instant
from domain.leaves import entry, leaf_hash
from domain.merkle import inclusion_spans, outer_spans, proof
from domain.recorded import RecordedEvent
from infrastructure.seals.notes import Signer, sign_note
from interfaces.cli import proof_check
from interfaces.replay.book import event_line
from tests.naive_tree import subtree_of, tree_hash

Json = dict[str, Any]
PAYMENT = payment_id(UUID(int=7))
SIZE = 13
SIGNER = Signer("falconpay/main", Ed25519PrivateKey.generate())
OTHER = Signer("falconpay/main", Ed25519PrivateKey.generate())
VKEY = SIGNER.verifier.vkey


def event_at(position: int) -> RecordedEvent:
    """Return an event of a payment, which has a wallet's event behind it."""
    own = position % 2 == 1
    type_name = "payment.completed.v1" if own else "wallet.debited.v1"
    stream = UUID(int=7 if position < 3 and own else 100 + position)
    data = {"amount": position, "payment_id": PAYMENT if position < 3 else "pay_other"}
    return RecordedEvent(
        position=position,
        stream_id=stream_id(type_name, stream),
        version=1,
        type=type_name,
        data=json.dumps(data).encode(),
        metadata=b'{"index":0}',
        recorded_at=Instant("2026-01-31T12:00:00.000001Z"),
    )


EVENTS = [event_at(position) for position in range(1, SIZE + 4)]
LEAVES = [leaf_hash(entry(event)) for event in EVENTS]


def checkpoint(size: int = SIZE, signer: Signer = SIGNER, origin: str = "falconpay/main") -> str:
    return sign_note(Checkpoint(origin, size, tree_hash(LEAVES[:size])).text(), [signer])


def payment_proof() -> Json:
    """Return the proof of the first two events."""
    subtree = subtree_of(LEAVES)
    events = [
        {
            "position": position,
            "entry": text(entry(EVENTS[position - 1])),
            "proof": [text(each) for each in proof(inclusion_spans(position - 1, SIZE), subtree)],
        }
        for position in (1, 2)
    ]
    return {"payment_id": PAYMENT, "checkpoint": checkpoint(), "vkey": VKEY, "events": events}


def book(first: int, last: int, size: int = SIZE) -> list[str]:
    """Return the lines of an exported book."""
    part = (first - 1, min(last, size))
    hashes = proof(outer_spans(part, size), subtree_of(LEAVES)) if part[0] < part[1] else []
    head: Json = {"ledger": "main", "from": first, "to": last}
    head |= {"checkpoint": checkpoint(size), "vkey": VKEY}
    head |= {"proof": [text(each) for each in hashes]} if hashes else {}
    events = EVENTS[first - 1 : last]
    return [f"{json.dumps(head)}\n", *(event_line(event).decode() for event in events)]


def text(raw: bytes) -> str:
    return b64encode(raw).decode()


def run(tmp_path: Path, content: str, *options: str) -> tuple[int, str, str]:
    """Check a file by the checker run as a file, outside of the project."""
    program = tmp_path / "proof_check.py"
    shutil.copyfile(proof_check.__file__, program)
    (tmp_path / "file").write_text(content)
    done = subprocess.run(
        [sys.executable, "-P", str(program), "file", *options],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def check(tmp_path: Path, content: str, key: str | None = None) -> Json:
    (tmp_path / "file").write_text(content)
    return proof_check.check(tmp_path / "file", key)


def refused(tmp_path: Path, content: str, key: str | None = None) -> str:
    with pytest.raises(proof_check.NotProven) as refusal:
        check(tmp_path, content, key)
    return str(refusal.value)


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


def put(**fields: Any) -> Callable[[Json], None]:
    return lambda found: found.update(fields)


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


@pytest.mark.parametrize("first", range(1, SIZE + 1))
def test_every_part_of_a_book_is_proven(tmp_path: Path, first: int) -> None:
    """By its own events and the hashes of what lies around them."""
    for last in range(first, SIZE + 4):
        found = check(tmp_path, "".join(book(first, last)), VKEY)
        assert found["proven"] == min(last, SIZE) - first + 1
        assert found["newer_than_the_seal"] == max(0, last - SIZE)


def in_line(number: int, change: Callable[[Json], None]) -> Callable[[list[str]], None]:
    def apply(lines: list[str]) -> None:
        line = json.loads(lines[number])
        change(line)
        lines[number] = f"{json.dumps(line)}\n"

    return apply


def forge_entry(line: Json) -> None:
    """Change the amount in the data and in the entry, and hash it again."""
    raw = json.loads(b64decode(line["entry"]))
    line["data"]["amount"] = 1_000_000
    raw["data"] = text(json.dumps(line["data"]).encode())
    changed = json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
    line["entry"], line["leaf_hash"] = text(changed), text(leaf_hash(changed))


BOOK_CHANGES: dict[str, Callable[[list[str]], object]] = {
    "an amount that is shown": in_line(3, lambda line: line["data"].update(amount=1)),
    "a type that is shown": in_line(3, put(type="wallet.credited.v1")),
    "a time that is shown": in_line(3, put(recorded_at="2026-01-30T12:00:00.000001Z")),
    "metadata that are shown": in_line(3, put(metadata={"index": 1})),
    "a leaf hash": in_line(3, put(leaf_hash=text(bytes(32)))),
    "an event": in_line(3, forge_entry),
    "a line less": lambda lines: lines.pop(3),
    "the last line": lambda lines: lines.pop(),
    "a line twice": lambda lines: lines.insert(3, lines[3]),
    "lines exchanged": lambda lines: lines.insert(3, lines.pop(4)),
    "a line more": lambda lines: lines.append(lines[-1]),
    "a line that is no JSON": lambda lines: lines.__setitem__(3, "x\n"),
    "a hash less": in_line(0, lambda head: head["proof"].pop()),
    "a hash more": in_line(0, lambda head: head["proof"].append(text(bytes(32)))),
    "another seal": in_line(0, put(checkpoint=checkpoint(SIZE - 1))),
    "no seal": in_line(0, put(checkpoint=None)),
    "other positions": in_line(0, put(to=8)),
}


@pytest.mark.parametrize("name", BOOK_CHANGES)
def test_a_changed_book_is_refused(tmp_path: Path, name: str) -> None:
    """What other tools read of it is what is proven."""
    lines = book(2, 9)
    BOOK_CHANGES[name](lines)
    assert refused(tmp_path, "".join(lines))


def test_a_book_beyond_the_seal_proves_nothing(tmp_path: Path) -> None:
    """It says so, instead of being content with no event at all."""
    assert "no event of the book is proven" in refused(tmp_path, "".join(book(14, 15)))


def test_wallets_of_the_payment_are_named_by_their_events() -> None:
    """The events of these tests are what they are meant to be."""
    assert str(EVENTS[0].stream_id) == PAYMENT
    assert str(EVENTS[1].stream_id) == wallet_id(UUID(int=102))
