"""The minutes of a lesson: how long its text takes, by a formula that CONTRIBUTING states."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

__all__ = ["LONG", "Minutes", "minutes", "misjudged"]

# A reader in a minute: of prose, the pace of technical text in a second language; of code, that of whoever
# means to change it. A cell is run, and what it shows is looked at.
WORDS, LINES, CELLS = 170, 14, 4
LONG = 25  # minutes; whoever plans a workshop needs a place to stop in what is longer
PLACE = "**A place to stop.**"
NEAR = 1  # a minute: so that a word more is no new number


@dataclass(frozen=True)
class Minutes:
    """The minutes that a lesson takes to read and run, and those up to its place to stop, if it has one."""

    reading: int
    stop: int | None  # None without a place to stop
    first: bool  # whether the place stands right after the first verdicts


def minutes(cells: Sequence[NotebookNode]) -> Minutes:
    """Judge the cells of a lesson as it is handed out; its exercises have minutes of their own.

    A minute is 170 words of prose, 14 lines of code that are not empty, or four code cells.
    """
    taken = 0.0
    stop, first, checked = None, False, False
    for cell in _read(cells):
        if cell.source.startswith(PLACE):
            stop, first = round(taken), checked
        if cell.cell_type == "markdown":
            taken += len(cell.source.split()) / WORDS
            checked = False
        else:
            taken += sum(bool(line.strip()) for line in cell.source.splitlines()) / LINES + 1 / CELLS
            checked = bool(re.search(r"^check\(", cell.source, re.MULTILINE))
    return Minutes(round(taken), stop, first)


def _read(cells: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    exercises = False
    for cell in cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"## (.*)", cell.source)):
            exercises = heading[1].startswith("Exercise")
        if not exercises:
            yield cell


def misjudged(name: str, cells: Sequence[NotebookNode], said: Sequence[int], stop: int | None) -> list[str]:
    """Compare what a lesson says of its minutes with the formula; return a sentence for each that is wrong.

    `said` are the minutes to read and run, then those of the exercises; `stop` those to the place to stop.
    """
    real = minutes(cells)
    found = []
    if said and abs(said[0] - real.reading) > NEAR:
        found.append(f"{name} says {said[0]} minutes to read and run, and its text takes {real.reading}.")
    if real.stop is None and real.reading > LONG:
        found.append(f"{name} takes more than {LONG} minutes: mark a place to stop after its first verdicts.")
    if real.stop is not None and not real.first:
        found.append(f"{name}: put its place to stop right after its first `check`, or after a later one.")
    if real.stop is None and stop is not None:
        found.append(f"{name} says {stop} minutes to a place to stop: mark it by a cell `{PLACE} …`.")
    elif real.stop is not None and (stop is None or abs(stop - real.stop) > NEAR):
        said_so = f"`({real.stop} to the place to stop)`"
        found.append(f"{name}: write {said_so} after the minutes to read and run.")
    return found
