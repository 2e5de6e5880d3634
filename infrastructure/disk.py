"""What is on the disk for certain, and how a full one is told."""

import errno
import os
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def on_disk(path: Path) -> None:
    """Wait until a file is on the disk, or what the names in a folder are."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems, network ones above all, cannot be asked that of a folder.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
