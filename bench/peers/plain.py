"""Drives the plain-SQL ledger by pgbench, PostgreSQL's own load generator."""

import os
import re
import subprocess
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from infrastructure.embedded.postgres_binaries import packaged_binaries

FOLDER = Path(__file__).parent
POOL = 32
"""More callers share so many connections, as behind a pool: more would only slow each other."""


class PlainLedger:
    """One database with the tables and functions of `plain.sql`."""

    def __init__(self, admin: str) -> None:
        """Take the superuser's connection string and make the tables."""
        self._admin = admin
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute((FOLDER / "plain.sql").read_bytes())

    def transfers(self, callers: int, seconds: float, *, hot: bool) -> float:
        """Return transfers a second of so many callers."""
        words = [
            "-n",
            "-M",
            "prepared",
            "-c",
            str(min(callers, POOL)),
            "-j",
            "1",
            "-T",
            str(round(seconds)),
        ]
        words += ["-D", f"hot={int(hot)}", "-f", str(FOLDER / "plain.pgbench")]
        done = subprocess.run(
            [str(packaged_binaries() / "pgbench"), *words],
            env={**os.environ, **self._environment()},
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        assert found is not None, done.stdout
        assert "number of failed transactions: 0" in done.stdout, done.stdout
        return float(found[1])

    def balanced(self) -> bool:
        """Return whether the accounts sum to zero and are what their last entries say."""
        with psycopg.connect(self._admin) as connection:
            row = connection.execute(
                "SELECT sum(a.balance) = 0 AND bool_and(a.version = 0 OR e.balance_after ="
                " a.balance) FROM plain.account a LEFT JOIN plain.entry e"
                " ON e.account = a.id AND e.version = a.version"
            ).fetchone()
        return row == (True,)

    def _environment(self) -> dict[str, str]:
        """Return the connection as variables, so that the password is in no argument."""
        names = {
            "host": "PGHOST",
            "port": "PGPORT",
            "user": "PGUSER",
            "password": "PGPASSWORD",
            "dbname": "PGDATABASE",
        }
        given = conninfo_to_dict(self._admin)
        return {variable: str(given[name]) for name, variable in names.items() if name in given}
