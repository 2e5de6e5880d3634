"""Whatever goes wrong, a person reads one sentence and a script reads the documented code."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import jwt
import pytest

from infrastructure.version import VERSION
from interfaces.cli.failure import Failure
from interfaces.cli.roles import parse_roles

ROOT = Path(__file__).parents[2]


def falcon(home: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if "FALCONPAY_" not in name}
    return subprocess.run(
        [sys.executable, "-m", "interfaces.cli", *words],
        cwd=ROOT,
        env={**clean, "FALCONPAY_HOME": str(home), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert falcon(tmp_path, "--version").stdout == f"falconpay {VERSION}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("up", "--fast"),
        ("up", "--kafka", "nonsense"),
        ("token",),
        ("token", "--subject", "a", "--scope", "read", "--expires-in", "soon"),
        ("run", "baker"),
        ("run", "command-api,query-api"),
        ("run", "relay,command-api"),
        ("keys", "burn"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = falcon(tmp_path, *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named_with_code_2(tmp_path: Path) -> None:
    done = falcon(tmp_path, "status", FALCONPAY_PORT="http")
    assert done.returncode == 2
    assert done.stderr == "FALCONPAY_PORT is 'http': give a whole number.\n"


def test_what_nobody_foresaw_is_written_down_and_told_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "signing_keys").write_text("no JSON")
    done = falcon(tmp_path, "token", "--subject", "a", "--scope", "read")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path / "logs" / "cli.log") in done.stderr
    assert "JSONDecodeError" in (tmp_path / "logs" / "cli.log").read_text()


def test_nothing_running_is_code_3_for_status_and_fine_for_down(tmp_path: Path) -> None:
    done = falcon(tmp_path, "status")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"Nothing runs in {tmp_path}: start it by ./falcon up.\n"
    assert falcon(tmp_path, "down").returncode == 0


def test_a_role_without_its_database_is_one_sentence_and_code_3(tmp_path: Path) -> None:
    done = falcon(tmp_path, "run", "command-api", FALCONPAY_DATABASE_PORT="1")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "secret db_command is not there" in done.stderr


def test_token_prints_the_token_alone_with_every_claim_asked_for(tmp_path: Path) -> None:
    options = {
        "--subject": "ada",
        "--scope": "read wallets",
        "--expires-in": "60",
        "--issuer": "somebody",
        "--audience": "elsewhere",
        "--type": "JWT",
        "--ledger": "other",
        "--client-id": "shop",
    }
    done = falcon(tmp_path, "token", *[word for pair in options.items() for word in pair])
    token = done.stdout.removesuffix("\n")
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60
    wanted = {"sub": "ada", "scope": "read wallets", "iss": "somebody", "aud": "elsewhere"}
    assert claims.items() >= {**wanted, "ledger": "other", "client_id": "shop"}.items()


def test_every_option_of_token_can_come_from_the_environment(tmp_path: Path) -> None:
    done = falcon(tmp_path, "token", FALCONPAY_TOKEN_SUBJECT="ada", FALCONPAY_TOKEN_SCOPE="read")
    claims = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert claims.items() >= {"sub": "ada", "iss": "falconpay", "ledger": "main"}.items()


def test_rotated_keys_sign_from_then_on(tmp_path: Path) -> None:
    def kid() -> str:
        token = falcon(tmp_path, "token", "--subject", "a", "--scope", "read").stdout.strip()
        return str(jwt.get_unverified_header(token)["kid"])

    old = kid()
    done = falcon(tmp_path, "keys", "rotate")
    assert done.returncode == 0
    assert old not in done.stdout
    assert kid() in done.stdout


@pytest.mark.parametrize("words", [("--help",), ("status",), ("token", "--help")])
def test_what_people_type_most_waits_for_no_large_import(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Each of these packages takes longer to import than the whole answer may take."""
    script = (
        "import sys\n"
        "from interfaces.cli.entry import run_cli\n"
        "run_cli(sys.argv[1:])\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=ROOT,
        env={**os.environ, "FALCONPAY_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "typer" in loaded
    assert loaded.isdisjoint({"fastapi", "uvicorn", "confluent_kafka", "eventsourcing", "hvac"})


def test_help_shows_every_command_and_is_code_0(tmp_path: Path) -> None:
    done = falcon(tmp_path, "--help")
    assert done.returncode == 0
    for name in ("up", "status", "down", "token", "keys", "import", "replay", "export", "run"):
        assert f" {name} " in done.stdout


def test_workers_may_share_a_process_in_any_order() -> None:
    assert parse_roles("relay, projector,relay") == ("relay", "projector")
    assert parse_roles("projector") == ("projector",)
    assert parse_roles("relay,payments") == ("relay", "payments")


@pytest.mark.parametrize("text", ["", "relay,", "Relay", "relay projector"])
def test_a_role_that_does_not_exist_is_named(text: str) -> None:
    with pytest.raises(Failure, match="There is no role"):
        parse_roles(text)
