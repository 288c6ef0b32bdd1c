"""A virtual environment for each release of aiohttp: made once with pip, and found again."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import requires
from pathlib import Path

from labs.course.doctor import pins
from labs.host.paths import BUILD, ROOT

__all__ = ["EnvironmentFailed", "environment", "newest", "python_of"]

FOLDER = BUILD / "versions"
SECONDS = 900  # for all that pip fetches and unpacks
# What no lesson imports. Whatever else stands in requirements.in is installed.
TOOLS = {"hypothesis", "jupyterlab", "mypy", "nbval", "pytest-timeout", "pytest-xdist", "ruff"}
QUIETLY = ("--quiet", "--disable-pip-version-check", "--only-binary=:all:")  # nothing is compiled here


class EnvironmentFailed(Exception):
    """Say in one sentence why there is no environment for a release."""


def environment(release: str, folder: Path = FOLDER) -> Path:
    """Return the Python that has this release; make its environment where there is none, or another.

    Everything is at the version that the lab pins. Where an old aiohttp asks for other versions of what it
    brings itself, those are left to pip. Raise EnvironmentFailed.
    """
    home = folder / f"aiohttp-{release}"
    python, stamp = python_of(home), home / "made.txt"
    wanted = [f"aiohttp=={release}", *_needed()]
    pinned = [f"{name}=={version}" for name, version in pins(_text("requirements.txt")) if name != "aiohttp"]
    key = "\n".join([sys.version, *wanted, *pinned])
    if stamp.exists() and stamp.read_text("utf-8") == key and python.exists():
        return python
    venv.create(home, clear=True)  # pip works from outside of it
    own = {re.split(r"[^\w.-]", it)[0].replace("_", "-").lower() for it in requires("aiohttp") or []}
    loose = [pin for pin in pinned if pin.split("==")[0] not in own]
    problem = ""
    for constraints in (pinned, loose):
        (home / "pins.txt").write_text("\n".join(constraints) + "\n", "utf-8")
        line = ["--python", str(python), "install", *QUIETLY, "--constraint", str(home / "pins.txt"), *wanted]
        problem = _pip(line)[1]
        if not problem:
            stamp.write_text(key, "utf-8")  # last: what was interrupted is made again
            return python
    here = f"Python {platform.python_version()}"
    raise EnvironmentFailed(f"aiohttp {release} cannot be installed for {here}: {problem}")


def newest() -> str:
    """Return the newest release of aiohttp that pip would install. Raise EnvironmentFailed."""
    line = ["install", *QUIETLY, "--dry-run", "--ignore-installed", "--no-deps", "--report", "-", "aiohttp"]
    told, problem = _pip(line)
    if problem:
        raise EnvironmentFailed(f"pip cannot say which aiohttp is the newest: {problem}")
    return str(json.loads(told)["install"][0]["metadata"]["version"])


def python_of(home: Path) -> Path:
    """Return where the Python of a virtual environment is."""
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _needed() -> list[str]:
    lines = [line.split("#")[0].strip() for line in _text("requirements.in").splitlines()]
    return [line for line in lines if line and line not in TOOLS | {"aiohttp"}]


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _pip(line: Sequence[str]) -> tuple[str, str]:
    """Run pip; return what it printed and, if it failed, its last word."""
    command = [sys.executable, "-m", "pip", *line]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"pip took longer than {SECONDS} s"
    if done.returncode == 0:
        return done.stdout, ""
    lines = done.stderr.splitlines() or ["pip says nothing"]
    return "", next((it for it in lines if it.startswith("ERROR")), lines[-1]).removeprefix("ERROR: ")
