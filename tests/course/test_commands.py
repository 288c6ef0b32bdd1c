"""A wrong command is told in one sentence."""

import signal
import subprocess
import sys

import pytest

from labs import paths
from labs.course import commands, inspection


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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a word")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_trial_is_not_shown_a_traceback(
    by: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(word: str) -> int:
        signal.raise_signal(by)
        return 0

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(inspection, "report", stopped)
    assert commands.try_lesson(["00"]) == 130
    assert capsys.readouterr() == ("", "Stopped. What is built stays; run it again for the rest.\n")
    assert signal.getsignal(signal.SIGTERM) is before
