"""Lay out grids of letters: one, a tile a cell and a block a group; or several on one page, with one key."""

from __future__ import annotations

from collections.abc import Mapping

from labs.draw.figure import Figure, sentence
from labs.draw.sheet import (
    BODY,
    INK,
    LINE,
    MARGIN,
    PAPER,
    SIDE,
    SMALL,
    SOFT,
    TILES,
    Sheet,
    Tile,
    width_of,
)
from labs.show.grid import Grid

__all__ = ["KINDS", "several", "tiles"]

NARROWEST = 420.0  # points of the page of one grid
MISSING = "#e5a33a"  # in grey it lies between the two blues, so that black and white tells all apart
# What is as it should be is drawn soft, so that the eye finds the rest.
KINDS: tuple[Tile, ...] = (
    (PAPER, "", LINE),
    *TILES[1:],
    (MISSING, "", INK),
    (PAPER, "xxxx", INK),
    (INK, "", "white"),
)
# Of several: points, but for the number of blocks side by side.
HEAD, TALL, GAP, ACROSS = 44.0, 17.0, 16.0, 2


def tiles(grid: Grid, finding: str) -> Figure:
    """Draw the drawn twin of the grid's text. Raises ValueError for too many letters without a mark."""
    key, dark = dict(grid.key), grid.mark[0]
    if not dark and len(key) > len(TILES):
        raise ValueError(f"A heat map has {len(TILES)} kinds of tile, and the key {len(grid.key)} letters.")
    names = max(width_of(row, BODY) for row in grid.rows) + 12
    labels = [it for columns in grid.columns.values() for it in columns]
    wide, tall, apart = max(30.0, *(width_of(it, SMALL) + 8 for it in labels)), 24.0, 22.0
    wide = max(wide, *(width_of(it + dark, BODY, bold=True) + 8 for it in key))
    blocks = [max(wide * len(them), width_of(it, SIDE, bold=True)) for it, them in grid.columns.items()]
    bottom = 44 + tall * len(grid.rows)
    width = names + sum(blocks) + apart * (len(blocks) - 1)
    kinds = dict.fromkeys(key, TILES[0]) if dark else dict(zip(key, TILES, strict=False))
    if dark:
        key[dark], kinds[dark] = grid.mark[1], TILES[2]
    sheet = Sheet(max(width, NARROWEST), bottom + 12 + 20 * len(key), finding, [])
    left = MARGIN + names
    for k, row in enumerate(grid.rows):
        sheet.text(left - 12, sheet.top + 44 + tall * k + 16, row, BODY, align="right")
    for (group, columns), block in zip(grid.columns.items(), blocks, strict=True):
        sheet.heading(sheet.top, group, left, left + block)
        for n, column in enumerate(columns):
            x = left + wide * n
            sheet.text(x + wide / 2, sheet.top + 36, column, SMALL, SOFT, align="center")
            for k, row in enumerate(grid.rows):
                if letter := grid.cells.get(cell := (group, row, column)):
                    kind = kinds[dark if cell in grid.marked else letter]
                    sheet.tile(x, sheet.top + 44 + tall * k, wide, tall, grid.sign(*cell), kind)
        left += block + apart
    for k, (letter, meaning) in enumerate(key.items()):
        y = sheet.top + bottom + 12 + 20 * k
        sheet.tile(MARGIN + names - 12 - 22, y, 22, 16, letter, kinds[letter])
        sheet.text(MARGIN + names, y + 12, meaning, SMALL)
    return sheet.finish(f"{sentence(finding)} {grid.words()}")


def several(grids: Mapping[str, Grid], finding: str) -> Figure:
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
