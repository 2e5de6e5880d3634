"""The list of dependencies in the documents is the list that is installed."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import metadata

from tests.tools.tiny_clone import ROOT


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    named = [*project["dependencies"], *(each for extra in extras for each in extra)]
    return {re.split(r"[^\w.-]", each)[0].lower() for each in named}


def described() -> dict[str, str]:
    """Return the licence that the document gives, by package."""
    text = (ROOT / "docs" / "reference" / "dependencies.md").read_text()
    rows = re.findall(r"^\| `([\w.-]+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    return dict(rows)


def test_every_dependency_is_described() -> None:
    """What is declared has a row with its use, its licence and the reason; no row is left over."""
    assert set(described()) == declared()


def test_licences_are_those_of_the_packages() -> None:
    """Where a package states its licence as an SPDX expression, the document says the same."""
    stated = {name: metadata(name).json.get("license_expression") for name in declared()}
    given = described()
    differing = {
        name: (given[name], licence)
        for name, licence in stated.items()
        if licence and given[name].split(" (")[0] != licence
    }
    assert differing == {}


def test_the_lock_is_complete() -> None:
    """The lock is installed without looking at dependencies, so none may be missing in it."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_lock_names_no_index() -> None:
    """Where packages come from is the business of the machine, never of the lock."""
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert declared() <= set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", lock.lower(), re.MULTILINE))
