"""Every protection is missed when it is taken away: patches that break the product on purpose.

Each file in `seeded/` takes one protection out, and names the promise and the test that must
then fail. Every run of the tests tries three of them, chosen by the commit, a long run all.
`FALCONPAY_SEEDED=NAME` chooses one.
"""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.seeded_page import PAGE, page
from tests.faults.seeding import ASKED, ROOT, SECONDS, SEEDED, Seeded, run, sampled, tree


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one copy of the tree, which each test leaves as it was."""
    return tree(tmp_path_factory.mktemp("seeded"))


@pytest.fixture
def broken(copied: Path, seeded: Seeded) -> Iterator[Path]:
    """Give the copy with the patch in it."""
    seeded.apply(copied)
    yield copied
    seeded.apply(copied, "--reverse")


def each(*, marked: bool) -> list[object]:
    """Return all, those outside the sample marked as slow, or the one that is asked for alone."""
    chosen = sampled()
    return [
        pytest.param(
            seeded,
            id=seeded.name,
            marks=[pytest.mark.slow] if marked and seeded.name not in chosen else [],
        )
        for seeded in SEEDED
        if ASKED in (None, seeded.name)
    ]


def test_there_are_enough(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = sampled()
    with capsys.disabled():
        print(f"\nThe sample of seeded faults: {', '.join(sorted(chosen))}")
    assert len(SEEDED) >= 20
    assert chosen <= {seeded.name for seeded in SEEDED}, "FALCONPAY_SEEDED names no seeded fault"


@pytest.mark.parametrize("seeded", each(marked=False))
def test_every_patch_fits_and_leaves_a_program(broken: Path, seeded: Seeded) -> None:
    """What a patch leaves can be imported; only its protection is gone."""
    assert seeded.promise.endswith(".")
    file, test = seeded.caught_by.split("::")
    assert f"def {test}(" in (ROOT / file).read_text()
    if seeded.file.endswith(".py"):
        spec = importlib.util.spec_from_file_location("seeded_module", broken / seeded.file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # A dataclass looks for its own module while it is made.
        sys.modules[spec.name] = module
        # What is compiled here would be taken for the file without the patch, if that has the same
        # size and is written within the same second.
        sys.dont_write_bytecode = True
        try:
            spec.loader.exec_module(module)
        finally:
            sys.dont_write_bytecode = False
            del sys.modules[spec.name]


@pytest.mark.parametrize(
    "seeded", [pytest.param(s, id=s.name) for s in SEEDED if "/migrations/" in s.file]
)
def test_no_later_migration_replaces_what_is_broken(seeded: Seeded) -> None:
    """A fault in a function that is dropped and made anew afterwards breaks nothing."""
    patched = ROOT / seeded.file
    above = patched.read_text().splitlines()[: seeded.line]
    made = re.findall(r"^CREATE FUNCTION (\w+)\(", "\n".join(above), re.MULTILINE)
    for later in patched.parent.glob("*.sql"):
        if later.name > patched.name and made:
            assert f"DROP FUNCTION {made[-1]}(" not in later.read_text(), later.name


@pytest.mark.timeout(1800)
def test_without_a_fault_the_named_tests_pass(copied: Path, request: pytest.FixtureRequest) -> None:
    """A test that fails anyhow finds nothing: those of this run are tried in the copy as it is."""
    tried = {item.name for item in request.session.items}
    named = sorted(
        {s.caught_by for s in SEEDED if f"test_a_seeded_fault_is_found[{s.name}]" in tried}
    )
    results = run(copied, *named) if named else []
    bad = [result for result in results if result.ended not in {"passed", "skipped"}]
    assert not bad


@pytest.mark.timeout(SECONDS + 90)
@pytest.mark.parametrize("seeded", each(marked=True))
def test_a_seeded_fault_is_found(broken: Path, seeded: Seeded) -> None:
    """The named test fails by itself, and nothing else stands in its way."""
    results = run(broken, "-x", seeded.caught_by)
    skipped = [result.told for result in results if result.ended == "skipped"]
    if skipped and len(skipped) == len(results):
        pytest.skip(skipped[0])
    failed = [result for result in results if result.ended not in {"passed", "skipped"}]
    assert failed, f"{seeded.name} survives {seeded.caught_by}"
    for result in failed:
        assert result.test.partition("[")[0] == seeded.caught_by.rpartition("::")[2]
        assert result.ended in seeded.ends_with, result


def test_the_page_tells_all_of_them() -> None:
    """`python -m tests.faults.seeded_page` writes it."""
    assert PAGE.read_text() == page()
