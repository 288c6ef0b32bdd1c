"""Notebooks are executed again and compared, on a busy machine, too."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from labs.course import repeat
from tests.course.support import NAME


def test_repeat_finds_a_changed_output(notebooks: Path) -> None:
    same, summary = repeat.repeat(notebooks, times=1, busy=True)
    assert same and summary.startswith("2 runs (1 of each notebook), every core busy: no notebooks differ")
    file = notebooks / f"{NAME}.ipynb"
    file.write_text(file.read_text("utf-8").replace("counted in notebooks", "counted in vain"), "utf-8")
    same, summary = repeat.repeat(notebooks, times=1)
    assert not same and "1 notebooks differ" in summary and "counted in vain" in summary


def test_repeat_of_nothing_is_no_success(tmp_path: Path) -> None:
    assert repeat.repeat(tmp_path, times=1)[0] is False


def test_burners_end(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Kept(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Kept)
    with pytest.raises(ZeroDivisionError), repeat.burning():
        raise ZeroDivisionError
    assert started and all(one.returncode is not None for one in started)
