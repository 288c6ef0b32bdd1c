"""What the lab prints can be printed on every console."""

import subprocess
import sys

import pytest

from labs.host import console
from labs.host.paths import ROOT

SHOWN = "≠ ✓ ✗ ─►│ 서울 é 🦀"


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("utf-8", SHOWN),
        ("cp949", "≠ + x ─>│ 서울 ? ?"),  # Korean Windows
        ("cp1252", "! + x ->| ?? é ?"),  # western Windows
        ("ascii", "! + x ->| ?? ? ?"),
    ],
)
def test_a_character_that_the_console_lacks_becomes_another(encoding: str, printed: str) -> None:
    program = (
        "import sys; from labs.host.console import take_any_character; take_any_character(); "
        f"print({SHOWN!r}); print({SHOWN!r}, file=sys.stderr)"
    )
    done = run(["-c", program], encoding)
    assert (done.stdout, done.stderr) == (f"{printed}\n",) * 2


@pytest.mark.parametrize("encoding", ["cp949", "cp1252", "ascii"])
def test_the_commands_print_on_it(encoding: str) -> None:
    done = run(["-m", "labs", "conformance", "--proxy", "posted", "--only", "FRAME-1", "--why"], encoding)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 passed" in done.stdout or "0 of 1 passed" in done.stdout
    done = run(["-m", "labs.gateway", "http://✓.test"], encoding)
    assert done.returncode == 2 and "UnicodeEncodeError" not in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1


def run(arguments: list[str], encoding: str) -> "subprocess.CompletedProcess[str]":
    """Run Python where the console has an encoding."""
    from labs.course.kernel import environment

    line = [sys.executable, *arguments]
    there = environment() | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run(line, capture_output=True, encoding=encoding, env=there, cwd=ROOT, check=False)


def test_each_of_the_plain_characters_is_one() -> None:
    assert all(len(chr(new)) == 1 and chr(new).isascii() for new in console.PLAIN.values())


def test_a_stream_of_another_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", other := object())
    console.take_any_character()
    assert sys.stdout is other
