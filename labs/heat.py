"""A grid of letters: what came of each row in each column, as text; `draw.heat_map` is its drawn twin."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Hold one letter for each row and column. Columns stand in groups: one client's statuses, say.

    `columns` maps each group to its columns, `cells` maps (group, row, column) to a letter of `key`, and
    `key` says what each letter means. A cell that is not there stays empty. Raises ValueError for a grid
    without rows, columns or key, for a letter that the key lacks, and for a cell outside the grid.
    """

    rows: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    cells: Mapping[tuple[str, str, str], str]
    key: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.rows or not self.columns or not all(self.columns.values()) or not self.key:
            raise ValueError("A grid needs a row, a column in every group, and a key: give one of each.")
        for letter in self.key:
            if len(letter) != 1 or letter.isspace():
                raise ValueError(f"{letter!r} in the key is no letter: one character stands in a cell.")
        for (group, row, column), letter in self.cells.items():
            if row not in self.rows or column not in self.columns.get(group, ()):
                raise ValueError(f"The cell {group!r}, {row!r}, {column!r} is not in the grid.")
            if letter not in self.key:
                known = ", ".join(self.key)
                raise ValueError(f"The key does not say what {letter!r} means; it has: {known}.")

    def __repr__(self) -> str:
        first = max(map(len, self.rows))
        heads, names = [" " * first], [" " * first]
        lines = [[row.ljust(first)] for row in self.rows]
        for group, columns in self.columns.items():
            wide = max(len(group), sum(map(len, columns)) + len(columns) - 1)
            heads.append(group.ljust(wide))
            names.append(" ".join(columns).ljust(wide))
            for row, line in zip(self.rows, lines, strict=True):
                letters = (self.cells.get((group, row, it), " ").center(len(it)) for it in columns)
                line.append(" ".join(letters).ljust(wide))
        table = ["   ".join(line).rstrip() for line in (heads, names, *lines)]
        return "\n".join([*table, "", *(f"{letter}  {words}" for letter, words in self.key.items())])

    def _repr_html_(self) -> str:
        return f'<pre style="line-height:1.3">{html.escape(repr(self), quote=False)}</pre>'

    def words(self) -> str:
        """Say every cell, for the alt text: by group and row, equal letters together."""
        return " ".join(
            f"{group}, {row}: {said}."
            for group in self.columns
            for row in self.rows
            if (said := self._row(group, row))
        )

    def _row(self, group: str, row: str) -> str:
        found: dict[str, list[str]] = {}
        for column in self.columns[group]:
            if letter := self.cells.get((group, row, column)):
                found.setdefault(letter, []).append(column)
        return "; ".join(f"{', '.join(them)} {self.key[letter]}" for letter, them in found.items())
