"""A grid of letters: what came of each row in each column, as text; `draw.heat_map` is its drawn twin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from labs.show.page import preformatted
from labs.show.width import cells, center, ljust, wide

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Hold one letter for each row and column. Columns stand in groups: one client's statuses, say.

    `columns` maps each group to its columns, `cells` maps (group, row, column) to a letter of `key`, and
    `key` says what each letter means. A cell that is not there stays empty. The `marked` cells carry the sign
    of `mark`, which is (sign, meaning), behind their letter. Raises ValueError for a grid without rows,
    columns or key, for a letter that the key lacks, for a cell outside the grid, for a marked cell that is
    empty, and for marked cells without a mark.
    """

    rows: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    cells: Mapping[tuple[str, str, str], str]
    key: Mapping[str, str]
    marked: Collection[tuple[str, str, str]] = ()
    mark: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        if not self.rows or not self.columns or not all(self.columns.values()) or not self.key:
            raise ValueError("A grid needs a row, a column in every group, and a key: give one of each.")
        for letter in self.key:
            if len([it for it in cells(letter) if it]) != 1 or letter.isspace():
                raise ValueError(f"{letter!r} in the key is no letter: one character stands in a cell.")
        for (group, row, column), letter in self.cells.items():
            if row not in self.rows or column not in self.columns.get(group, ()):
                raise ValueError(f"The cell {group!r}, {row!r}, {column!r} is not in the grid.")
            if letter not in self.key:
                known = ", ".join(self.key)
                raise ValueError(f"The key does not say what {letter!r} means; it has: {known}.")
        if self.marked and not all(self.mark):
            raise ValueError("Marked cells need a mark: give its sign and what it means.")
        if empty := [cell for cell in self.marked if cell not in self.cells]:
            raise ValueError(f"The cell {empty[0]!r} is marked, and has no letter: give it one.")

    def __repr__(self) -> str:
        first = max(map(wide, self.rows))
        heads, names = [" " * first], [" " * first]
        lines = [[ljust(row, first)] for row in self.rows]
        for group, columns in self.columns.items():
            widths = [
                max(wide(it), *(wide(self.sign(group, row, it)) for row in self.rows)) for it in columns
            ]
            whole = max(wide(group), sum(widths) + len(columns) - 1)
            heads.append(ljust(group, whole))
            names.append(ljust(" ".join(map(ljust, columns, widths)), whole))
            for row, line in zip(self.rows, lines, strict=True):
                letters = (
                    center(self.sign(group, row, it), n) for it, n in zip(columns, widths, strict=True)
                )
                line.append(ljust(" ".join(letters), whole))
        table = ["   ".join(line).rstrip() for line in (heads, names, *lines)]
        key = {**self.key, **({self.mark[0]: self.mark[1]} if self.mark[0] else {})}
        most = max(map(wide, key))
        return "\n".join([*table, "", *(f"{ljust(letter, most)}  {words}" for letter, words in key.items())])

    def sign(self, group: str, row: str, column: str) -> str:
        """Return the letter of a cell, with the sign of the mark where it is marked; "" for an empty cell."""
        cell = (group, row, column)
        return self.cells.get(cell, "") + self.mark[0] * (cell in self.marked)

    def _repr_html_(self) -> str:
        return preformatted(repr(self))

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
            if letter := self.cells.get(cell := (group, row, column)):
                meaning = self.key[letter] + f", {self.mark[1]}" * (cell in self.marked)
                found.setdefault(meaning, []).append(column)
        return "; ".join(f"{', '.join(them)} {meaning}" for meaning, them in found.items())
