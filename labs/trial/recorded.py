"""What the lesson recorded when it was built: read from the outputs that the project keeps of each lesson."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from labs.host.paths import NOTEBOOKS

__all__ = ["recorded"]

MARK = "    recorded        "  # before what a verdict shows of the table, where the claim does not hold


def recorded(claim: str, lesson: str, notebooks: Path = NOTEBOOKS) -> Mapping[str, str]:
    """Return what `lesson` recorded where it refuted `claim`: by question, the sides with their answers.

    Nothing where it holds, since it shows then what it should, nor where no output is kept.
    """
    return _refuted(notebooks / f"{lesson}.ipynb").get(claim, {})


@cache
def _refuted(notebook: Path) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    claim = ""
    for line in _lines(notebook):
        mark, _, rest = line.partition(" ")
        if mark and not line.startswith(" "):
            claim = rest.partition(" ")[0]
        elif claim and line.startswith(MARK):
            question, _, sides = line.removeprefix(MARK).partition(": ")
            found.setdefault(claim, {})[question] = sides
    return found


def _lines(notebook: Path) -> Iterator[str]:
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        for output in (it for cell in cells for it in cell.get("outputs", ())):
            yield from "".join(output.get("data", {}).get("text/plain", "")).split("\n")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # a learner's copy of the project lacks it, or it is no notebook: then nothing is told
