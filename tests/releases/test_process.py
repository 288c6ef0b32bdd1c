"""Processes that crash, hang or stay, and what several runs come to."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from labs.releases import process as sittings
from labs.releases.process import Told, run_in, settle
from tests.releases.support import AGREED, BROKEN, HOLDS

TOLD = """
import json, os, subprocess, sys, time
print(json.dumps({"aiohttp": "3.9.5"}))
print(json.dumps({"id": "C1", "verdict": "holds", "why": ""}), flush=True)
"""
STARTS = f"{sys.executable!r}, '-c', 'import time; time.sleep(600)'"


def sitting_of(code: str, monkeypatch: pytest.MonkeyPatch, seconds: float = 300) -> Told:
    monkeypatch.setattr(sittings, "PROGRAM", ("-c", TOLD + code))
    return run_in(Path(sys.executable), "01_one", seconds)


def test_a_process_that_ends_without_a_word_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    sitting = sitting_of("print('{\"id\": \"C', end='', flush=True); sys.exit('out of memory')", monkeypatch)
    assert sitting == Told(
        {"C1": (HOLDS, "")}, "its process ended with 1: out of memory", {"aiohttp": "3.9.5"}
    )


def test_a_process_that_hangs_is_ended_with_all_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"

    class Hanging(subprocess.Popen[str]):
        """A process whose time is over once it has started another."""

        def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
            if timeout is None:
                return super().communicate()
            while not ready.exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    super().communicate(timeout=0.05)
            raise subprocess.TimeoutExpired(self.args, timeout)

    monkeypatch.setattr(subprocess, "Popen", Hanging)
    code = f"it = subprocess.Popen([{STARTS}]); open({str(ready)!r}, 'w').close(); time.sleep(600)"
    sitting = sitting_of(code, monkeypatch, seconds=2)  # its child holds the pipes, too: it is gone as well
    assert sitting.end == "it took longer than 2 s" and sitting.told == {"C1": (HOLDS, "")}


def test_an_interrupt_ends_the_process() -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        sittings._process([sys.executable, "-c", TOLD + "time.sleep(600)"]) as it,
    ):
        raise KeyboardInterrupt
    assert it.returncode is not None


def test_a_claim_that_is_checked_twice_must_get_one_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "print(json.dumps({'id': 'C1', 'verdict': 'refuted', 'why': ''})); print(json.dumps({'end': ''}))"
    assert sitting_of(code, monkeypatch).told["C1"][0] == BROKEN


EXPECTED = {"C1": "holds", "C2": "refuted"}


@pytest.mark.parametrize(
    ("runs", "c1"),
    [
        ([Told(AGREED)], ("holds", "")),
        ([Told({**AGREED, "C1": ("refuted", "q: a 3")})] * 3, ("refuted", "q: a 3")),
        ([Told({**AGREED, "C1": ("not tested", "no curl")})], ("not tested", "no curl")),
        ([Told({"C2": AGREED["C2"]}, "cell 3 raised")], ("broken", "cell 3 raised")),
        ([Told({"C2": AGREED["C2"]})], ("not tested", "nothing was told of it")),
        (
            [Told({**AGREED, "C1": ("refuted", "q: a 3")}), Told(AGREED)],
            ("broken", "2 runs gave refuted, holds: q: a 3; q: a 1"),
        ),
    ],
)
def test_what_runs_told_is_settled(runs: list[Told], c1: tuple[str, str]) -> None:
    assert settle(EXPECTED, runs) == {"C1": c1, "C2": ("refuted", "")}
