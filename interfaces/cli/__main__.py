"""The commands of `./falcon`: runs one, and turns whatever goes wrong into one sentence."""

import gc
import sys

# What is imported stays, so it is not looked through for garbage again and again, nor at the end.
gc.set_threshold(20_000)

from interfaces.cli.entry import run_cli  # noqa: E402 (most is imported here)

if __name__ == "__main__":
    code = run_cli(sys.argv[1:])
    gc.freeze()
    sys.exit(code)
