"""A run of pytest is a value: what it says, what it does not inherit, and that it ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from labs.clients import programs
from labs.clients.request import ClientMissing
from labs.instruments.suite import needed, run_tests

EACH = """
import pytest

def test_passes(record_property):
    record_property("what", "told")

def test_fails():
    assert 1 == 2

def test_is_skipped():
    pytest.skip("for a reason")

def test_lacks(no_such_fixture):
    pass

@pytest.fixture
def broken():
    yield
    raise ValueError("at the end")

def test_ends_badly(broken):
    pass
"""


async def test_every_outcome_is_told_with_its_reason() -> None:
    found = await run_tests({"test_each.py": EACH})
    assert found.outcomes == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_is_skipped": "skipped",
        "test_lacks": "error",
        "test_ends_badly": "error",
    }
    assert found.why["test_fails"] == "assert 1 == 2"
    assert found.why["test_is_skipped"] == "for a reason"
    assert "test_passes" not in found.why
    assert (found.told, found.code) == ({"what": "told"}, 1)
    assert [found.count(it) for it in ("passed", "failed", "skipped", "error")] == [1, 1, 1, 2]


async def test_green_is_0_and_no_test_at_all_is_5() -> None:
    assert (await run_tests({"test_a.py": "def test_it(): pass"})).code == 0
    assert (await run_tests({"checks.py": "def test_it(): assert False"})).code == 5


async def test_nothing_of_an_outer_run_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PYTEST_ADDOPTS": "--no-such-option",
        "PYTEST_PLUGINS": "no_such_plugin",
        "PYTEST_XDIST_WORKER": "gw0",
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    clean = """
import os
import warnings

def test_clean(request):
    warnings.warn("no error here")
    assert not [it for it in os.environ if it.startswith("PYTEST_XDIST")]
    assert not request.config.pluginmanager.has_plugin("anyio")
    assert request.config.rootpath == request.path.parent == __import__("pathlib").Path.cwd()

def test_fails():
    if True:
        assert not __debug__
"""
    found = await run_tests({"test_clean.py": clean})
    assert found.outcomes == {"test_clean": "passed", "test_fails": "failed"}, found.why


async def test_options_and_plugins_are_those_that_are_given() -> None:
    asked = "def test_it(request):\n    assert request.config.pluginmanager.has_plugin('anyio.pytest_plugin')"
    files = {"test_it.py": asked, "pytest.ini": "[pytest]\npython_functions = check\n"}
    assert (await run_tests(files)).code == 5  # its own settings count
    found = await run_tests(files, "-o", "python_functions=test", plugins=["anyio.pytest_plugin"])
    assert found.outcomes == {"test_it": "passed"}, found.why


async def test_what_is_not_installed_and_what_cannot_run_is_said() -> None:
    with pytest.raises(ClientMissing, match="no_such_package is not installed: .* install no-such-package"):
        needed("pytest", "no_such_package")
    with pytest.raises(ClientMissing, match="no_such_package"):
        await run_tests({}, plugins=["no_such_package.plugin"])
    with pytest.raises(RuntimeError, match=r"ended with 4: [\s\S]*no-such-option"):
        await run_tests({}, "--no-such-option")


async def test_it_is_ended_when_it_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **options))
        return started[-1]

    real = programs.start
    monkeypatch.setattr(programs, "start", start)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hangs = "import threading\n\ndef test_it():\n    threading.Event().wait()"
    running = asyncio.ensure_future(run_tests({"test_it.py": hangs}))
    await asyncio.sleep(0)  # up to the thread that waits for the program
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert started[0].poll() is not None
    assert os.listdir(tmp_path) == []
