"""`replay verify --report` writes what an auditor files: signed as JSON, and the same as PDF."""

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.identifiers import StreamId
from infrastructure.version import VERSION
from interfaces.cli.proof_check import main
from tests import servers
from tests.altered_book import kept
from tests.books import ROOT, falcon, falcon_command, project
from tests.every_payment import write_every_payment
from tests.full_book import Full
from tests.outside_programs import output_of
from tests.sealed_ledger import seal_now
from tests.servers import FreshDatabases, PostgresHome


@pytest.fixture(scope="module")
def sealed(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    """Write the book with every kind of payment, and seal all of it."""
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    names = write_every_payment(databases)
    project(databases)
    seal_now(databases)
    with kept(databases) as book:
        yield Full(names, book)
    databases.drop()


@pytest.fixture
def full(sealed: Full) -> Iterator[Full]:
    yield sealed
    sealed.book.put_right()


def reported(full: Full, folder: Path, *options: str) -> tuple[int, Path, Path]:
    """Run the check with both reports; return how it ended, and where they are."""
    files = folder / "audit.json", folder / "audit.pdf"
    words = [word for file in files for word in ("--report", str(file))]
    done = falcon(full.book.databases, "replay", "verify", *words, *options)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, *files


def signed_hash(file: dict[str, Any]) -> str:
    """Verify the signature as somebody does who has `cryptography` alone; return what is signed."""
    text, _, line = file["note"].rpartition("\n\n")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(file["vkey"].split("+", 2)[2])[1:])
    key.verify(base64.b64decode(line.split(" ")[2])[4:], f"{text}\n".encode())
    return str(text).removeprefix("FalconPay audit report\nfalconpay/main\nsha256 ")


def hash_of(report: dict[str, Any]) -> str:
    canonical = json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def vkey_of(full: Full) -> str:
    row = full.book.ledger.execute("SELECT vkey FROM seal_key").fetchone()
    assert row is not None
    return str(row[0])


def test_the_report_says_what_was_checked_and_is_signed(full: Full, tmp_path: Path) -> None:
    """By the key of the seals, which outsiders have already."""
    code, path, _ = reported(full, tmp_path)
    file = json.loads(path.read_text())
    report = file["report"]
    assert (code, report["differences"], report["first"]) == (0, 0, None)
    assert report["position"] == report["events"] == report["seals"]["sealed_up_to"] == 222
    assert {sums["currency"]: sums["sum"] for sums in report["sums"]} == {"EUR": "0.00", "JPY": "0"}
    assert {model["differences"] for model in report["read_models"]} == {0}
    assert report["seals"]["last_checkpoint"].startswith("falconpay/main\n222\n")
    assert report["made_by"]["software"] == f"falconpay {VERSION}"
    assert file["vkey"] == report["seals"]["vkey"] == vkey_of(full)
    assert signed_hash(file) == hash_of(report)


