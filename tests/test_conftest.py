"""How pytest treats notebooks: strictly, whole, in a clean environment, and leaving no process behind."""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from labs.course import warm
from labs.course.warm import LINE
from labs.host import paths

linux: Any = os  # where its tests run, it has more than elsewhere
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
FORKED = sys.platform == "linux"

# What a cell does, what its notebook holds of it, and what the report must say: each must be red.
SPOILT: dict[str, list[tuple[str, list[tuple[str, str]], str]]] = {
    "spoilt": [
        ("one + 1", [("result", "3")], "mismatch 'text/plain'"),
        ("print('one')", [("stdout", "two\n")], "mismatch 'stdout'"),
        ("None", [("result", "1")], "Missing output fields from running code: {'text/plain'}"),
        ("display(1)\ndisplay(2)", [("shown", "1")], "dissimilar number of outputs"),
        ("one", [], "Unexpected output fields from running code: {'text/plain'}"),
        (
            "import sys\nprint(1, file=sys.stderr)",
            [],
            "Unexpected output fields from running code: {'stderr'}",
        ),
        ("1 / 0", [], "Cell execution caused an exception"),
        ("import time\ntime.sleep(60)", [], "Timeout of 3 seconds exceeded executing cell"),
    ],
    "dying": [("import os\nos._exit(1)", [], "Timeout of 3 seconds exceeded while executing cell")],
}


WORDS = f"""
def __getattr__(name):
    if name in {warm.NAMES}:
        import aiohttp
        return aiohttp
    raise AttributeError(name)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small project with these settings, good and bad notebooks, and a labs of only aiohttp."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, folder)
    shutil.copytree(paths.ROOT / "labs", folder / "labs", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "labs" / "__init__.py").write_text(WORDS, "utf-8")
    (folder / "tests").mkdir()
    good(folder / "notebooks" / "good.ipynb")
    good(folder / "notebooks" / "solutions" / "good.ipynb")
    write(folder / "notebooks" / ".ipynb_checkpoints" / "good.ipynb", new_code_cell("'never collected'"))
    (folder / "notebooks" / "source").mkdir()
    (folder / "notebooks" / "source" / "01_x.py").write_text("raise OSError('never collected')\n", "utf-8")
    for place, first in (("lessons", LINE), ("lessons/solutions", LINE), ("cold", "pass")):
        for name, cells in SPOILT.items():
            bad = [cell(source, *outputs) for source, outputs, _ in cells]
            write(folder / place / f"{name}.ipynb", cell(f"{first}\none = 1"), *bad)
    return folder


def write(file: Path, *cells: nbformat.NotebookNode) -> None:
    """Write a notebook whose cells were run from top to bottom."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(cells, 1):
        one["id"] = f"cell-{number}"
    nbformat.write(new_notebook(cells=cells), file)


def cell(source: str, *outputs: tuple[str, str], **metadata: object) -> nbformat.NotebookNode:
    """Make a cell that was run, with its outputs: a result, something shown, or the text of a stream."""
    made: dict[str, Callable[[str], Any]] = {
        "result": lambda text: new_output("execute_result", {"text/plain": text}, execution_count=1),
        "shown": lambda text: new_output("display_data", {"text/plain": text}),
        "stdout": lambda text: new_output("stream", name="stdout", text=text),
    }
    held = [made[kind](text) for kind, text in outputs]
    made_cell: nbformat.NotebookNode = new_code_cell(
        source, execution_count=1, outputs=held, metadata=metadata
    )
    return made_cell


def good(file: Path) -> None:
    """Write a notebook that shows in what environment, and from what process, its kernel has started."""
    parent = f"{FORKED} and 'course/zygote.py' in open(f'/proc/{{os.getppid()}}/cmdline').read()"
    write(
        file,
        cell(
            f"import os, pathlib, labs\n{LINE}\npathlib.Path(labs.__file__).parts[-3].startswith('project')",
            ("result", "True"),
        ),
        cell("one = 1\none + 1", ("result", "2")),
        cell(
            f"'http_proxy' in os.environ, 'matplotlib_inline' in os.environ['MPLBACKEND'], {parent}",
            ("result", f"(False, True, {FORKED})"),
        ),
        cell("'no such program'", ("result", "'skipped'"), tags=["needs-curl"]),
    )


