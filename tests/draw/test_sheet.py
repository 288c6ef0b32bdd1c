"""The page of a figure takes strange and long words, without a warning."""

from __future__ import annotations

from labs.capture.parser import Message
from labs.draw.views import lifelines
from tests.draw.support import OK, PROXY, message, trace


def test_strange_and_long_words_are_drawn_without_a_warning(coarse: None) -> None:
    strange = message("GET /$a$_{b}^%5C/\N{CJK UNIFIED IDEOGRAPH-4E16}\x07/" + "x" * 300 + " HTTP/1.1")
    tunnel = Message("tunnel", "", body=b"abc", raw=b"abc")
    steps = ("c" * 80, "front", strange, 0), ("front", "front", tunnel, 1), ("front", "c" * 80, OK, 0)
    figure = lifelines({"$\\frac{$": trace(*steps)}, finding="word " * 60, show=["Host"])
    assert "3 bytes of the upgraded protocol" in figure.alt
    assert "x" * 300 in figure.alt


def test_every_word_of_a_finding_may_stand_alone(coarse: None) -> None:
    assert lifelines({"a": PROXY}, finding=" ".join(["incomprehensibilities" * 3] * 4)).png
