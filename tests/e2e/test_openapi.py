"""Requests drawn from each OpenAPI document: no 5xx, and no answer that the document lacks."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.tools.whole_system import WholeSystem

ALL_SCOPES = "read wallets payments operate audit"
# The ledger's refusals are 422 by contract, so well-formed data need not be accepted. A position
# far ahead is 503 by contract, so faults of the server are counted by its own figures instead.
NOT_OF_HERE = "positive_data_acceptance,not_a_server_error"
FAULT = re.compile(
    r'^falconpay_http_requests_total\{.*status="5(?!03)\d\d".*\} [1-9].*$', re.MULTILINE
)


# Some of what is drawn waits for a position that never comes, so it is drawn side by side; in
# threads of one process Python's compiler, which drawing uses, fails now and then.
PATHS = {
    "command": ["."],
    "query": ["^/v1/wallets", "^/v1/(audit|reports)", "^(?!/v1/(wallets|audit|reports))"],
}


def assert_documented(
    running: WholeSystem, name: str, examples: int, folder: Path, seconds: int = 280
) -> None:
    """Draw requests from a document; no answer may be undocumented, and none a fault."""
    url, token = running.status()["urls"][name], running.token(ALL_SCOPES)
    with ThreadPoolExecutor(len(PATHS[name])) as pool:
        for done in pool.map(
            lambda paths: drawn(url, token, paths, examples, folder, seconds), PATHS[name]
        ):
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    figures = httpx.get(f"{url}/metrics").text
    assert "falconpay_http_requests_total" in figures
    assert FAULT.findall(figures) == []


def drawn(
    url: str, token: str, paths: str, examples: int, folder: Path, seconds: int
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis on some paths, with a fixed seed and a bound on each one's examples."""
    words = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--header", "Idempotency-Key: drawn"),
        *("--max-examples", str(examples), "--seed", "1"),
        *("--exclude-checks", NOT_OF_HERE),
        *("--include-path-regex", paths),
        # An answer that has no end is no answer to be drawn; its own tests ask for it.
        *("--exclude-path", "/v1/stream"),
        *("--phases", "examples,coverage,fuzzing"),
        "--no-color",
    ]
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["command", "query"])
def test_documents_hold(running: WholeSystem, tmp_path: Path, name: str) -> None:
    """A caller with every right meets documented answers only."""
    assert_documented(running, name, 20, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["command", "query"])
def test_documents_hold_for_long(running: WholeSystem, tmp_path: Path, name: str) -> None:
    """The same with many more examples."""
    assert_documented(running, name, 400, tmp_path, seconds=1500)


def test_the_pages_load_from_here_alone(running: WholeSystem) -> None:
    """Documentation needs no other host."""
    for url in running.status()["urls"].values():
        page = httpx.get(f"{url}/docs").raise_for_status().text
        links = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert links
        assert all(link.startswith("/") for link in links)
        assert all(httpx.get(url + link).status_code == 200 for link in links)
