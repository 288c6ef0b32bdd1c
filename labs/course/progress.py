"""What a learner has done: predictions made and exercises solved, read from one local file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labs.course import copies, lesson, syllabus
from labs.course.syllabus import Entry

__all__ = ["notes", "progress_command", "table"]

HEAD = ("lesson", "predictions made", "exercises done", "not yet")


def notes(file: Path) -> tuple[list[Mapping[str, Any]], int]:
    """Read what was noted, line by line, and how many lines cannot be read; a missing file holds nothing."""
    found: list[Mapping[str, Any]] = []
    lost = 0
    try:
        lines = file.read_bytes().splitlines() if file.exists() else []
    except OSError:
        return [], 1
    for line in lines:
        try:
            note = json.loads(line)
        except (ValueError, RecursionError):  # brackets in brackets, a thousand deep
            note = None
        if isinstance(note, dict) and isinstance(note.get("lesson"), str):
            found.append(note)
        else:
            lost += bool(line.strip())
    return found, lost


def table(noted: Iterable[Mapping[str, Any]], entries: Iterable[Entry]) -> str:
    """Draw a line for each lesson: predictions made, exercises done, and those that were tried in vain."""
    noted = list(noted)
    solved = {str(it.get("exercise")) for it in noted if it.get("state") == "yes"}
    tried = {str(it.get("exercise")) for it in noted if it.get("state") == "not yet"} - solved
    rows = [HEAD]
    for one in entries:
        made = {str(it["prediction"]) for it in noted if it["lesson"] == one.name and "prediction" in it}
        done = [name for name in one.exercises if name in solved]
        left = [name for name in one.exercises if name in tried]
        guessed = f"{min(len(made), one.scored)} of {one.scored}"
        rows.append((one.name, guessed, f"{len(done)} of {len(one.exercises)}", ", ".join(left)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def progress_command(argv: Sequence[str]) -> int:
    """Say which predictions were made in your lessons, and which exercises are done."""
    parser = argparse.ArgumentParser(prog="python -m labs progress", description=progress_command.__doc__)
    parser.parse_args(argv)
    file = copies.HOME / copies.DONE
    noted, lost = notes(file)
    print(table(noted, map(syllabus.entry, lesson.sources())))
    if lost:
        lines = "1 line of it" if lost == 1 else f"{lost} lines of it"
        print(
            f"{file} is spoilt in part: {lines} cannot be read and count for nothing; your lessons are whole."
        )
    return 0
