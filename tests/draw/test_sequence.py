"""Who said what to whom: every message in order, in the picture and in its text."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from labs.draw import sequence, sheet
from labs.draw.sheet import Sheet
from labs.draw.views import Figure, lifelines
from tests.draw.support import FINDING, GET, OK, POST, PROXY, SIDES, SURPLUS, Words, drawn, message, trace


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
