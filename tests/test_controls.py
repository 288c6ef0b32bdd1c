"""The controls: with one side in every column, some verdict of every comparison must fall."""

import functools
from collections.abc import Mapping
from pathlib import Path

import pytest

from labs import claims, compare, lesson

SIDES = 6  # no lesson compares more


def _verdicts(source: Path, column: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Run a lesson with one of its sides in every column; return the ids whose verdict fell, by check."""
    fallen: list[tuple[str, ...]] = []
    true_compare = compare.compare

    async def one_side(
        sides: Mapping[str, compare.Side], ask: Mapping[str, compare.Question]
    ) -> compare.Comparison:
        chosen = list(sides.values())[min(column, len(sides) - 1)]
        return await true_compare({name: functools.partial(chosen) for name in sides}, ask)

    def record(found: compare.Comparison, readings: Mapping[str, claims.Reading]) -> None:
        ledger = claims.ledger()
        fallen.append(
            tuple(name for name in readings if claims.read(found, readings[name]) != ledger[name].verdict)
        )

    monkeypatch.setattr(compare, "compare", one_side)
    monkeypatch.setattr(claims, "check", record)
    lesson.run(source)
    return fallen


@pytest.mark.parametrize("source", lesson.sources(), ids=lambda source: source.stem)
def test_every_comparison_compares_something(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [_verdicts(source, column, monkeypatch) for column in range(2)]
    assert runs[0], f"{source.stem} checks no claim"
    for number, fallen in enumerate(zip(*runs, strict=True), 1):
        assert any(fallen), f"{source.stem}, check {number}: no verdict falls when all sides are one"


@pytest.mark.parametrize("source", lesson.sources(), ids=lambda source: source.stem)
def test_a_lesson_runs_without_a_kernel_solved_and_unsolved(source: Path) -> None:
    for solved in (True, False):
        assert repr(lesson.run(source, solved=solved).values[-1]).startswith("clean")


def test_the_control_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "99_a_lesson_that_compares_nothing.py"
    source.write_text(
        "# %% [markdown]\n# # 99 · Nothing?\n# %%\n"
        "from labs.claims import check\nfrom labs.compare import compare\nfrom labs.trace import Trace\n"
        "async def a():\n    return Trace((), ())\nasync def b():\n    return Trace((), ())\n"
        "found = await compare({'a': a, 'b': b}, {'how many': lambda t: len(t.said)})\n"
        "check(found, {'C04': {'how many': {'a': 0}}})\n",
        "utf-8",
    )
    assert _verdicts(source, 0, monkeypatch) == _verdicts(source, 1, monkeypatch) == [()]
