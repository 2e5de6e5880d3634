"""Where a home's databases are: on its own server, or on one that was named by `--database`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from interfaces.supervisor.failure import StartRefused

TLS_PARAMETERS = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
}


@dataclass(frozen=True, slots=True)
class DatabasePlace:
    """A database server of somebody else's, without any login; `tls` are variables of libpq."""

    host: str
    port: int
    tls: dict[str, str]


def place_of(url: str) -> DatabasePlace:
    """Return where a connection string leads; raises `StartRefused`, never quoting the string."""
    try:
        parts = conninfo_to_dict(url)
        port = int(parts.get("port") or 5432)
    except (ProgrammingError, ValueError):
        port, parts = 0, {}
    host = str(parts.get("host") or "")
    if not port or not host or "," in host:
        raise StartRefused(
            "--database is no URL of one PostgreSQL server: write it like"
            " postgresql://login:password@host:5432/postgres."
        )
    tls = {TLS_PARAMETERS[name]: str(parts[name]) for name in TLS_PARAMETERS if name in parts}
    return DatabasePlace(host, port, tls)


def choose_place(home: Path, url: str | None) -> DatabasePlace | None:
    """Return the server of this home, None for its own; the first `up` decides for ever.

    Raises `StartRefused` where a home with a server of its own is to be turned to another one:
    its books would be gone from sight.
    """
    if url is None:
        return _kept(home)
    if (home / "servers" / "postgres").exists():
        raise StartRefused(
            f"The home {home} keeps its books on its own PostgreSQL: leave --database away, or"
            " choose another FALCONPAY_HOME for the other server."
        )
    return place_of(url)


def keep_place(home: Path, place: DatabasePlace) -> None:
    """Write down the server, without a login, for the next `up`."""
    _path(home).write_text(json.dumps(asdict(place)))


def _kept(home: Path) -> DatabasePlace | None:
    try:
        return DatabasePlace(**json.loads(_path(home).read_text()))
    except FileNotFoundError:
        return None


def _path(home: Path) -> Path:
    return home / "database.json"
