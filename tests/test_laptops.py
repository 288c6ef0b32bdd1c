"""Laptops as people have them: Korean letters and spaces in every path, cp949, a proxy, no IPv6."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from labs.course import lesson
from labs.course.mutants import PARTS
from labs.host.environment import without_proxies
from labs.host.paths import ROOT

PROXY = "http://127.0.0.1:9"  # which nobody serves: whoever asks it fails
PROXIES = {name: PROXY for it in ("http_proxy", "https_proxy", "all_proxy") for name in (it, it.upper())}

# Run a module as `python -m` does, where the system has no IPv6.
START = """
import runpy, socket, sys

class Socket(socket.socket):
    def __init__(self, family=-1, *arguments, **options):
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        super().__init__(family, *arguments, **options)

def getaddrinfo(host, port, family=0, *arguments, **options):
    found = known(host, port, family, *arguments, **options)
    if not (four := [it for it in found if it[0] != socket.AF_INET6]):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return four

socket.has_ipv6, socket.socket = False, Socket
known, socket.getaddrinfo = socket.getaddrinfo, getaddrinfo
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Laptop:
    """Hold a copy of the project in somebody's home, and that home's environment."""

    root: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, python: str = sys.executable) -> "subprocess.CompletedProcess[str]":
        """Run a module of Python in the project's folder, behind a proxy."""
        return subprocess.run(
            [python, "-c", START, *arguments],
            cwd=self.root,
            env={**self.environment, **PROXIES},
            capture_output=True,
            encoding="cp949",
            check=False,
        )


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """Copy the project into a home whose name has a space and Korean letters."""
    home = tmp_path_factory.mktemp("home") / "홍 길동"
    root = home / "내 문서 (OneDrive)" / "aiohttp lab"
    root.mkdir(parents=True)
    for part in (*PARTS, "Makefile"):
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(ROOT / part, root / part, ignore=ignored)
        elif (ROOT / part).exists():
            shutil.copy(ROOT / part, root / part)
    imitated = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "LAB_WINDOWS_LOOP" in os.environ else {}
    clean = {name: value for name, value in without_proxies().items() if not name.startswith("PYTHON")}
    theirs = {"HOME": str(home), "USERPROFILE": str(home), "PYTHONIOENCODING": "cp949", "PYTHONUTF8": "0"}
    return Laptop(root, clean | imitated | theirs)


def test_the_doctor_finds_its_way(laptop: Laptop) -> None:
    done = laptop.run("labs", "doctor")
    assert "+ connections to 127.0.0.1" in done.stdout, done.stdout + done.stderr
    assert "HTTP_PROXY" in done.stdout and done.stderr == ""


def test_a_lesson_runs(laptop: Laptop) -> None:
    done = laptop.run("labs", "run", "01")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "clean: 0 lost task exceptions" in done.stdout and "│" in done.stdout and "+ " in done.stdout


def test_the_course_is_checked(laptop: Laptop) -> None:
    done = laptop.run("labs", "check")
    assert f"{len(lesson.sources())} lessons, " in done.stdout.splitlines()[-1], done.stderr[-2000:]


def test_tests_and_a_notebook_pass(laptop: Laptop) -> None:
    notebook = next(it.name for it in laptop.root.glob("notebooks/00_*.ipynb"))
    some = ["tests/capture/test_lanes.py", "tests/town/test_town.py", f"notebooks/{notebook}"]
    done = laptop.run("pytest", "-q", "-p", "no:cacheprovider", *some)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.timeout(900)
def test_make_sets_up_what_make_lab_needs(laptop: Laptop) -> None:
    line = ["make", ".venv/.ready", f"PYTHON={sys.executable}"]
    made = subprocess.run(line, cwd=laptop.root, env=laptop.environment, capture_output=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    python = str(laptop.root / ".venv/bin/python")
    assert "packages as pinned" in laptop.run("labs", "doctor", python=python).stdout
    assert laptop.run("labs", "run", "01", python=python).returncode == 0
    assert laptop.run("labs", "lab", "--version", python=python).returncode == 0
