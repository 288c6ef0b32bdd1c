"""The course check finds what is wrong, and says what to do."""

import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from labs.capture.distance import MODEL
from labs.course import build, check, lesson
from labs.course.check import _measured, volatile
from labs.trial.posts import Fair, Passage
from tests.course.support import EXERCISES, LEDGER, NAME, change, claim, findings, task


def test_a_good_course_has_no_findings(notebooks: Path) -> None:
    assert findings(notebooks) == ""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("two?", "two", "first line is `# A question?`"),
        ("print(", "print(0, ", "is not what its source yields"),
        ("await guard.clean()", "None", "must end in a code cell with `await guard.clean()`"),
        ("found\n", "found;\n", "ends in `;`"),
        ("found\n", "found\n" * 20, "has 26 lines: cut it down to 20"),
        ("found\n", "# !ls\nfound\n", "write '!ls' in Python"),
        ("found = await count()", "found = = 1", "code cell 2 is not Python"),
        ("# %%\nasync", '# %% tags=["skip"]\nasync', "has the tag 'skip'"),
        ("found\n", "# NBVAL_SKIP\nfound\n", "has an NBVAL comment"),
        ('"C01"', '"C02"', "checks C02, which is not in labs/trial/claims.toml"),
        ('"C01"', '"C02"', f"gives C01 to {NAME}: check it there"),
        ('{"C01": {}}', "dict(C01=1)", "pass a dict literal"),
        ("[C01]", "[C07b]", "mentions [C07b]"),
        ('exercise="add-one"', 'exercise="add-two"', "marks the exercise 'add-two': register it"),
        ('exercise="add-one"', 'exercise="add-two"', 'mark a cell there with exercise="add-one"'),
        ('await attempt("add-one"', 'await attempt("other"', 'await attempt("add-one", ...)'),
        ("exercises 3", "exercises 4", "must say `exercises 3`"),
        ("*Minutes*: 3, exercises 3", "Soon over", "must say in its second cell"),
        ("    # end\n", "", "without its `# end`"),
    ],
)
def test_a_fault_in_a_source_is_found(notebooks: Path, old: str, new: str, words: str) -> None:
    change(notebooks, old, new)
    assert words in findings(notebooks)


def test_a_second_ignored_output_is_found(notebooks: Path) -> None:
    for cell in ("async def", "check("):
        change(notebooks, f"# %%\n{cell}", f'# %% tags=["nbval-ignore-output"]\n{cell}')
    assert "ignores the output of 2 cells" in findings(notebooks)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"execution_count": 2', '"execution_count": 7', "was not executed from top to bottom"),
        ('"name": "stdout"', '"name": "stderr"', "stores what went to stderr"),
        ("counted in notebooks", "at 0x7f12ab34cd", "shows a memory address ('0x7f12ab34cd')"),
        ("counted in notebooks", "127.0.0.1:43121", "shows a port of one run"),
        ("counted in notebooks", "('127.0.0.1', 43121)", "shows a port of one run"),
        ("counted in notebooks", "took 12.3 ms", "shows a duration"),
        ("counted in notebooks", "Tue, 03 Nov 2026 10:00:00 GMT", "shows a date"),
        ("counted in notebooks", "/home/me/lab/file.py", "shows a path of this machine"),
        ("counted in notebooks", "C:\\\\\\\\Users", "shows a path of this machine"),
        ("counted in notebooks", "192.168.1.7", "shows an address of this machine"),
        ("Python 3", "Python 4", "is not what its source yields"),
        ("add-one: not tried yet", "add-one: yes", "must show `add-one: not tried yet` and shows"),
        ('"nbformat": 4', '"nbformat": "x"', "is not a notebook"),
    ],
)
def test_a_fault_in_a_notebook_is_found(notebooks: Path, old: str, new: str, words: str) -> None:
    file = notebooks / f"{NAME}.ipynb"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    assert words in findings(notebooks)


