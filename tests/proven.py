"""A small signed log, proofs and books of it, for tests of what checks them."""

import json
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.checkpoints import Checkpoint
from domain.identifiers import payment_id, stream_id
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


def check(tmp_path: Path, content: str, key: str | None = None) -> Json:
    (tmp_path / "file").write_text(content)
    return proof_check.check(tmp_path / "file", key)


def refused(tmp_path: Path, content: str, key: str | None = None) -> str:
    with pytest.raises(proof_check.NotProven) as refusal:
        check(tmp_path, content, key)
    return str(refusal.value)


def run(tmp_path: Path, content: str | None, *options: str) -> tuple[int, str, str]:
    """Check a file by the checker run as a file, outside of the project; none is there already."""
    program = tmp_path / "proof_check.py"
    shutil.copyfile(proof_check.__file__, program)
    if content is not None:
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


def put(**fields: Any) -> Callable[[Json], None]:
    return lambda found: found.update(fields)
