"""Checks proofs of payments, exported books and reports without any server or FalconPay.

This file needs Python 3.11 and the package `cryptography`, nothing else:

    python proof_check.py FILE [--key VKEY] [--json]

FILE is what `GET /v1/audit/payments/{id}/proof` answered, a book of `./falcon export`, or a report
of `./falcon replay verify --report FILE.json`. VKEY is the log's key, which you have from somewhere
that the file does not come from; without it the file's own key is taken, and all that is shown is
that the file agrees with itself.

It ends with 0 when everything is proven, 1 when something is not, 2 when it cannot be used so.

A log is a Merkle tree (RFC 6962): a leaf is SHA-256(0 || entry), a node SHA-256(1 || left ||
right). An entry is canonical JSON (RFC 8785) of everything that is stored of an event. A
checkpoint (C2SP tlog-checkpoint) says the log's name, its size and its root, and is signed with
Ed25519 (C2SP signed-note).
"""

import argparse
import hashlib
import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PROVEN, NOT_PROVEN, UNUSABLE = 0, 1, 2
SHOWN = ("position", "stream_id", "version", "type", "recorded_at")
NUMBERS = ("position", "version")
FIELDS = {name: int if name in NUMBERS else str for name in (*SHOWN, "data", "metadata")}
Json = dict[str, Any]


class NotProven(Exception):
    """Something in the file does not hold."""


class Unusable(Exception):
    """The file or the key is none."""


def check(path: Path, key: str | None = None) -> Json:
    """Return what a file proves; raises `NotProven` and `Unusable`."""
    try:
        with path.open("rb") as file:
            first = file.readline()
            head = _parsed(first)
            if head is not None and "ledger" in head:
                return _check_book(head, file, key)
            proof = _parsed(first + file.read())
    except OSError as problem:
        raise Unusable(f"{path} cannot be read: {problem.strerror}.") from None
    if proof is not None and isinstance(proof.get("report"), dict):
        return _check_report(proof, key)
    if proof is None or "events" not in proof:
        raise Unusable(f"{path} is neither the proof of a payment nor a book nor a report.")
    return _check_payment(proof, key)


def _check_payment(proof: Json, key: str | None) -> Json:
    found = _checkpoint(proof, key)
    payment, events = proof.get("payment_id"), proof["events"]
    if not isinstance(events, list) or not events:
        raise NotProven("The proof holds no events.")
    shown = []
    for given in events:
        if not isinstance(given, dict):
            raise NotProven("An event of the proof is none.")
        raw = _decoded(given.get("entry"))
        event = read_entry(raw)
        path = [_decoded(each, 32) for each in _list(given.get("proof"))]
        _require_equal(given, event, ("position",))
        if payment not in {event["stream_id"], _json_in(event, "data").get("payment_id")}:
            raise NotProven(f"The event at position {event['position']} is of another payment.")
        if root_of(event["position"] - 1, found["size"], leaf_hash(raw), path) != found["root"]:
            raise NotProven(f"The event at position {event['position']} is not in the log.")
        shown.append({name: event[name] for name in SHOWN})
    if any(one["position"] >= other["position"] for one, other in pairwise(shown)):
        raise NotProven("The events do not stand in the order of their positions.")
    return {"payment_id": payment, **_said(found), "events": shown}


def _check_report(file: Json, key: str | None) -> Json:
    """Compare the hash of a report's canonical JSON with the one that is signed."""
    vkey, note, report = file.get("vkey") if key is None else key, file.get("note"), file["report"]
    if not isinstance(vkey, str) or not isinstance(note, str):
        raise NotProven("The report bears no signature, or no key.")
    name, text = _opened(note, vkey, key)
    canonical = json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    if text != f"FalconPay audit report\n{name}\nsha256 {digest}\n":
        raise NotProven("The report is not the one that was signed.")
    told = {each: report.get(each) for each in ("ledger", "position", "result", "differences")}
    return {"authenticated": key is not None, "vkey": vkey, "origin": name, "sha256": digest} | told


