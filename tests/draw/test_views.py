"""Figures: the same bytes every time, a text that says all of it, and one sentence for bad input."""

from __future__ import annotations

import ast
import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from PIL import Image

from labs.capture.parser import Message
from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.draw import sequence, sheet
from labs.draw.scale import scale
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


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw with a pixel a point: everything stands where it stood, in an eighth of the pixels."""
    monkeypatch.setattr(sheet, "DPI", 72)


@pytest.fixture
def written(coarse: None, monkeypatch: pytest.MonkeyPatch) -> Words:
    """Keep every word a figure writes."""
    return keep_words(monkeypatch)


@pytest.fixture(scope="module")
def elsewhere() -> tuple[dict[str, str], list[str]]:
    """Draw in another process: the SHA-256 of every figure, and the modules it took."""
    program = (
        "import hashlib, sys\n"
        "from tests.draw.test_views import DRAW\n"
        "print({name: hashlib.sha256(draw().png).hexdigest() for name, draw in DRAW.items()})\n"
        "print(sorted(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    )
    hashes, modules = map(ast.literal_eval, run.stdout.splitlines())
    return hashes, modules


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_is_the_same_in_another_process(
    name: str, elsewhere: tuple[dict[str, str], list[str]]
) -> None:
    assert hashlib.sha256(drawn(name)[0].png).hexdigest() == elsewhere[0][name]


def test_drawing_needs_no_pyplot(elsewhere: tuple[dict[str, str], list[str]]) -> None:
    assert "matplotlib.figure" in elsewhere[1]
    assert "matplotlib.pyplot" not in elsewhere[1]


@pytest.mark.parametrize("name", DRAW)
def test_the_readers_own_style_changes_nothing_and_is_left_alone(name: str) -> None:
    plain = drawn(name)[0].png
    with matplotlib.rc_context(
        {"lines.linewidth": 9, "savefig.dpi": 30, "text.color": "red", "font.size": 40}
    ):
        assert DRAW[name]().png == plain, "drawn twice, a figure is the same bytes"
        assert matplotlib.rcParams["savefig.dpi"] == 30


@pytest.mark.parametrize("name", DRAW)
def test_the_title_is_the_finding(name: str) -> None:
    figure, words = drawn(name)
    assert figure.finding == FINDING
    assert figure.alt.startswith(FINDING)
    assert " ".join(said for said, size in words if size == sheet.TITLE) == FINDING


def test_the_alt_text_tells_every_message_in_order() -> None:
    figure, _ = drawn("lifelines")
    assert figure.alt == (
        f"{FINDING} "
        "redirect: client sends POST /page to front; "
        "front answers 302 Found to client (Location: http://origin.test/page); "
        "client sends GET /page to origin; origin answers 200 OK to client. "
        "proxy: client sends POST /page to front; front sends POST /page to origin; "
        "origin answers 200 OK to front; front answers 200 OK to client."
    )
    assert repr(figure) == figure.alt


def test_the_picture_holds_every_party_and_every_message() -> None:
    words = [it for it, _ in drawn("lifelines")[1]]
    for trace_ in SIDES.values():
        for it in trace_.said:
            assert words.count(it.label) == sum(s.label == it.label for t in SIDES.values() for s in t.said)
    assert [words.count(name) for name in ("redirect", "proxy")] == [1, 1]
    assert [words.count(name) for name in ("client", "front", "origin")] == [2, 2, 2]
    assert "Location: http://origin.test/page" in words
    assert any("not to scale" in it for it in words)


@pytest.mark.parametrize(
    ("event", "label", "told"),
    [
        ("refused", "connect: refused", "client connects to decoy: refused"),
        ("unknown name", "connect: unknown name", "client connects to decoy: unknown name"),
        ("closed", "closed", "client ends the connection to decoy: closed"),
        ("reset", "reset", "client ends the connection to decoy: reset"),
    ],
)
def test_what_went_wrong_is_a_word_and_a_cross(
    event: str, label: str, told: str, written: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    crosses: list[float] = []
    monkeypatch.setattr(Sheet, "cross", lambda page, x, y, colour: crosses.append(x))
    figure = lifelines({"side": trace(("client", "decoy", event, 0))}, finding=FINDING)
    assert told in figure.alt
    assert label in [words for words, _ in written]
    assert len(crosses) == 1


def test_surplus_is_drawn_counted_and_told_without_its_number(written: Words) -> None:
    steps = ("client", "front", GET, 0), ("front", "client", SURPLUS, 0)
    figure = lifelines({"side": trace(*steps)}, finding=FINDING)
    assert "then 23 surplus bytes" in [words for words, _ in written]
    assert "(then surplus bytes)" in figure.alt
    assert "23" not in figure.alt
    clean = lifelines({"side": trace(steps[0], ("front", "client", OK, 0))}, finding=FINDING)
    assert figure.png != clean.png


def test_connections_are_numbered_only_where_a_pair_had_several(written: Words) -> None:
    lifelines({"side": PROXY}, finding=FINDING)
    assert not any(words.isdigit() for words, _ in written)
    lifelines(
        {"side": trace(("client", "front", POST, 0), ("client", "front", "refused", 1))}, finding=FINDING
    )
    assert not any(words.isdigit() for words, _ in written), "what was refused is no connection"
    written.clear()
    twice = trace(*((s.who, s.whom, s.message or "", n) for n in (0, 4) for s in PROXY.said[:1]))
    lifelines({"side": twice}, finding=FINDING)
    assert [words for words, _ in written if words.isdigit()] == ["1", "5"]


def test_volatile_fields_are_made_stable(coarse: None) -> None:
    dated = message("HTTP/1.1 200 OK", ("Date", "Fri, 21 Nov 2025 09:02:00 GMT"))
    figure = lifelines({"side": trace(("a", "b", dated, 0))}, finding=FINDING, show=["Date"])
    assert "Date: <date>" in figure.alt


def test_the_scale_is_shared_and_many_sides_go_on_below(coarse: None) -> None:
    few = lifelines({"a": PROXY}, finding="x")
    many = lifelines({str(n): PROXY for n in range(6)}, finding="x")
    assert _rows(lifelines({"a": PROXY, "b": trace()}, finding="x")) == _rows(few)
    assert _rows(many) > _rows(few)
    assert many.width <= (sequence.WIDEST + 2 * sheet.MARGIN) * 96 / 72


def _rows(figure: Figure) -> int:
    with Image.open(io.BytesIO(figure.png)) as image:
        return image.height


def test_strange_and_long_words_are_drawn_without_a_warning(coarse: None) -> None:
    strange = message("GET /$a$_{b}^%5C/\N{CJK UNIFIED IDEOGRAPH-4E16}\x07/" + "x" * 300 + " HTTP/1.1")
    tunnel = Message("tunnel", "", body=b"abc", raw=b"abc")
    steps = ("c" * 80, "front", strange, 0), ("front", "front", tunnel, 1), ("front", "c" * 80, OK, 0)
    figure = lifelines({"$\\frac{$": trace(*steps)}, finding="word " * 60, show=["Host"])
    assert "3 bytes of the upgraded protocol" in figure.alt
    assert "x" * 300 in figure.alt


def test_every_word_of_a_finding_may_stand_alone(coarse: None) -> None:
    assert lifelines({"a": PROXY}, finding=" ".join(["incomprehensibilities" * 3] * 4)).png


def test_bytes_are_counted_by_hop_and_piece(written: Words) -> None:
    side = trace(("client", "front", POST, 0), ("front", "client", SURPLUS, 0))
    figure = bytes_view({"side": side, "other": trace()}, finding=FINDING)
    words = [it for it, _ in written]
    assert f"{len(POST.raw)} bytes: {len(POST.raw) - 5} head, 5 body" in words
    assert f"{len(SURPLUS.raw) + 23} bytes: {len(SURPLUS.raw) - 5} head, 5 body, 23 surplus" in words
    assert "Nothing crossed." in words
    assert figure.alt == (
        f"{FINDING} Bytes that crossed. side: client to front, head and body; "
        "front to client, head and body and surplus. other: nothing crossed."
    )


def test_bytes_to_one_party_only(written: Words) -> None:
    figure = bytes_view(SIDES, finding=FINDING, whom="origin")
    assert [words for words, _ in written if "→" in words] == ["client → origin", "front → origin"]
    assert "redirect: client to origin, head. proxy: front to origin, head and body." in figure.alt


def test_a_heat_map_says_its_grid_in_letters_and_in_words(written: Words) -> None:
    figure = heat_map(GRID, finding=FINDING)
    words = [it for it, _ in written]
    assert sorted(it for it in words if len(it) == 1) == sorted([*CELLS.values(), *KEY])
    assert {"aiohttp", "httpx", "GET", "PUT", "302", "303", "307", *KEY.values()} <= set(words)
    assert figure.alt == (
        f"{FINDING} aiohttp, GET: 302 as sent. aiohttp, PUT: 302 as sent; 303 a GET. "
        "httpx, GET: 302 nothing. httpx, PUT: 302 a GET; 307 bare."
    )


def test_a_marked_tile_is_dark_and_says_so(coarse: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tiles: dict[str, set[tuple[str, str, str]]] = {}
    monkeypatch.setattr(Sheet, "tile", lambda page, *it: tiles.setdefault(it[4], set()).add(it[5]))
    grid = replace(GRID, marked={("aiohttp", "PUT", "303")}, mark=("×2", "sent twice"))
    figure = heat_map(grid, finding=FINDING)
    assert set(tiles) == {*KEY, "G×2", "×2"}
    assert tiles["G×2"] == tiles["×2"] and not tiles["G"] & tiles["G×2"]
    assert len(set.union(*(tiles[it] for it in KEY))) == 1
    assert "aiohttp, PUT: 302 as sent; 303 a GET, sent twice. " in figure.alt
    assert repr(grid).split("\n")[3] == "PUT    =  G×2    G   b"
    assert repr(grid).split("\n")[-1] == "×2  sent twice"


def test_a_tile_is_told_apart_by_letter_and_fill(coarse: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tiles: dict[str, set[tuple[str, str, str]]] = {}
    monkeypatch.setattr(Sheet, "tile", lambda page, *it: tiles.setdefault(it[4], set()).add(it[5]))
    heat_map(GRID, finding=FINDING)
    assert set(tiles) == set(KEY)
    assert len(set.union(*tiles.values())) == len(KEY) and all(len(it) == 1 for it in tiles.values())


def test_the_text_of_a_grid() -> None:
    assert repr(GRID).split("\n") == [
        "      aiohttp   httpx",
        "      302 303   302 307",
        "GET    =         –",
        "PUT    =   G     G   b",
        "",
        *(f"{letter}  {words}" for letter, words in KEY.items()),
    ]
    assert "G  a GET" in GRID._repr_html_() and GRID._repr_html_().startswith("<pre")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": ()}, "give one of each"),
        ({"columns": {"aiohttp": ()}}, "give one of each"),
        ({"key": {}}, "give one of each"),
        ({"key": {"GET": "a GET"}}, "'GET' in the key is no letter"),
        ({"cells": {("curl", "GET", "302"): "="}}, "The cell 'curl', 'GET', '302' is not in the grid"),
        ({"cells": {("aiohttp", "GET", "307"): "="}}, "is not in the grid"),
        ({"cells": {("aiohttp", "GET", "302"): "x"}}, "The key does not say what 'x' means; it has: =, G"),
        ({"marked": [("aiohttp", "GET", "302")]}, "Marked cells need a mark"),
        (
            {"marked": [("aiohttp", "GET", "303")], "mark": ("!", "x")},
            "is marked, and has no letter",
        ),
    ],
)
def test_a_bad_grid_gives_one_clear_sentence(change: dict[str, Any], sentence: str) -> None:
    grid = {"rows": GRID.rows, "columns": GRID.columns, "cells": GRID.cells, "key": GRID.key}
    with pytest.raises(ValueError, match=sentence):
        Grid(**grid | change)


def test_the_text_of_the_weather_holds_no_measured_number() -> None:
    figure, words = drawn("weather")
    other = {name: tuple(3 * value for value in values) for name, values in WEATHER.values.items()}
    again = weather_view(Weather(other), finding=FINDING)
    assert repr(figure) == repr(again)
    assert figure.png != again.png
    assert "weather" in figure.alt
    assert "200 µs" in [said for said, _ in words]


def test_ticks_are_round_and_logarithmic_where_durations_differ_much() -> None:
    assert scale([1e-4, 9e-4]).ticks == [0, 200, 400, 600, 800, 1000]
    assert scale([1e-4, 0.0, 1.5e-2]).ticks == [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    assert scale([1e-6, 150.0]).ticks == [10.0**e for e in range(-6, 4)]
    assert [scale([it]).unit for it in (0.0, 2e-4, 2e-2, 2.0)] == ["µs", "µs", "ms", "s"]


def test_the_scale_is_drawn_and_a_duration_of_none_stands_at_its_start(written: Words) -> None:
    weather_view(Weather({"a": (1e-4, 0.0), "b": (1.5e-2, 1e-2)}), finding=FINDING)
    small = [it for it, size in written if size == sheet.SMALL]
    assert [it for it in small if it[0].isdigit()] == ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]
    assert "ms, log" in small
    assert scale([1e-4, 0.0, 1.5e-2]).place(0.0, 430.0) == 0.0


def test_a_cell_shows_a_sharp_picture_with_its_alt_text() -> None:
    figure = drawn("lifelines")[0]
    data, about = figure._repr_mimebundle_(include=None, exclude=None)
    assert data == {"text/plain": figure.alt, "image/png": figure._repr_png_()}
    assert about == {"image/png": {"width": figure.width, "alt": figure.alt}}
    with Image.open(io.BytesIO(figure.png)) as image:
        assert abs(image.width - 2 * figure.width) <= 2
        assert image.info["Description"] == figure.alt
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_ipython_shows_the_picture_and_compares_the_text() -> None:
    from IPython.core.formatters import DisplayFormatter

    figure = drawn("bytes")[0]
    data, about = DisplayFormatter().format(figure)  # type: ignore[no-untyped-call]
    assert data["text/plain"] == figure.alt
    assert set(data) == {"text/plain", "image/png"}
    assert about["image/png"]["width"] == figure.width


def test_a_figure_can_be_saved_and_not_changed(tmp_path: Path) -> None:
    figure = drawn("weather")[0]
    assert figure.save(tmp_path / "weather.png").read_bytes() == figure.png
    with pytest.raises(FrozenInstanceError):
        figure.finding = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: lifelines({}, finding=FINDING), "give at least one side"),
        (lambda: lifelines(SIDES, finding=" "), "give its finding, one sentence"),
        (lambda: lifelines(SIDES, finding=None), "give its finding, one sentence"),  # type: ignore[arg-type]
        (lambda: lifelines({"a": "lanes"}, finding=FINDING), "Side 'a' is str, not Trace"),  # type: ignore[dict-item]
        (lambda: lifelines(REDIRECT, finding=FINDING), "give a dict of them, not Trace"),  # type: ignore[arg-type]
        (lambda: lifelines(SIDES, finding=FINDING, show="Location"), r"write show=\['Location'\]"),
        (lambda: bytes_view({}, finding=FINDING), "give at least one side"),
        (lambda: bytes_view(SIDES, finding=FINDING, whom="decoy"), "one of 'client', 'front', 'origin'"),
        (lambda: heat_map(GRID, finding=""), "give its finding, one sentence"),
        (lambda: heat_map(CELLS, finding=FINDING), "give that, not dict"),  # type: ignore[arg-type]
        (
            lambda: heat_map(Grid(("a",), {"b": ("c",)}, {}, dict.fromkeys("abcde", "x")), finding=FINDING),
            "4 kinds of tile, and the key 5 letters",
        ),
        (lambda: weather_view(WEATHER, finding=""), "give its finding, one sentence"),
        (lambda: weather_view({"a": (1.0,)}, finding=FINDING), "give that, not dict"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_gives_one_clear_sentence(call: object, sentence: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=sentence):
        call()