def test_what_is_said_of_a_figure_is_what_the_figure_says(notebooks: Path) -> None:
    file = notebooks / f"{NAME}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    about = {"image/png": {"width": 833, "alt": "One comes first."}}
    shown = nbformat.v4.new_output("display_data", {"image/png": "AAAA"}, metadata=about)
    notebook.cells[3].outputs.append(shown)
    for alt, stale in (("One comes first.", False), ("Two comes first.", True), ("", True)):
        image = {"image": {"alt": alt, "width": "833px"}}
        notebook.cells[3].metadata = {"mystnb": image} if alt else {}
        nbformat.write(notebook, file)
        assert ("is not what its source yields" in findings(notebooks)) is stale, alt


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("took 12.3 ms", True),
        (f"at 40 ms. {MODEL}", False),
        (f"at 40 ms. {MODEL} on 127.0.0.1:43121", True),
        ("ms for both, 40 ms away: 160", False),  # as the lesson's code says it
        ("ms for both, 40 ms away: 160 ms", True),
    ],
)
def test_durations_that_nobody_measured_are_no_fault(shown: str, found: bool) -> None:
    code = [new_code_cell('ask = {"ms for both, 40 ms away": lambda t: 1}')]
    assert bool(volatile(_measured(shown, code))) is found


def test_a_solution_that_does_not_solve_is_found(notebooks: Path) -> None:
    file = notebooks / "solutions" / f"{NAME}.ipynb"
    file.write_text(file.read_text("utf-8").replace("add-one: yes", "add-one: not yet. Count."), "utf-8")
    told = findings(notebooks)
    assert "code cell 5 must show `add-one: yes` and shows \"'add-one: not yet. Count.'\"" in told


def test_a_stored_error_is_found(notebooks: Path) -> None:
    file = notebooks / f"{NAME}.ipynb"
    notebook = build.stored(file)
    notebook.cells[3].outputs = [nbformat.v4.new_output("error", ename="OSError", evalue="", traceback=[])]
    file.write_text(lesson.dumps(notebook), "utf-8")
    assert "stores the error OSError" in findings(notebooks)


@pytest.mark.parametrize(
    "stable",
    [
        *(
            "GET http://localhost:9000/page HTTP/1.1",
            "origin.test:8080",
            "3.14.5",
            "203.0.113.5",
            "C03: 1 = 1",
        ),
        *("expires=Thu, 01 Jan 1970 00:00:00 GMT", "/page/home/x", "http://origin.test/tmp/x", "2 sides"),
    ],
)
def test_what_repeats_is_not_volatile(stable: str) -> None:
    assert check.volatile(stable) == []


def test_missing_and_orphaned_files_are_found(notebooks: Path) -> None:
    (notebooks / "solutions" / f"{NAME}.ipynb").rename(notebooks / "solutions" / "02_left_over.ipynb")
    (notebooks / "source" / "draft.py").write_text("", "utf-8")
    found = findings(notebooks)
    assert f"solutions/{NAME}.ipynb is missing" in found.replace("\\", "/")
    assert "02_left_over.ipynb has no source" in found
    assert "draft.py is not named NN_verb_phrase.py" in found


def test_minutes_are_held_to_the_formula(notebooks: Path) -> None:
    change(notebooks, "*Minutes*: 3, exercises 3", "*Minutes*: 30, exercises 3")
    assert f"{NAME} says 30 minutes to read and run, and its text takes 3." in findings(notebooks)


def test_exercises_need_names_hints_stars_and_minutes(notebooks: Path) -> None:
    poor = task("Add One", stars=4, minutes=0, hint=" ")
    found = findings(notebooks, exercises=[*EXERCISES, *EXERCISES, poor])
    assert "'add-one' is used 2 times" in found
    assert "'Add One' must be words-with-hyphens" in found
    assert "'Add One' needs 1 to 3 stars, its minutes and a hint" in found


