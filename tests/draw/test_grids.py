"""Several grids on one page: every tile is drawn once, in its letter's kind, and said in words."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageColor

from labs.draw import views
from labs.draw.figure import DPI
from labs.draw.grids import KINDS
from labs.draw.sheet import Sheet
from labs.draw.views import heat_map
from labs.show.grid import Grid
from tests.draw.support import CELLS, FINDING, GRID, KEY, Words

DIFFER = "Two jars differ."
JARS = {"=": "as demanded", "+": "too many", "–": "too few"}
COLUMNS = ("one", "two")


def grid(name: str, *letters: str) -> Grid:
    """Make a grid of a row for each pair of letters."""
    rows = [f"{name}{n}" for n in range(len(letters))]
    cells = {
        (name, row, it): letter
        for row, pair in zip(rows, letters, strict=True)
        for it, letter in zip(COLUMNS, pair, strict=False)
    }
    return Grid(rows, {name: COLUMNS}, cells, JARS)


GRIDS = {"a": grid("a", "==", "=+"), "b": grid("b", "–="), "c": grid("c", "==")}


def test_every_tile_is_drawn_once_and_in_the_kind_of_its_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles: list[tuple[Any, ...]] = []
    monkeypatch.setattr(Sheet, "tile", lambda page, *it: tiles.append(it))
    views.mosaic(GRIDS, finding=DIFFER)
    assert [it[4] for it in tiles] == [*"===+", *"–=", *"==", *JARS]
    assert {it[4]: it[5] for it in tiles} == dict(zip(JARS, KINDS, strict=False))
    places = [(x, y) for x, y, *_ in tiles]
    assert len(set(places)) == len(places) and len({x for x, _ in places[:-3]}) == 4, "two columns of blocks"


def test_every_tile_is_on_the_page_with_its_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles: list[tuple[Any, ...]] = []
    tile = Sheet.tile

    def noticed(page: Sheet, *it: Any) -> None:
        tiles.append(it)
        tile(page, *it)

    monkeypatch.setattr(Sheet, "tile", noticed)
    figure = views.mosaic(GRIDS, finding=DIFFER)
    assert len(tiles) == 8 + len(JARS)
    with Image.open(io.BytesIO(figure.png)) as picture:
        page = picture.convert("RGB")
    for x, y, wide, tall, letter, (fill, _, ink) in tiles:
        left, top, right, low = (round(it * DPI / 72) for it in (x + 2, y + 2, x + wide - 2, y + tall - 2))
        # Pillow says "int or float" of a colour that is red, green and blue.
        colours: list[tuple[int, Any]] = page.crop((left, top, right, low)).getcolors() or []
        for wanted in map(ImageColor.getrgb, (fill, ink)):  # quantized, a colour is a few steps off
            apart = [max(abs(a - b) for a, b in zip(seen, wanted, strict=False)) for _, seen in colours]
            assert min(apart) < 20, (letter, wanted)


def test_kinds_of_tiles_differ_in_fill_or_hatch() -> None:
    assert len({(fill, hatch) for fill, hatch, _ in KINDS}) == len(KINDS)


def test_the_words_say_what_is_not_as_usual() -> None:
    assert views.mosaic(GRIDS, finding=DIFFER).alt == (
        "Two jars differ. a. two too many: a1. All else: as demanded. "
        "b. one too few: b0. All else: as demanded. c. All else: as demanded."
    )


@pytest.mark.parametrize(
    ("grids", "finding", "sentence"),
    [
        ({}, DIFFER, "give a dict with one at least"),
        ({"a": "letters"}, DIFFER, "'a' is str, not Grid"),
        (
            {"a": GRIDS["a"], "b": Grid(("r",), {"g": ("c",)}, {}, {"x": "else"})},
            DIFFER,
            "'b' has another key",
        ),
        ({"a": Grid(("r",), {"g": ("c",)}, {}, dict.fromkeys("abcdefgh", "x"))}, DIFFER, "7 kinds of tile"),
        (GRIDS, " ", "give its finding, one sentence"),
    ],
)
def test_bad_input_gives_one_clear_sentence(grids: Any, finding: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        views.mosaic(grids, finding=finding)


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
