"""What the tests of figures share: recordings, a grid and weather to draw, and the words that are written."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from labs.capture.parser import Message
from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.draw.sheet import Sheet
from labs.draw.views import Figure, bytes_view, heat_map, lifelines, weather_view
from labs.instruments.timing import Weather
from labs.show.grid import Grid

ROOT = Path(__file__).parents[2]
FINDING = "A redirect makes the client ask again; a proxy asks for it."


def message(start: str, *fields: tuple[str, str], body: bytes = b"", surplus: bytes = b"") -> Message:
    kind = "answer" if start.startswith("HTTP/") else "request"
    head = "".join([start, "\r\n", *(f"{name}: {value}\r\n" for name, value in fields), "\r\n"]).encode()
    return Message(kind, start, tuple(fields), body, head + body, surplus=surplus)


def trace(*steps: tuple[str, str, Message | str, int]) -> Trace:
    """Make a trace of (who, whom, message or event, connection)."""
    said = tuple(
        Said(who, whom, None, what, number, order, 0.0)
        if isinstance(what, str)
        else Said(who, whom, what, "", number, order, 0.0)
        for order, (who, whom, what, number) in enumerate(steps)
    )
    return Trace(said, tuple(dict.fromkeys(name for it in said for name in (it.who, it.whom))))


POST = message("POST /page HTTP/1.1", ("Host", "front.test"), body=b"order")
GET = message("GET /page HTTP/1.1", ("Host", "origin.test"))
FOUND = message("HTTP/1.1 302 Found", ("Location", "http://origin.test/page"), ("Date", "now"))
OK = message("HTTP/1.1 200 OK", body=b"hello")
SURPLUS = message("HTTP/1.1 200 OK", body=b"hello", surplus=b"x" * 23)
REDIRECT = trace(
    ("client", "front", POST, 0),
    ("front", "client", FOUND, 0),
    ("client", "origin", GET, 1),
    ("origin", "client", OK, 1),
)
PROXY = trace(
    ("client", "front", POST, 0),
    ("front", "origin", POST, 1),
    ("origin", "front", OK, 1),
    ("front", "client", OK, 0),
)
SIDES = {"redirect": REDIRECT, "proxy": PROXY}
KEY = {"=": "as sent", "G": "a GET", "b": "bare", "–": "nothing"}
CELLS = {("aiohttp", "GET", "302"): "=", ("aiohttp", "PUT", "302"): "=", ("httpx", "PUT", "302"): "G"}
CELLS |= {("aiohttp", "PUT", "303"): "G", ("httpx", "GET", "302"): "–", ("httpx", "PUT", "307"): "b"}
GRID = Grid(("GET", "PUT"), {"aiohttp": ("302", "303"), "httpx": ("302", "307")}, CELLS, KEY)
WEATHER = Weather({"direct": (1e-4, 2e-4, 3e-4), "redirect": (2e-4, 4e-4, 9e-4)})

DRAW: dict[str, Callable[[], Figure]] = {
    "lifelines": lambda: lifelines(SIDES, finding=FINDING, show=["Location"]),
    "bytes": lambda: bytes_view(SIDES, finding=FINDING),
    "heat": lambda: heat_map(GRID, finding=FINDING),
    "weather": lambda: weather_view(WEATHER, finding=FINDING),
}

Words = list[tuple[str, float]]  # what was written, with its size


def keep_words(patch: pytest.MonkeyPatch) -> Words:
    words: Words = []
    write = Sheet.text

    def text(page: Sheet, x: float, y: float, said: str, size: float, *more: str, **how: Any) -> None:
        words.append((said, size))
        write(page, x, y, said, size, *more, **how)

    patch.setattr(Sheet, "text", text)
    return words


@cache
def drawn(name: str) -> tuple[Figure, Words]:
    """Draw a figure of DRAW in full, once for all tests: drawing is what takes time here."""
    with pytest.MonkeyPatch.context() as patch:
        words = keep_words(patch)
        return DRAW[name](), words
