"""A wrong command is told in one sentence."""

import subprocess
import sys

import pytest

from labs import paths


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["run", "77"], 1, "no lessons start with '77'"),
        (["build", "--al1"], 2, "unrecognized arguments: --al1"),
        (["nonsense"], 2, "invalid choice"),
    ],
)
def test_a_wrong_command_is_told_in_one_sentence(words: list[str], status: int, told: str) -> None:
    line = [sys.executable, "-m", "labs", *words]
    done = subprocess.run(line, cwd=paths.ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == status and told in done.stderr and "Traceback" not in done.stderr
