"""The layers hold, and each contract that keeps them has been seen to fail on a violation."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tools.tiny_clone import ROOT

PACKAGES = ("domain", "application", "projections", "infrastructure", "interfaces")

LAYERS = "Layers: interfaces > infrastructure > application | projections > domain"
COMMANDS = "The command API never reaches projections or the query API"
QUERIES = "The query API never reaches the application or the command API"
PROJECTIONS = "Projections do not know each other"
FRAMEWORKS = "Projections know neither the web framework nor the broker"
SHARED = "What every role shares leads to neither the application nor the projections"
REPORTS = "The store of reports never leads to the application"

VIOLATIONS = [
    (LAYERS, "domain.seeded", "application"),
    (LAYERS, "domain.seeded", "projections"),
    (LAYERS, "application.seeded", "infrastructure.settings"),
    (LAYERS, "application.seeded", "projections"),
    (LAYERS, "projections.seeded", "application"),
    (LAYERS, "infrastructure.seeded", "interfaces.http"),
    (COMMANDS, "interfaces.command_api.seeded", "projections"),
    (COMMANDS, "interfaces.command_api.seeded", "interfaces.query_api"),
    (COMMANDS, "interfaces.command_api.seeded", "infrastructure.report_store"),
    (QUERIES, "interfaces.query_api.seeded", "application"),
    (QUERIES, "interfaces.query_api.seeded", "interfaces.command_api"),
    (QUERIES, "interfaces.query_api.seeded", "infrastructure.ledger_store"),
    (PROJECTIONS, "projections.seeded", "projections.other"),
    (PROJECTIONS, "projections.seeded", "projections.catalogue"),
    (FRAMEWORKS, "projections.seeded", "fastapi"),
    (FRAMEWORKS, "projections.seeded", "starlette.requests"),
    (FRAMEWORKS, "projections.seeded", "confluent_kafka"),
    (SHARED, "infrastructure.event_log.seeded", "application"),
    (SHARED, "infrastructure.tokens.seeded", "projections"),
    (SHARED, "interfaces.http.seeded", "application"),
    (REPORTS, "infrastructure.report_store.seeded", "application"),
]
"""A contract, a module that breaks it, and what that module imports."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the code and its contracts, with one more projection and a catalogue to import."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copy / package, ignore=ignored)
    (copy / "projections" / "other.py").touch()
    (copy / "projections" / "catalogue.py").touch()
    return copy


def broken_contracts(tree: Path) -> set[str]:
    """Return the names of the contracts that `lint-imports` finds broken in this tree."""
    run = "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{run} as run; run()"],
        cwd=tree,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(tree)},
        check=False,
        capture_output=True,
        text=True,
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    broken = {line.split(" BROKEN")[0] for line in lines if " BROKEN" in line}
    assert any(line.startswith("Contracts: ") for line in lines), done.stdout
    assert done.returncode == (1 if broken else 0), done.stdout
    return broken


def test_every_contract_is_kept(tree: Path) -> None:
    """The code as it stands breaks no contract."""
    assert broken_contracts(tree) == set()


@pytest.mark.parametrize(("contract", "module", "imported"), VIOLATIONS)
def test_a_violation_is_found(tree: Path, contract: str, module: str, imported: str) -> None:
    """One forbidden import is enough to break the contract that is about it."""
    seeded = tree / (module.replace(".", "/") + ".py")
    seeded.write_text(f"import {imported}\n")
    try:
        assert contract in broken_contracts(tree)
    finally:
        seeded.unlink()


def test_every_contract_has_been_violated() -> None:
    """A new contract comes with an import that breaks it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {each["name"] for each in settings["tool"]["importlinter"]["contracts"]}
    assert contracts == {contract for contract, _, _ in VIOLATIONS}


def foreign_imports(source: str) -> set[str]:
    """Return what a module of the domain imports from outside the standard library."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else str(node.module).split(".")[0])
    return names - sys.stdlib_module_names - {"domain"}


@pytest.mark.parametrize(
    ("source", "foreign"),
    [
        ("import json\nfrom domain.money import Currencies\n", set()),
        ("def late():\n    import msgspec.json\n", {"msgspec"}),
        ("from eventsourcing.domain import Aggregate\n", {"eventsourcing"}),
        ("from . import money\n", {"."}),
    ],
)
def test_a_foreign_import_is_found(source: str, foreign: set[str]) -> None:
    """Third-party libraries are found wherever in a module they are imported."""
    assert foreign_imports(source) == foreign


def test_the_domain_needs_the_standard_library_only() -> None:
    """Decisions and facts outlive every framework."""
    modules = sorted((ROOT / "domain").rglob("*.py"))
    found = {path.name: foreign_imports(path.read_text()) for path in modules}
    assert {name: foreign for name, foreign in found.items() if foreign} == {}
    assert modules
