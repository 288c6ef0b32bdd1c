"""A prediction before the run, and its score after it. Nobody grades it: it is there to be wrong about."""

from __future__ import annotations

import re
from collections.abc import Mapping

from labs.host import learner
from labs.show.page import Prose
from labs.trial.comparison import Broken, Comparison, NotTested, say
from labs.trial.values import same

__all__ = ["alike", "score"]

UNFILLED = (
    "No prediction filled in. Replace a ... in the cell of the prediction, run that cell, then this one."
)
COUNT = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
NUMBERS = {word: str(n) for n, word in enumerate(COUNT.split(), 1)}
NUMBERS |= {"no": "0", "zero": "0", "never": "0", "once": "1", "twice": "2"}
TRUTH = {"true": "yes", "false": "no"}
HEDGES = {"not", "than", "more", "less", "fewer", "least", "most", "or", "about", "over", "under"}
NOBODY: tuple[list[str], ...] = (["none"], ["nobody"], ["nothing"], ["-"], ["–"], [])


def score(prediction: Mapping[str, Mapping[str, object]], found: Comparison) -> Prose:
    """Set a prediction beside the recording: question, side, what you said, what was recorded.

    `...` is an answer not filled in, and so is a list that holds one; it is not scored, nor is one about a
    side that did not answer. What counts is what was said, not its form: case, spaces, commas, quotes, the
    order of a list, `http://`, and whether a number is a word do not. A part of an answer that is right is
    called half right. Raise ValueError with one clear sentence for a prediction of another shape, for a guess
    that cannot be shown, or about a question or side that the table does not have; a learner reads that
    sentence in the place of the score.
    """
    try:
        flat = _flat(prediction)
        if unknown := next((it for it in flat if it[:2] not in found.answers), None):
            raise ValueError(_unknown(found, *unknown[:2]))
        filled = [(*it, _said(*it)) for it in flat if not _open(it[2])]
    except ValueError as error:
        if learner.strict():
            raise
        return Prose(error)
    lines, hits, halves, scored = [], 0, 0, 0
    for question, side, guess, you in filled:
        answer = found.answers[question, side]
        if isinstance(answer, Broken | NotTested):
            lines.append(f"? {question} / {side}: you said {you}, {say(answer)}")
            continue
        right = alike(guess, answer)
        half = not right and _overlaps(guess, answer)
        scored, hits, halves = scored + 1, hits + right, halves + half
        end = "" if right else f", recorded {say(answer)}" + ": half right" * half
        lines.append(f"{'✓' if right else '½' if half else '✗'} {question} / {side}: you said {you}{end}")
    if not filled:
        return Prose(UNFILLED)
    learner.note(prediction=list(found.asked), right=hits, half=halves, of=scored)
    also = f", {halves} half right" if halves else ""
    return Prose("\n".join([*lines, f"{hits} of {scored} as recorded{also}"]))


def alike(guess: object, answer: object) -> bool:
    """Say whether a guess is an answer, in whatever form it was written."""
    if same(guess, answer, numbers=True):
        return True
    if isinstance(guess, bool) != isinstance(answer, bool) and not isinstance(guess, str):
        return False  # True is not 1
    if isinstance(answer, bool) and isinstance(guess, str):
        guess = TRUTH.get(guess.strip().casefold(), guess)
    one, other = _plain(guess), _plain(answer)
    if one == other or _words(guess) == _words(answer) != []:
        return True
    # "heard 2", "2 times" and "twice" are 2, where a number was asked for and one is said; "not 2" is not.
    if HEDGES & set(_words(guess)):
        return False
    said = [it for it in _words(guess) if re.fullmatch(r"-?\d+", it)]
    return isinstance(answer, int) and not isinstance(answer, bool) and said == [str(answer)]


def _overlaps(guess: object, answer: object) -> bool:
    """Say whether a part of an answer is said: one of a list, the class without the count, a name in part."""
    one, other = _plain(guess), _plain(answer)
    if one in NOBODY or other in NOBODY or isinstance(answer, bool | int | float):
        return False
    return bool(set(one) & set(other)) or set(_words(guess)) < set(_words(answer))


def _plain(answer: object) -> list[str]:
    """Return the parts of an answer that stand between commas, in order of the alphabet."""
    if isinstance(answer, list | tuple):
        parts = [part for it in answer for part in _plain(it)]
    else:
        parts = [" ".join(_words(part)) for part in say(answer).split(",")]
    return ["–"] if (parts := sorted(filter(None, parts))) in NOBODY else parts


def _words(answer: object) -> list[str]:
    """Return the words of an answer: in small letters, numbers as digits, without quotes and `http://`."""
    text = re.sub(r"https?://", lambda it: it[0] * (it[0] == "https://"), say(answer).casefold())
    words = (it.strip("\"'`.:()[]") for it in re.split(r"[\s,]+", text))
    found = [NUMBERS.get(it, it).rstrip("/") or it for it in words if it]
    return ["1" if it == "1.0" else it for it in found]


def _open(guess: object) -> bool:
    """Say whether an answer, or one of a list of them, is still to be filled in."""
    return any(it is ... for it in (guess if isinstance(guess, list | tuple) else [guess]))


def _said(question: str, side: str, guess: object) -> str:
    """Say a guess in a line. Raise ValueError with one sentence for one that has no words of its own."""
    try:
        return " ".join(say(guess).split())
    except Exception:  # a list in itself, a number of 5000 digits, an object whose __repr__ raises
        raise ValueError(
            f"What you said of {question!r} / {side!r} cannot be shown: "
            "write a word, a number, or a list of them."
        ) from None


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
