"""One lesson: read its source, cut its exercises open, run it without a kernel.

The percent format is jupytext's (https://jupytext.readthedocs.io/en/latest/formats-scripts.html#the-percent-format).
"""

import ast
import asyncio
import copy
import functools
import hashlib
import inspect
import linecache
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from labs.host import installed
from labs.host.paths import NOTEBOOKS

SECONDS = 120  # a cell that takes longer is stuck; most need one, and a busy computer twenty times as long
PROGRAMS = {"needs-curl": "curl", "needs-chromium": "chromium"}  # by the tag of a cell that needs one
EXTRAS = (
    "aiohttp_client_middlewares",
    "aiohttp_remotes",
    "aiointercept",
    "aiolimiter",
    "aioresponses",
    "blockbuster",
    "pip",
    "pyinstrument",
    "pytest_aiohttp",
)
PACKAGES = {f"needs-{name}": name for name in EXTRAS}  # the same, by the name that is imported


class LessonError(Exception):
    """Say in one sentence which lesson and which code cell cannot be read, cut or run."""


def sources(notebooks: Path = NOTEBOOKS) -> list[Path]:
    """List the sources of all lessons, in the order of the course."""
    return sorted((notebooks / "source").glob("[0-9][0-9]_*.py"))


def find(word: str, notebooks: Path = NOTEBOOKS) -> Path:
    """Find the one source whose name starts with `word`, such as "01"; or raise LessonError."""
    found = [source for source in sources(notebooks) if source.stem.startswith(word)]
    if len(found) != 1:
        names = ", ".join(source.stem for source in found or sources(notebooks)) or "none yet"
        raise LessonError(f"{len(found) or 'no'} lessons start with {word!r}: choose one of {names}.")
    return found[0]


def missing(cell: NotebookNode) -> str:
    """Name the program or package that a cell needs by its tags and this machine lacks, "" if none."""
    for tag in cell.metadata.get("tags", []):
        if tag in PROGRAMS and installed.find(PROGRAMS[tag]) is None:
            return PROGRAMS[tag]
        if tag in PACKAGES and not installed.has(PACKAGES[tag]):
            return PACKAGES[tag]
    return ""