def test_a_lesson_that_is_named_in_part_is_told_its_whole_name(notebooks: Path) -> None:
    part = task("add-one", NAME[:2])
    assert check.check({"C01": claim("C01", NAME[:2])}, [part], notebooks) == [
        f'labs/trial/claims.toml gives C01 to lesson = "01": write the whole name, "{NAME}".',
        f'labs/exercises registers \'add-one\' for lesson="01": write the whole name, "{NAME}".',
    ]


def test_what_other_lessons_lack_is_no_finding_of_one(notebooks: Path) -> None:
    other = notebooks / "source" / "02_red_in_every_way.py"
    other.write_text("# %% [markdown]\n# # 02\n# %%\n1 +\n", "utf-8")
    (notebooks / "source" / "draft.py").write_text("", "utf-8")
    ledger = {**LEDGER, "C02": claim("C02", other.stem), "C03": claim("C03", "")}
    theirs = task("add-two", other.stem, stars=9, minutes=0, hint="")
    assert check.check(ledger, [*EXERCISES, theirs], notebooks, only=["01"]) == []
    assert len(check.check(ledger, [*EXERCISES, theirs], notebooks, only=["02"])) >= 4
    assert len(check.check(ledger, [*EXERCISES, theirs], notebooks)) >= 6


def test_what_is_written_by_hand_is_checked_before_anything_is_built(notebooks: Path) -> None:
    shutil.rmtree(notebooks / "solutions")
    assert check.check(LEDGER, EXERCISES, notebooks, built=False) == []
    assert "is missing" in findings(notebooks)
    change(notebooks, '"C01"', '"C02"')
    told = check.check(LEDGER, EXERCISES, notebooks, only=["01"], built=False)
    assert [line.split(":")[0] for line in told] == [
        f"{NAME} checks C02, which is not in labs/trial/claims.toml",
        f"labs/trial/claims.toml gives C01 to {NAME}",
    ]


def test_a_lesson_of_too_many_cells_is_found(notebooks: Path) -> None:
    cells = len(lesson.cut(notebooks / "source" / f"{NAME}.py", solved=False).cells)
    change(
        notebooks,
        "# %% [markdown]\n# One",
        "# %% [markdown]\n# More.\n\n" * (61 - cells) + "# %% [markdown]\n# One",
    )
    assert f"{NAME} has 61 cells: keep to 60" in findings(notebooks)


def test_what_is_left_to_write_is_found_in_each_of_the_three_files(notebooks: Path) -> None:
    change(notebooks, "# One comes first", "# WRITE: what came first.\n# One comes first")
    module = notebooks.parent / "labs" / "exercises" / "lesson_01.py"
    module.parent.mkdir(parents=True)
    module.write_text('hint="WRITE: what helps.",\n', "utf-8")
    ledger = {"C01": replace(LEDGER["C01"], source="WRITE: who says so.")}
    line = (
        (notebooks / "source" / f"{NAME}.py")
        .read_text("utf-8")
        .splitlines()
        .index("# WRITE: what came first.")
    )
    assert check.check(ledger, EXERCISES, notebooks, built=False) == [
        f"notebooks/source/{NAME}.py, line {line + 1}: write what came first.",
        "labs/exercises/lesson_01.py, line 1: write what helps.",
        "labs/trial/claims.toml, the source of C01: write who says so.",
    ]


def test_a_course_that_is_unfair_to_a_post_is_told(notebooks: Path) -> None:
    passage = Passage("P000-01", "section 1", "One comes first.", "sentence", Fair.HOLDS, lesson=NAME)
    told = check.check(LEDGER, EXERCISES, notebooks, posts={passage.id: passage})
    assert [*map(str, told)] == [
        f"labs/trial/posts.toml, P000-01: it belongs to {NAME} and nobody computes it: "
        "check a claim there, and name it."
    ]


def test_an_empty_course_is_a_finding(tmp_path: Path) -> None:
    assert "holds no lesson" in findings(tmp_path)
