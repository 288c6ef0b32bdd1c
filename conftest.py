"""What every run of pytest needs: a clean environment, whole notebooks, and skips that say why.

With LAB_PARSER=python in the environment, all of it, kernels and programs included, runs with aiohttp's
parser in Python. What differs there is declared in tests/parser.toml, with its reason, and must fail. In the
same way, LAB_WINDOWS_LOOP puts all of it on an imitation of the loop of Windows: see tests/proactor.
"""

import asyncio
import contextlib
import gc
import os
import tomllib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from labs.course import kernel, lesson, warm  # before nbval: labs.course makes its import cheap
from labs.host.learner import STRICT

# isort: split
from nbval import plugin as nbval
from nbval.plugin import IPyNbCell, IPyNbFile

NOTEBOOKS = pytest.StashKey[float]()  # CPU seconds

try:
    _CLEAN = kernel.environment()  # before aiohttp is imported, which chooses its parser then
except lesson.LessonError as error:
    raise pytest.UsageError(str(error)) from None
os.environ.clear()
os.environ.update(_CLEAN | {STRICT: "1"})  # nbval's kernels take it over


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Load nbval here, and not by its entry point, which is read before this file."""
    pluginmanager.register(nbval)
    parser.addoption("--cold", action="store_true", help="start every kernel as Jupyter does, and none warm")


def pytest_configure(config: pytest.Config) -> None:
    """Choose a backend without a window for what is collected, and safe ports for kernels."""
    config.stash[NOTEBOOKS] = 0.0
    kernel.choose_ports()
    os.environ["MPLBACKEND"] = "agg"  # matplotlib reads it when it is imported


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the cells that need a program that this machine lacks, and expect what is declared to fail."""
    declared: dict[str, str] = {}
    if kernel.PARSER in os.environ:
        declared |= _declared(config.rootpath / "tests" / "parser.toml")
    if _imitates_windows():
        declared |= _declared(config.rootpath / "tests" / "proactor" / "differs.toml")
    for item in items:
        for name in (item.nodeid, item.nodeid.partition("[")[0]):
            if reason := declared.get(name):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        if isinstance(item, IPyNbCell) and (program := lesson.missing(item.cell)):
            item.add_marker(pytest.mark.skip(reason=f"{program} is not installed: see python -m labs doctor"))


def _imitates_windows() -> bool:
    """Say whether the loop of Windows is imitated. Raise UsageError where it is asked for and not there."""
    if os.environ.get("LAB_WINDOWS_LOOP", "0") in ("", "0") or os.name == "nt":
        return False
    if not hasattr(asyncio, "ProactorEventLoop"):
        raise pytest.UsageError("LAB_WINDOWS_LOOP is set: add the folder tests/proactor to PYTHONPATH, too.")
    return True


def _declared(file: Path) -> dict[str, str]:
    """Return why a test fails where it is declared, by its node id, with its parameters or for all."""
    book = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    return {one["test"]: one["reason"] for one in book.get("differs", [])}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse a notebook with a cell that was never run: nbval runs such a cell and compares nothing."""
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        cells = [cell for cell in collector.nb.cells if cell.cell_type == "code"]
        for number, cell in enumerate(cells, 1):
            if cell.execution_count is None and cell.source.strip():
                report.outcome = "failed"
                report.longrepr = (
                    f"Code cell {number} of {collector.path.relative_to(collector.config.rootpath)} was "
                    "never run, so there is nothing to compare its outputs with: run make lessons."
                )
                break
    return report


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run a part of a notebook, whose cells need the ones before them, and build the font cache."""
    for file in {item.parent for item in session.items if isinstance(item, IPyNbCell)}:
        assert isinstance(file, IPyNbFile)
        chosen = sum(item.parent is file for item in session.items)
        if chosen != sum(cell.cell_type == "code" for cell in file.nb.cells):
            raise pytest.UsageError(
                f"{chosen} cells of {file.path.name} were chosen, but a notebook runs whole or not at all: "
                f"run python -m pytest {file.path.relative_to(session.config.rootpath)}, "
                "and use --lf, --sw, -k and ::Cell on tests/ only."
            )
    import matplotlib.font_manager  # noqa: F401  building it in a cell can show a warning

    del os.environ["MPLBACKEND"]  # in a kernel it would replace the inline backend


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Start the kernels of lessons warm, and count what notebooks cost."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    before = _cpu()
    with contextlib.nullcontext() if item.config.getoption("cold") else warm.starting(item.parent.nb):
        done = yield
    item.config.stash[NOTEBOOKS] += _cpu() - before
    return done


def pytest_runtestloop() -> None:
    """Take what is loaded by now out of the garbage collector's sight: guards and tests collect often."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Do the same after each test: what it leaves must not make each collection of the others dear."""
    if not isinstance(item, IPyNbCell):  # a cell leaves its objects in its kernel
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """End the process that forks kernels, and say last of all what the run has cost with all it started."""
    config = session.config
    before = _cpu()
    warm.close()
    config.stash[NOTEBOOKS] += _cpu() - before  # what ran in kernels counts when they have ended
    if hasattr(config, "workeroutput"):
        config.workeroutput["notebooks"] = config.stash[NOTEBOOKS]
    yield
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and os.name == "posix":  # Windows does not tell what children cost
        notebooks = config.stash[NOTEBOOKS]
        reporter.write_line(
            f"CPU: {_cpu():.1f} s of user and system time, {notebooks:.1f} s of them notebooks"
        )


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of pytest-xdist has counted."""
    node.config.stash[NOTEBOOKS] += getattr(node, "workeroutput", {}).get("notebooks", 0)


def _cpu() -> float:
    """Return the CPU seconds of this process, and of its children that have ended, with theirs."""
    return sum(os.times()[:4])


@pytest.fixture
def anyio_backend() -> str:
    """Run a test that is a coroutine on asyncio, and on nothing else."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_figure_left() -> Iterator[None]:
    """Close what a test has drawn, so that figures do not add up."""
    yield
    import matplotlib

    if "pyplot" in vars(matplotlib):
        vars(matplotlib)["pyplot"].close("all")
