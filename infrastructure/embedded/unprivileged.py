"""PostgreSQL refuses to run as root, so a root user starts it under another identity."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


@dataclass(frozen=True, slots=True)
class Account:
    """The identity of a server's process; the default is the user who starts it."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs `argv` under this identity."""
        return [*self.prefix, *argv]

    def owns(self, path: Path) -> None:
        """Make the account the owner of a file or folder."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def run(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a short command under this identity and return what it wrote."""
        return subprocess.run(
            self.command(argv),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )


def unprivileged_account() -> Account:
    """Return an identity that is not root: a user name space, else `nobody`."""
    if os.geteuid() != 0:
        return Account()
    if shutil.which("unshare") and Account(NAMESPACE).run(["true"]).returncode == 0:
        return Account(NAMESPACE)
    nobody = pwd.getpwnam("nobody")
    return Account((), nobody.pw_uid, nobody.pw_gid)


def open_to_others(folder: Path) -> bool:
    """Say whether every user may pass through this folder and all above it."""
    folder = folder.resolve()
    return all(
        part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents) if part.exists()
    )
