"""A figure as a value: shown in a cell with its text, saved, and never changed."""

from __future__ import annotations

import base64
import io
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from tests.draw.support import drawn


def test_a_cell_shows_a_sharp_picture_with_its_alt_text() -> None:
    figure = drawn("lifelines")[0]
    data, about = figure._repr_mimebundle_(include=None, exclude=None)
    assert data == {"text/plain": figure.alt, "image/png": figure._repr_png_()}
    assert about == {"image/png": {"width": figure.width, "alt": figure.alt}}
    with Image.open(io.BytesIO(figure.png)) as image:
        assert abs(image.width - 2 * figure.width) <= 2
        assert image.info["Description"] == figure.alt
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_ipython_shows_the_picture_and_below_it_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = drawn("bytes")[0]
    shown: list[tuple[dict[str, str], dict[str, dict[str, object]]]] = []
    monkeypatch.setattr(
        "IPython.display.publish_display_data", lambda data, about=None: shown.append((data, about or {}))
    )
    assert DisplayFormatter().format(figure) == ({}, {})  # type: ignore[no-untyped-call]
    (picture, about), (words, _) = shown
    assert base64.b64decode(picture["image/png"]) == figure.png and picture["text/plain"] == figure.alt
    assert about["image/png"] == {"width": figure.width, "alt": figure.alt}
    assert set(words) == {"text/html"} and words["text/html"] == figure.in_words()


def test_the_words_of_a_figure_are_all_of_them_and_no_markup() -> None:
    figure = replace(drawn("bytes")[0], alt="a < b & c")
    assert "<p>a &lt; b &amp; c</p></details>" in figure.in_words()


def test_a_figure_can_be_saved_and_not_changed(tmp_path: Path) -> None:
    figure = drawn("weather")[0]
    assert figure.save(tmp_path / "weather.png").read_bytes() == figure.png
    with pytest.raises(FrozenInstanceError):
        figure.finding = "another"  # type: ignore[misc]
