"""A reader runs cells again, last first: each experiment says the same, and nothing is left open."""

from pathlib import Path

import pytest

from labs.course import lesson

OFTEN = ("01", "06", "11", "15")  # the others with -m slow: an experiment that stands alone stands alone


def again(source: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Run a lesson with its experiments once more before its last cell, in reverse; return what they say."""
    code = [it for it in lesson.cut(source, solved=True).cells if it.cell_type == "code"]
    cells = [it.source for it in code]
    numbers = [at for at, it in enumerate(code) if "await compare(" in it.source and not lesson.missing(it)]
    twice = [*cells[:-1], *(cells[at] for at in reversed(numbers)), cells[-1]]
    made = folder / source.name
    made.write_text("# %% [markdown]\n# # again\n\n" + "".join(f"# %%\n{it}\n\n" for it in twice), "utf-8")
    values = list(map(repr, lesson.run(made).values))
    assert values[-1].startswith("clean")
    return [values[at] for at in reversed(numbers)], values[len(cells) - 1 : -1]


@pytest.mark.parametrize(
    "source",
    [pytest.param(it, marks=() if it.stem[:2] in OFTEN else pytest.mark.slow) for it in lesson.sources()],
    ids=lambda it: it.stem,
)
def test_experiments_say_the_same_when_they_run_again_last_first(source: Path, tmp_path: Path) -> None:
    before, after = again(source, tmp_path)
    assert before and after == before


def test_it_can_fail(tmp_path: Path) -> None:
    source = tmp_path / "99_a_lesson_that_counts_its_runs.py"
    source.write_text(
        "# %% [markdown]\n# # 99 · Once?\n# %%\nruns = []\nasync def compare():\n    runs.append(1)\n"
        "    return len(runs)\n# %%\nfound = await compare()\nfound\n# %%\n"
        "type('', (), {'__repr__': lambda it: 'clean'})()\n",
        "utf-8",
    )
    folder = tmp_path / "again"
    folder.mkdir()
    assert again(source, folder) == (["1"], ["2"])
