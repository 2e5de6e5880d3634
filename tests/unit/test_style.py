"""The code keeps the style of the house, and each rule has been seen to find a fault."""

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.tools import style_rules as rules
from tests.tools.tiny_clone import ROOT

Rule = Callable[[str], Iterator[str]]

LONG_MODULES: dict[str, str] = {
    "interfaces/cli/proof_check.py": "an outsider is given this one file, and needs no other",
}
"""Modules that may have more than 300 lines, each with the reason."""

NAMES_OF_OTHERS = {
    "data_folder": "PostgreSQL calls the place of a cluster its data directory",
    "data_received": "asyncio calls a protocol by this name",
}
"""Names with an empty word that others gave (a library's hook, a standard), with the reason."""

CODE = (".py", ".sql", ".sh", ".toml", ".yaml", ".yml", ".html", ".css", ".js")
GENERATED = (".lock", ".json", ".svg")
"""Text that nobody writes by hand."""


@cache
def files() -> dict[str, str]:
    """Return the text of every file that is or will be tracked, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    texts = {}
    for name in listed:
        path = ROOT / name
        if path.is_file() and path.suffix not in GENERATED:
            texts[name] = path.read_text(errors="replace")
    return texts


def modules() -> dict[str, str]:
    """Return the text of every Python module, the launcher among them."""
    return {name: text for name, text in files().items() if is_python(name)}


def is_python(name: str) -> bool:
    return Path(name).suffix == ".py" or name == "falcon"


def faults(rule: Rule, texts: dict[str, str]) -> list[str]:
    """Return one line for each fault, with the file it is in."""
    return [f"{name}: {fault}" for name, text in texts.items() for fault in rule(text)]


SEEDED = [
    (rules.long_module, "x = 1\n" * 300, "x = 1\n" * 301),
    (rules.long_functions, "def f():\n" + "    x\n" * 69, "async def f():\n" + "    x\n" * 70),
    (rules.long_lines, "x" * 100, "x" * 101),
    (rules.long_lines, "x" * 95 + "  # noqa: E501", "x" * 101 + "  # noqa: E501"),
    (rules.missing_docstring, '"""Why it exists."""\n', "x = 1\n"),
    (rules.missing_docstring, '"""Why\nit exists.\n\nMore"""\n', '"""A title"""\n'),
    (rules.empty_names, "def decode_metadata(): ...\n", "def load_data(): ...\n"),
    (rules.empty_names, "class Database: ...\n", "class LedgerBase: ...\n"),
    (rules.empty_names, "def test_data_stay(): ...\n", "def data_stay(): ...\n"),
    (rules.empty_names, "update = 1\n", "class A:\n    async def updateBalance(self): ...\n"),
    (rules.open_ends, "# Done to do it.\n", "x = 1  # TO" + "DO later\n"),
    (rules.banners, "# A sentence - with a dash.\n", "    # ------ part two ------\n"),
    (rules.bare_exemptions, "x = 1  # noqa: S314 - it is our own.\n", "x = 1  # noqa: S314\n"),
    (rules.bare_exemptions, "# Untyped.\nx = 1  # type: ignore[x]\n", "x = 1  # type: ignore[x]\n"),
    (rules.tied_places, "see docs/work/\n", "see /wo" + "rk/main\n"),
    (rules.tied_places, "FALCONPAY_HOME/run\n", "cd /ho" + "me/me\n"),
    (rules.tied_places, "set PIP_INDEX_URL\n", "pip --ind" + "ex-url x\n"),
    (rules.tied_places, "https://peps.python.org\n", "https://files.python" + "hosted.org/x\n"),
    (rules.tied_places, "../shared/data\n", "../shared/" + "design\n"),
    (rules.pretences, "def test(monkeypatch):\n    monkeypatch.setenv('A', 'b')\n",
     "def test(monkeypatch):\n    monkeypatch.setattr(a, 'b', 1)\n"),
    (rules.pretences, "import unittest\n", "from unittest import mock\n"),
    (rules.pretences, "import unittest.case\n", "from unittest.mock import Mock\n"),
    (rules.pretences, "def test(clock): ...\n", "def test(mocker): ...\n"),
]  # fmt: skip
"""A rule, a text that keeps it, and a text that breaks it."""


@pytest.mark.parametrize(("rule", "kept", "broken"), SEEDED)
def test_each_rule_finds_its_fault(rule: Rule, kept: str, broken: str) -> None:
    """A rule is silent where it is kept and speaks once where it is broken."""
    assert list(rule(kept)) == []
    assert len(list(rule(broken))) == 1


def test_names_of_files_and_folders_count() -> None:
    """A module's own name and its folders' are names as well."""
    assert list(rules.empty_names("", "infrastructure/databases/provision.py")) == []
    assert len(list(rules.empty_names("", "domain/wallet_helper.py"))) == 1
    assert len(list(rules.empty_names("", "utils/money.py"))) == 1


def test_there_is_something_to_judge() -> None:
    """The rules below look at the code of every layer and at the launcher."""
    assert {"falcon", "domain/money.py", "tests/unit/test_style.py"} <= set(modules())
    assert "pyproject.toml" in files()


@pytest.mark.parametrize(
    "rule", [rules.long_functions, rules.missing_docstring, rules.banners, rules.bare_exemptions]
)
def test_modules_keep_the_rule(rule: Rule) -> None:
    """Functions are short, modules say why they exist, comments are sentences with reasons."""
    found = faults(rule, modules())
    assert not found, "\n".join(found)


def test_modules_are_short() -> None:
    """A module has at most 300 lines, or a reason in the table above; the table holds no other."""
    found = faults(rules.long_module, modules())
    long = {fault.split(":")[0] for fault in found}
    assert long == set(LONG_MODULES), "\n".join(found)


def test_code_is_at_most_100_columns_wide() -> None:
    """Code in any language can be read side by side."""
    code = {name: text for name, text in files().items() if name.endswith(CODE) or is_python(name)}
    found = faults(rules.long_lines, code)
    assert not found, "\n".join(found)


def test_names_say_something() -> None:
    """No module, class or function has a name that fits everything."""
    found = [
        f"{name}: {fault}"
        for name, text in modules().items()
        for fault in rules.empty_names(text, name)
        if fault.split()[0] not in NAMES_OF_OTHERS
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("rule", [rules.open_ends, rules.tied_places])
def test_files_keep_the_rule(rule: Rule) -> None:
    """Nothing tracked is left undone or holds only on the machine where it was written."""
    found = faults(rule, files())
    assert not found, "\n".join(found)


def test_tests_do_not_pretend() -> None:
    """Tests run the code as it is, against real servers."""
    tests = {name: text for name, text in modules().items() if name.startswith("tests/")}
    found = faults(rules.pretences, tests)
    assert not found, "\n".join(found)
