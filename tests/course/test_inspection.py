"""One lesson is tried on its own: from its skeleton to green, and what is red says what to do."""

import contextlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from labs import paths
from labs.course import check, inspection, lesson
from labs.exercises import registry

QUESTION = "What does a missing page cost?"
STEM = "17_what_does_a_missing_page_cost"
Done = subprocess.CompletedProcess[str]


def labs(root: Path, *words: str) -> Done:
    """Run a command of a project."""
    return subprocess.run(
        [sys.executable, "-m", "labs", *words],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def written(root: Path) -> list[Path]:
    """Return the three files of the new lesson."""
    return [
        root / "notebooks" / "source" / f"{STEM}.py",
        root / "labs" / "exercises" / "lesson_17.py",
        root / "labs" / "trial" / "claims.toml",
    ]


def findings(done: Done) -> list[str]:
    """Return the lines below the steps, which are indented twice."""
    return [line.strip() for line in done.stdout.splitlines() if line.startswith("    ")]


@pytest.fixture(scope="module")
def begun(project: Path) -> tuple[Path, Done]:
    """Begin lesson 17, and try it as it is."""
    made = labs(project, "new", "17", QUESTION)
    assert made.returncode == 0 and made.stdout.count("wrote") == 3, made.stderr
    return project, labs(project, "lesson", "17")


@pytest.fixture(scope="module")
def filled(begun: tuple[Path, Done]) -> tuple[Path, Done]:
    """Write something at each mark, as an author does, and try the lesson again."""
    root, _ = begun
    for file in written(root):
        text = file.read_text("utf-8")
        text = re.sub(r"^# WRITE: .*delete this line\.\n", "", text, flags=re.MULTILINE)
        file.write_text(re.sub(r"WRITE: [^\"\n]*", "Said in a sentence", text), "utf-8")
    return root, labs(root, "lesson", "17")


def test_a_new_lesson_is_red_only_where_its_author_must_write(begun: tuple[Path, Done]) -> None:
    root, done = begun
    told = findings(done)
    texts = [file.read_text("utf-8") for file in written(root)]
    marks = [what for text in texts for _, what in check.unwritten(text)]
    assert len(marks) == 20 and [line.partition(": write ")[2] for line in told] == marks
    source = f"notebooks/source/{STEM}.py"
    assert told[0].startswith(f"{source}, line 4: write what the reader does and finds out")
    assert told[-1].startswith("labs/trial/claims.toml, the source of L17a: write who says so")
    assert re.search(r"Lesson 17 is red, 20 to mend \(\d+ s\)\.\n$", done.stdout)
    assert done.returncode == 1 and done.stderr == ""


def test_a_lesson_that_is_written_is_green_though_another_is_red(filled: tuple[Path, Done]) -> None:
    root, done = filled
    assert findings(done) == [] and done.stderr == ""
    assert done.returncode == 0 and re.search(r"Lesson 17 is green \(\d+ s\)\.\n$", done.stdout)
    steps = [line.split()[0] for line in done.stdout.splitlines()[1:-1]]
    assert steps == ["style", "build", "outputs", "claims", "exercises", "control", "course", "results"]
    assert "1, with 2 usual wrong answers" in done.stdout and "28 of 28 code cells" in done.stdout
    command = re.search(r"python -m labs (versions \S+ --lesson 17)`", done.stdout)
    assert command and command[1].split()[1] == dict(_pins())["aiohttp"]
    for file in (root / "results").glob("*.json"):
        assert file.read_bytes() == (paths.RESULTS / file.name).read_bytes()


def _pins() -> list[list[str]]:
    lines = paths.REQUIREMENTS.read_text("utf-8").splitlines()
    return [line.split(" ")[0].split("==") for line in lines if re.match(r"[\w.-]+==", line)]


def test_what_is_red_says_what_to_do(filled: tuple[Path, Done]) -> None:
    root, _ = filled
    source, exercise, ledger = written(root)
    kept = [(file, file.read_bytes()) for file in (source, exercise, ledger)]
    try:
        for file, old, new in (
            (source, "import ClientSession, web", "import ClientSession, web, hdrs"),
            (exercise, '"heard 200"', '"heard 201"'),
            (ledger, 'verdict = "holds"\nlesson = "17', 'verdict = "refuted"\nlesson = "17'),
        ):
            text = file.read_text("utf-8")
            assert text.count(old) == 1
            file.write_text(text.replace(old, new), "utf-8")
        done = labs(root, "lesson", "17")
    finally:
        for file, before in kept:
            file.write_bytes(before)
    assert done.returncode == 1 and done.stderr == ""
    steps = re.findall(r"^  (\w+) +(.*\n(?:    .*\n)*)", done.stdout, re.MULTILINE)
    said = dict(steps)
    assert "run `python -m ruff check --fix notebooks" in said["style"] and "F401" in said["style"]
    stopped = f"{STEM}, code cell 11 stopped: Disagreement: The ledger and the recording disagree.\n"
    assert stopped in said["build"] and "`python -m labs build 17`" in said["build"]
    assert "outputs" not in said, "what was not built is not compared"
    assert "L17a refuted in labs/trial/claims.toml, and holds here: correct" in said["claims"]
    wrong = (
        "missing-page-cost: a wrong answer gets not yet, 'The client heard 200.', and not 'heard 201': mend"
    )
    assert wrong in said["exercises"]
    assert "check 1: no verdict falls when all sides are one: give it" in said["control"]
    red = {name for name, text in steps if "\n    " in text}
    assert red == {"style", "build", "claims", "exercises", "control"}
    assert re.search(r"Lesson 17 is red, 5 to mend", done.stdout)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Which lesson? Give its number, as in LESSON=09: 00 to "),
        ([""], "Which lesson? Give its number"),
        (["77"], "no lessons start with '77': choose one of 00_start_here, "),
        (["0"], "10 lessons start with '0': choose one of 00_start_here, "),
    ],
)
def test_a_number_that_is_none_is_told_in_one_sentence(words: list[str], told: str) -> None:
    done = labs(paths.ROOT, "lesson", *words)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(told) and done.stderr.count("\n") == 1


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


def test_an_output_that_differs_is_named_with_its_cell_and_its_lines() -> None:
    assert case("Cell 2", NBVAL).file == "notebooks/solutions/01_a.ipynb"
    cases = [case("Cell 0"), case("Cell 1", skipped="curl is not installed"), case("Cell 2", NBVAL)]
    step = inspection._outputs("01", cases)
    assert step.said.startswith("1 of 3 code cells show again what is stored; 1 are left out: see `python")
    (finding,) = step.findings
    first, *lines = finding.splitlines()
    assert first.startswith("notebooks/solutions/01_a.ipynb, code cell 3 shows something else than is stored")
    assert "`python -m labs build --all 01`" in first and lines == ["- after", "+ before"]


def test_of_many_outputs_that_differ_the_first_are_shown() -> None:
    step = inspection._outputs("01", [case(f"Cell {n}", "It raised.") for n in range(9)])
    assert len(step.findings) == inspection.MOST and "; 5 more than the 4 below do not" in step.said
    assert step.findings[0].endswith("\nIt raised.")


def test_wrong_answers_and_controls_that_did_not_run_are_findings() -> None:
    (exercise,) = [it for it in registry.registered().values() if it.name == "be-a-teapot"]
    assert "0 of 9 wrong answers were tried" in inspection._exercises([exercise], []).findings[0]
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
