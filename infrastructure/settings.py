"""All settings of a process, read once into one frozen object."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

LEDGER_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_ANCHOR = re.compile(r"\s*(file|git|rfc3161):(\S+)\s*")


class SettingInvalid(ValueError):
    """A setting has a value that cannot be used; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process needs to know of its surroundings; times are in seconds."""

    home: Path
    cache: Path
    port: int
    host: str
    ledger: str
    pinned: bool
    """Whether a process serves this ledger alone, and not every one of the installation."""

    database_host: str
    database_port: int
    database_prefix: str
    kafka_bootstrap: str | None
    health_port: int
    command_workers: int
    silent_seconds: int
    issuer: str
    public_url: str
    jwks_url: str | None
    command_host: str
    query_host: str
    identity_host: str
    assets: Mapping[str, int]
    wal_archive: Path | None
    stream_clients: int
    """How many streams of changes a query process has open at most."""

    categories: Mapping[str, str]
    """What payments are for whose payers do not say so, by kind and by counterparty."""

    seal_interval: int
    """Seconds between two seals while there are new events."""

    seal_origin: str
    """The name of the log; in it the word LEDGER stands for the ledger's name."""

    seal_anchors: Sequence[tuple[str, str]]
    """Kinds and places to which every seal is written, too."""

    tsa_certificates: Path | None

    @property
    def command_port(self) -> int:
        """Port of the command API, one above the gateway's."""
        return self.port + 1

    @property
    def query_port(self) -> int:
        """Port of the query API, two above the gateway's."""
        return self.port + 2

    @property
    def identity_port(self) -> int:
        """Port of the identity API, three above the gateway's."""
        return self.port + 3

    @property
    def ledger_schema(self) -> str:
        """Schema of this ledger's events and heads in the ledger database."""
        return f"ledger_{self.ledger}"

    @property
    def reports_schema(self) -> str:
        """Schema of this ledger's read models in the reports database."""
        return f"reports_{self.ledger}"

    @property
    def topic(self) -> str:
        """The one topic of this ledger's events."""
        return f"falconpay.{self.ledger}.events"


def ledger_name(text: str, what: str) -> str:
    """Return the text when a ledger may be called so; raises `SettingInvalid` naming what it is."""
    if LEDGER_NAME.fullmatch(text) is None:
        raise SettingInvalid(
            f"{what} is {text!r}: a ledger's name is lower-case letters, digits and"
            " dashes, 31 at most, beginning with a letter."
        )
    return text


def _integer(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "") or str(default)
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise SettingInvalid(f"{name} is {text!r}: give a whole number.")
    return int(text)


def _interval(environ: Mapping[str, str]) -> int:
    seconds = _integer(environ, "FALCONPAY_SEAL_INTERVAL", 10)
    if not 1 <= seconds <= 86_400:
        raise SettingInvalid(f"FALCONPAY_SEAL_INTERVAL is {seconds}: give 1 to 86400 seconds.")
    return seconds


def _assets(text: str) -> dict[str, int]:
    assets: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*([A-Z][A-Z0-9]{2,11})=([0-9]|1[0-8])\s*", part)
        if match is None:
            raise SettingInvalid(
                f"FALCONPAY_ASSETS has {part!r}: write CODE=DIGITS pairs such as POINTS=0,BTC=8."
            )
        assets[match[1]] = int(match[2])
    return assets


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text) or len(text) > 200:
        raise SettingInvalid(
            f"FALCONPAY_SEAL_ORIGIN is {text!r}: write a name such as example.com/books/LEDGER, of"
            " letters, digits, dots, dashes and slashes."
        )
    return text


