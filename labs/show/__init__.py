"""Text that shows itself in a cell, the same in every run.

It knows no HTTP, no asyncio and no other package of labs.
"""

from labs.show.grid import Grid
from labs.show.page import Page, Prose
from labs.show.pieces import show_pieces
from labs.show.progress import Bar
from labs.show.volatile import settle

__all__ = ["Bar", "Grid", "Page", "Prose", "settle", "show_pieces"]
