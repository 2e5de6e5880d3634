"""The list of dependencies in the documents is the list that is installed."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import metadata, packages_distributions

from deploy.keep_needed import canonical, needed
from tests.tools.tiny_clone import ROOT

FOLDERS = ("domain", "application", "projections", "infrastructure", "interfaces", "bench", "tests")


def requirements() -> list[str]:
    """Return all that pyproject.toml asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [*project["dependencies"], *(each for extra in extras for each in extra)]


def declared() -> set[str]:
    return {re.split(r"[^\w.-]", each)[0].lower() for each in requirements()}


def locked() -> set[str]:
    lock = (ROOT / "requirements.lock").read_text()
    return {canonical(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def imported() -> set[str]:
    """Return the installed packages that the code imports."""
    modules = set()
    for source in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    known = packages_distributions()
    return {canonical(name) for module in modules for name in known.get(module, [])}


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
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_lock_holds_what_is_declared_and_imported() -> None:
    """What was only installed by hand is not there on the next machine."""
    assert needed(requirements()) - locked() == set()
    assert imported() - locked() == set()
    assert {"psycopg", "psycopg-pool", "pytest"} <= imported()
