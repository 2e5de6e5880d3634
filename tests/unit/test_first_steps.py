"""What `up` shows to try are the very requests of README.md."""

import re
from pathlib import Path

from infrastructure.settings import read_settings
from interfaces.supervisor.first_steps import first_steps

ROOT = Path(__file__).parents[2]


def test_the_first_steps_are_those_of_the_readme(tmp_path: Path) -> None:
    block = re.search(r"```sh\n(TOKEN=.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    wanted = block[1].strip().splitlines()[1:]
    text = first_steps(read_settings({"FALCONPAY_HOME": str(tmp_path)}), "a.token", in_front=False)
    shown = [line.replace("http://127.0.0.1:8000", "localhost:8000") for line in text.splitlines()]
    assert "TOKEN=a.token" in shown
    start = shown.index("TOKEN=a.token") + 1
    assert shown[start : start + len(wanted)] == wanted
    assert "./falcon down stops it" in text
