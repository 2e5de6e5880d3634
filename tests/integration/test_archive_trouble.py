"""`./falcon archive` when the disk is full, the power fails, or somebody else writes there too."""

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.archive.place import Place
from tests.archived import files
from tests.books import INTERRUPTED, ROOT, falcon, falcon_command, falcon_json
from tests.faults.kinds.disk import full, no_mounts, small_disk
from tests.tampered_book import Tampered
from tests.tools.whole_system import until
from tests.traced import disk_steps

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def test_without_room_no_part_is_begun(world: Tampered, store: Path) -> None:
    """The process may write files of 2 kB only, which fails in the middle like a full disk."""
    falcon_json(world.databases, "archive", "--to", store, "--before", 31)
    before = files(store)
    done = subprocess.run(
        falcon_command("archive", "--to", store),
        cwd=ROOT,
        env=world.databases.environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert "make room" in done.stderr
    assert files(store) == before
    told = falcon_json(world.databases, "archive", "--to", store)
    assert (told["to"], told["written"]) == (world.sizes[-1], world.sizes[-1] - 30)


def test_a_full_disk_leaves_nothing_and_room_is_enough_to_go_on(
    world: Tampered, store: Path
) -> None:
    """A file system of its own, filled to the last byte."""
    reason = no_mounts()
    if reason is not None:
        pytest.skip(reason)
    with small_disk(store, "2m"):
        falcon_json(world.databases, "archive", "--to", store, "--before", 31)
        before = files(store)
        with full(store):
            done = falcon(world.databases, "archive", "--to", store)
            assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
            assert "make room" in done.stderr
        assert files(store) == before
        falcon_json(world.databases, "archive", "--to", store)
        checked = falcon_json(world.databases, "archive", "--to", store, "--check")
        assert (checked["to"], checked["parts"]) == (world.sizes[-1], 2)


def test_two_runs_do_not_write_to_one_place(world: Tampered, store: Path) -> None:
    """The second says so and touches nothing, not even what the first has begun."""
    falcon_json(world.databases, "archive", "--to", store, "--before", 31)
    place = Place(str(store))
    with place.alone(world.home), place.writing(f"{31:019d}-{100:019d}.parquet"):
        before = files(store)
        done = falcon(world.databases, "archive", "--to", store)
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
        assert "Another run is writing" in done.stderr
        assert files(store) == before
        # Whoever only reads need not wait.
        assert falcon_json(world.databases, "archive", "--to", store, "--check")["to"] == 30
    assert falcon_json(world.databases, "archive", "--to", store)["to"] == world.sizes[-1]


def test_an_object_store_is_locked_for_the_home(tmp_path: Path) -> None:
    """It has no locks of its own, so the home has one for each."""
    script = (
        "import sys; from pathlib import Path; from infrastructure.archive.place import Place\n"
        "with Place(sys.argv[1]).alone(Path(sys.argv[2])): pass"
    )

    def other(url: str) -> int:
        words = [sys.executable, "-c", script, url, str(tmp_path)]
        return subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode

    with Place("memory://bucket/one").alone(tmp_path):
        assert other("memory://bucket/one") != 0
        assert other("memory://bucket/two") == 0
    assert other("memory://bucket/one") == 0


def test_a_killed_run_blocks_nobody_and_its_drafts_go(world: Tampered, store: Path) -> None:
    """The lock ends with its process; a draft of a part is taken away, and nothing else is."""
    script = (
        "import os, sys; from pathlib import Path; from infrastructure.archive.place import Place\n"
        "place = Place(sys.argv[1])\n"
        "with place.alone(Path()), place.writing(f'{1:019d}-{999:019d}.parquet'):\n"
        "    os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(store)], cwd=ROOT, check=False)
    assert killed.returncode == -9
    (store / ".diary.partial").write_bytes(b"somebody else's")
    assert len(files(store)) == 2
    falcon_json(world.databases, "archive", "--to", store)
    (store / ".diary.partial").unlink()
    size = f"{1:019d}-{world.sizes[-1]:019d}"
    assert files(store) == [f"{size}.json", f"{size}.parquet"]


def test_an_interrupt_in_the_middle_leaves_nothing(world: Tampered, store: Path) -> None:
    """A draft is begun, and somebody has locked the events that would go into it."""
    schema = f"ledger_{world.databases.settings.ledger}"
    with world.databases.connect_admin() as admin, admin.transaction():
        admin.execute(f'LOCK TABLE "{schema}".events IN ACCESS EXCLUSIVE MODE')
        process = subprocess.Popen(
            falcon_command("archive", "--to", store),
            cwd=ROOT,
            env=world.databases.environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: any(store.glob(".*.partial")), 60, "a draft is begun")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode in INTERRUPTED, told) == (True, "")
    assert files(store) == []


def test_a_part_is_on_the_disk_before_it_counts(
    world: Tampered, store: Path, tmp_path: Path
) -> None:
    """Each file before it bears its name, its name before the next file: the manifest is last."""
    words = falcon_command("archive", "--to", store, "--before", 31)
    part = f"{1:019d}-{30:019d}"
    assert disk_steps(words, world.databases.environ, store, tmp_path / "calls") == [
        ("on disk", f".{part}.parquet.partial"),
        ("named", f"{part}.parquet"),
        ("on disk", "."),
        ("on disk", f".{part}.json.partial"),
        ("named", f"{part}.json"),
        ("on disk", "."),
    ]


def test_what_leaves_by_an_archive_is_on_record(world: Tampered, store: Path) -> None:
    """Once for what is added, before any of it is written; a run that adds nothing says nothing."""
    folder = world.home / "operations" / "main"
    known = set(folder.glob("*.json"))

    def noted() -> list[dict[str, object]]:
        fresh = set(folder.glob("*.json")) - known
        known.update(fresh)
        found = [json.loads(path.read_text()) for path in fresh]
        return [each["data"] for each in found if each["type"] == "operation.book_exported.v1"]

    falcon_json(world.databases, "archive", "--to", store, "--before", 31)
    (told,) = noted()
    assert (told["file"], told["format"]) == ("archive", "archive")
    assert (told["first_position"], told["last_position"]) == (1, 30)
    falcon_json(world.databases, "archive", "--to", store, "--before", 31)
    assert noted() == []
    world.do("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = 40")
    assert falcon(world.databases, "archive", "--to", store).returncode == 1
    assert len(noted()) == 1
