"""The reference pages of the command line and of the settings say what the code says."""

import re
from pathlib import Path

import typer

from interfaces.cli.app import COMMANDS, build
from interfaces.cli.reference import FOLDER, pages

ROOT = Path(__file__).parents[2]
PLACES = ["application", "domain", "infrastructure", "interfaces", "projections", "bench"]
NAME = re.compile(r"FALCONPAY_[A-Z_]*[A-Z]")


def test_the_pages_are_current() -> None:
    """`python -m interfaces.cli.reference` brings them up to date."""
    for name, text in pages().items():
        assert (FOLDER / name).read_text() == text, f"{name} is behind"


def test_every_setting_that_the_code_names_is_described() -> None:
    files = [path for place in PLACES for path in (ROOT / place).rglob("*.py")]
    files += [ROOT / "falcon", ROOT / "docker-compose.yml"]
    named = {name for path in files for name in NAME.findall(path.read_text())}
    described = set(NAME.findall(pages()["settings.md"]))
    missing = {name for name in named if not name.startswith("FALCONPAY_SECRET")} - described
    assert not missing


def test_every_option_can_be_set_from_the_environment() -> None:
    def options(command: object, path: str) -> list[tuple[str, object]]:
        children = getattr(command, "commands", {})
        found = [pair for name in children for pair in options(children[name], f"{path} {name}")]
        own = [] if children else getattr(command, "params", [])
        return found + [(f"{path} {one.opts[0]}", one.envvar) for one in own if "--" in one.opts[0]]

    every = options(typer.main.get_command(build()), "./falcon")
    assert len(every) > 20
    assert [name for name, variable in every if not variable and "--help" not in name] == []


def test_the_overview_says_of_each_command_what_the_command_says_of_itself() -> None:
    """The overview does not import commands, so it repeats their first line."""
    commands = getattr(typer.main.get_command(build()), "commands", {})
    own = {name: command.help.splitlines()[0] for name, command in commands.items()}
    assert own == COMMANDS
