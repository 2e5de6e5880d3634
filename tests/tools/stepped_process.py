"""Runs the product's command line in a process that lives by a stepped clock.

Under Debian's libfaketime Python's own `time.sleep` fails, as the library takes the moment of the
true monotonic clock until which it sleeps for one of the clock that is stepped.
"""

import runpy
import threading
import time


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


if __name__ == "__main__":
    time.sleep = _sleep  # type: ignore[assignment]  # the real one takes its argument by place only
    runpy.run_module("interfaces.cli", run_name="__main__", alter_sys=True)
