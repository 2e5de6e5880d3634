"""What a start makes once suffices for whatever may be asked for first."""

from pathlib import Path

from interfaces.supervisor import prepare
from tests.books import falcon, project
from tests.servers import FreshDatabases


def test_a_report_is_filed_before_the_first_seal(databases: FreshDatabases, tmp_path: Path) -> None:
    """Reports are signed with the key of the seals, which no sealer has needed yet."""
    prepare.run(databases.settings, databases.secrets)
    project(databases)
    done = falcon(databases, "replay", "verify", "--report", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.json").exists()
