"""The learner's own copies of the lessons: without outputs, in a folder that git ignores, never lost."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labs.host.paths import NOTEBOOKS, ROOT

__all__ = ["DONE", "HOME", "fresh", "hand_out"]

HOME = ROOT / "my-lessons"
GIVEN = Path(".lab") / "given"  # what was handed out: what differs from it, the learner wrote
DONE = Path(".lab") / "progress.jsonl"  # what the learner did, as labs/host/learner.py notes it


def hand_out(notebooks: Path = NOTEBOOKS, home: Path = HOME) -> list[str]:
    """Give the learner a copy of each lesson and solution that is new; return a sentence for what changed.

    A copy in which nothing was written follows its lesson. One in which something was written is kept beside
    the new edition, which takes over what was written in cells that are as they were. A disk that takes
    nothing is told, and what is there stays as it is.
    """
    told: list[str] = []
    try:
        given = (_give(it, it.relative_to(notebooks), home) for it in _lessons(notebooks))
        told.extend(words for words in given if words)
    except OSError as error:
        reason = error.strerror or str(error)
        told.append(f"{home} takes no new copies ({reason}): the lab opens on what is there.")
    return told


def fresh(stem: str, notebooks: Path = NOTEBOOKS, home: Path = HOME) -> str:
    """Give a new copy of a lesson, keep the old one beside it, and say so. Raises OSError, as disks do."""
    name = Path(f"{stem}.ipynb")
    kept = _keep(home / name) if (home / name).exists() else None
    _write(home / name, text := _clean(notebooks / name))
    _write(home / GIVEN / name, text)
    return f"{name} is as it was handed out." + (f" What you wrote is kept in {kept.name}." if kept else "")


def _lessons(notebooks: Path) -> Iterator[Path]:
    yield from sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))
    yield from sorted((notebooks / "solutions").glob("[0-9][0-9]_*.ipynb"))


def _give(lesson: Path, name: Path, home: Path) -> str:
    mine, given = home / name, home / GIVEN / name
    text = _clean(lesson)
    if not mine.exists():
        _write(mine, text)
        _write(given, text)
        return ""
    if _read(given) == text:
        return ""
    before, here = _cells(_read(given)), _cells(_read(mine))
    if here is None:
        kept = _keep(mine)
        words = f"{name} was no notebook: it is kept as {kept.name}, and a new copy given."
    elif before is not None and _written(before, here) == {} and len(before) == len(here):
        words = f"{name} has a new edition."
    else:
        kept = _keep(mine)
        text = _carried(text, before or {}, here)
        words = f"{name} has a new edition, and what you wrote in cells that stayed. Yours: {kept.name}."
    _write(mine, text)
    _write(given, _clean(lesson))
    return words


def _clean(lesson: Path) -> str:
    """Read a lesson without its outputs, and without what its metadata say of them."""
    notebook = json.loads(lesson.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell.get("metadata", {}).pop("mystnb", None)  # the figure in words
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _cells(text: str) -> dict[str, str] | None:
    """Return the sources of a notebook by cell id, or None where this is no notebook."""
    try:
        cells = json.loads(text)["cells"]
        return {str(it.get("id", n)): "".join(it["source"]) for n, it in enumerate(cells)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _written(before: Mapping[str, str], here: Mapping[str, str]) -> dict[str, str]:
    """Return what a learner wrote, by what stood there: new text by old text."""
    return {before.get(id, ""): source for id, source in here.items() if before.get(id) != source}


def _carried(text: str, before: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Put what was written into the cells of the new edition that are as they were."""
    wrote = {old: new for old, new in _written(before, here).items() if old}
    notebook: dict[str, Any] = json.loads(text)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if source in wrote:
            cell["source"] = wrote[source].splitlines(keepends=True)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _keep(file: Path) -> Path:
    """Keep a file under a second name: NAME.yours.ipynb, NAME.yours-2.ipynb, … unless it is kept already."""
    number = 1
    while True:
        kept = file.with_name(f"{file.stem}.yours{f'-{number}' if number > 1 else ''}{file.suffix}")
        if not kept.exists():
            shutil.copy2(file, kept)
            return kept
        if kept.read_bytes() == file.read_bytes():
            return kept
        number += 1


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all: a second lab may read it meanwhile, and a disk may be full."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=file.parent, prefix=".new-", suffix=".ipynb")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        os.chmod(made, 0o644)
        os.replace(made, file)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
