"""What is missing on this machine, and how to get it. Needs nothing but Python, older ones included."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from labs.host.installed import find
from labs.host.paths import REQUIREMENTS, ROOT

INSTALL = "python -m pip install --require-hashes -r requirements.txt"
GET_PYTHON = (
    "Debian and Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python; "
    "Windows: winget install Python.Python.3.13"
)


class Finding(NamedTuple):
    """Hold one finding: ok is None where something optional is missing; `advice` says how to get it."""

    ok: bool | None
    what: str
    advice: str = ""


def _got(name: str, apt: str, brew: str, winget: str) -> str:
    return f"{name}. Debian and Ubuntu: sudo apt install {apt}; macOS: {brew}; Windows: {winget}"


def examine(
    requirements: Path = REQUIREMENTS,
    environ: Mapping[str, str] = os.environ,
    version: tuple[int, ...] = sys.version_info[:3],
) -> Iterator[Finding]:
    """Look at this machine and yield one line for each thing that the lab needs or can use."""
    python = ".".join(map(str, version))
    old = "" if version >= (3, 11) else f"the lab needs Python 3.11 or newer. {GET_PYTHON}"
    yield Finding(not old, f"Python {python}", old)
    whole = bool(importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"))
    yield Finding(
        whole, "the venv module", "" if whole else "Debian and Ubuntu: sudo apt install python3-venv"
    )
    yield packages(requirements)
    yield loopback()
    proxies = sorted(name for name in environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy"))
    if proxies:
        why = "harmless: the lab talks to this machine only and leaves these variables out; pip may need them"
        yield Finding(True, f"{' and '.join(proxies)} set", why)
    optional = (
        (
            "curl",
            "some cells show what curl does",
            ("curl", "it is part of macOS", "it is part of Windows"),
        ),
        (
            "chromium",
            "some cells show what a browser does",
            ("chromium", "brew install chromium", "winget install Hibbiki.Chromium, and put it on the PATH"),
        ),
        (
            "make",
            "the README has the same in plain pip lines",
            ("make", "xcode-select --install", "winget install GnuWin32.Make"),
        ),
    )
    for program, use, (apt, brew, winget) in optional:
        have = find(program) is not None
        yield Finding(have or None, program, "" if have else _got(use, apt, brew, winget))


def pins(text: str) -> Iterator[tuple[str, str]]:
    """Read (name, version) of each package that requirements.txt pins for this Python and this system."""
    for name, version, marker in re.findall(
        r"^([\w.-]+)==([^\s;\\]+)[ ]*(?:;([^\\\n]*))?", text, re.MULTILINE
    ):
        if not marker.strip() or _applies(marker.strip()):
            yield name, version


def _applies(marker: str) -> bool:
    for home in ("packaging.markers", "pip._vendor.packaging.markers"):
        try:
            return bool(importlib.import_module(home).Marker(marker).evaluate())
        except ImportError:
            continue
    return False  # nobody here can read it: pip will, when it installs


def packages(requirements: Path) -> Finding:
    """Compare the installed packages with the pinned ones."""
    try:
        pinned = list(pins(requirements.read_text("utf-8")))
    except OSError:
        return Finding(
            False, "packages", f"there is no {requirements.name}: start in the folder of the project"
        )
    absent, other = [], []
    for name, version in pinned:
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
            continue
        if installed != version:
            other.append(f"{name} {installed} instead of {version}")
    if not absent and not other:
        return Finding(True, f"{len(pinned)} packages as pinned")
    told = [f"{len(absent)} missing ({_some(absent)})"] if absent else []
    told += [f"{len(other)} at another version ({_some(other)})"] if other else []
    advice = f"run `make lab`, or in a virtual environment: {INSTALL}"
    if python := _own(requirements.parent):
        advice = f"this is not the Python of the project; run {python} -m labs doctor, or {advice}"
    return Finding(False, f"packages: {', '.join(told)}", advice)


def _own(folder: Path) -> str | None:
    """Return the Python of the project's .venv as one types it, where there is one and this is another."""
    if Path(sys.prefix).resolve() == (folder / ".venv").resolve():
        return None
    pythons = (".venv/bin/python", ".venv\\Scripts\\python.exe")
    return next((it for it in pythons if (folder / it.replace("\\", "/")).exists()), None)


def _some(words: list[str]) -> str:
    return ", ".join(words[:3]) + (", ..." if len(words) > 3 else "")


def loopback() -> Finding:
    """Listen on 127.0.0.1, connect to it, and pass one byte."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(5)
            with socket.create_connection(server.getsockname(), timeout=5) as client:
                there, _ = server.accept()
                with there:
                    there.settimeout(5)
                    client.sendall(b"!")
                    if there.recv(1) != b"!":
                        raise OSError("the byte did not arrive")
    except OSError as error:
        return Finding(
            False,
            f"connections to 127.0.0.1: {error}",
            "allow Python to use 127.0.0.1 in your firewall or sandbox",
        )
    return Finding(True, "connections to 127.0.0.1")


def report(lines: list[Finding]) -> str:
    """Write the findings, one line each."""
    marks = {True: "✓", None: "–", False: "✗"}
    return "\n".join(
        f"{marks[line.ok]} {line.what}{': ' if line.advice else ''}{line.advice}" for line in lines
    )


def main(argv: Sequence[str] = ()) -> int:
    """Print the findings and return 1 if something required is missing, else 0."""
    parser = argparse.ArgumentParser(prog="python -m labs doctor", description=__doc__)
    parser.add_argument("--ready", action="store_true", help="start a kernel, run lesson 00, print one line")
    if parser.parse_args(argv).ready:
        ok, line = ready()
        print(line)
        return int(not ok)
    lines = list(examine())
    print(report(lines))
    return int(any(line.ok is False for line in lines))


def ready(word: str = "00", folder: Path = ROOT) -> tuple[bool, str]:
    """Start a kernel and run a lesson in it, as it is handed out; return one line that thirty can send."""
    try:
        from labs.course import kernel, lesson

        source = lesson.find(word)
        kernel.execute(lesson.cut(source, solved=False), source.parent, source.stem)
        aiohttp = importlib.metadata.version("aiohttp")
    except ModuleNotFoundError as error:
        return False, f"not ready: the package {error.name} is not installed: run `make lab`, or {INSTALL}"
    except Exception as error:
        said = str(error).splitlines() or [type(error).__name__]
        return (
            False,
            f"not ready: {' '.join(dict.fromkeys([said[0], said[-1]]))}. Run `python -m labs doctor`.",
        )
    free = shutil.disk_usage(folder).free / 1e9
    python = ".".join(map(str, sys.version_info[:3]))
    parts = (
        f"Python {python}",
        f"aiohttp {aiohttp}",
        sys.platform,
        f"lesson {word} runs",
        f"{free:.0f} GB free",
    )
    return True, f"ready: {', '.join(parts)}"
