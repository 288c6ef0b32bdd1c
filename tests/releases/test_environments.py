"""Environments of old releases: made once, from pins that fit; no network."""

import json
import subprocess
import venv
from pathlib import Path
from typing import Any

import pytest

from labs.releases import environments
from labs.releases.environments import EnvironmentFailed, environment


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let pip say what is put here, one problem a call; what it was asked follows."""
    said: list[Any] = []

    def answer(line: list[str]) -> tuple[str, str]:
        said.append(line)
        if any(it in line for it in environments._lines("requirements-extra.txt")):
            return "", "not to be had" if said.pop() is line else ""  # no reason to give up
        problem = said.pop(0)
        if isinstance(problem, BaseException):
            raise problem
        return "", problem

    def create(home: Path, clear: bool) -> None:
        python = environments.python_of(home)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(environments, "_pip", answer)
    monkeypatch.setattr(venv, "create", create)
    return said


def test_an_environment_is_made_once(pip: list[Any], tmp_path: Path) -> None:
    pip[:] = [""]
    python = environment("3.9.5", tmp_path)
    (line,) = pip
    assert (
        python.exists() and {"aiohttp==3.9.5", "matplotlib", "jupytext"} <= set(line) and "mypy" not in line
    )
    pins = (tmp_path / "aiohttp-3.9.5" / "pins.txt").read_text("utf-8")
    assert "\nyarl==" in pins and "\nmatplotlib==" in pins and "aiohttp==" not in pins
    assert environment("3.9.5", tmp_path) == python and pip == [line]  # pip was not asked again


def test_what_single_cells_show_is_asked_for_one_by_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def pip(line: list[str]) -> tuple[str, str]:
        asked.append(line)
        return "", "not to be had" if len(asked) > 1 else ""  # no reason to give up

    def create(home: Path, clear: bool) -> None:
        environments.python_of(home).parent.mkdir(parents=True)

    monkeypatch.setattr(environments, "_pip", pip)
    monkeypatch.setattr(venv, "create", create)
    environment("3.9.5", tmp_path)
    extras = environments._lines("requirements-extra.txt")
    assert [line[-1] for line in asked[1:]] == extras and len(extras) > 2
    assert all("aiohttp==3.9.5" in line for line in asked)  # none of them brings another aiohttp


def test_only_what_an_old_aiohttp_brings_is_let_loose(pip: list[Any], tmp_path: Path) -> None:
    pip[:] = ["conflict", ""]
    environment("3.8.6", tmp_path)
    pins = (tmp_path / "aiohttp-3.8.6" / "pins.txt").read_text("utf-8")
    assert len(pip) == 2 and "yarl==" not in pins and "multidict==" not in pins and "\nmatplotlib==" in pins


def test_an_environment_that_was_interrupted_is_made_again(pip: list[Any], tmp_path: Path) -> None:
    pip[:] = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        environment("3.9.5", tmp_path)
    pip[:] = ["no wheel", "no wheel"]
    with pytest.raises(
        EnvironmentFailed, match=r"aiohttp 3.9.5 cannot be installed for Python 3.*: no wheel"
    ):
        environment("3.9.5", tmp_path)
    pip[:] = [""]
    assert environment("3.9.5", tmp_path).exists() and len(pip) == 1


def test_the_last_word_of_pip_is_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: No matching distribution\nmore\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(EnvironmentFailed, match="the newest: No matching distribution$"):
        environments.newest()
    report = json.dumps({"install": [{"metadata": {"version": "3.15.1"}}]})
    done = subprocess.CompletedProcess([], 0, report, "")
    assert environments.newest() == "3.15.1"
