"""Notes and keys are those of C2SP signed-note, checkpoints those of tlog-checkpoint."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.checkpoints import Checkpoint, CheckpointInvalid, parse_checkpoint
from infrastructure.seals.notes import (
    NoteInvalid,
    Signer,
    parse_vkey,
    sign_note,
    text_of,
    verified_by,
)
from interfaces.cli import proof_check

# The key and the note of the format's reference implementation (golang.org/x/mod/sumdb/note).
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    f"{TEXT}\n\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

# The examples of the two specifications; their keys are not published.
POEM = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
SIGNED_POEM = (
    f"{POEM}\n\N{EM DASH} quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC"
    "+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\N{EM DASH} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7"
    "u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def peter() -> Signer:
    return Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(SEED))


def somebody(name: str = "somebody.example/log") -> Signer:
    return Signer(name, Ed25519PrivateKey.generate())


def test_the_key_of_the_reference_implementation() -> None:
    """Its id is four bytes of SHA-256 over name, newline, type and public key."""
    key = parse_vkey(VKEY)
    assert (key.name, key.key_id.hex()) == ("PeterNeumann", "c74f20a3")
    assert key.vkey == VKEY
    assert peter().verifier == key


def test_the_note_of_the_reference_implementation() -> None:
    """Ed25519 has one signature for a text, so our note is the same to the byte."""
    assert sign_note(TEXT, [peter()]) == NOTE
    assert verified_by(NOTE, [parse_vkey(VKEY)]) == [parse_vkey(VKEY)]
    assert proof_check.open_note(NOTE, VKEY) == ("PeterNeumann", TEXT)


def test_the_examples_of_the_specifications_are_read() -> None:
    """A text may hold an empty line; the last one is what parts it from the signatures."""
    assert text_of(SIGNED_POEM) == POEM
    checkpoint = parse_checkpoint(text_of(SOFA))
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == text_of(SOFA)


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """Also of one that shares the name of a known key, or stands before it."""
    stranger, namesake = somebody(), somebody("PeterNeumann")
    note = sign_note(TEXT, [stranger, namesake, peter()])
    assert verified_by(note, [parse_vkey(VKEY)]) == [parse_vkey(VKEY)]
    assert proof_check.open_note(note, VKEY)[1] == TEXT
    with pytest.raises(NoteInvalid, match="No key that is known"):
        verified_by(sign_note(TEXT, [stranger, namesake]), [parse_vkey(VKEY)])


def test_a_false_signature_of_a_known_key_is_refused() -> None:
    """Another text under the same signature."""
    forged = NOTE.replace("answer", "Answer")
    with pytest.raises(NoteInvalid, match="is false"):
        verified_by(forged, [parse_vkey(VKEY)])
    with pytest.raises(proof_check.NotProven, match="is false"):
        proof_check.open_note(forged, VKEY)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        VKEY[:-1],
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("c74f20a3", "C74F20A3"),
        VKEY.replace("PeterNeumann", "Peter Neumann"),
        VKEY.replace("PeterNeumann", ""),
        # A key of a wrong length, and one of another type, both with the id that they would have.
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_no_key_is_refused(vkey: str) -> None:
    """By both readers, whatever is wrong with it."""
    with pytest.raises(NoteInvalid):
        parse_vkey(vkey)
    with pytest.raises(proof_check.Unusable):
        proof_check.open_note(NOTE, vkey)


@pytest.mark.parametrize(
    "note",
    [
        *("", TEXT, f"{TEXT}\n", NOTE[:-1], NOTE.replace("\N{EM DASH}", "-"), f"\r{NOTE}"),
        *(f"{NOTE}x\n", f"{NOTE}\n", NOTE.replace("x08g", "x 08g"), NOTE.replace("=\n", "\n")),
        # A signature has four bytes of the key's id and at least one behind them.
        f"{NOTE}\N{EM DASH} witness.example AAAAAA==\n",
        f"{NOTE}\N{EM DASH} a+b {'A' * 92}\n",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    """A text alone, a line without its end, other signs."""
    with pytest.raises(NoteInvalid):
        verified_by(note, [parse_vkey(VKEY)])
    with pytest.raises(proof_check.NotProven):
        proof_check.open_note(note, VKEY)


def test_a_note_of_many_signatures_is_read() -> None:
    """Whoever verifies must take sixteen at least, by both readers."""
    note = sign_note(TEXT, [*(somebody(f"witness.example/{each}") for each in range(40)), peter()])
    assert verified_by(note, [parse_vkey(VKEY)]) == [parse_vkey(VKEY)]
    assert proof_check.open_note(note, VKEY)[1] == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n5\n",
        "log\n05\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "log\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n",
        "\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Missing lines, a zero before the size, loose bits behind base64, an extension."""
    with pytest.raises(CheckpointInvalid):
        parse_checkpoint(text)


def test_a_checkpoint_is_written_as_it_is_read() -> None:
    """Three lines, the root in base64 with padding."""
    checkpoint = Checkpoint("falconpay/main", 7, bytes(32))
    assert checkpoint.text() == f"falconpay/main\n7\n{'A' * 43}=\n"
    assert parse_checkpoint(checkpoint.text()) == checkpoint
