"""The page of questions: what people ask about aiohttp, and the code cell that answers it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from labs.course.verdicts import places
from labs.host.paths import NOTEBOOKS
from labs.trial.claims import LedgerError, ledger

__all__ = ["Inquiry", "amiss", "page", "questions"]

LIST = Path(__file__).with_name("questions.toml")
THREADS = "https://github.com/aio-libs/aiohttp/issues"
INTRODUCTION = """\
# Your question, and the cell that answers it

These were asked in threads of aiohttp, and are asked again every year. Each is restated here. What answers
it is a claim, computed in the code cell that is named: open the lesson, run it, and change what you like.

"""


@dataclass(frozen=True)
class Inquiry:
    """A question of a thread, in our words, and the claims that answer it."""

    thread: int
    topic: str
    asks: str
    answered: tuple[str, ...]


def questions(path: Path = LIST) -> list[Inquiry]:
    """Read the list. Raise LedgerError with the thread and what to do."""
    try:
        book = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise LedgerError(f"{path.name} is not TOML: {error}.") from None
    found: list[Inquiry] = []
    known = {it.name for it in fields(Inquiry)}
    for entry in book.get("question", []):
        thread = entry.get("thread", "(no thread)")
        if wrong := [key for key in sorted(known) if not entry.get(key)] or sorted(set(entry) - known):
            raise LedgerError(f"Question {thread} in {path.name} lacks or misspells: {', '.join(wrong)}.")
        if any(it.thread == thread for it in found):
            raise LedgerError(f"Question {thread} stands twice in {path.name}: join the two.")
        found.append(Inquiry(**{**entry, "answered": tuple(entry["answered"])}))
    return found


def amiss(asked: list[Inquiry] | None = None) -> Iterator[str]:
    """Go through the questions whose answer is gone: a sentence each that says what to do."""
    for it in questions() if asked is None else asked:
        for name in it.answered:
            if name not in ledger():
                yield (
                    f"labs/course/questions.toml, {it.thread}: no claim {name} is in the ledger: "
                    "name the one that answers it now, or take the question out."
                )


def page(notebooks: Path = NOTEBOOKS) -> str:
    """Write the page. Raise LedgerError or LessonError when a list or a lesson cannot be read."""
    asked, where = questions(), places(notebooks)
    blocks = [INTRODUCTION]
    for topic in dict.fromkeys(it.topic for it in asked):
        blocks.append(f"## {topic}\n\n")
        for it in (one for one in asked if one.topic == topic):
            blocks += [f"* {it.asks} ([{it.thread}]({THREADS}/{it.thread}))\n", *_answers(it, where)]
        blocks.append("\n")
    return "".join(blocks).rstrip("\n") + "\n"


def _answers(it: Inquiry, where: Mapping[str, tuple[str, int]]) -> Iterator[str]:
    for name in it.answered:
        claim = ledger()[name]
        said = claim.corrected or claim.sentence
        stem, cell = where[name]
        yield f"  * {said} [lesson {stem[:2]}, code cell {cell}: {name}](notebooks/{stem}.ipynb)\n"
