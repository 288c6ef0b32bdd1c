"""What a lesson says of itself: title, minutes, claims and exercises; and the table of all lessons."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from labs.course.lesson import LessonError, cut

MARK = "<!-- lessons -->"


@dataclass(frozen=True)
class Entry:
    """Hold what the source of one lesson says; tuples keep the order of the source."""

    name: str
    title: str
    minutes: tuple[int, ...]  # reading, then exercises if there are any; empty if the lesson does not say
    checked: tuple[str, ...]  # claim ids that `check(found, {...})` computes
    mentioned: tuple[str, ...]  # claim ids that the prose carries, as [C03]
    exercises: tuple[str, ...]  # names in cell markers
    attempted: tuple[str, ...]  # names passed to `attempt("name", answer)`
    stop: int | None = None  # minutes to the place to stop, if the lesson says them
    scored: int = 0  # calls of `score(prediction, found)`


def entry(source: Path) -> Entry:
    """Read what a source says of itself; raise LessonError if a cell is not Python or hides its claim ids."""
    cells = cut(source, solved=True).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    trees = list(_trees(source.stem, cells))
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    said = re.search(r"^\W*minutes\b(.*)$", "\n".join(prose[:2]), re.IGNORECASE | re.MULTILINE)
    line = said[1] if said else ""
    stop = re.search(r"\((\d+) to the place to stop\)", line)
    return Entry(
        name=source.stem,
        title=prose[0].strip().splitlines()[0].lstrip("# ") if prose and prose[0].strip() else "",
        minutes=tuple(map(int, re.findall(r"\d+", line.replace(stop[0], "") if stop else line))),
        checked=_once(id for call in calls if _called(call) == "check" for id in _ids(source.stem, call)),
        mentioned=_once(
            id for text in prose for id in re.findall(r"\[([A-Z]{1,2}\d{1,3}[a-z]?)\](?!\()", text)
        ),
        exercises=tuple(cell.metadata["exercise"] for cell in cells if "exercise" in cell.metadata),
        attempted=_once(
            str(call.args[0].value)
            for call in calls
            if _called(call) == "attempt" and call.args and isinstance(call.args[0], ast.Constant)
        ),
        stop=int(stop[1]) if stop else None,
        scored=sum(_called(call) == "score" for call in calls),
    )


def _trees(name: str, cells: list[NotebookNode]) -> Iterator[ast.AST]:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        try:
            tree = compile(cell.source, f"<{name}>", "exec", flags)
        except SyntaxError as error:
            magic = re.search(r"^\s*[!%].*", cell.source, re.MULTILINE)
            why = (
                f"write {magic[0].strip()!r} in Python"
                if magic
                else f"{error.msg} in its line {error.lineno}"
            )
            raise LessonError(f"{name}, code cell {number} is not Python: {why}.") from error
        assert isinstance(tree, ast.AST)
        yield tree


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _ids(name: str, call: ast.Call) -> Iterator[str]:
    if len(call.args) < 2:
        return
    keys = call.args[1].keys if isinstance(call.args[1], ast.Dict) else [None]
    for key in keys:
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            raise LessonError(
                f"{name} passes `check` something else: pass a dict literal with claim ids as keys."
            )
        yield key.value


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def table(entries: Iterable[Entry]) -> str:
    """Draw the table of lessons for the README: number, linked title, minutes, number of claims."""
    rows = ["| | lesson | minutes | claims settled |", "|---|---|---|---|"]
    for one in entries:
        title = one.title.removeprefix(f"{one.name[:2]} · ")  # the number has its own column
        link = f"[{title}](notebooks/{one.name}.ipynb)"
        first = [f"{it} ({one.stop})" if one.stop else str(it) for it in one.minutes[:1]]
        minutes = " + ".join([*first, *map(str, one.minutes[1:])])
        rows.append(f"| {one.name[:2]} | {link} | {minutes} | {len(one.checked)} |")
    return "\n".join(rows)


def refresh(document: str, drawn: str, mark: str = MARK, name: str = "README.md") -> str:
    """Put what is drawn between the two marks of a document; raise LessonError unless there are two."""
    parts = document.split(mark)
    if len(parts) != 3:
        raise LessonError(f"{name} has {len(parts) - 1} lines {mark}: write two, a list goes between them.")
    return f"{parts[0]}{mark}\n{drawn}\n{mark}{parts[2]}"