def _check_book(head: Json, lines: Iterator[bytes], key: str | None) -> Json:
    first, last = head.get("from"), head.get("to")
    if type(first) is not int or type(last) is not int or not 1 <= first <= last + 1:
        raise Unusable("The head line of the book does not say which positions follow.")
    if head.get("checkpoint") is None:
        raise NotProven("No seal covered the book when it was written: export it again later.")
    found = _checkpoint(head, key)
    size, sealed = found["size"], min(last, found["size"])
    leaves = _leaves(lines, first, last)
    if first > sealed:
        raise NotProven(f"The seal goes up to position {size}: no event of the book is proven.")
    others = iter([_decoded(each, 32) for each in _list(head.get("proof", []))])
    root = _part_root((0, size), (first - 1, sealed), leaves, others)
    if root != found["root"] or next(others, None) is not None:
        raise NotProven("The events of the book are not those of the log.")
    for _ in leaves:
        pass
    counts = {"proven": sealed - first + 1, "newer_than_the_seal": last - sealed}
    return {"ledger": head["ledger"], "from": first, "to": last, **_said(found), **counts}


def _leaves(lines: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
    """Yield the leaf hash of each line, which must show what its entry holds."""
    for expected in range(first, last + 1):
        given = _parsed(next(lines, b""))
        if given is None:
            raise NotProven(f"The line of position {expected} is missing, or is no JSON.")
        raw = _decoded(given.get("entry"))
        event = read_entry(raw)
        if event["position"] != expected:
            raise NotProven(f"Position {event['position']} stands where {expected} should.")
        _require_equal(given, event, SHOWN)
        for name in ("data", "metadata"):
            if given.get(name) != _json_in(event, name):
                raise NotProven(f"{name} at position {expected} is not what the entry holds.")
        if given.get("leaf_hash") != b64encode(leaf_hash(raw)).decode():
            raise NotProven(f"leaf_hash at position {expected} is another entry's.")
        yield leaf_hash(raw)
    if next(lines, b"").strip():
        raise NotProven(f"There are lines behind position {last}.")


def read_entry(raw: bytes) -> Json:
    """Return an entry's fields; raises `NotProven` unless it is canonical (RFC 8785)."""
    event = _parsed(raw)
    if event is None or {name: type(value) for name, value in event.items()} != FIELDS:
        raise NotProven("An entry does not hold the fields of an event, and nothing else.")
    if not 1 <= event["position"] < 2**53:
        raise NotProven("An entry has no position.")
    # Names in order and nothing between; numbers are whole, so JSON has one way to write them.
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if text.encode("utf-8", "replace") != raw:
        raise NotProven("An entry is not written in canonical JSON.")
    for name in ("data", "metadata"):
        _decoded(event[name])
    return event


def leaf_hash(raw: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\0" + raw).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a proof leads to, from the leaf up; none where its length is wrong."""
    if not path or not 0 <= index < size or size == 1:
        return leaf if not path and (index, size) == (0, 1) else None
    middle = _middle(0, size)
    left = index < middle
    place = (index, middle) if left else (index - middle, size - middle)
    below = root_of(*place, leaf, path[:-1])
    if below is None:
        return None
    return node_hash(below, path[-1]) if left else node_hash(path[-1], below)


def _part_root(
    span: tuple[int, int], part: tuple[int, int], leaves: Iterator[bytes], others: Iterator[bytes]
) -> bytes:
    """Return the root above a span, of which a part is known by its leaves.

    What lies outside of the part is given by hashes, in the order in which they are met.
    """
    begin, end = span
    if end <= part[0] or begin >= part[1]:
        other = next(others, None)
        if other is None:
            raise NotProven("The proof of the book is too short.")
        return other
    if part[0] <= begin and end <= part[1]:
        return _tree_root(end - begin, leaves)
    middle = _middle(begin, end)
    left = _part_root((begin, middle), part, leaves, others)
    return node_hash(left, _part_root((middle, end), part, leaves, others))


def _tree_root(count: int, leaves: Iterator[bytes]) -> bytes:
    """Return the root above the next leaves, keeping one hash for each level."""
    stack: list[tuple[int, bytes]] = []
    for _ in range(count):
        size, found = 1, next(leaves)
        while stack and stack[-1][0] == size:
            size, found = 2 * size, node_hash(stack.pop()[1], found)
        stack.append((size, found))
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def _middle(begin: int, end: int) -> int:
    """Return where a node parts: behind the largest power of two below its number of leaves."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))


def _checkpoint(file: Json, key: str | None) -> Json:
    """Return what the file's checkpoint says, when the key has signed it."""
    vkey = file.get("vkey") if key is None else key
    note = file.get("checkpoint")
    if not isinstance(vkey, str) or not isinstance(note, str):
        raise NotProven("The file holds no checkpoint, or no key.")
    name, text = _opened(note, vkey, key)
    match = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n", text, re.ASCII)
    if match is None:
        raise NotProven("What is signed is no checkpoint.")
    if match[1] != name:
        raise NotProven(f"The key of {name} has signed the log {match[1]}.")
    root = _decoded(match[3], 32)
    return {"origin": name, "size": int(match[2]), "root": root, "vkey": vkey, "trusted": key}


def _opened(note: str, vkey: str, key: str | None) -> tuple[str, str]:
    """Open a note; a key that is none is the person's fault only when the person gave it."""
    try:
        return open_note(note, vkey)
    except Unusable as unusable:
        raise unusable if key is not None else NotProven(str(unusable)) from None


def open_note(note: str, vkey: str) -> tuple[str, str]:
    """Return a key's name and the text that it has signed; others' signatures are ignored."""
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", vkey)
    raw = b64decode(match[3]) if match else b""
    if match is None or raw[:1] != b"\1":
        raise Unusable("The key is no Ed25519 key of the form name+id+base64.")
    name, public = match[1], raw[1:]
    key_id = hashlib.sha256(name.encode() + b"\n\1" + public).digest()[:4]
    if key_id.hex() != match[2]:
        raise Unusable("The key's id is not that of the key.")
    text, _, lines = note.rpartition("\n\n")
    for line in lines.split("\n"):
        mark, _, rest = line.partition(" ")
        signer, _, encoded = rest.partition(" ")
        if (mark, signer) == ("\N{EM DASH}", name):
            signature = _decoded(encoded)
            if signature[:4] == key_id:
                try:
                    key = Ed25519PublicKey.from_public_bytes(public)
                    key.verify(signature[4:], f"{text}\n".encode())
                except InvalidSignature:
                    raise NotProven("The signature of the checkpoint is false.") from None
                return name, f"{text}\n"
    raise NotProven(f"The checkpoint is not signed by the key {vkey}.")


def _said(found: Json) -> Json:
    return {
        "authenticated": found["trusted"] is not None,
        "vkey": found["vkey"],
        "origin": found["origin"],
        "size": found["size"],
        "root": b64encode(found["root"]).decode(),
    }


def _parsed(raw: bytes) -> Json | None:
    """Return a JSON object in UTF-8 whose names are all different, else nothing."""

    def once(pairs: list[tuple[str, Any]]) -> Json:
        if len(pairs) != len(dict(pairs)):
            raise ValueError
        return dict(pairs)

    try:
        found = json.loads(raw.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _json_in(event: Json, name: str) -> Json:
    return _parsed(_decoded(event[name])) or {}


def _decoded(text: object, length: int | None = None) -> bytes:
    """Return what a text of base64 holds, written in the one way there is (RFC 4648)."""
    try:
        raw = b64decode(str(text), validate=True)
    except ValueError:
        raw = b""
    if not isinstance(text, str) or b64encode(raw).decode() != text:
        raise NotProven("Something is not written in base64.")
    if length is not None and len(raw) != length:
        raise NotProven("A hash has the wrong length.")
    return raw


def _list(found: object) -> list[Any]:
    if not isinstance(found, list):
        raise NotProven("A proof is no list of hashes.")
    return found


def _require_equal(given: Json, event: Json, names: Sequence[str]) -> None:
    """Refuse a file that says beside an entry what the entry does not."""
    for name in names:
        if type(given.get(name)) is not FIELDS[name] or given[name] != event[name]:
            raise NotProven(
                f"{name} beside an entry is {given.get(name)!r}, in it {event[name]!r}."
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one file and tell what it proves; return the exit code."""
    parser = argparse.ArgumentParser(description="Check a proof or an exported book offline.")
    parser.add_argument("file", type=Path, help="a proof, or a book of ./falcon export")
    parser.add_argument("--key", metavar="VKEY", help="the log's key, from another source")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    given = parser.parse_args(arguments)
    try:
        found, code = {"ok": True, **check(given.file, given.key)}, PROVEN
    except (NotProven, Unusable) as fault:
        code = NOT_PROVEN if isinstance(fault, NotProven) else UNUSABLE
        found = {"ok": False, "authenticated": False, "reason": str(fault)}
        sys.stderr.write(f"{fault}\n")
    if given.json:
        sys.stdout.write(f"{json.dumps(found, indent=2)}\n")
    elif code == PROVEN:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(found)))
    return code


def _lines(found: Json) -> Iterator[str]:
    for name, value in found.items():
        if name == "events":
            yield from ("  ".join(str(event[each]) for each in SHOWN) for event in value)
        elif name != "ok":
            yield f"{name}: {json.dumps(value) if isinstance(value, bool) else value}"
    if not found["authenticated"]:
        yield "The key is the file's own: compare it with what you were given, or give it by --key."


if __name__ == "__main__":
    sys.exit(main())
