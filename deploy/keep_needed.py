"""Takes out of an image's packages what the roles never import: embedded servers and test tools.

The lock holds everything, so that there is one set of versions and hashes; run in the image's
virtual environment, this removes what the project's own dependencies do not lead to.
"""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def canonical(name: str) -> str:
    """Return a package's name in the one spelling that compares (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(requirements: list[str]) -> set[str]:
    """Return the names of the packages that these requirements lead to, themselves included."""
    found: set[tuple[str, str]] = set()
    left = [(Requirement(each), "") for each in requirements]
    while left:
        requirement, extra = left.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonical(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in found:
                found.add((name, wanted))
                described = importlib.metadata.requires(name) or []
                left += [(Requirement(each), wanted) for each in described]
    return {name for name, _ in found}


if __name__ == "__main__":
    project = tomllib.loads(PROJECT.read_text())["project"]
    installed = {canonical(each.name) for each in importlib.metadata.distributions()}
    surplus = sorted(installed - needed(project["dependencies"]) - {"pip"})
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "-y", *surplus, "pip"], check=True)
