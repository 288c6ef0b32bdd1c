"""One table of commands: each is there, reads its own arguments, and refuses others in one sentence."""

from __future__ import annotations

import importlib
import re
import sys

import pytest

from labs import __main__


@pytest.mark.parametrize("word", __main__.COMMANDS)
def test_every_command_says_what_it_can_do(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        __main__.main([word, "-h"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m labs {word} [-h]")
    assert re.search(rf"^    {word}\b", __main__.parser().format_help(), re.MULTILINE)


NEEDED = {"fresh": ["01"], "run": ["01"], "new": ["99", "Who asks?"]}  # what these cannot do without


@pytest.mark.parametrize("word", [it for it in __main__.COMMANDS if it != "lab"])  # JupyterLab has the others
def test_an_unknown_argument_is_one_sentence(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        __main__.main([word, "--no-such-thing", *NEEDED.get(word, ())])
    assert stop.value.code == 2
    told = capsys.readouterr()
    assert told.err.splitlines()[-1].endswith("error: unrecognized arguments: --no-such-thing")
    assert told.out == ""


@pytest.mark.parametrize("words", [[], ["nonsense"], ["--foo", "build"]])
def test_what_is_no_command_is_one_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        __main__.main(words)
    assert stop.value.code == 2
    assert "python -m labs: error: " in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("words", [["run", "77"], ["build", "77"], ["versions", "--lesson", "77"]])
def test_a_lesson_that_is_not_there_is_one_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert __main__.main(words) == 1
    told = capsys.readouterr()
    assert told.err.startswith("no lessons start with '77'") and told.err.count("\n") == 1


def test_a_package_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError(name="jupytext" if "commands" in name else name)

    monkeypatch.setattr(importlib, "import_module", import_module)
    assert __main__.main(["build"]) == 1
    assert capsys.readouterr().err == "The package jupytext is not installed: run `python -m labs doctor`.\n"
    with pytest.raises(ModuleNotFoundError):  # a fault of labs, and not of this machine
        __main__.main(["doctor"])


def test_what_a_command_does_not_expect_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(argv: object) -> int:
        raise RuntimeError("a fault of labs")

    monkeypatch.setattr("labs.course.doctor.main", fails)
    with pytest.raises(RuntimeError, match="a fault of labs"):
        __main__.main(["doctor"])
    monkeypatch.delitem(sys.modules, "labs.course.lesson", raising=False)
    with pytest.raises(RuntimeError, match="a fault of labs"):
        __main__.main(["doctor"])
