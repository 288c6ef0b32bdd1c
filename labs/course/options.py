"""The options of a prediction: what stands in its cell to choose from, and that the record is among them."""

from __future__ import annotations

import ast
import html
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from labs.trial.prediction import alike

__all__ = ["Guess", "amiss", "questions"]

BEGIN = "# one of: "
MORE = "#   "  # a comment that goes on
ROW = re.compile(r'<tr><td>.</td><th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', re.DOTALL)
CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)
HEAD = re.compile(r'<th scope="col"[^>]*>(.*?)</th>')


@dataclass(frozen=True)
class Guess:
    """A question of a prediction, with its sides, and the options that stand above it."""

    words: str
    sides: tuple[str, ...]
    options: tuple[object, ...]


def questions(cell: str) -> Mapping[str, list[Guess]]:
    """Read the predictions that a cell defines, by name: each a dict literal whose answers are `...`.

    Options stand above their question, as in `# one of: 1, 2, "nobody"`; a line that goes on begins with
    `#   `. Raise ValueError with one sentence for options that are no literals.
    """
    found: dict[str, list[Guess]] = {}
    try:
        tree = ast.parse(cell)
    except SyntaxError:  # `await` at the top, which no prediction needs
        return found
    above = dict(_comments(cell))
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys, values=values)) if (
                name.startswith("prediction")
            ):
                found[name] = [
                    _question(key, value, above)
                    for key, value in zip(keys, values, strict=True)
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Dict)
                ]
    return found


def _question(key: ast.Constant, value: ast.Dict, above: Mapping[int, str]) -> Guess:
    sides = tuple(str(it.value) for it in value.keys if isinstance(it, ast.Constant))
    text = above.get(key.lineno, "")
    try:
        options = ast.literal_eval(f"({text},)") if text else ()
    except (ValueError, SyntaxError):
        raise ValueError(f"the options {text!r} are no values with commas between them") from None
    return Guess(str(key.value), sides, options)


def _comments(cell: str) -> Iterator[tuple[int, str]]:
    """Go through the options in the comments of a cell: the line below them, and their text."""
    said, last = "", 0
    for token in tokenize.generate_tokens(io.StringIO(cell).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if token.string.startswith(BEGIN):
            said = token.string.removeprefix(BEGIN)
        elif said and token.string.startswith(MORE) and line == last + 1:
            said += " " + token.string.removeprefix(MORE)
        else:
            said = ""
        last = line
        if said:
            yield line + 1, said


def amiss(cells: Sequence[NotebookNode]) -> Iterator[str]:
    """Go through what is wrong with the predictions of a built lesson: a sentence each, without its name.

    Each question has at least two options, no two of which say the same, and for each of its sides the
    answer in the table that its score is given is among them. A side that did not answer counts for nothing.
    """
    code = [cell for cell in cells if cell.cell_type == "code"]
    tables = {name: table for cell in code for name, table in _tables(cell)}
    scored = dict(
        hit for cell in code for hit in re.findall(r"^score\((\w+), (\w+)\)", cell.source, re.MULTILINE)
    )
    for cell in code:
        try:
            asked = questions(cell.source)
        except ValueError as error:
            yield str(error)
            continue
        for name, them in asked.items():
            if name not in scored:
                yield f"nobody scores {name}: write `score({name}, ...)` after its table"
                continue
            for it in them:
                yield from _question_amiss(it, name, tables.get(scored[name], {}))


def _question_amiss(it: Guess, name: str, table: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    where = f"{name}, {it.words!r}"
    twins = [a for n, a in enumerate(it.options) if any(alike(a, b) for b in it.options[:n])]
    if len(it.options) - len(twins) < 2:
        yield f'{where}: write at least two options above it, as in `{BEGIN}1, 2, "nobody"`'
    elif twins:
        yield f"{where}: the option {twins[0]!r} stands there twice: give another"
    for side in it.sides if it.options else ():
        if it.words not in table or side not in table[it.words]:
            yield f"{where}: the table has no {side!r} for it: correct the prediction"
        elif not table[it.words][side].startswith(("!", "not tested", "broken")) and not any(
            alike(option, table[it.words][side]) for option in it.options
        ):
            yield f"{where}: what was recorded for {side!r} is not among the options: add it"


def _tables(cell: NotebookNode) -> Iterator[tuple[str, Mapping[str, Mapping[str, str]]]]:
    """Read the tables that a cell shows: by the name of the comparison, by question, by side."""
    name = cell.source.rstrip().rpartition("\n")[2]
    for output in cell.outputs:
        page = output.get("data", {}).get("text/html", "")
        sides = [html.unescape(it) for it in HEAD.findall(page)]
        if sides:
            yield (
                name,
                {
                    html.unescape(question): dict(
                        zip(sides, map(html.unescape, CELL.findall(row)), strict=True)
                    )
                    for question, row in ROW.findall(page)
                },
            )
