"""The commands of `./falcon`: runs one, and turns whatever goes wrong into one sentence."""

import sys

from interfaces.cli.entry import run_cli

if __name__ == "__main__":
    sys.exit(run_cli(sys.argv[1:]))
