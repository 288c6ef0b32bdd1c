"""Lay out one grid of letters: a tile a cell, a block a group, and the key below."""

from __future__ import annotations

from labs.draw.figure import Figure, sentence
from labs.draw.sheet import BODY, MARGIN, SIDE, SMALL, SOFT, TILES, Sheet, width_of
from labs.show.grid import Grid

__all__ = ["tiles"]

NARROWEST = 420.0  # points


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
