"""A progress bar that only ever adds to its line, so that a stored output shows what a reader saw."""

from __future__ import annotations

import sys
from typing import TextIO

__all__ = ["Bar"]

BLOCK = "█"


class Bar:
    """Print one block for each tenth that is done: `bar.show(done)` as often as you like.

    `total` and `done` count the same unit. Nothing is taken back, and nothing depends on when it was asked:
    the whole line is the same in every run. Raises ValueError for a total below 1.
    """

    def __init__(self, what: str, total: int, out: TextIO | None = None) -> None:
        if total < 1:
            raise ValueError(f"A bar needs something to count up to, not {total}.")
        self._total, self._tenths = total, 0
        self._out = sys.stdout if out is None else out
        self._print(f"{what} ")

    def show(self, done: int) -> None:
        """Print the tenths that came since the last call, and the end when all is done."""
        tenths = min(10 * done // self._total, 10)
        while self._tenths < tenths:
            self._tenths += 1
            self._print(BLOCK + (" 100 %\n" if self._tenths == 10 else ""))

    def _print(self, words: str) -> None:
        print(words, end="", file=self._out, flush=True)
