"""Measure how much memory is held while a body arrives, step by step, with Python's own tracemalloc."""

from __future__ import annotations

import tracemalloc
from types import TracebackType

__all__ = ["KIB", "MIB", "Meter"]

KIB, MIB = 1 << 10, 1 << 20


class Meter:
    """Count the bytes that Python holds more than at the start. Use as `with Meter() as meter:`.

    `steps` are (bytes sent, most held since the step before) of each `mark(sent)`, and of the end. `peak` is
    the most that was ever held. Counted is what Python allocates in this process, the client's share and the
    server's; what the system buffers is not. One meter runs at a time: inside another it raises RuntimeError.
    """

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []
        self.peak = 0
        self._base = 0

    def __enter__(self) -> Meter:
        if tracemalloc.is_tracing():
            raise RuntimeError("Memory is being traced already: end the other meter first.")
        tracemalloc.start()
        tracemalloc.reset_peak()
        self._base = tracemalloc.get_traced_memory()[0]
        return self

    def mark(self, sent: int) -> None:
        """Note the most that was held until `sent` bytes were sent."""
        held = max(tracemalloc.get_traced_memory()[1] - self._base, 0)
        tracemalloc.reset_peak()
        self.steps.append((sent, held))
        self.peak = max(self.peak, held)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.mark(self.steps[-1][0] if self.steps else 0)
        tracemalloc.stop()
