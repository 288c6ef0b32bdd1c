"""Figures that are drawn coarsely, and the words they write."""

from __future__ import annotations

import pytest

from labs.draw import sheet
from tests.draw.support import Words, keep_words


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw with a pixel a point: everything stands where it stood, in an eighth of the pixels."""
    monkeypatch.setattr(sheet, "DPI", 72)


@pytest.fixture
def written(coarse: None, monkeypatch: pytest.MonkeyPatch) -> Words:
    """Keep every word a figure writes."""
    return keep_words(monkeypatch)
