"""When everything would be said over a distance: on one scale, in the picture and in its text."""

from __future__ import annotations

from itertools import pairwise

import pytest

from labs.capture.distance import MODEL, Schedule
from labs.draw.sheet import Sheet
from labs.draw.views import distance_view
from tests.capture.test_distance import ASK, HTTP, OK, trace
from tests.draw.support import FINDING, Words

FAR = {("client", "front"): 40}
TWICE = trace(*[("client", "front", ASK, 0), ("front", "client", OK, 0)] * 2)
SIDES = {"once": HTTP.apart(FAR), "twice": TWICE.apart(FAR)}


def test_the_alt_text_tells_every_message_with_its_times() -> None:
    assert distance_view({"once": HTTP.apart(FAR)}, finding=FINDING).alt == (
        f"{FINDING} once: at 40 ms client to front: GET /, there at 60 ms; "
        f"at 60 ms front to client: 200 OK, there at 80 ms. {MODEL}"
    )


def test_all_sides_share_one_scale(written: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[tuple[float, float]] = []  # x and y of arrows

    def head(page: Sheet, x: float, y: float, way: int, colour: str, *, filled: bool) -> None:
        ends.append((x, y))

    monkeypatch.setattr(Sheet, "head", head)
    distance_view(SIDES, finding=FINDING)
    words = [it for it, _ in written]
    assert {"once", "twice", "80 ms", "120 ms", "0 ms"} <= set(words)
    assert words.count("GET /") == 3 and words.count("200 OK") == 3
    once, twice = ends[:2], ends[2:]
    assert [y for _, y in once] == [y for _, y in twice[:2]]  # one moment, one height
    flight = once[1][1] - once[0][1]
    steps = [b[1] - a[1] for a, b in pairwise(twice)]
    assert steps == pytest.approx([flight] * 3)


def test_words_do_not_stand_upon_one_another(written: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[float] = []
    text = Sheet.text

    def kept(page: Sheet, x: float, y: float, words: str, *rest: object, **how: object) -> None:
        if words in ("GET /", "200 OK"):
            places.append(y)
        text(page, x, y, words, *rest, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Sheet, "text", kept)
    distance_view({"near": TWICE.apart({}), "far": HTTP.apart({("client", "front"): 2000})}, finding=FINDING)
    near = sorted(places[:4])
    assert min(b - a for a, b in pairwise(near)) >= 12


def test_what_came_to_nothing_is_a_cross(written: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    crosses: list[float] = []
    monkeypatch.setattr(Sheet, "cross", lambda page, x, y, colour: crosses.append(x))
    said = trace(
        ("client", "dead", "refused", 0), ("client", "front", ASK, 1), ("front", "client", "reset", 1)
    )
    distance_view({"side": said.apart({("client", "dead"): 10, ("client", "front"): 10})}, finding=FINDING)
    assert len(crosses) == 2
    assert {"connect: refused", "reset"} <= {words for words, _ in written}


def test_nothing_is_said_as_such(written: Words) -> None:
    figure = distance_view({"side": Schedule((), (), (), {})}, finding=FINDING)
    assert "side: nothing was said." in figure.alt
    assert "Nothing was said." in [words for words, _ in written]


def test_a_trace_is_no_schedule() -> None:
    with pytest.raises(ValueError, match=r"Side 'a' is Trace, not Schedule: write `.apart\({…}\)` after"):
        distance_view({"a": HTTP}, finding=FINDING)  # type: ignore[dict-item]
