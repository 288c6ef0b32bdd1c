"""Several grids of letters on one page: a block for each, and one key."""

from __future__ import annotations

from collections.abc import Mapping

from labs.draw.figure import Figure, sentence
from labs.draw.sheet import INK, LINE, MARGIN, PAPER, SMALL, SOFT, TILES, Sheet, Tile, width_of
from labs.show.grid import Grid

__all__ = ["KINDS", "draw"]

MISSING = "#e5a33a"  # in grey it lies between the two blues, so that black and white tells all apart
# What is as it should be is drawn soft, so that the eye finds the rest.
KINDS: tuple[Tile, ...] = (
    (PAPER, "", LINE),
    *TILES[1:],
    (MISSING, "", INK),
    (PAPER, "xxxx", INK),
    (INK, "", "white"),
)
HEAD, TALL, GAP, ACROSS = 44.0, 17.0, 16.0, 2  # points, but for the number of blocks side by side


def draw(grids: Mapping[str, Grid], finding: str) -> Figure:
    """Draw named grids of one key in two columns, in their order: the drawn twin of their text.

    Raises ValueError when there is no grid, one is no Grid, their keys differ, or one has more letters than
    there are kinds of tile.
    """
    _check(grids)
    key = next(iter(grids.values())).key
    kinds = dict(zip(key, KINDS, strict=False))
    labels = [it for grid in grids.values() for them in grid.columns.values() for it in them]
    names = max(width_of(row, SMALL) for grid in grids.values() for row in grid.rows) + 10
    wide = max(24.0, *(width_of(it, SMALL) + 6 for it in labels))
    block = names + wide * max(sum(map(len, grid.columns.values())) for grid in grids.values())
    columns = _columns(grids)
    ends = [sum(_height(grids[name]) for name in them) for them in columns]
    free = ends.index(min(ends))  # the key goes below the shorter column
    sheet = Sheet(block * ACROSS + 2 * GAP, max(*ends, ends[free] + 20 * len(key)), finding, [])
    for n, them in enumerate(columns):
        left, top = MARGIN + n * (block + 2 * GAP), sheet.top
        for name in them:
            _block(sheet, name, grids[name], left, top, names, wide, kinds)
            top += _height(grids[name])
    for k, (letter, meaning) in enumerate(key.items()):
        left, y = MARGIN + free * (block + 2 * GAP), sheet.top + ends[free] + 20 * k
        sheet.tile(left, y, 22, 16, letter, kinds[letter])
        sheet.text(left + 32, y + 12, meaning, SMALL)
    return sheet.finish(" ".join([sentence(finding), *(_words(name, it) for name, it in grids.items())]))


def _height(grid: Grid) -> float:
    return HEAD + TALL * len(grid.rows) + GAP


def _columns(grids: Mapping[str, Grid]) -> list[list[str]]:
    """Share the grids out in their order, so that the longest column is as short as it can be."""
    names = list(grids)
    tall = [_height(it) for it in grids.values()]
    cut = min(range(len(names) + 1), key=lambda n: max(sum(tall[:n]), sum(tall[n:])))
    return [names[:cut], names[cut:]]


def _block(
    sheet: Sheet,
    name: str,
    grid: Grid,
    left: float,
    top: float,
    names: float,
    wide: float,
    kinds: Mapping[str, Tile],
) -> None:
    cells = [(group, it) for group, them in grid.columns.items() for it in them]
    sheet.heading(top, name, left, left + names + wide * len(cells))
    for n, (_, label) in enumerate(cells):
        sheet.text(left + names + wide * (n + 0.5), top + 36, label, SMALL, SOFT, align="center")
    for k, row in enumerate(grid.rows):
        y = top + HEAD + TALL * k
        sheet.text(left + names - 8, y + 12.5, row, SMALL, align="right")
        for n, (group, label) in enumerate(cells):
            if letter := grid.cells.get((group, row, label)):
                sheet.tile(left + names + wide * n, y, wide, TALL, letter, kinds[letter])


def _words(name: str, grid: Grid) -> str:
    """Say a grid for the alt text, by column; the first letter of the key goes without saying."""
    usual = next(iter(grid.key))
    said = []
    for group, columns in grid.columns.items():
        for column in columns:
            found: dict[str, list[str]] = {}
            for row in grid.rows:
                letter = grid.cells.get((group, row, column), usual)
                if letter != usual:
                    found.setdefault(letter, []).append(row)
            if found:
                parts = "; ".join(f"{grid.key[it]}: {', '.join(rows)}" for it, rows in found.items())
                said.append(f"{column} {parts}.")
    rest = f"All else: {grid.key[usual]}."
    return " ".join([f"{name}.", *said, rest])


def _check(grids: Mapping[str, Grid]) -> None:
    if not isinstance(grids, Mapping) or not grids:
        raise ValueError("A mosaic is drawn of named grids: give a dict with one at least.")
    for name, it in grids.items():
        if not isinstance(it, Grid):
            raise ValueError(f"{name!r} is {type(it).__name__}, not Grid: a mosaic is drawn of grids.")
        if dict(it.key) != dict(next(iter(grids.values())).key):
            raise ValueError(f"{name!r} has another key: the grids of a mosaic share one.")
        if len(it.key) > len(KINDS):
            raise ValueError(f"A mosaic has {len(KINDS)} kinds of tile, and the key {len(it.key)} letters.")
