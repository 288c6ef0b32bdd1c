"""The doctor: what it sees as missing, how it says so, and that it needs no package itself."""

import ast
import importlib.metadata
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labs.course import doctor, kernel
from labs.course.lesson import LessonError
from labs.host import installed, paths


def lines(tmp_path: Path, text: str = "", **kwargs: Any) -> dict[str, doctor.Finding]:
    """Examine this machine against made-up requirements, and file the lines under their first word."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(text, "utf-8")
    return {line.what.split()[0]: line for line in doctor.examine(requirements, **{"environ": {}} | kwargs)}


def test_an_old_python_is_required_to_go(tmp_path: Path) -> None:
    old = lines(tmp_path, version=(3, 9, 2))["Python"]
    assert old.ok is False and "3.11 or newer" in old.advice
    assert all(system in old.advice for system in ("Debian", "macOS", "Windows"))
    assert lines(tmp_path, version=(3, 11, 0))["Python"].ok is True


def test_a_missing_venv_module_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert lines(tmp_path)["the"] == (
        False,
        "the venv module",
        "Debian and Ubuntu: sudo apt install python3-venv",
    )


def test_pins_are_compared_with_what_is_installed(tmp_path: Path) -> None:
    installed = importlib.metadata.version("aiohttp")
    good = f"aiohttp=={installed} \\\n    --hash=sha256:00\n    # via something==1\n"
    assert doctor.packages(_write(tmp_path, good)) == (True, "1 packages as pinned", "")
    bad = doctor.packages(_write(tmp_path, good.replace(installed, "0.1") + "no-such-thing==1 \\\n"))
    assert bad.ok is False and "1 missing (no-such-thing)" in bad.what
    assert f"aiohttp {installed} instead of 0.1" in bad.what and doctor.INSTALL in bad.advice


def test_the_python_of_the_project_is_pointed_out_to_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = _write(tmp_path, "no-such-thing==1 \\\n")
    assert "-m labs doctor" not in doctor.packages(pins).advice
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    assert "run .venv/bin/python -m labs doctor" in doctor.packages(pins).advice
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert "-m labs doctor" not in doctor.packages(pins).advice


def test_a_pin_for_another_system_is_left_out() -> None:
    text = "a==1 ; sys_platform == 'nowhere' \\\nb==2 ; sys_platform != 'nowhere' \\\nc==3\n"
    assert list(doctor.pins(text)) == [("b", "2"), ("c", "3")]


def test_without_requirements_it_says_where_to_start(tmp_path: Path) -> None:
    assert "start in the folder of the project" in doctor.packages(tmp_path / "none.txt").advice


def test_a_machine_without_loopback_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.loopback().ok is True

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError("not here")

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert doctor.loopback().ok is False and "not here" in doctor.loopback().what


def test_a_proxy_is_harmless_and_says_why(tmp_path: Path) -> None:
    line = lines(tmp_path, environ={"HTTP_PROXY": "http://secret@proxy"})["HTTP_PROXY"]
    assert line.ok is True and "harmless" in line.advice and "secret" not in str(line)


def test_missing_programs_are_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(installed, "PLACES", {})
    found = lines(tmp_path)
    for name in ("curl", "chromium", "make"):
        assert found[name].ok is None and "Debian and Ubuntu: sudo apt install" in found[name].advice


def test_each_finding_has_a_mark() -> None:
    three = [
        doctor.Finding(True, "a"),
        doctor.Finding(None, "b", "get b"),
        doctor.Finding(False, "c", "get c"),
    ]
    assert doctor.report(three) == "✓ a\n– b: get b\n✗ c: get c"


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (None, 0), (False, 1)])
def test_only_what_is_required_fails(monkeypatch: pytest.MonkeyPatch, ok: bool | None, status: int) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: iter([doctor.Finding(True, "a"), doctor.Finding(ok, "b")]))
    assert doctor.main() == status


def test_it_runs_without_any_package() -> None:
    line = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, '.'); sys.argv[1:] = ['doctor']",
    ]
    line[-1] += "; import runpy; runpy.run_module('labs', run_name='__main__')"
    done = subprocess.run(line, cwd=paths.ROOT, capture_output=True, check=False)
    told = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 1 and "missing (" in told and doctor.INSTALL in told
    assert b"Traceback" not in done.stderr


def test_what_it_takes_is_written_for_an_older_python_too() -> None:
    """It runs on Python 3.8: in that syntax, and with annotations that nobody evaluates."""
    program = "import sys; sys.path.insert(0, '.'); import labs.__main__, labs.course.doctor; "
    program += (
        "print(*(it.__file__ for name, it in sys.modules.items() if name.split('.')[0] == 'labs'), sep='\\n')"
    )
    line = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(line, cwd=paths.ROOT, capture_output=True, check=True, text=True)
    files = [Path(it) for it in done.stdout.splitlines()]
    assert {"doctor.py", "installed.py", "__main__.py"} <= {it.name for it in files}
    for file in files:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 8))
        annotated = any(getattr(it, key, None) for it in ast.walk(tree) for key in ("annotation", "returns"))
        lazy = [it for it in tree.body if isinstance(it, ast.ImportFrom) and it.module == "__future__"]
        assert lazy or not annotated, f"{file}: write `from __future__ import annotations`"


def _write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text(text, "utf-8")
    return file


def test_a_machine_that_is_ready_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--ready"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"ready: Python 3\.\S+, aiohttp \S+, \w+, lesson 00 runs, \d+ GB free", line)


def test_a_machine_that_is_not_ready_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*given: object) -> None:
        raise LessonError("00_start_here, code cell 4 stopped:\nOSError: no port left")

    monkeypatch.setattr(kernel, "execute", fail)
    assert doctor.main(["--ready"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(
        "not ready: 00_start_here, code cell 4 stopped: OSError: no port left. Run `python"
    )
