"""Ends a role together with its supervisor, so that a killed supervisor leaves no strangers."""

import ctypes
import os
import signal
import sys

from interfaces.supervisor.role_process import SUPERVISOR_VARIABLE

PR_SET_PDEATHSIG = 1


def end_with_supervisor() -> bool:
    """Ask the kernel for SIGTERM when the supervisor dies; return whether there is one.

    The request is Linux's alone; elsewhere the next `up` or `down` ends what was left.
    """
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if not supervisor:
        return False
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # It may have died before the request; then somebody else is the parent by now.
        if os.getppid() != int(supervisor):
            sys.exit(0)
    return True
