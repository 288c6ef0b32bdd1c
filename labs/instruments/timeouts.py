"""Ask with one short timeout while one phase of the request is held at a gate: which of the two gives way?

The verdict is an order of events, not a time. The gate opens when a reference timer of the same loop has
rung, which was set after the timeout under test and is longer. So either the request ends in a timeout before
the gate opens, or it goes on to its end behind it. Whatever else a slow computer makes of it is no verdict,
and the run is repeated with twice the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from labs.capture.trace import Trace
from labs.town.gates import Gate, GateStuck
from labs.town.town import Town

__all__ = ["Run", "Trial", "Unsettled", "outlast", "shut"]

FIRST = 0.05  # seconds; the shorter, the sooner a loaded computer makes a run that says nothing
ATTEMPTS = 7  # the last one waits 3.2 seconds
LINKS = 5  # of the reference timer, half the timeout each; a clock with coarse ticks rings a tick early


class Unsettled(RuntimeError):
    """Say that no run gave a verdict: the computer is too slow, or the phase was never held."""


@dataclass(frozen=True)
class Run:
    """Hold one run. `error` is the timeout that was raised, None where the request went on to its end.

    `late`: it was raised behind the gate only, in run after run. `asked` and `took` are seconds, from
    `Trial.begin()` to the request's end: weather, never compared.
    """

    error: TimeoutError | None
    late: bool
    trace: Trace
    asked: float = field(compare=False)
    took: float = field(compare=False)

    @property
    def raised(self) -> str:
        """The name of the class that was raised, or "–" where nothing was."""
        return type(self.error).__name__ if self.error else "–"


class Trial:
    """Give an experiment its town, its gate, and the seconds of the timeout under test."""

    def __init__(self, town: Town, seconds: float) -> None:
        self.town, self.gate, self.seconds = town, Gate(), seconds
        self.held = self.opened = False  # at the request's end: had its phase come to the gate, was it open
        self.took = self.stood = 0.0  # stood: how long the loop stood still at most, but for `block`
        self._began, self._due = 0.0, float("inf")
        self._begun = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the request under test has said that it begins."""
        return self._begun.is_set()

    def begin(self, seconds: float | None = None) -> float:
        """Say that the request under test begins now. Return the seconds of its timeout, or your own."""
        self.seconds = self.seconds if seconds is None else seconds
        self._began = asyncio.get_running_loop().time()
        self._due = min(self._due, self._began)
        self._begun.set()
        return self.seconds

    def block(self) -> None:
        """Hold the phase by blocking the whole loop for longer than the timeout, as a blocking call does."""
        clock = asyncio.get_running_loop().time
        self.gate.on_open(lambda: None)
        before = clock()
        time.sleep(2 * self.seconds)
        self._due = max(self._due, clock())
        self.stood = max(self.stood, clock() - before - 2 * self.seconds)

    async def run(self, ask: Callable[[Trial], Coroutine[Any, Any, object]]) -> None:
        """Run the experiment, and note how things stand in the moment of its end."""
        try:
            await ask(self)
        finally:
            self.took = asyncio.get_running_loop().time() - self._began
            self.held = self.begun and self.gate.arrived > 0
            self.opened = self.gate.is_open

    async def beat(self) -> None:
        """Note how late the loop is to wake, again and again, on a computer that stands still at times."""
        clock = asyncio.get_running_loop().time
        while True:
            self.stood = max(self.stood, clock() - self._due)
            self._due = clock() + self.seconds / 8
            await asyncio.sleep(self.seconds / 8)

    async def reached(self) -> None:
        """Wait until the request has begun and its phase stands at the gate."""
        await self._begun.wait()
        await self.gate.reached()


async def outlast(ask: Callable[[Trial], Coroutine[Any, Any, object]], seconds: float = FIRST) -> Run:
    """Run `ask`, which holds a phase at `trial.gate` and asks with a timeout of `trial.begin()` seconds.

    A run in which the timeout strikes before the phase is reached, or behind the gate, is repeated with twice
    the seconds, and so is one in which the loop stood still for half of the timeout that strikes: one between
    pieces strikes then, though the pieces come. Behind the gate twice in a row is a verdict, too. Any other
    exception of `ask` is raised. Raise Unsettled when no run gives a verdict.
    """
    late = False
    for _ in range(ATTEMPTS):
        run = await _once(ask, seconds)
        if run is not None and (late or not run.late):
            return run
        late = run is not None
        seconds *= 2
    raise Unsettled(f"{ATTEMPTS} runs gave no verdict, the last with {seconds / 2:g} s: is the phase held?")


async def _once(ask: Callable[[Trial], Coroutine[Any, Any, object]], seconds: float) -> Run | None:
    async with Town() as town:
        trial = Trial(town, seconds)
        with trial.gate:
            request, beat = asyncio.create_task(trial.run(ask)), asyncio.create_task(trial.beat())
            try:
                await _either(trial.reached(), request)
                if not request.done():
                    await _either(_longer_than(trial.seconds), request)
                trial.gate.open()
                await asyncio.wait([request])
            finally:
                request.cancel()
                beat.cancel()
                await asyncio.wait([request, beat])
            error = request.exception()
            for _ in range(5):  # turns of the loop, until the server has noticed that the client has left
                await asyncio.sleep(0)
    if error is not None and (isinstance(error, GateStuck) or not isinstance(error, TimeoutError)):
        raise error
    if not trial.begun:
        raise Unsettled(
            "The request never began: its timeout is trial.begin(), or trial.begin(2) for your 2 s."
        )
    if error is None and not trial.opened:
        raise Unsettled("The request went on to its end while the gate was shut: is the phase held?")
    if not trial.held or (error is not None and trial.stood > trial.seconds / 2):
        return None
    if error is not None:  # the class and the words are kept, not the frames, and what stands in them
        error = error.with_traceback(None)
        error.__cause__ = error.__context__ = None
    return Run(error, bool(error and trial.opened), town.trace, trial.seconds, trial.took)


async def _either(first: Coroutine[Any, Any, None], request: asyncio.Task[None]) -> None:
    """Wait until `first` or the request has ended. Raise what `first` raises while the request runs."""
    task = asyncio.create_task(first)
    try:
        await asyncio.wait([task, request], return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        await asyncio.wait([task])
    stuck = None if task.cancelled() else task.exception()
    if stuck is not None and not request.done():  # nobody stands at the gate
        raise stuck


async def _longer_than(seconds: float) -> None:
    """Be the reference timer: for certain longer than `seconds`, also on a computer that stands still.

    In links, each set when the one before has rung: a standstill makes one link late, and what has come
    meanwhile is done before the next one rings. So in the first two links the loop hears what a peer has sent
    before, and sets again the timeouts that wait for more. The links after that are longer than a timeout.
    """
    for _ in range(LINKS):
        await asyncio.sleep(seconds / 2)


async def shut(gate: Gate) -> bool:
    """Stand at the gate for one turn of the loop; tell whether it is still shut."""
    if not gate.arrived:
        gate.on_open(lambda: None)
    await asyncio.sleep(0)
    return not gate.is_open
