"""Keeps the details of what nobody foresaw in a file, and says where in one sentence."""

import errno
import os
import sys
import traceback
from datetime import UTC, datetime

from infrastructure.settings import SettingInvalid, read_settings

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def written_down(problem: Exception) -> str:
    """Write the stack trace into `logs/cli.log` of the home and return what to say instead."""
    if isinstance(problem, OSError) and problem.errno in DISK_FULL:
        return "The disk is full: make room, then run the same command again."
    what = f"Something unforeseen happened ({type(problem).__name__})"
    try:
        log = read_settings().home / "logs" / "cli.log"
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
            # The command's name alone: its options may hold secrets.
            file.write(f"{datetime.now(UTC).isoformat()} ./falcon {' '.join(sys.argv[1:2])}\n")
            traceback.print_exception(problem, file=file)
    except (OSError, SettingInvalid):
        return f"{what}, and the details could not be written into the home's logs/cli.log."
    return f"{what}: the details are in {log}."
