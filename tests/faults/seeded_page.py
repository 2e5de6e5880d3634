"""Writes the page of seeded faults: `python -m tests.faults.seeded_page`."""

from tests.faults.seeding import ROOT, SEEDED

PAGE = ROOT / "docs/explanation/seeded-faults.md"

HEAD = """# Seeded faults

A test that cannot fail proves nothing. Each patch in `tests/faults/seeded/` takes one protection
out of the product; applied to a copy, it must make the test fail that is named beside it, by an
assertion of that test and not by a crash of the patched code. The same tests pass in the copy
without a patch. Where something behind the missing protection stops the work before the test can
say so (a unique index, an invariant), the patch names that exception under `Ends with`.

Every run of `./falcon test` checks that all patches still fit and leave modules that can be
imported, and tries three of them, chosen by the commit; `./falcon test --long` tries all.
`FALCONPAY_SEEDED=NAME ./falcon test tests/faults/test_seeded.py` tries one.
After a change of the patches, `python -m tests.faults.seeded_page` writes this page.

| taken away | the promise | caught by |
|---|---|---|
"""


def page() -> str:
    """Return the page as it should be now."""
    rows = []
    for seeded in SEEDED:
        file, test = seeded.caught_by.split("::")
        rows.append(f"| {seeded.name} | {seeded.promise} | `{test}` in `{file}` |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
