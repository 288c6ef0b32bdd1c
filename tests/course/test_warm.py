"""A warm kernel is a kernel like any other, hides nothing from its lesson, and starts cold elsewhere."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, start_new_kernel

from labs.course import lesson, warm

linux: Any = os  # where its tests run, it has more than elsewhere
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
LESSON = new_notebook(cells=[new_code_cell(warm.LINE)])


class Kernel:
    """A kernel, started as nbval starts one for a notebook, until the end of the block."""

    def __init__(self, notebook: NotebookNode, folder: Path) -> None:
        with warm.starting(notebook):
            self.manager, self.client = start_new_kernel(
                kernel_name=CURRENT_ENV_KERNEL_NAME, cwd=str(folder), stderr=subprocess.DEVNULL
            )

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def said(self, source: str) -> str:
        """Run a cell and return the text that it prints."""
        texts: list[str] = []
        self.client.execute_interactive(
            source, output_hook=lambda it: texts.append(it["content"].get("text", "")), timeout=60
        )
        return "".join(texts)


@pytest.fixture
def zygote(monkeypatch: pytest.MonkeyPatch) -> Iterator[warm.Zygote]:
    """Start a process that forks and has loaded no lesson, in place of this run's own."""
    own = warm.Zygote([], "pass")
    monkeypatch.setattr(warm, "_zygote", own)
    yield own
    own.close()


@pytest.mark.parametrize(
    ("cells", "fits"),
    [
        (
            [
                new_markdown_cell("# A lesson"),
                new_code_cell(f"import asyncio\n\n{warm.LINE}, Gate\nguard = Guard()"),
            ],
            True,
        ),
        ([new_code_cell(warm.LINE.replace("draw, ", ""))], False),
        ([new_code_cell("import asyncio"), new_code_cell(warm.LINE)], False),
        ([new_code_cell(f"if True:\n    {warm.LINE}")], False),
        ([new_code_cell("%matplotlib inline")], False),
        ([], False),
    ],
)
def test_only_a_notebook_that_loads_it_all_itself_fits(cells: list[NotebookNode], fits: bool) -> None:
    assert warm.fits(new_notebook(cells=cells)) is fits


def test_every_lesson_fits() -> None:
    """One that does not is tested all the same, from a kernel that starts cold and takes a second longer."""
    assert [it.stem for it in lesson.sources() if not warm.fits(lesson.cut(it, solved=True))] == []


@on_linux
def test_a_warm_kernel_has_loaded_nothing_that_a_cold_one_has_not(tmp_path: Path) -> None:
    loaded = []
    for notebook in (LESSON, new_notebook()):
        with Kernel(notebook, tmp_path) as kernel:
            parent = kernel.said("import os; print(open(f'/proc/{os.getppid()}/cmdline').read())")
            assert (str(warm.PROGRAM) in parent) is (notebook is LESSON)
            loaded.append({*kernel.said(f"import sys\n{warm.LINE}\nprint(*sys.modules)").split()})
    assert len(loaded[1]) > 500 and loaded[0] - loaded[1] == set()


@on_linux
def test_a_forked_kernel_has_the_environment_folder_and_arguments_of_any_other(
    zygote: warm.Zygote, tmp_path: Path
) -> None:
    told = []
    for notebook in (LESSON, new_notebook()):
        with Kernel(notebook, tmp_path) as kernel:
            what = (
                "sys.argv[:2], sys.path, sys.flags, os.getcwd(), os.getpgrp() - os.getpid(), dict(os.environ)"
            )
            text = kernel.said(f"import os, sys; print([{what}])")
        told.append(text.replace(str(zygote._process.pid), str(os.getpid())))
    assert told[0] == told[1] != ""


@on_linux
def test_a_kernel_ends_with_the_process_that_forked_it(zygote: warm.Zygote, tmp_path: Path) -> None:
    with Kernel(LESSON, tmp_path) as kernel:
        assert kernel.manager.is_alive() and kernel.said("print(1)") == "1\n"
        with open(linux.pidfd_open(kernel.manager.provisioner.pid), "rb") as handle:
            os.kill(zygote._process.pid, signal.Signals["SIGKILL"])
            assert select.select([handle], [], [], 60)[0]
        assert not kernel.manager.is_alive()


@on_linux
def test_an_interrupted_question_ends_all_and_the_next_kernel_is_cold(
    zygote: warm.Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    with Kernel(LESSON, tmp_path) as kernel:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("json.loads", interrupted)
            zygote.ask(poll=kernel.manager.provisioner.pid)
        assert not kernel.manager.is_alive() and zygote._process.returncode == 0
    assert _forked([sys.executable, *warm.LAUNCHER, "-f", "x"], dict(os.environ)) is None


def _forked(cmd: list[str], env: dict[str, str]) -> warm.Forked | None:
    return warm._fork(cmd, {"cwd": ".", "env": env})


@pytest.mark.parametrize(
    ("cmd", "more"),
    [
        (["python", *warm.LAUNCHER, "-f", "x"], {}),
        ([sys.executable, "-m", "another_kernel", "-f", "x"], {}),
        ([sys.executable, "-X", "dev", *warm.LAUNCHER, "-f", "x"], {}),
        ([sys.executable, *warm.LAUNCHER, "-f", "x"], {"PYTHONHASHSEED": "1"}),
    ],
)
def test_another_python_or_environment_is_started_cold(
    cmd: list[str], more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stub:
        def __init__(self) -> None:
            self.flags: list[str] = []
            self.environment = warm._read_at_import(os.environ)

        def ask(self, **request: Any) -> int:
            return 1

    monkeypatch.setattr(warm, "_zygote", Stub())
    right = [sys.executable, *warm.LAUNCHER, "-f", "x"]
    assert _forked(right, {**os.environ, "JPY_SESSION_NAME": "x"}) is not None
    assert _forked(cmd, {**os.environ, **more}) is None


def test_where_forks_are_not_safe_kernels_start_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    factory = KernelProvisionerFactory.instance()
    usual = factory.default_provisioner_name
    monkeypatch.setattr("sys.platform", "linux")
    with warm.starting(LESSON):
        assert factory.default_provisioner_name == "warm"
    assert factory.default_provisioner_name == usual == "local-provisioner"
    monkeypatch.setattr("sys.platform", "darwin")
    with warm.starting(LESSON):
        assert factory.default_provisioner_name == usual


@on_linux
def test_a_process_that_cannot_fork_leaves_it_to_a_cold_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("raise ImportError('labs')", "utf-8")
    monkeypatch.setattr(warm, "PROGRAM", tmp_path / "broken.py")
    monkeypatch.setattr(warm, "_zygote", None)
    with Kernel(LESSON, tmp_path) as kernel:
        assert kernel.said("print('cold')") == "cold\n"
    warm.close()