def read(source: Path) -> NotebookNode:
    """Read a source, exercises solved and markers in place; raise LessonError if it cannot be read."""
    try:
        notebook = copy.deepcopy(_parsed(source.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise LessonError(f"{source.stem} cannot be read: {error}.") from error
    kinds = {cell.cell_type for cell in notebook.cells}
    if "code" not in kinds or "raw" in kinds:
        raise LessonError(f"{source.stem} must have `# %%` and `# %% [markdown]` cells, and no other kind.")
    return notebook


@functools.cache  # the commands and the tests read each source many times
def _parsed(text: str) -> NotebookNode:
    notebook: NotebookNode = jupytext.reads(text, fmt="py:percent")
    return notebook


def cut(source: Path, *, solved: bool) -> NotebookNode:
    """Make the solution (solved) or the lesson (exercises cut open) of a source: a notebook without outputs.

    Cell ids come from positions and the metadata is the least that Jupyter needs, so that the same source
    gives the same notebook. Raises LessonError where a marker has no partner or nothing is left to do.
    """
    cells = []
    code = 0
    for position, cell in enumerate(read(source).cells, 1):
        metadata = {key: cell.metadata[key] for key in ("tags", "exercise") if key in cell.metadata}
        common = {"source": cell.source, "id": f"cell-{position:02}", "metadata": metadata}
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(**common))
            continue
        code += 1
        where = f"{source.stem}, code cell {code}"
        common["source"] = _open(cell.source, solved, where, exercise="exercise" in metadata)
        cells.append(nbformat.v4.new_code_cell(**common))
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": python, "language_info": {"name": "python"}}
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    return notebook


def _open(text: str, solved: bool, where: str, *, exercise: bool) -> str:
    inside = False
    stubs = answers = 0
    kept = []
    for line in text.splitlines():
        mark = line.strip()
        if mark in ("# solution", "# end"):
            if not exercise:
                raise LessonError(
                    f'{where} has {mark!r}: write exercise="its-name" behind the `# %%` of the cell.'
                )
            if inside == (mark == "# solution"):
                raise LessonError(
                    f"{where} has {mark!r} out of turn: write `# solution`, the answer, `# end`."
                )
            inside = not inside
            answers += inside
            continue
        stub = not inside and "# TODO" in line
        stubs += stub
        if (solved and not stub) or not (solved or inside):
            kept.append(line)
    if inside:
        raise LessonError(f"{where} has a `# solution` without its `# end`: add the line after the answer.")
    if exercise and not (stubs and answers):
        raise LessonError(
            f"{where} is an exercise: it needs a `...  # TODO: what to do` line and a solution."
        )
    return "\n".join(kept if exercise else text.splitlines())


def digest(source: Path) -> str:
    """Return 12 hex digits that stand for what a lesson runs: its code cells, without prose and exercises.

    Where a name of labs lies is left out, too: a module that moves does not change what a lesson does.
    """
    code = [
        it.source for it in read(source).cells if it.cell_type == "code" and "exercise" not in it.metadata
    ]
    return hashlib.sha256("\n".join(map(_without_labs, code)).encode()).hexdigest()[:12]


def _without_labs(cell: str) -> str:
    try:
        tree = compile(cell, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:  # the course check says so
        return cell
    where = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("labs.")
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return "\n".join(line for number, line in enumerate(cell.splitlines(), 1) if number not in where)


def dumps(notebook: NotebookNode) -> str:
    """Write a notebook as text, the same text for the same notebook."""
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


@dataclass(frozen=True)
class LessonRun:
    """Hold what a run left behind: the names it bound, and the value of each code cell, None where none."""

    name: str
    namespace: dict[str, Any]
    values: tuple[Any, ...]


def run(source: Path, *, solved: bool = True, swap: Mapping[str, str] | None = None) -> LessonRun:
    """Run the code cells of a lesson in this process, without a kernel.

    `swap` replaces text in the cells first, for a control that compares a side with itself; a text that is
    not there is an error. Cells that need a missing program are passed over, with None as their value. Raises
    LessonError naming lesson and code cell; its __cause__ is what the cell raised.
    """
    return asyncio.run(replay(source, solved=solved, swap=swap))


async def replay(source: Path, *, solved: bool = True, swap: Mapping[str, str] | None = None) -> LessonRun:
    """Do what `run` does, on the loop that is already running."""
    cells = [cell for cell in cut(source, solved=solved).cells if cell.cell_type == "code"]
    for old in swap or {}:
        if not any(old in cell.source for cell in cells):
            raise LessonError(f"{source.stem} has no code cell that holds {old!r}: nothing could be swapped.")
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown: None}
    values = []
    try:
        for number, cell in enumerate(cells, 1):
            text = cell.source
            for old, new in (swap or {}).items():
                text = text.replace(old, new)
            where = f"{source.stem}, code cell {number}"
            try:
                async with asyncio.timeout(SECONDS):
                    values.append(None if missing(cell) else await _value(text, f"<{where}>", namespace))
            except Exception as error:
                raise LessonError(f"{where} raised {type(error).__name__}: {error}") from error
    finally:
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close("all")
    return LessonRun(source.stem, namespace, tuple(values))


async def _value(text: str, file: str, namespace: dict[str, Any]) -> Any:
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)  # tracebacks show the cell's lines
    tree = ast.parse(text, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body = compile(tree, file, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await _do(body, namespace)
    if isinstance(last, ast.Expr):
        value = compile(ast.Expression(last.value), file, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return await _do(value, namespace)
    return None


async def _do(code: Any, namespace: dict[str, Any]) -> Any:
    result = eval(code, namespace)
    return await result if code.co_flags & inspect.CO_COROUTINE else result
