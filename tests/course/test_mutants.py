"""The planted faults themselves: each can be planted. `make mutants` proves that each is noticed."""

from pathlib import Path

import pytest

from labs.course import mutants
from labs.course.mutants import Mutant, MutantError
from labs.host import paths


@pytest.mark.parametrize("mutant", mutants.mutants(), ids=lambda it: it.name)
def test_a_mutant_can_be_planted(mutant: Mutant) -> None:
    text = (paths.ROOT / mutant.file).read_text("utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.file} has changed: renew `old` in tests/mutants.toml"
    assert mutant.new != mutant.old
    for path in mutant.by:
        assert (paths.ROOT / path).exists(), path


def test_there_are_enough_of_them() -> None:
    assert len(mutants.mutants()) >= 10


def test_planting_changes_one_place(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one two\n", "utf-8")
    mutants.plant(Mutant("m", "a.py", "two", "three", ()), tmp_path)
    assert (tmp_path / "a.py").read_text("utf-8") == "one three\n"


@pytest.mark.parametrize("text", ["one\n", "two two\n"])
def test_a_mutant_that_does_not_fit_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.py").write_text(text, "utf-8")
    with pytest.raises(MutantError, match="stands [02] times in a.py"):
        mutants.plant(Mutant("m", "a.py", "two", "three", ()), tmp_path)


def test_a_name_stands_once(tmp_path: Path) -> None:
    entry = '[[mutant]]\nname = "m"\nfile = "a"\nold = "b"\nnew = "c"\nby = []\n'
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "mutants.toml").write_text(entry * 2, "utf-8")
    with pytest.raises(MutantError, match="'m' stands twice"):
        mutants.mutants(tmp_path)
