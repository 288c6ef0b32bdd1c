"""Sit a lesson in another Python: run it in a process of its own, and settle what its claims came to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs.environment import without_proxies
from labs.paths import ROOT
from labs.releases.worker import sentence
from labs.trial.claims import Verdict

__all__ = ["Outcome", "Told", "run_in", "settle"]

SECONDS = 600  # for one lesson; it takes under 10 where nothing else runs, and a busy computer is no verdict
PROGRAM = ("-m", "labs.releases.worker")
Outcome = tuple[str, str]  # a verdict, and why


@dataclass(frozen=True)
class Told:
    """Hold what one run of a lesson told: rulings by claim; and why it stopped early, "" where it did not."""

    told: Mapping[str, Outcome]
    end: str = ""
    installed: Mapping[str, object] = field(default_factory=dict)


def run_in(python: Path, word: str, seconds: float = SECONDS, *, pure: bool = False) -> Told:
    """Run one lesson, or the cookie cases, with this Python; all that it started is over on return.

    With `pure`, aiohttp takes its parser in Python.
    """
    with _process([str(python), *PROGRAM, word], pure=pure) as process:
        try:
            told, errors = process.communicate(timeout=seconds)
            end = f"its process ended with {process.returncode}: {(errors.splitlines() or ['no word'])[-1]}"
        except subprocess.TimeoutExpired:
            _kill(process)
            told, end = process.communicate()[0], f"it took longer than {seconds:g} s"
    rulings: dict[str, Outcome] = {}
    installed: dict[str, object] = {}
    for one in map(json.loads, told.rpartition("\n")[0].splitlines()):  # half a line may stay
        if "id" in one:
            twice = rulings.get(one["id"], (one["verdict"],))[0] != one["verdict"]
            both = Verdict.BROKEN, "the lesson checks it twice, and the verdicts differ"
            rulings[one["id"]] = both if twice else (one["verdict"], one["why"])
        elif "end" in one:
            end = one["end"]
        else:
            installed = one
    return Told(rulings, sentence(end), installed)


@contextlib.contextmanager
def _process(line: Sequence[str], *, pure: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Start a program that leads a group of its own, and end the whole group on every path."""
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    environ = {**without_proxies(), "MPLBACKEND": "agg", "PYTHONUTF8": "1", "PYTHONWARNINGS": "ignore"}
    for name in ("PYTHONPATH", "AIOHTTP_NO_EXTENSIONS"):  # a stray one would switch the parser
        environ.pop(name, None)
    if pure:
        environ["AIOHTTP_NO_EXTENSIONS"] = "1"
    pipe = subprocess.PIPE
    words = {"cwd": ROOT, "env": environ, "encoding": "utf-8", "errors": "replace", **group}
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, **words) as process:
        # Its other end closes when this process is gone, however; communicate() would close it at once.
        lifeline, process.stdin = process.stdin, None
        try:
            yield process
        finally:
            _kill(process)
            if lifeline is not None:
                lifeline.close()


def _kill(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        if process.poll() is None:
            command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(command, capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody of the group is left
            os.killpg(process.pid, signal.SIGKILL)


def settle(expected: Mapping[str, str], sittings: Sequence[Told]) -> dict[str, Outcome]:
    """Settle the claims of one lesson from what its runs told.

    A claim that no run told of is broken where the lesson stopped early, and else not tested. What is told
    differently by one run and by another is broken: the lab cannot say.
    """
    settled: dict[str, Outcome] = {}
    for name, verdict in expected.items():
        came = [it.told.get(name, _silence(it)) for it in sittings]
        kinds = [kind for kind, _ in came]
        settled[name] = came[0]
        if len(set(kinds)) > 1:
            reasons = "; ".join(dict.fromkeys(why for _, why in came))
            settled[name] = Verdict.BROKEN, sentence(f"{len(came)} runs gave {', '.join(kinds)}: {reasons}")
        elif kinds[0] == verdict:
            settled[name] = verdict, ""
    return settled


def _silence(sitting: Told) -> Outcome:
    return (Verdict.BROKEN, sitting.end) if sitting.end else (Verdict.NOT_TESTED, "nothing was told of it")
