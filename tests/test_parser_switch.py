"""One variable runs the suite with aiohttp's parser in Python, and what differs is declared."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs import paths
from labs.course.warm import LINE
from tests.test_conftest import cell, project, run_pytest, write

__all__ = ["project"]  # the fixture, for this module, too

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
    said = cell(
        "from aiohttp import http_parser as it\nit.HttpRequestParser is it.HttpRequestParserPy",
        ("result", "True"),
    )
    made = [project / "tests" / name for name in ("test_made.py", "parser.toml", "warm.ipynb", "cold.ipynb")]
    made[0].write_text(PARSER, "utf-8")
    made[1].write_text(DECLARED, "utf-8")
    write(made[2], cell(f"{LINE}\n1", ("result", "1")), said)  # its kernel is a fork
    write(made[3], said)
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
