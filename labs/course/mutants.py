"""Plant faults, one at a time, in a copy of the project: each must turn the suite red.

The faults are data, in tests/mutants.toml. A suite that stays green with a fault proves nothing about it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labs.paths import ROOT

__all__ = ["Mutant", "MutantError", "main", "mutants", "plant"]

PARTS = (
    "labs",
    "tests",
    "notebooks",
    "results",
    "conftest.py",
    "pyproject.toml",
    "README.md",
    "CONTRIBUTING.md",
    "requirements.in",
    "requirements.txt",
)
SECONDS = 900  # a mutant that hangs the suite has turned it red


class MutantError(ValueError):
    """Say in one sentence which mutant cannot be planted, and why."""


@dataclass(frozen=True)
class Mutant:
    """Hold one planted fault: in `file`, `old` becomes `new`; the tests in `by` must notice."""

    name: str
    file: str
    old: str
    new: str
    by: tuple[str, ...]


def mutants(root: Path = ROOT) -> tuple[Mutant, ...]:
    """Read tests/mutants.toml. Raise MutantError for a name that stands twice."""
    entries = tomllib.loads((root / "tests" / "mutants.toml").read_text("utf-8"))["mutant"]
    found = tuple(Mutant(**{**entry, "by": tuple(entry["by"])}) for entry in entries)
    names = [it.name for it in found]
    for name in names:
        if names.count(name) > 1:
            raise MutantError(f"Mutant {name!r} stands twice in mutants.toml: rename one.")
    return found


def plant(mutant: Mutant, root: Path) -> None:
    """Change the one place in a copy. Raise MutantError unless `old` stands there exactly once."""
    path = root / mutant.file
    text = path.read_text("utf-8")
    if text.count(mutant.old) != 1:
        raise MutantError(
            f"Mutant {mutant.name!r}: its old text stands {text.count(mutant.old)} times in {mutant.file}."
        )
    path.write_text(text.replace(mutant.old, mutant.new), "utf-8")


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lab-mutant-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=ignore)
            elif source.exists():
                shutil.copy(source, root / part)
        yield root


def _green(root: Path, by: Iterable[str]) -> tuple[bool, str]:
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *by]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False, "the suite hung"
    if done.returncode not in (0, 1):  # neither green nor red: the tests did not run
        raise MutantError(f"pytest ended with {done.returncode}: {done.stdout[-800:]}{done.stderr[-400:]}")
    lines = [line for line in done.stdout.strip().splitlines() if not line.startswith("CPU: ")]
    words = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return done.returncode == 0, words[0] if words else lines[-1]


def _try(mutant: Mutant) -> tuple[Mutant, bool, str]:
    with _copy() as root:
        plant(mutant, root)
        green, words = _green(root, mutant.by)
    return mutant, not green, words


def main(argv: Sequence[str] | None = None) -> int:
    """Plant every mutant, or those named; return 1 if one goes unnoticed or the suite is red without any."""
    parser = argparse.ArgumentParser(prog="python -m labs mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these mutants")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    asked = parser.parse_args(argv)
    chosen = [it for it in mutants() if not asked.names or it.name in asked.names]
    unknown = set(asked.names) - {it.name for it in chosen}
    if unknown:
        print(f"No mutant is called {', '.join(sorted(unknown))}.")
        return 2
    with _copy() as root:  # the control: without a fault, the same tests are green
        green, words = _green(root, sorted({path for it in chosen for path in it.by}))
    if not green:
        print(f"The suite is red without a mutant, so mutants prove nothing: {words}")
        return 1
    alive = 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for mutant, noticed, words in pool.map(_try, chosen):
            alive += not noticed
            print(f"{'✓ noticed' if noticed else '✗ NOT NOTICED'}  {mutant.name}: {words}", flush=True)
    print(f"{len(chosen) - alive} of {len(chosen)} mutants noticed")
    return 1 if alive else 0
