"""The rules of the house that ruff has no rule for, each a function from a text to its faults."""

import ast
import re
from collections.abc import Iterator

LINES_OF_A_MODULE = 300
LINES_OF_A_FUNCTION = 70
COLUMNS = 100

EMPTY_WORDS = {
    "update", "updates", "data", "info", "manager", "managers", "helper", "helpers",
    "util", "utils", "base",
}  # fmt: skip
"""Words that say nothing of the thing they name."""

OPEN_ENDS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b")
BANNER = re.compile(r"\s*#\s*[-=*#~_]{4,}")
EXEMPTION = re.compile(r"#\s*(noqa|type:\s*ignore)(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*|\[[^]]*\])?")

# Written in parts, so that this file holds none of what it looks for.
PLACES = {
    "a path of one machine": re.compile(
        "|".join(rf"(?<![\w.])/{folder}/" for folder in ("wo" + "rk", "ro" + "ot", "Us" + "ers"))
        + r"|(?<![\w.])/ho" + r"me/\w"
    ),
    "the address of a package index": re.compile(
        "|".join(["pypi" + r"\.org/simple", "python" + r"hosted\.org", "registry" + r"\.npmjs",
                  r"repo1?\." + r"maven", r"//[\w.-]*(?:nexus|artifactory|mirror)[\w.-]*/"])
    ),
    "an option that sets a package index": re.compile("--(extra-)?ind" + "ex-url"),
    "a document outside the project": re.compile("shared/" + "design"),
}  # fmt: skip
"""What ties a file to the place where it was written."""


def long_module(source: str) -> Iterator[str]:
    """Find a module that is too long to be read at a sitting."""
    count = len(source.splitlines())
    if count > LINES_OF_A_MODULE:
        yield f"{count} lines, {LINES_OF_A_MODULE} are the limit"


def long_functions(source: str) -> Iterator[str]:
    """Find functions that are too long, docstring included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > LINES_OF_A_FUNCTION:
                yield f"{node.name} has {count} lines, {LINES_OF_A_FUNCTION} are the limit"


def long_lines(source: str) -> Iterator[str]:
    """Find lines that are too wide."""
    for number, line in enumerate(source.splitlines(), 1):
        # An exemption at the end of a line does not count, as with ruff.
        width = len(EXEMPTION.split(line)[0].rstrip())
        if width > COLUMNS:
            yield f"line {number} has {width} columns, {COLUMNS} are the limit"


def missing_docstring(source: str) -> Iterator[str]:
    """Find a module that does not say why it exists, or says it not as a sentence."""
    docstring = ast.get_docstring(ast.parse(source))
    if not docstring:
        yield "no sentence at the top says why the module exists"
    elif not docstring.split("\n\n")[0].rstrip().endswith("."):
        yield "the docstring at the top does not begin with a sentence"


def words(name: str) -> list[str]:
    """Return the words of a name, be it `snake_case` or `CamelCase`, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)]


def empty_names(source: str, path: str = "") -> Iterator[str]:
    """Find modules, folders, classes and functions whose names hold a word that says nothing.

    The name of a test is a sentence, in which every word may stand.
    """
    names = re.sub(r"\.\w+$", "", path).split("/")
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    names += [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, definitions)]
    for name in filter(lambda name: not name.startswith("test_"), names):
        for word in EMPTY_WORDS.intersection(words(name)):
            yield f"{name} says {word!r}: name what it is"


def open_ends(source: str) -> Iterator[str]:
    """Find notes of work left undone."""
    for number, line in enumerate(source.splitlines(), 1):
        if OPEN_ENDS.search(line):
            yield f"line {number} leaves something undone"


def banners(source: str) -> Iterator[str]:
    """Find comments that are drawn instead of written."""
    for number, line in enumerate(source.splitlines(), 1):
        if BANNER.match(line):
            yield f"line {number} is a banner"


def bare_exemptions(source: str) -> Iterator[str]:
    """Find exemptions from a linter or the type checker without a reason.

    The reason is a comment, behind the exemption or on the line above it.
    """
    lines = source.splitlines()
    for number, line in enumerate(lines, 1):
        match = EXEMPTION.search(line)
        above = lines[number - 2].strip() if number > 1 else ""
        if match and not line[match.end() :].strip(" #:-") and not above.startswith("#"):
            yield f"line {number} gives no reason for its exemption"


def tied_places(source: str) -> Iterator[str]:
    """Find what is only true on the machine where the file was written."""
    for number, line in enumerate(source.splitlines(), 1):
        for what, pattern in PLACES.items():
            if pattern.search(line):
                yield f"line {number} holds {what}"


def pretences(source: str) -> Iterator[str]:
    """Find mocks, and code of ours exchanged for the time of a test."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [f"{node.value.id}.{node.attr}"]
        elif isinstance(node, ast.arg):
            names = [node.arg]
        else:
            continue
        for name in names:
            if re.match(
                r"(unittest\.)?mock\b|pytest_mock|mocker\b|monkeypatch\.(set|del)attr", name
            ):
                yield f"line {node.lineno} pretends: {name}"
