"""Lay out who said what to whom: a panel a side, in bands, on one vertical scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from labs.capture.trace import Trace
from labs.draw import panel
from labs.draw.figure import Figure, sentence
from labs.draw.sheet import MARGIN, Sheet

__all__ = ["draw"]

BELOW, NARROWEST = 30.0, 420.0  # points


def draw(sides: Mapping[str, Trace], finding: str, show: Sequence[str]) -> Figure:
    """Draw a panel for each side in their order; `show` names fields whose values stand under the arrow."""
    panels = [panel.panel(name, trace, show) for name, trace in sides.items()]
    bands = panel.bands(panels)
    width = max(sum(it.width for it in band) + panel.BETWEEN * (len(band) - 1) for band in bands)
    rows = zip_longest(*([arrow.height for arrow in it.arrows] for it in panels), fillvalue=0.0)
    heights = [max(row) for row in rows]
    tall = [sum(heights[: max(len(it.arrows) for it in band)]) + panel.HEIGHT for band in bands]
    key = ["Time runs down in the order of the recording, not to scale."]
    if any(arrow.said.message for it in panels for arrow in it.arrows):
        key.append("Solid: request. Dashed: answer.")
    if any(it.numbers for it in panels):
        key.append("Circled: the connection, where a pair had several.")
    sheet = Sheet(max(width, NARROWEST), sum(tall) + BELOW * (len(bands) - 1) + 10, finding, key)
    top = sheet.top
    for band, height in zip(bands, tall, strict=True):
        left = MARGIN
        for it in band:
            panel.draw(sheet, it, left, top, heights)
            left += it.width + panel.BETWEEN
        top += height + BELOW
    return sheet.finish(" ".join([sentence(finding), *map(panel.words, panels)]))
