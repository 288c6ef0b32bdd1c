"""The time of an exchange: one clock, and one party that is waited for, so that no two limits race.

A timer for each limit would let chance decide which of two is over first. Here the clock knows whose turn it
is, how long that may last, and what is said when it is over. One timer looks at all clocks of a relay, and at
what waits to be written, which tells who reads slowly from who does not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum

from labs.gateway.leg import Failure, Incomplete, Refused, TooSlow
from labs.gateway.options import Options
from labs.gateway.transport import waiting

__all__ = ["Clock", "Clocks", "Turn"]

NEVER = float("inf")


class Turn(Enum):
    """Who is waited for, and for what."""

    CONNECTS = "the origin, which is to accept: the leg has a limit for that"
    SENDS = "the client, which is to go on with its body"
    TAKES = "the origin, which is to take the request"
    ANSWERS = "the origin, which is to answer"
    MOVES = "either side, which is to send or take a piece of the answer or of what is left of the request"


class Clock:
    """Hold whose turn it is in one exchange, and until when.

    Before the head of the answer, one party is waited for at a time. After it, whatever moves in either
    direction puts the end off by `idle_timeout`.
    """

    deadline = NEVER
    turn = Turn.CONNECTS
    over = False  # whether the time was, and the exchange has been ended
    _origin: asyncio.Transport | None = None
    _span = NEVER
    _left = 0  # bytes that waited to be written at the last look
    _streams = _expects = _sent = _answered = _tunnel = False

    def __init__(self, options: Options, client: asyncio.Transport, now: Callable[[], float]) -> None:
        self._limits, self._client, self._now = options, client, now
        self.task = asyncio.current_task()  # which runs the exchange, and is cancelled when the time is over

    @property
    def failure(self) -> Failure:
        """What there is to say when the time is over."""
        if self.turn is Turn.SENDS:
            return Refused(408, "The body of the request did not come in time.")
        if self.turn is Turn.MOVES:
            return Incomplete("nothing moved any more")
        return TooSlow(f"too long a wait for {self.turn.value}")

    def _wait(self, turn: Turn) -> None:
        if self.over:
            return
        limits = self._limits
        self.turn = turn
        self._span = limits.answer_timeout if turn is Turn.ANSWERS else limits.idle_timeout
        self.deadline = self._now() + self._span

    # ---- the request

    def uploads(self, expects: bool) -> None:
        """Expect a body piece by piece; `expects` is whether the client waits for 100 Continue before it."""
        self._streams, self._expects = True, expects

    def begun(self, origin: asyncio.Transport) -> None:
        """Begin with the request: `origin` is where it is written to."""
        self._origin, self._left = origin, 0
        if not self._streams:
            self.sent()

    def sends(self) -> None:
        """Wait for the client's next piece; or for the origin, while that has to ask for the first."""
        if not self._answered:
            self._wait(Turn.ANSWERS if self._expects else Turn.SENDS)

    def continued(self) -> None:
        """Note that the origin has asked for the body."""
        if self._expects:
            self._expects = False
            self.sends()

    def takes(self) -> None:
        """Wait until the origin has taken a piece of the request."""
        self._expects = False
        self._wait(Turn.MOVES if self._answered else Turn.TAKES)

    def sent(self) -> None:
        """Wait for the answer: the last of the request has been written."""
        self._expects, self._sent = False, True
        self._wait(Turn.MOVES if self._answered else Turn.ANSWERS)

    # ---- the answer

    def answered(self) -> None:
        """Note that the head of the answer is there."""
        self._answered, self._left = True, 0
        self._wait(Turn.MOVES)

    def moved(self) -> None:
        """Note that something moved."""
        self.deadline = self._now() + self._span

    def tunnel(self) -> None:
        """Let both sides be silent as long as they like: from here on, only what is not taken has a limit."""
        self._tunnel = True

    # ---- the end

    def look(self, now: float) -> None:
        """End the exchange if its time is over; what was taken since the last look puts that off."""
        left = 0 if self._origin is None else waiting(self._origin)
        if self._sent and not self._answered:  # what waits here has been written, but not sent
            if left and self.turn is Turn.ANSWERS:
                self._wait(Turn.TAKES)
            elif not left and self.turn is Turn.TAKES:
                self._wait(Turn.ANSWERS)
        if self._answered:
            left += waiting(self._client)
        if left < self._left or (self._tunnel and not left):
            self.deadline = max(self.deadline, now + self._span)
        self._left = left
        if self.deadline <= now and self.task is not None and not self.over:
            self.over = True
            self.task.cancel()

    def ended(self) -> bool:
        """Tell whether the task was cancelled by this clock, and by nobody else; call it once."""
        return self.over and self.task is not None and not self.task.uncancel()


class Clocks:
    """Look at every clock of a relay, again and again while there are any."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._running: set[Clock] = set()
        self._timer: asyncio.TimerHandle | None = None
        shortest = min(options.answer_timeout, options.idle_timeout)
        self._every = min(1.0, max(0.01, shortest / 8))  # seconds: how late an end may be noticed

    def __len__(self) -> int:
        return len(self._running)

    def start(self, client: asyncio.Transport) -> Clock:
        """Return a new clock, for the task that calls."""
        loop = asyncio.get_running_loop()
        clock = Clock(self._options, client, loop.time)
        self._running.add(clock)
        if self._timer is None:
            self._timer = loop.call_later(self._every, self._tick)
        return clock

    def stop(self, clock: Clock) -> None:
        """Look at a clock no more."""
        self._running.discard(clock)

    def close(self) -> None:
        """Look at none any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self, now: float) -> None:
        """Look at every clock; `now` is the loop's time."""
        for clock in tuple(self._running):
            clock.look(now)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self.look(loop.time())
        self._timer = loop.call_later(self._every, self._tick) if self._running else None