def begin(project: Path, *words: str) -> "subprocess.Popen[str]":
    """Start pytest in the small project, with a proxy set and no program on the PATH."""
    environ = os.environ | {"PATH": str(project), "http_proxy": "http://proxy.invalid", "MPLBACKEND": "agg"}
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    return subprocess.Popen(
        line, cwd=project, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )


def run_pytest(project: Path, *words: str) -> tuple[int, str]:
    """Run pytest in the small project; return its status and what it told."""
    with begin(project, *words) as process:
        try:
            told, _ = process.communicate(timeout=150)
        finally:
            process.kill()
    return process.returncode, told


def cost(told: str) -> tuple[float, float]:
    """Read the last line of a report: the CPU seconds of all, and of the notebooks."""
    line = told.splitlines()[-1]
    found = re.fullmatch(r"CPU: (\d+\.\d) s of user and system time, (\d+\.\d) s of them notebooks", line)
    assert found, told
    return float(found[1]), float(found[2])


def test_notebooks_run_clean_and_skips_say_why(project: Path) -> None:
    status, told = run_pytest(project, "-n", "1", "--dist", "loadfile")
    assert status == 0 and "6 passed, 2 skipped" in told, told
    assert "curl is not installed: see python -m labs doctor" in told
    if os.name == "posix":
        whole, notebooks = cost(told)
        assert 0 < notebooks < whole, told  # only the worker runs notebooks


def test_kernels_start_cold_when_asked_to(project: Path) -> None:
    status, told = run_pytest(project, "--cold", "notebooks/good.ipynb")
    assert status == FORKED and ("'(False, True, True)' == '(False, True, False)'" in told) is FORKED, told


