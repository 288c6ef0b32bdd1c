"""One lesson is tried on its own, and what is red says what to do."""

import contextlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from labs.course import inspection, lesson
from labs.exercises import registry


def test_exercises_that_cannot_be_imported_stop_everything_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise SyntaxError("invalid syntax (lesson_05.py, line 3)")

    monkeypatch.setattr(inspection, "registered", broken)
    *_, last = inspection.inspect(lesson.find("00"))
    words = "labs/exercises cannot be imported (SyntaxError: invalid syntax (lesson_05.py, line 3)): mend"
    assert last.findings[0].startswith(words) and "\n" not in last.findings[0]


NBVAL = """\
#x1B[91mNotebook cell execution failed#x1B[0m
#x1B[94mCell 2: Cell outputs differ

Input:
#x1B[0mtown.trace.lanes()

#x1B[94mTraceback:#x1B[0m
#x1B[94m mismatch 'text/plain'#x1B[91m

 assert reference_output == test_output failed:

  'before\\ncli... 200 OK' == 'after\\n    ... 200 OK'
  - after
  + before
    client           origin.test
#x1B[0m
"""


def case(name: str, failure: str = "", skipped: str = "") -> inspection.Tested:
    """Make a case as pytest writes it into its report."""
    element = ElementTree.Element("testcase", classname="notebooks.solutions.01_a.ipynb", name=name)
    if failure:
        ElementTree.SubElement(element, "failure", message="short").text = failure
    if skipped:
        ElementTree.SubElement(element, "skipped", message=skipped)
    return inspection._case(element)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Write a source of three code cells."""
    source = tmp_path / "01_a.py"
    source.write_text("# %% [markdown]\n# # A?\n" + "# %%\n1\n\n" * 3, "utf-8")
    return source


def test_an_output_that_differs_is_named_with_its_cell_and_its_lines(three: Path) -> None:
    assert case("Cell 2", NBVAL).file == "notebooks/solutions/01_a.ipynb"
    cases = [case("Cell 0"), case("Cell 1", skipped="curl is not installed"), case("Cell 2", NBVAL)]
    step = inspection._outputs(three, [*cases, *map(case, ("Cell 0", "Cell 1", "Cell 2"))])
    assert step.said.startswith("4 of 6 code cells show again what is stored; 1 are left out: see `python")
    (finding,) = step.findings
    first, *lines = finding.splitlines()
    assert first.startswith("notebooks/solutions/01_a.ipynb, code cell 3 shows something else than is stored")
    assert "`python -m labs build --all 01`" in first and lines == ["- after", "+ before"]


def test_of_many_outputs_that_differ_the_first_are_shown(three: Path) -> None:
    step = inspection._outputs(three, [case(f"Cell {n}", "It raised.") for n in range(6)])
    assert len(step.findings) == inspection.MOST and "; 2 more than the 4 below do not" in step.said
    assert step.findings[0].endswith("\nIt raised.")


@pytest.mark.parametrize("run", [0, 5])
def test_cells_that_were_not_run_are_a_finding(three: Path, run: int) -> None:
    step = inspection._outputs(three, [case(f"Cell {n}") for n in range(run)])
    (finding,) = step.findings
    assert finding == f"{run} of 6 code cells were run: see `python -m pytest notebooks/01_a.ipynb`."


def test_wrong_answers_and_controls_that_did_not_run_are_findings() -> None:
    (exercise,) = [it for it in registry.registered().values() if it.name == "let-the-others-in"]
    assert "0 of 12 wrong answers were tried" in inspection._exercises([exercise], []).findings[0]
    assert "the control was not run" in inspection._controls([]).findings[0]


def test_pytest_that_does_not_run_is_told() -> None:
    with contextlib.ExitStack() as stack:
        wait = inspection._pytest(stack, "tests/no_such_file.py")
        with contextlib.suppress(lesson.LessonError):
            assert wait() == []
        gone = inspection._pytest(stack, "--no-such-option")
        with pytest.raises(lesson.LessonError, match=r"pytest did not run \(--no-such-option\):\n"):
            gone()


@pytest.mark.parametrize("stubborn", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN);"])
def test_what_was_started_has_ended(stubborn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "SECONDS", 0.1)
    program = f"import signal, sys; {stubborn} print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout and running.stdout.readline().strip() == b"up"
        with pytest.raises(KeyboardInterrupt), contextlib.ExitStack() as stack:
            stack.callback(inspection._end, running)
            raise KeyboardInterrupt
        assert running.returncode is not None