def _anchors(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in filter(None, text.split(",")):
        match = _ANCHOR.fullmatch(part)
        if match is None:
            raise SettingInvalid(
                f"FALCONPAY_SEAL_ANCHORS has {part!r}: write file:FOLDER, git:FOLDER or"
                " rfc3161:URL, with commas between several."
            )
        found.append((match[1], match[2]))
    return tuple(found)


def _categories(text: str) -> dict[str, str]:
    rules: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*((?:kind|counterparty):[^=]{1,64})=([^=]{1,50})", part)
        if match is None:
            raise SettingInvalid(
                f"FALCONPAY_CATEGORIES has {part!r}: write kind:KIND=CATEGORY or"
                " counterparty:REFERENCE=CATEGORY, with commas between several."
            )
        rules[match[1]] = match[2].strip()
    return rules


def _endpoints(home: Path) -> dict[str, str]:
    try:
        found = json.loads((home / "run" / "endpoints.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items() if value is not None}


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `FALCONPAY_*`; what is unset comes from the running home, then from the defaults.

    Raises `SettingInvalid` with the name of the setting and the remedy.
    """
    home = Path(environ.get("FALCONPAY_HOME") or platformdirs.user_data_dir("falconpay")).absolute()
    known: dict[str, str] = {**_endpoints(home), **{k: v for k, v in environ.items() if v}}
    port = _integer(known, "FALCONPAY_PORT", 8000)
    if not 1024 <= port <= 65000:
        raise SettingInvalid(f"FALCONPAY_PORT is {port}: give a port from 1024 to 65000.")
    ledger = ledger_name(known.get("FALCONPAY_LEDGER", "main"), "FALCONPAY_LEDGER")
    host = known.get("FALCONPAY_HOST", "127.0.0.1")
    # Where a role listens on all addresses, its neighbours on this machine are on loopback.
    archive = known.get("FALCONPAY_WAL_ARCHIVE")
    certificates = known.get("FALCONPAY_TSA_CERTIFICATES")
    near = "127.0.0.1" if host in {"0.0.0.0", "::"} else host
    return Settings(
        home=home,
        cache=Path(
            known.get("FALCONPAY_CACHE") or platformdirs.user_cache_dir("falconpay")
        ).absolute(),
        port=port,
        host=host,
        ledger=ledger,
        pinned="FALCONPAY_LEDGER" in known,
        database_host=known.get("FALCONPAY_DATABASE_HOST", "127.0.0.1"),
        database_port=_integer(known, "FALCONPAY_DATABASE_PORT", 5432),
        database_prefix=known.get("FALCONPAY_DATABASE_PREFIX", ""),
        kafka_bootstrap=known.get("FALCONPAY_KAFKA_BOOTSTRAP") or None,
        health_port=_integer(known, "FALCONPAY_HEALTH_PORT", 0),
        command_workers=_integer(known, "FALCONPAY_COMMAND_WORKERS", 2),
        silent_seconds=_integer(known, "FALCONPAY_SILENT_SECONDS", 15),
        issuer=known.get("FALCONPAY_ISSUER", "falconpay"),
        public_url=known.get("FALCONPAY_PUBLIC_URL", f"http://{host}:{port}"),
        jwks_url=known.get("FALCONPAY_JWKS_URL") or None,
        command_host=known.get("FALCONPAY_COMMAND_HOST", near),
        query_host=known.get("FALCONPAY_QUERY_HOST", near),
        identity_host=known.get("FALCONPAY_IDENTITY_HOST", near),
        assets=_assets(known.get("FALCONPAY_ASSETS", "")),
        categories=_categories(known.get("FALCONPAY_CATEGORIES", "")),
        wal_archive=Path(archive).absolute() if archive else None,
        stream_clients=_integer(known, "FALCONPAY_STREAM_CLIENTS", 1000),
        seal_interval=_interval(known),
        seal_origin=_origin(known.get("FALCONPAY_SEAL_ORIGIN", "falconpay/LEDGER")),
        seal_anchors=_anchors(known.get("FALCONPAY_SEAL_ANCHORS", "")),
        tsa_certificates=Path(certificates).absolute() if certificates else None,
    )
