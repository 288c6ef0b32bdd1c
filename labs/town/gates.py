"""Decide time: hold a handler, a byte or a connection at a gate, and open it when the experiment says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from types import TracebackType

__all__ = ["Gate", "GateStuck"]

PATIENCE = 10.0  # seconds; a gate that nobody opens ends the experiment, not the afternoon


class GateStuck(TimeoutError):
    """Say that nobody came to a gate, or that nobody opened it."""


class Gate:
    """Hold whoever awaits the gate until it is opened.

    `await gate` stands at the gate; `gate.wait()` does so without `await`, as code that blocks.
    `await gate.reached()` waits until somebody stands there. `gate.open()` lets everybody through, now and
    later, until `gate.close()`. Raises GateStuck after PATIENCE seconds. `with gate:` opens it at the end, on
    every path.
    """

    def __init__(self, name: str = "the gate") -> None:
        self.name = name
        self.arrived = 0
        self._opened = asyncio.Event()
        self._free = threading.Event()  # the same for whoever waits in a thread
        self._arrival = asyncio.Event()
        self._on_open: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        """Tell whether whoever comes may pass."""
        return self._opened.is_set()

    def open(self) -> None:
        """Let everybody through."""
        self._opened.set()
        self._free.set()
        waiting, self._on_open = self._on_open, []
        for callback in waiting:
            callback()

    def close(self) -> None:
        """Hold whoever comes from now on."""
        self._opened.clear()
        self._free.clear()

    def on_open(self, callback: Callable[[], None]) -> None:
        """Call back when the gate is opened; for a transport that is held, where nothing can await."""
        self.arrived += 1
        self._arrival.set()
        if self.is_open:
            callback()
        else:
            self._on_open.append(callback)

    def wait(self) -> None:
        """Wait until the gate is open, and keep the thread meanwhile.

        On the thread of an event loop it lets through at once: who is to open it would have no turn there.
        Raises GateStuck after PATIENCE seconds.
        """
        self.arrived += 1
        if not _on_a_loop() and not self._free.wait(PATIENCE):
            raise GateStuck(self._stuck("nobody opened it; call .open() in the experiment"))

    def __await__(self) -> Generator[object, None, None]:
        return self._pass().__await__()

    async def _pass(self) -> None:
        self.arrived += 1
        self._arrival.set()
        await self._wait(self._opened, "nobody opened it; call .open() in the experiment")

    async def reached(self, count: int = 1) -> None:
        """Wait until `count` have come to the gate, counted from its making."""
        while self.arrived < count:
            self._arrival.clear()
            await self._wait(self._arrival, f"{self.arrived} of {count} came; does the handler await it?")

    async def _wait(self, event: asyncio.Event, else_say: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await event.wait()
        except TimeoutError:
            raise GateStuck(self._stuck(else_say)) from None

    def _stuck(self, else_say: str) -> str:
        return f"gate {self.name!r} was stuck for {PATIENCE:g} s: {else_say}."

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()

    def __repr__(self) -> str:
        return f"<Gate {self.name!r}: {'open' if self.is_open else 'closed'}, {self.arrived} came>"


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
