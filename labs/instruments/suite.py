"""A run of pytest as a value: test files in a folder and a process of their own, and what became of them."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from labs.clients.programs import run
from labs.clients.request import ClientMissing
from labs.host.environment import without_proxies

__all__ = ["Suite", "needed", "run_tests"]

BAD = {"failure": "failed", "error": "error", "skipped": "skipped"}  # as JUnit's XML calls them

UNWANTED = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONOPTIMIZE", "PYTHONWARNINGS")  # change outcomes


@dataclass(frozen=True)
class Suite:
    """What became of each test by its name, what tests told by `record_property`, and pytest's exit code.

    An outcome is passed, failed, skipped or error. `why` has the first line of what is said of one that did
    not pass. The code is 0 where everything is green, 1 where something is not, 5 where there was no test:
    https://docs.pytest.org/en/stable/reference/exit-codes.html
    """

    outcomes: Mapping[str, str]
    why: Mapping[str, str]
    told: Mapping[str, str]
    code: int

    def count(self, outcome: str) -> int:
        """Count the tests of one outcome."""
        return list(self.outcomes.values()).count(outcome)


def needed(*packages: str) -> None:
    """Raise ClientMissing, which leaves a side untested, where one of these packages cannot be imported."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ClientMissing(
                f"{package} is not installed: python -m pip install {package.replace('_', '-')}"
            )


async def run_tests(files: Mapping[str, str], *options: str, plugins: Sequence[str] = ()) -> Suite:
    """Run `pytest` with these files, by name, and nothing else: no settings and no plugins but those given.

    A plugin is given as the module that `-p` takes, such as "pytest_asyncio.plugin". Raise ClientMissing
    where pytest or a plugin is not installed, and RuntimeError where pytest could not run at all.
    """
    needed("pytest", *(plugin.partition(".")[0] for plugin in plugins))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder, report = Path(place), Path(place, "report.xml")
        _write(folder, {"pytest.ini": "[pytest]\n", **files})
        chosen = [part for plugin in ("no:cacheprovider", *plugins) for part in ("-p", plugin)]
        command = [sys.executable, "-m", "pytest", *chosen, f"--junit-xml={report}", *options, place]
        code, out, errors = await run(command, b"", env=_environment(), folder=place)
        if code not in (0, 1, 2, 5):
            told = (errors or out).decode(errors="replace").strip()
            raise RuntimeError(f"pytest could not run, and ended with {code}: {told}")
        return _read(report, code)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


def _environment() -> dict[str, str]:
    """Return the clean environment without what an outer run of pytest, or a learner, has put into it."""
    return {
        name: value
        for name, value in without_proxies().items()
        if not name.startswith("PYTEST_") and name not in UNWANTED
    } | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _read(report: Path, code: int) -> Suite:
    outcomes: dict[str, str] = {}
    why: dict[str, str] = {}
    told: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("name", "")
        outcomes[name] = "passed"
        for part in case:
            if part.tag in BAD and outcomes[name] == "passed":
                outcomes[name] = BAD[part.tag]
                why[name] = part.get("message", "").partition("\n")[0]
        told |= {it.get("name", ""): it.get("value", "") for it in case.iter("property")}
    return Suite(MappingProxyType(outcomes), MappingProxyType(why), MappingProxyType(told), code)
