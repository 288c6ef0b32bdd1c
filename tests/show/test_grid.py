"""The text of a grid, and one sentence for what is none."""

from __future__ import annotations

from typing import Any

import pytest

from labs.show.grid import Grid
from tests.draw.support import GRID, KEY


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


def test_columns_are_those_of_a_terminal() -> None:
    grid = Grid(
        rows=("가져오기", "PUT"),
        columns={"한국": ("302", "7"), "b": ("x",)},
        cells={("한국", "가져오기", "302"): "예", ("한국", "PUT", "7"): "예", ("b", "PUT", "x"): "e\u0301"},
        key={"예": "yes", "e\u0301": "an accent"},
        marked=[("한국", "PUT", "7")],
        mark=("!", "a mark"),
    )
    assert repr(grid).split("\n") == [
        "           한국      b",
        "           302 7     x",
        "가져오기    예",
        "PUT            예!   e\u0301",
        "",
        "예  yes",
        "e\u0301   an accent",
        "!   a mark",
    ]
    assert grid.words() == "한국, 가져오기: 302 yes. 한국, PUT: 7 yes, a mark. b, PUT: x an accent."


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
