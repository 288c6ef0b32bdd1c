"""A prediction before the run, and its score after it. Nobody grades it: it is there to be wrong about."""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType

from labs.show.page import Prose
from labs.trial.comparison import Broken, Comparison, NotTested, say
from labs.trial.values import same

__all__ = ["score"]

UNFILLED = (
    "No prediction filled in. Replace a ... in the cell `prediction = ...`, run that cell, then this one."
)


def score(prediction: Mapping[str, Mapping[str, object]], found: Comparison) -> Prose:
    """Set a prediction beside the recording: question, side, what you said, what was recorded.

    `...` is an answer not filled in; it is not scored, nor is one about a side that did not answer. Case,
    spaces and the order of a list with commas do not count, and None is the same as "–". Raise
    ValueError with one clear sentence for a prediction of another shape, or about a question or side that the
    table does not have.
    """
    lines, hits, filled, scored = [], 0, 0, 0
    for question, side, guess in _flat(prediction):
        if (question, side) not in found.answers:
            raise ValueError(_unknown(found, question, side))
        if isinstance(guess, EllipsisType):
            continue
        you = " ".join(say(guess).split())
        answer = found.answers[question, side]
        filled += 1
        if isinstance(answer, Broken | NotTested):
            lines.append(f"? {question} / {side}: you said {you}, {say(answer)}")
            continue
        scored += 1
        hits += (right := _same(guess, answer))
        end = "" if right else f", recorded {say(answer)}"
        lines.append(f"{'✓' if right else '✗'} {question} / {side}: you said {you}{end}")
    if not filled:
        return Prose(UNFILLED)
    return Prose("\n".join([*lines, f"{hits} of {scored} as recorded"]))


def _same(guess: object, answer: object) -> bool:
    return same(guess, answer, numbers=True) or _plain(guess) == _plain(answer)


def _plain(answer: object) -> list[str]:
    # Fair to who is right in other words: case, spaces, the order of a list, and how nobody is written.
    words = " ".join(say(answer).lower().split())
    parts = sorted(part.strip() for part in words.split(","))
    return ["–"] if parts in (["none"], ["nobody"], ["-"]) else parts


def _flat(prediction: object) -> list[tuple[str, str, object]]:
    shape = 'A prediction is {question: {side: answer}}, as in {"who asks": {"redirect": "client"}}.'
    if prediction is ...:
        return []
    if not isinstance(prediction, Mapping):
        raise ValueError(shape)
    flat: list[tuple[str, str, object]] = []
    for question, sides in prediction.items():
        if sides is ...:
            continue
        if not isinstance(sides, Mapping):
            raise ValueError(shape)
        flat.extend((question, side, guess) for side, guess in sides.items())
    return flat


def _unknown(found: Comparison, question: str, side: str) -> str:
    if question not in found.asked:
        return f"The table has no question {question!r}. It has: {'; '.join(found.asked)}."
    return f"The table has no side {side!r}. It has: {', '.join(found.sides)}."
