"""From a skeleton to a green lesson, by the commands, in a copy of the project."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labs.course import check
from labs.host import paths

QUESTION = "What does a missing page cost?"
STEM = "28_what_does_a_missing_page_cost"
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
        root / "labs" / "exercises" / "lesson_28.py",
        root / "labs" / "trial" / "claims.toml",
    ]


def findings(done: Done) -> list[str]:
    """Return the lines below the steps, which are indented twice."""
    return [line.strip() for line in done.stdout.splitlines() if line.startswith("    ")]


@pytest.fixture(scope="module")
def begun(project: Path) -> tuple[Path, Done]:
    """Begin lesson 28, and try it as it is."""
    made = labs(project, "new", "28", QUESTION)
    assert made.returncode == 0 and made.stdout.count("wrote") == 3, made.stderr
    return project, labs(project, "lesson", "28")


@pytest.fixture(scope="module")
def filled(begun: tuple[Path, Done]) -> tuple[Path, Done]:
    """Write something at each mark, as an author does, and try the lesson again."""
    root, _ = begun
    for file in written(root):
        text = file.read_text("utf-8")
        text = re.sub(r"^# WRITE: .*delete this line\.\n", "", text, flags=re.MULTILINE)
        file.write_text(re.sub(r"WRITE: [^\"\n]*", "Said in a sentence", text), "utf-8")
    return root, labs(root, "lesson", "28")


def test_a_new_lesson_is_red_only_where_its_author_must_write(begun: tuple[Path, Done]) -> None:
    root, done = begun
    told = findings(done)
    texts = [file.read_text("utf-8") for file in written(root)]
    marks = [what for text in texts for _, what in check.unwritten(text)]
    assert len(marks) == 19 and [line.partition(": write ")[2] for line in told] == marks
    source = f"notebooks/source/{STEM}.py"
    assert told[0].startswith(f"{source}, line 4: write what the reader does and finds out")
    assert told[-1].startswith("labs/trial/claims.toml, the source of L28a: write who says so")
    assert re.search(r"Lesson 28 is red, 19 to mend \(\d+ s\)\.\n$", done.stdout)
    assert done.returncode == 1 and done.stderr == ""


def test_a_lesson_that_is_written_is_green_though_another_is_red(filled: tuple[Path, Done]) -> None:
    root, done = filled
    assert findings(done) == [] and done.stderr == ""
    assert done.returncode == 0 and re.search(r"Lesson 28 is green \(\d+ s\)\.\n$", done.stdout)
    steps = [line.split()[0] for line in done.stdout.splitlines()[1:-1]]
    assert steps == ["style", "build", "outputs", "claims", "exercises", "control", "course", "results"]
    assert "1, with 2 usual wrong answers" in done.stdout and "28 of 28 code cells" in done.stdout
    command = re.search(r"python -m labs (versions \S+ --lesson 28)`", done.stdout)
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
            (ledger, 'verdict = "holds"\nlesson = "28', 'verdict = "refuted"\nlesson = "28'),
        ):
            text = file.read_text("utf-8")
            assert text.count(old) == 1
            file.write_text(text.replace(old, new), "utf-8")
        done = labs(root, "lesson", "28")
    finally:
        for file, before in kept:
            file.write_bytes(before)
    assert done.returncode == 1 and done.stderr == ""
    steps = re.findall(r"^  (\w+) +(.*\n(?:    .*\n)*)", done.stdout, re.MULTILINE)
    said = dict(steps)
    assert "run `python -m ruff check --fix notebooks" in said["style"] and "F401" in said["style"]
    stopped = f"{STEM}, code cell 11 stopped: Disagreement: The ledger and the recording disagree.\n"
    assert stopped in said["build"] and "`python -m labs build 28`" in said["build"]
    assert "outputs" not in said, "what was not built is not compared"
    assert "L28a: refuted in labs/trial/claims.toml, holds here: correct" in said["claims"]
    wrong = (
        "missing-page-cost: a wrong answer gets not yet, 'The client heard 200.', and not 'heard 201': mend"
    )
    assert wrong in said["exercises"]
    assert "check 1: no verdict falls when all sides are one: give it" in said["control"]
    red = {name for name, text in steps if "\n    " in text}
    assert red == {"style", "build", "claims", "exercises", "control"}
    assert re.search(r"Lesson 28 is red, 5 to mend", done.stdout)


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
