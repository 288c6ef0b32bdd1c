"""A new lesson is written whole or not at all, and whoever asks for a wrong one is told in one sentence."""

import ast
import os
import tomllib
from pathlib import Path

import pytest

from labs.course import check, lesson, skeleton
from labs.course.lesson import LessonError

QUESTION = "What does a missing page cost?"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make the least of a project: two lessons, one exercise, a ledger, and results."""
    for name, text in {
        "notebooks/source/00_begin.py": "",
        "notebooks/source/03_follow_the_redirect.py": "",
        "labs/exercises/lesson_03.py": '@exercise(\n    "what-does-a-missing-page-cost",\n)\n',
        "labs/trial/claims.toml": '[[claim]]\nid = "L03a"\n',
        "results/aiohttp-3.14.5.json": '{"claims": {"L17a": "holds"}}',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def tree(root: Path) -> dict[str, bytes]:
    """Read every file of a project."""
    return {str(it.relative_to(root)): it.read_bytes() for it in root.rglob("*") if it.is_file()}


def test_source_exercise_and_claim_are_written_and_name_each_other(root: Path) -> None:
    before = tree(root)
    source, exercise, ledger = skeleton.write("17", f" {QUESTION} ", root=root)
    stem = "17_what_does_a_missing_page_cost"
    assert source == root / "notebooks" / "source" / f"{stem}.py"
    assert set(tree(root)) - set(before) == {
        str(source.relative_to(root)),
        str(Path("labs", "exercises", "lesson_17.py")),
    }
    old, new = tomllib.loads(ledger.read_text("utf-8"))["claim"]
    assert (old["id"], new["id"], new["lesson"]) == ("L03a", "L17b", stem)  # L17a is in the results
    notebook = lesson.cut(source, solved=True)
    assert notebook.cells[0].source.startswith(f"# 17 · {QUESTION}\n")
    name = "what-does-a-missing-page-cost-17"  # without the number it is lesson 03's
    assert [it.metadata["exercise"] for it in notebook.cells if "exercise" in it.metadata] == [name]
    assert f'"{name}"' in exercise.read_text("utf-8") and f'LESSON = "{stem}"' in exercise.read_text("utf-8")


def test_every_mark_says_what_to_write(root: Path) -> None:
    for file in skeleton.write("17", QUESTION, root=root):
        marks = check.unwritten(file.read_text("utf-8"))
        assert marks and all(len(what.split()) > 2 for _, what in marks)
        assert file.read_text("utf-8").count("WRITE") == len(marks)


@pytest.mark.parametrize(
    ("question", "name", "stem"),
    [
        ("Who's at the door?", "", "17_whos_at_the_door"),
        ("Was heißt „naïve“?", "", "17_was_heit_naive"),
        (
            "Which of all the many words of a question are kept in a name?",
            "",
            "17_which_of_all_the_many_words_of_a",
        ),
        ("Which timeout fires?", "name_the_timeout", "17_name_the_timeout"),
    ],
)
def test_a_lesson_is_called_by_its_question_or_as_is_asked(
    root: Path, question: str, name: str, stem: str
) -> None:
    source, exercise, _ = skeleton.write("17", question, name=name, root=root)
    assert source.stem == stem
    ast.parse(exercise.read_text("utf-8"))


@pytest.mark.parametrize(
    ("number", "question", "name", "told"),
    [
        ("03", QUESTION, "", "The number 03 is 03_follow_the_redirect's: write another, such as 01."),
        ("7", QUESTION, "", "'7' is no number of a lesson: write two digits, such as 01."),
        ("\u0661\u0667", QUESTION, "", "is no number of a lesson: write two digits"),
        ("017", QUESTION, "", "'017' is no number of a lesson"),
        ("17", "A title", "", "'A title' is no question: a title ends in a question mark"),
        ("17", "?", "", "'?' is no question"),
        ("17", "", "", "'' is no question"),
        ("17", "何?", "", "'' is no name: give --name a verb phrase in small letters"),
        ("17", QUESTION, "Name-It", "'Name-It' is no name"),
        ("17", QUESTION, "../up", "'../up' is no name"),
        ("17", "Follow the redirect?", "", "03_follow_the_redirect has this name already"),
        ("17", QUESTION, "begin", "00_begin has this name already: give another with --name"),
    ],
)
def test_what_is_wrong_or_taken_is_told_and_nothing_is_written(
    root: Path, number: str, question: str, name: str, told: str
) -> None:
    before = tree(root)
    with pytest.raises(LessonError) as error:
        skeleton.write(number, question, name=name, root=root)
    assert told in str(error.value) and "\n" not in str(error.value)
    assert tree(root) == before


def test_an_exercise_without_its_lesson_is_told(root: Path) -> None:
    (root / "labs" / "exercises" / "lesson_17.py").write_text("mine", "utf-8")
    before = tree(root)
    with pytest.raises(LessonError, match=r"labs/exercises/lesson_17\.py is there without its lesson"):
        skeleton.write("17", QUESTION, root=root)
    assert tree(root) == before


def test_ids_may_run_out(root: Path) -> None:
    every = "".join(f'id = "L17{letter}"\n' for letter in "abcdefghijklmnopqrstuvwxyz")
    (root / "labs" / "trial" / "claims.toml").write_text(every, "utf-8")
    before = tree(root)
    with pytest.raises(LessonError, match="Every id from L17a to L17z has been used"):
        skeleton.write("17", QUESTION, root=root)
    assert tree(root) == before


@pytest.mark.parametrize("where", ["labs/exercises", "notebooks/source"])
def test_a_folder_that_cannot_be_written_is_told(
    root: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def refuse(file: Path, *args: str, **more: str) -> int:
        if file.parent == root / where:
            raise PermissionError(13, "Permission denied", str(file))
        return write(file, *args, **more)

    monkeypatch.setattr(Path, "write_text", refuse)
    before = tree(root)
    with pytest.raises(LessonError, match=r"cannot be written \(Permission denied\): nothing was") as told:
        skeleton.write("17", QUESTION, root=root)
    assert str(root / where) in str(told.value)
    assert tree(root) == before


def test_a_project_without_its_ledger_is_told(root: Path) -> None:
    (root / "labs" / "trial" / "claims.toml").unlink()
    before = tree(root)
    with pytest.raises(LessonError, match="No such file"):
        skeleton.write("17", QUESTION, root=root)
    assert tree(root) == before


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("first", [True, False])
def test_who_interrupts_leaves_nothing_half_written(
    root: Path, after: int, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace
    done: list[Path] = []

    def interrupted(draft: Path, file: Path) -> None:
        if len(done) == after and first:
            raise KeyboardInterrupt
        replace(draft, file)
        done.append(file)
        if len(done) == after + 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    before = tree(root)
    with pytest.raises(KeyboardInterrupt):
        skeleton.write("17", QUESTION, root=root)
    assert len(done) == after + (not first)
    assert tree(root) == before