@pytest.mark.timeout(200)
def test_what_is_spoilt_is_red_in_a_lesson_in_a_solution_and_from_a_cold_kernel(
    project: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.xml"
    status, told = run_pytest(project, "lessons", "cold", "--nbval-cell-timeout=3", f"--junitxml={report}")
    red = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failure = case.find("failure")
        if failure is not None:
            red[case.attrib["classname"], case.attrib["name"]] = failure.text or ""
    wanted = {
        (f"{place}.{name}.ipynb", f"Cell {number}"): words
        for place in ("lessons", "lessons.solutions", "cold")
        for name, cells in SPOILT.items()
        for number, (_, _, words) in enumerate(cells, 1)
    }
    assert sorted(red) == sorted(wanted), told
    assert {where: words for where, words in wanted.items() if words not in red[where]} == {}
    assert status == 1 and f"{len(wanted)} failed, 6 passed" in told, told
    if os.name == "posix":
        cost(told)


def test_a_cell_that_was_never_run_is_refused(project: Path) -> None:
    stripped = new_code_cell(LINE), new_code_cell("1 / 1")
    for number, cells in enumerate((stripped, (cell(LINE), new_code_cell(" "), new_code_cell("1 / 1")))):
        for place in ("", "solutions"):
            write(project / "stripped" / place / f"{number}.ipynb", *cells)
    status, told = run_pytest(project, "stripped", "notebooks")
    assert status == pytest.ExitCode.INTERRUPTED and "4 errors" in told, told
    for file in ("0", "1", "solutions/0", "solutions/1"):
        number = 3 if file.endswith("1") else 1
        words = f"Code cell {number} of {Path('stripped', file)}.ipynb was never run, so there is nothing to "
        assert f"{words}compare its outputs with: run make lessons." in told, told


@pytest.mark.parametrize("words", [("notebooks/good.ipynb::Cell 1",), ("notebooks", "-k", "Cell and 2")])
def test_a_part_of_a_notebook_is_refused(project: Path, words: tuple[str, ...]) -> None:
    status, told = run_pytest(project, *words)
    assert status == pytest.ExitCode.USAGE_ERROR, told
    assert "1 cells of good.ipynb were chosen, but a notebook runs whole or not at all" in told


@on_linux
@pytest.mark.parametrize(
    ("how", "words"), [("SIGINT", ()), ("SIGKILL", ("-n", "1"))], ids=["interrupted", "killed"]
)
def test_no_process_outlives_pytest(project: Path, tmp_path: Path, how: str, words: tuple[str, ...]) -> None:
    """The cell tells, through a named pipe, which processes there are, and hangs."""
    pipe = tmp_path / "told"
    linux.mkfifo(pipe)
    notebook = project / "hanging" / f"{how}.ipynb"
    tell = f"with open({str(pipe)!r}, 'w') as told:\n    print(os.getpid(), os.getppid(), file=told)"
    write(notebook, cell(f"import os, time\n{LINE}\n{tell}\ntime.sleep(600)"))
    with begin(project, str(notebook), *words) as process:
        try:
            kernel, zygote = map(int, pipe.read_text("utf-8").split())
            worker = int(re.findall(r"PPid:\t(\d+)", Path(f"/proc/{zygote}/status").read_text("utf-8"))[0])
            handles = [linux.pidfd_open(pid) for pid in (kernel, zygote, worker)]
            assert (worker == process.pid) is (not words)
            process.send_signal(signal.Signals[how])
            process.communicate(timeout=100)
        finally:
            process.kill()
    assert process.returncode == (2 if how == "SIGINT" else -signal.Signals[how])
    for handle in handles:
        with open(handle, "rb"):
            assert select.select([handle], [], [], 60)[0]


PARSER = """
import subprocess, sys
from aiohttp import http_parser

SAY = "from aiohttp import http_parser as it; print(it.HttpRequestParser is it.HttpRequestParserPy)"

def test_here():
    assert http_parser.HttpRequestParser is http_parser.HttpRequestParserPy

def test_in_a_program():
    done = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True)
    assert done.stdout == "True\\n", done

def test_other():
    assert http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy
"""
DECLARED = """
[[differs]]
test = "tests/test_made.py::test_other"
reason = "it is the other parser"
"""


@pytest.fixture
def parsers(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Add tests and a notebook to the small project that say which parser runs, one of them declared."""
    reads = cell(
        "from aiohttp import http_parser as it\nit.HttpRequestParser is it.HttpRequestParserPy",
        ("result", "True"),
    )
    made = [project / "tests" / name for name in ("test_made.py", "parser.toml", "warm.ipynb", "cold.ipynb")]
    made[0].write_text(PARSER, "utf-8")
    made[1].write_text(DECLARED, "utf-8")
    write(made[2], cell(LINE), reads)
    write(made[3], reads)
    monkeypatch.setenv("AIOHTTP_NO_EXTENSIONS", "1")  # a stray one switches nothing
    yield project
    for file in made:
        file.unlink()


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_one_variable_switches_the_parser_of_tests_programs_and_kernels(
    parsers: Path, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LAB_PARSER", "python")
    status, told = run_pytest(parsers, "tests", *workers)
    assert status == 0 and "5 passed, 1 xfailed" in told, told
    assert "it is the other parser" in told


def test_without_it_the_parser_is_the_one_in_c(parsers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_PARSER", raising=False)
    status, told = run_pytest(parsers, "tests")
    assert status == 1 and "4 failed, 2 passed" in told, told


def test_what_is_declared_and_does_not_fail_is_red(parsers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PARSER", "python")
    (parsers / "tests" / "parser.toml").write_text(DECLARED.replace("test_other", "test_here"), "utf-8")
    status, told = run_pytest(parsers, "tests/test_made.py")
    assert status == 1 and "2 failed, 1 passed" in told and "[XPASS(strict)]" in told, told


def test_another_word_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PARSER", "C")
    status, told = run_pytest(project)
    assert status == pytest.ExitCode.USAGE_ERROR, told
    assert "LAB_PARSER is 'C': set it to python, or not at all." in told


@pytest.mark.parametrize("file", ["parser.toml", "proactor/differs.toml"])
def test_what_is_declared_is_there_and_says_why(file: str) -> None:
    book = tomllib.loads((paths.ROOT / "tests" / file).read_text("utf-8"))
    for one in book.pop("differs", []):
        assert one.keys() == {"test", "reason"} and one["reason"].endswith("."), one
        where, _, name = one["test"].partition("::")
        text = (paths.ROOT / where).read_text("utf-8")
        assert name.startswith("Cell ") or f"def {name.partition('[')[0]}(" in text, one
    assert not book


def test_the_loop_of_windows_is_there_where_it_is_asked_for(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WINDOWS_LOOP", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    status, told = run_pytest(project)
    assert status == pytest.ExitCode.USAGE_ERROR, told
    assert "add the folder tests/proactor to PYTHONPATH" in told