@pytest.mark.parametrize("by_the_key", [False, True])
def test_the_report_is_checked_offline(
    full: Full, tmp_path: Path, capsys: pytest.CaptureFixture[str], by_the_key: bool
) -> None:
    """By the same one file as proofs; a digit altered anywhere is no report any more."""
    _, path, _ = reported(full, tmp_path)
    words = ["--key", vkey_of(full)] if by_the_key else []
    assert main([str(path), "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["authenticated"], found["position"], found["differences"]) == (by_the_key, 222, 0)
    path.write_text(path.read_text().replace('"position": 222', '"position": 223'))
    assert main([str(path), *words]) == 1
    assert "not the one that was signed" in capsys.readouterr().err


def test_the_lines_of_the_documentation_check_a_report(full: Full, tmp_path: Path) -> None:
    """As they stand there, with Python and `cryptography` alone; an altered one they refuse."""
    _, path, _ = reported(full, tmp_path)
    page = (ROOT / "docs" / "how-to" / "check-the-books.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    command = [sys.executable, "-I", "-c", lines]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    path.write_text(path.read_text().replace('"position": 222', '"position": 223'))
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, "AssertionError" in done.stderr) == (1, True)


def test_a_strangers_signature_is_none(
    full: Full, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hash exchanged in the note, too."""
    _, path, _ = reported(full, tmp_path)
    file = json.loads(path.read_text())
    old = hash_of(file["report"])
    file["report"]["differences"] = 7
    file["note"] = file["note"].replace(old, hash_of(file["report"]))
    with pytest.raises(InvalidSignature):
        signed_hash(file)
    path.write_text(json.dumps(file))
    assert main([str(path)]) == 1
    assert "signature" in capsys.readouterr().err


def test_the_pdf_says_the_same(full: Full, tmp_path: Path) -> None:
    """Read back by a program of others, with the hash that the JSON has."""
    _, path, pdf = reported(full, tmp_path)
    file = json.loads(path.read_text())
    text = output_of("pdftotext", "-layout", pdf, "-")
    report = file["report"]
    for shown in (
        "As the events say",
        "What was checked, and holds without exception",
        "1 compared that are kept elsewhere",
        hash_of(report),
        report["store"],
        report["made_by"]["machine"],
        report["made_by"]["person"],
        report["made_by"]["ended_at"],
        f"falconpay {VERSION}",
        "Up to position 222",
        *(sums["credits"] for sums in report["sums"]),
        *(model["name"] for model in report["read_models"]),
        *report["checked"][0].split("; "),
    ):
        assert shown in " ".join(text.split()), shown


def test_the_code_on_the_pdf_is_the_hash(full: Full, tmp_path: Path) -> None:
    """Read by a program of others, too."""
    zxingcpp = pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    _, path, pdf = reported(full, tmp_path)
    output_of("pdftoppm", "-r", "200", "-png", "-f", "1", "-l", "1", pdf, tmp_path / "page")
    (page,) = tmp_path.glob("page*.png")
    with image.open(page) as opened:
        (code,) = zxingcpp.read_barcodes(opened)
    assert code.text == hash_of(json.loads(path.read_text())["report"])


def test_the_report_of_a_tampered_book_names_the_place(full: Full, tmp_path: Path) -> None:
    """Position, stream and field of the first difference, in both forms; the check ends with 1."""
    last = full.of("captured in part")[-1]
    full.rewrite(last, '"captured":3000', '"captured":3001')
    code, path, pdf = reported(full, tmp_path)
    file = json.loads(path.read_text())
    first, found = (file["report"][name] for name in ("first", "findings"))
    payment = full.names.payments["captured in part"]
    places = {(each["position"], each["stream"], each["field"]) for each in found}
    assert (code, (last, payment, "captured") in places) == (1, True)
    assert (first["position"] <= last, file["report"]["result"]) == (True, "differences found")
    assert signed_hash(file) == hash_of(file["report"])
    text = " ".join(output_of("pdftotext", "-layout", pdf, "-").split())
    assert f"Position {last}, payments, {payment}: captured should be 3001 and is 3000" in text


def test_a_report_is_made_of_a_book_whose_currency_nobody_knows(full: Full, tmp_path: Path) -> None:
    """Of its sums only minor units are known; what somebody wrote stands there as it is."""
    opened = full.positions(StreamId(full.names.wallets["guide"]))[0]
    full.rewrite(opened, '"currency":"EUR"', '"currency":"Z\\u001b\U0001f4b0\u05d0"')
    code, path, pdf = reported(full, tmp_path)
    file = json.loads(path.read_text())
    assert (code, signed_hash(file)) == (1, hash_of(file["report"]))
    (unknown,) = (each for each in file["report"]["sums"] if each["currency"].startswith("Z"))
    assert "." not in unknown["credits"]
    assert "Findings" in output_of("pdftotext", "-layout", pdf, "-")
    for words in (["wallet", full.names.wallets["guide"]], ["diff", "0", str(opened + 1)]):
        done = falcon(full.book.databases, "replay", *words)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)


def test_what_was_not_compared_is_not_claimed(full: Full, tmp_path: Path) -> None:
    """With --from-seal neither balances nor read models are."""
    _, path, _ = reported(full, tmp_path, "--from-seal")
    report = json.loads(path.read_text())["report"]
    assert (report["read_models"], report["sums"], report["wallets"]) == ([], [], None)
    assert len(report["checked"]) == 3


def test_a_report_that_is_there_stays(full: Full, tmp_path: Path) -> None:
    """Unless it is to be replaced; and nothing is replayed before that is known."""
    (tmp_path / "audit.json").write_text("mine")
    words = ("replay", "verify", "--report", tmp_path / "audit.json")
    done = falcon(full.book.databases, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is there already" in done.stderr
    assert (tmp_path / "audit.json").read_text() == "mine"
    assert falcon(full.book.databases, *words, "--force").returncode == 0
    assert json.loads((tmp_path / "audit.json").read_text())["report"]["ledger"] == "main"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("audit.txt", "neither in .json nor in .pdf"),
        ("audit", "neither in .json nor in .pdf"),
        ("missing/audit.pdf", "cannot be written"),
    ],
)
def test_a_file_that_cannot_be_a_report_is_one_sentence(
    full: Full, tmp_path: Path, name: str, reason: str
) -> None:
    done = falcon(full.book.databases, "replay", "verify", "--report", tmp_path / name)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_keys_of_seals_no_report_is_begun(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    """Which is said before anything is replayed; without a report none is needed."""
    filed = tmp_path / "filed"
    filed.mkdir()
    words = ("--report", filed / "audit.pdf")
    done = falcon(databases, "replay", "verify", *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
    assert "seal_keys" in done.stderr
    assert list(filed.iterdir()) == []
    assert falcon(databases, "replay", "verify").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--report", "audit.pdf"),
        ("verify",),
        ("wallet", "wal_00000000000000000000000000"),
        ("payment", "pay_00000000000000000000000000"),
        ("diff", "0", "1"),
    ],
)
def test_a_home_without_anything_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        falcon_command("replay", *words),
        cwd=ROOT,
        env={**os.environ, "FALCONPAY_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)


@pytest.mark.parametrize("lock", ["events", "wallet_head"])
def test_ctrl_c_leaves_nothing(full: Full, tmp_path: Path, lock: str) -> None:
    """It ends with 130, without a word and without any file."""
    holding = full.book.databases.connect_admin()
    holding.autocommit = False
    holding.execute(f"LOCK TABLE ledger_main.{lock} IN ACCESS EXCLUSIVE MODE".encode())
    process = subprocess.Popen(
        falcon_command("replay", "verify", "--report", tmp_path / "audit.pdf"),
        cwd=ROOT,
        env=full.book.databases.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    deadline = time.monotonic() + 30
    while full.book.ledger.execute(waiting).fetchone() != (1,):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    found = process.communicate(timeout=30)
    holding.close()
    assert (process.returncode, *found) == (130, "", "")
    assert list(tmp_path.iterdir()) == []
