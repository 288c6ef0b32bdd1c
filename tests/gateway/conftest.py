"""Clocks that stand still until a test winds them, and aiohttp's two parsers."""

import asyncio

import pytest
from aiohttp import helpers, http_parser

from labs.gateway.clock import Clock, Clocks, Turn
from labs.gateway.options import Options


class ByHand(Clocks):
    """The clocks of a gateway, for which time is what the test says."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.time = 0.0

    def start(self, client: asyncio.Transport) -> Clock:
        clock = Clock(self._options, client, lambda: self.time)
        self._running.add(clock)
        return clock


class Hand:
    """Winds the clocks of every gateway that a test makes."""

    def __init__(self) -> None:
        self.clocks: list[ByHand] = []

    def make(self, options: Options) -> ByHand:
        self.clocks.append(ByHand(options))
        return self.clocks[-1]

    def wind(self, seconds: float) -> None:
        """Let time pass, and let the clocks be looked at."""
        for clocks in self.clocks:
            clocks.time += seconds
            clocks.look(clocks.time)

    async def until(self, turn: Turn) -> None:
        """Wait until one exchange runs and waits for `turn`, and does so for many turns of the loop."""
        same = 0
        while same < 100:
            await asyncio.sleep(0)
            turns = [clock.turn for clocks in self.clocks for clock in clocks._running]
            same = same + 1 if turns == [turn] else 0

    async def ended(self) -> None:
        """Wait until no exchange runs."""
        while any(clocks._running for clocks in self.clocks):  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    """Let a test wind the clocks: no limit is over by itself, and none because the machine is busy."""
    hand = Hand()
    monkeypatch.setattr("labs.gateway.relay.Clocks", hand.make)
    return hand


@pytest.fixture(params=["C", "Python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test once with aiohttp's parser in C and once with the one in Python, and say which it is.

    AIOHTTP_NO_EXTENSIONS=1 takes the latter for the whole process.
    """
    which = str(request.param)
    if which == "C" and helpers.NO_EXTENSIONS:
        pytest.skip("AIOHTTP_NO_EXTENSIONS is set: the parser in C is not loaded")
    if which == "Python":
        monkeypatch.setattr("aiohttp.web_protocol.HttpRequestParser", http_parser.HttpRequestParserPy)
        monkeypatch.setattr("aiohttp.client_proto.HttpResponseParser", http_parser.HttpResponseParserPy)
    return which
