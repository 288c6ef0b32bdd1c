"""What every run of pytest needs: a clean environment, whole notebooks, and skips that say why."""

import gc
import os
from collections.abc import Iterator

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from labs.course import kernel, lesson

_CLEAN = kernel.environment()
os.environ.clear()
os.environ.update(_CLEAN)


def pytest_configure() -> None:
    """Choose a backend without a window, build the font cache, and choose safe ports for kernels."""
    kernel.choose_ports()
    os.environ["MPLBACKEND"] = "agg"
    import matplotlib.font_manager  # noqa: F401  building it in a cell can show a warning

    del os.environ["MPLBACKEND"]  # in a kernel it would replace the inline backend


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the cells that need a program that this machine lacks, and say which."""
    for item in items:
        if isinstance(item, IPyNbCell) and (program := lesson.missing(item.cell)):
            item.add_marker(pytest.mark.skip(reason=f"{program} is not installed: see python -m labs doctor"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run a part of a notebook: its cells need the ones before them."""
    for file in {item.parent for item in session.items if isinstance(item, IPyNbCell)}:
        assert isinstance(file, IPyNbFile)
        chosen = sum(item.parent is file for item in session.items)
        if chosen != sum(cell.cell_type == "code" for cell in file.nb.cells):
            raise pytest.UsageError(
                f"{chosen} cells of {file.path.name} were chosen, but a notebook runs whole or not at all: "
                f"run python -m pytest {file.path.relative_to(session.config.rootpath)}, "
                "and use --lf, --sw, -k and ::Cell on tests/ only."
            )


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
