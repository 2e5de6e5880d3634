"""Writes the page of seeded faults: `python -m tests.faults.seeded_page`."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent / "seeded"
PAGE = ROOT / "docs/explanation/seeded-faults.md"

HEAD = """# Seeded faults

A test that cannot fail proves nothing. Each patch in `tests/faults/seeded/` takes one protection
out of the product; applied to a copy, it must make the test fail that is named beside it. Every
run of `./falcon test` checks that all patches still fit, and tries three of them, chosen by the
commit; `./falcon test --long` tries all. `FALCONPAY_SEEDED=NAME ./falcon test
tests/faults/test_seeded.py` tries one.

| taken away | the promise | caught by |
|---|---|---|
"""


def page() -> str:
    """Return the page as it should be now."""
    rows = []
    for path in sorted(PATCHES.glob("*.patch")):
        text = path.read_text()
        promise, caught = (
            re.findall(rf"^{what}: (.+)$", text, re.MULTILINE)[0]
            for what in ("Promise", "Caught by")
        )
        file, test = caught.split("::")
        rows.append(f"| {path.stem} | {promise} | `{test}` in `{file}` |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
