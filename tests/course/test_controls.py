"""The controls: with one side in every column, some verdict of every comparison must fall."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from labs.course import lesson
from labs.trial import claims, comparison


def _verdicts(source: Path, column: int) -> list[tuple[str, ...]]:
    """Run a lesson with one of its sides in every column; return the ids whose verdict fell, by check."""
    fallen: list[tuple[str, ...]] = []

    def one_side(sides: Mapping[str, comparison.Side]) -> Mapping[str, comparison.Side]:
        return dict.fromkeys(sides, list(sides.values())[min(column, len(sides) - 1)])

    def record(found: comparison.Comparison, readings: Mapping[str, claims.Reading]) -> None:
        ledger = claims.ledger()
        fallen.append(
            tuple(name for name in readings if claims.read(found, readings[name]) != ledger[name].verdict)
        )

    with comparison.recasting(one_side), claims.reporting(record):
        assert repr(lesson.run(source).values[-1]).startswith("clean")
    return fallen


@pytest.mark.parametrize("source", lesson.sources(), ids=lambda source: source.stem)
def test_every_comparison_compares_something(source: Path) -> None:
    fallen = _verdicts(source, 0)
    assert fallen, f"{source.stem} checks no claim: end its table in `check(found, {...})`."
    if not all(fallen):  # the first side may be the one that a claim describes: then the second is not
        both = zip(fallen, _verdicts(source, 1), strict=True)
        fallen = [first or second for first, second in both]
    for number, ids in enumerate(fallen, 1):
        amiss = f"{source.stem}, check {number}: no verdict falls when all sides are one"
        assert ids, f"{amiss}: give it a claim about what the sides differ in."


def test_the_control_can_fail(tmp_path: Path) -> None:
    source = tmp_path / "99_a_lesson_that_compares_nothing.py"
    source.write_text(
        "# %% [markdown]\n# # 99 · Nothing?\n# %%\n"
        "from labs.trial.claims import check\nfrom labs.trial.comparison import compare\n"
        "from labs.capture.trace import Trace\n"
        "async def a():\n    return Trace((), ())\nasync def b():\n    return Trace((), ())\n"
        "found = await compare({'a': a, 'b': b}, {'how many': lambda t: len(t.said)})\n"
        "check(found, {'C04': {'how many': {'a': 0}}})\ntype('', (), {'__repr__': lambda it: 'clean'})()\n",
        "utf-8",
    )
    with pytest.raises(AssertionError, match="check 1: no verdict falls"):
        test_every_comparison_compares_something(source)
