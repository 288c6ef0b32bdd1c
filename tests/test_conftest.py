"""How pytest treats notebooks: strictly, whole, in a clean environment, and with skips that say why."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from labs import paths


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small project with this one's settings, two good notebooks and a bad one."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, folder)
    shutil.copytree(paths.ROOT / "labs", folder / "labs", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    _write(folder / "notebooks" / "good.ipynb", "2")
    _write(folder / "notebooks" / "solutions" / "good.ipynb", "2")
    _write(folder / "notebooks" / ".ipynb_checkpoints" / "good.ipynb", "never collected")
    (folder / "notebooks" / "source").mkdir()
    (folder / "notebooks" / "source" / "01_x.py").write_text("raise OSError('never collected')\n", "utf-8")
    _write(folder / "bad" / "bad.ipynb", "3")
    return folder


def _write(file: Path, shown: str) -> None:
    import_labs = (
        "import os, pathlib, labs\none = 1\npathlib.Path(labs.__file__).parts[-3].startswith('project')"
    )
    cells = [
        _cell(1, import_labs, "True"),
        _cell(2, "one + 1", shown),
        _cell(
            3, "'http_proxy' in os.environ, 'matplotlib_inline' in os.environ['MPLBACKEND']", "(False, True)"
        ),
        _cell(4, "'no such program'", "'skipped'", tags=["needs-curl"]),
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), file)


def _cell(number: int, source: str, shown: str, **metadata: object) -> nbformat.NotebookNode:
    output = new_output("execute_result", {"text/plain": shown}, execution_count=number)
    cell: nbformat.NotebookNode = new_code_cell(
        source, execution_count=number, outputs=[output], metadata=metadata, id=f"cell-{number}"
    )
    return cell


def run_pytest(project: Path, *words: str) -> tuple[int, str]:
    """Run pytest in the small project, with a proxy set and no program on the PATH."""
    environ = os.environ | {"PATH": str(project), "http_proxy": "http://proxy.invalid", "MPLBACKEND": "agg"}
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(line, cwd=project, env=environ, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


def test_notebooks_run_clean_and_skips_say_why(project: Path) -> None:
    status, told = run_pytest(project)
    assert status == 0 and "6 passed, 2 skipped" in told, told
    assert "curl is not installed: see python -m labs doctor" in told


def test_another_output_is_a_failure(project: Path) -> None:
    status, told = run_pytest(project, "bad")
    assert status == 1 and "1 failed, 2 passed, 1 skipped" in told, told


@pytest.mark.parametrize("words", [("notebooks/good.ipynb::Cell 1",), ("-k", "Cell and 2")])
def test_a_part_of_a_notebook_is_refused(project: Path, words: tuple[str, ...]) -> None:
    status, told = run_pytest(project, *words)
    assert status == pytest.ExitCode.USAGE_ERROR, told
    assert "1 cells of good.ipynb were chosen, but a notebook runs whole or not at all" in told


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
    cells = [
        _cell(1, "from labs import Guard, Town, attempt, check, clients, compare, draw, score\n1", "1"),
        _cell(
            2, "from aiohttp import http_parser as it\nit.HttpRequestParser is it.HttpRequestParserPy", "True"
        ),
    ]
    made = [project / "tests" / name for name in ("test_made.py", "parser.toml", "warm.ipynb", "cold.ipynb")]
    made[0].write_text(PARSER, "utf-8")
    made[1].write_text(DECLARED, "utf-8")
    nbformat.write(new_notebook(cells=cells), made[2])
    nbformat.write(new_notebook(cells=[_cell(1, cells[1].source, "True")]), made[3])
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


def test_what_is_declared_is_there_and_says_why() -> None:
    book = tomllib.loads((paths.ROOT / "tests" / "parser.toml").read_text("utf-8"))
    for one in book.pop("differs", []):
        assert one.keys() == {"test", "reason"} and one["reason"].endswith("."), one
        file, _, name = one["test"].partition("::")
        text = (paths.ROOT / file).read_text("utf-8")
        assert name.startswith("Cell ") or f"def {name.partition('[')[0]}(" in text, one
    assert not book
