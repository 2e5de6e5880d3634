"""The last seal of a log in a file of the home, where no login of the database can write."""

import os
from pathlib import Path

from application.sealing import Seal, SealingRefused
from domain.checkpoints import CheckpointInvalid, parse_checkpoint
from infrastructure.seals.notes import NoteInvalid, text_of

SUFFIX = ".checkpoint"


def seals_folder(home: Path, ledger: str) -> Path:
    """Return the folder of what a home knows of a ledger's seals."""
    return home / "seals" / ledger


def sealed_epochs(home: Path, ledger: str) -> list[int]:
    """Return the epochs of which the home remembers a seal."""
    found = [path.stem for path in seals_folder(home, ledger).glob(f"*{SUFFIX}")]
    return sorted(int(stem) for stem in found if stem.isdecimal())


class SealMemory:
    """One file for each ledger and epoch; it holds the checkpoint itself, to be read by anybody."""

    def __init__(self, home: Path, ledger: str, epoch: int) -> None:
        """Point at the file; nothing is read or made yet."""
        self.path = seals_folder(home, ledger) / f"{epoch}{SUFFIX}"

    def read(self) -> Seal | None:
        """Return the last seal; raises `SealingRefused` where the file holds something else."""
        try:
            note = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            note = ""
        try:
            return seal_of(note)
        except (NoteInvalid, CheckpointInvalid) as invalid:
            raise SealingRefused(
                f"{self.path} is no seal ({invalid}) It is what the store is held against: put it"
                " back from a copy of the home, or take it away to trust the store as it is."
            ) from None

    def write(self, seal: Seal) -> None:
        """Replace the last seal; when this returns, the new one is on the disk under its name."""
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        # One sealer is active, but one that stood still while another took its place may wake in
        # the middle of this: each process has a draft of its own.
        draft = folder / f".{self.path.name}.{os.getpid()}.new"
        with draft.open("w", encoding="utf-8") as file:
            file.write(seal.note)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        for left in folder.glob(f".{self.path.name}.*new"):
            # What a killed one has left; where one still writes, it finds nothing and begins anew.
            left.unlink(missing_ok=True)
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def seal_of(note: str) -> Seal:
    """Return a note as a seal, whoever has signed it.

    Raises `NoteInvalid` and `CheckpointInvalid`.
    """
    return Seal(parse_checkpoint(text_of(note)), note)
