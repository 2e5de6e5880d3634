"""The anchor `git`: every seal is a commit, which others fetch and no longer forget."""

import os
import subprocess
from pathlib import Path

from application.anchoring import AnchorFailed
from application.sealing import Seal

TIMEOUT_SECONDS = 30
AUTHOR = {
    "GIT_AUTHOR_NAME": "FalconPay sealer",
    "GIT_AUTHOR_EMAIL": "sealer@falconpay.invalid",
    "GIT_COMMITTER_NAME": "FalconPay sealer",
    "GIT_COMMITTER_EMAIL": "sealer@falconpay.invalid",
    # A password that nobody can type must not be waited for.
    "GIT_TERMINAL_PROMPT": "0",
}


class GitAnchor:
    """Commits `ORIGIN.checkpoint` in a repository that is there, and pushes it if it can."""

    kind = "git"

    def __init__(self, folder: Path) -> None:
        """Take the folder of the repository."""
        self._folder = folder

    def publish(self, seal: Seal) -> None:
        """Commit a seal, unless it is what the repository has; push where there is a remote."""
        name = f"{seal.checkpoint.origin}.checkpoint"
        path = self._folder / name
        if not (self._folder / ".git").exists():
            raise AnchorFailed(f"{self._folder} is no git repository: make it one by git init.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whoever reads the folder meanwhile finds a whole seal.
            draft = path.with_suffix(".draft")
            draft.write_text(seal.note, encoding="utf-8")
            draft.replace(path)
        except OSError as problem:
            raise AnchorFailed(
                f"{path} cannot be written ({problem.strerror}): give the sealer the right to."
            ) from None
        self._git("add", "--", name)
        if self._git("status", "--porcelain", "--", name):
            subject = f"{seal.checkpoint.origin} up to position {seal.checkpoint.size}"
            self._git("commit", "--quiet", "--no-gpg-sign", "--message", subject, "--", name)
        if self._git("remote"):
            self._git("push", "--quiet")

    def _git(self, *words: str) -> str:
        try:
            done = subprocess.run(
                ["git", "-C", str(self._folder), *words],
                env={**os.environ, **AUTHOR},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise AnchorFailed("The program git is not there: install it.") from None
        except subprocess.TimeoutExpired:
            raise AnchorFailed(f"git {words[0]} takes more than {TIMEOUT_SECONDS} s.") from None
        if done.returncode != 0:
            told = (done.stderr.strip() or "it says nothing").splitlines()[0]
            raise AnchorFailed(f"git {words[0]} failed in {self._folder}: {told}.")
        return done.stdout.strip()
