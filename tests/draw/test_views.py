"""Figures: the same bytes every time, a text that says all of it, and one sentence for bad input."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys

import matplotlib
import pytest

from labs.draw import sheet
from labs.draw.views import bytes_view, heat_map, lifelines, weather_view
from labs.show.grid import Grid
from tests.draw.support import CELLS, DRAW, FINDING, GRID, REDIRECT, ROOT, SIDES, WEATHER, drawn


@pytest.fixture(scope="module")
def elsewhere() -> tuple[dict[str, str], list[str]]:
    """Draw in another process: the SHA-256 of every figure, and the modules it took."""
    program = (
        "import hashlib, sys\n"
        "from tests.draw.support import DRAW\n"
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
