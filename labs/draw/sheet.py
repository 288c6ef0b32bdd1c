"""The page that figures are drawn on: words, lines, arrowheads, boxes, bars and dots, measured in points.

Shape tells things apart before colour does, so that a figure survives a black and white printer and every
kind of eye.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle
from matplotlib.textpath import TextPath, text_to_path
from matplotlib.transforms import Affine2D
from PIL import Image

from labs.draw.figure import DPI, Figure, finished

INK, SOFT, LINE, PAPER = "#1a1a1a", "#555555", "#8a939c", "#eef1f4"
GRID = "#dfe3e7"  # the lines behind a plot
ASK, FAIL, OVER = "#00508c", "#b03a00", "#f2c14e"  # kept apart by luminance too
FILLS = ((ASK, ""), ("#b9d3ea", ""), (OVER, "//////"))  # head, body, surplus
TILES = ((PAPER, "", INK), ("#b9d3ea", "", INK), (ASK, "", "white"), ("white", "//////", INK))  # with ink
MARGIN = 24.0
TITLE, SIDE, BODY, SMALL, TINY = 16.0, 13.0, 12.0, 10.0, 8.0

Xs = Sequence[float]
Tile = tuple[str, str, str]  # fill, hatch, colour of the letter
Box = tuple[float, float, float, float]  # left, top, width, height
Align = Literal["left", "center", "right"]
Dash = Sequence[float] | None  # lengths of strokes and gaps, in widths of the line; None is solid


class Sheet:
    """A white page, y running down, with its finding on top: `top` is where drawing starts.

    `width` and `height` are those of the drawing, without title, foot and margins.
    """

    def __init__(self, width: float, height: float, finding: str, foot: Iterable[str]) -> None:
        lines, small = _balanced(finding, width), _wrap(" ".join(foot), SMALL, width)
        self.finding, self.width = finding, width + 2 * MARGIN
        self.top = MARGIN + 22 * len(lines) + 16
        tall = self.top + height + 14 * len(small) + MARGIN
        self.canvas = Canvas(figsize=(self.width / 72, tall / 72), dpi=DPI, facecolor="white")
        self.axes = self.canvas.add_axes((0, 0, 1, 1), xlim=(0, self.width), ylim=(tall, 0))
        self.axes.set_axis_off()
        self._tiles: dict[Tile, list[Box]] = {}
        self._letters: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for k, line in enumerate(lines):
            self.text(MARGIN, MARGIN + 14 + 22 * k, line, TITLE, bold=True)
        for k, line in enumerate(small):
            self.text(MARGIN, self.top + height + 14 * (k + 1), line, SMALL, SOFT)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        colour: str = INK,
        *,
        align: Align = "left",
        bold: bool = False,
        clear: bool = False,
        stamp: bool = False,
    ) -> None:
        """Write on the baseline `y`; `clear` puts paper under words aligned to the left or the center.

        `stamp` is for the bold letter of a tile, which stands on a page a hundred times.
        """
        if stamp:
            self._letters.setdefault((words, colour), []).append((x, y))
            return
        if clear:
            wide = width_of(words, size, bold) + 8
            left = x - wide / 2 if align == "center" else x - 4
            paper = Rectangle((left, y - size * 0.85), wide, size * 1.1, fc="white", lw=0, zorder=1.5)
            self.axes.add_patch(paper)
        font = _font(size, bold)
        self.axes.text(x, y, _plain(words), color=colour, ha=align, font=font, parse_math=False, zorder=5)

    def heading(self, y: float, words: str, left: float, right: float) -> None:
        """Write the name of a side over a rule from `left` to `right`."""
        self.text(left, y + 12, words, SIDE, bold=True)
        self.line([left, right], [y + 19, y + 19], INK, 1.2)

    def line(self, xs: Xs, ys: Xs, colour: str, width: float, dash: Dash = None, *, order: float = 3) -> None:
        style = (0.0, dash)
        line = Line2D(xs, ys, color=colour, lw=width, ls=style, zorder=order, solid_capstyle="butt")
        self.axes.add_line(line)

    def area(self, xs: Xs, upper: Xs, lower: Xs, fill: str, hatch: str) -> None:
        """Fill what lies between two lines over the same `xs`."""
        band = self.axes.fill_between(xs, upper, lower, lw=0, zorder=2)
        band.set(facecolor=fill, hatch=hatch, edgecolor=INK)

    def head(self, x: float, y: float, way: int, colour: str, *, filled: bool) -> None:
        """Draw the head of an arrow that ends at `x`; `way` is 1 to the right, -1 to the left."""
        back = x - 11 * way
        if filled:
            corners = [(x, y), (back, y - 4.6), (back, y + 4.6)]
            self.axes.add_patch(Polygon(corners, color=colour, lw=0, zorder=4))
        else:
            self.line([back, x, back], [y - 5, y, y + 5], colour, 1.7, order=4)

    def cross(self, x: float, y: float, colour: str) -> None:
        for tilt in (-5, 5):
            self.line([x - 5, x + 5], [y - tilt, y + tilt], colour, 2.6)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        shape = "round,pad=0,rounding_size=4"
        self.axes.add_patch(FancyBboxPatch((x, y), width, height, shape, fc=PAPER, ec=LINE, lw=1, zorder=2))

    def pieces(self, x: float, y: float, height: float, widths: Xs) -> None:
        """Draw a stacked bar: head dark, body light, surplus hatched."""
        for width, (fill, hatch) in zip(widths, FILLS, strict=True):
            if width:
                bar = Rectangle((x, y), width, height, fc=fill, ec=INK, lw=0.8, hatch=hatch, zorder=4)
                self.axes.add_patch(bar)
            x += width

    def tile(self, x: float, y: float, width: float, height: float, letter: str, kind: Tile) -> None:
        """Draw one cell of a heat map; its letter, if any, stands on paper where the tile is hatched."""
        self._tiles.setdefault(kind, []).append((x, y, width, height))
        if letter:
            middle = x + width / 2, y + height / 2 + 4.2
            self.text(*middle, letter, BODY, kind[2], align="center", bold=True, stamp=True)

    def _tiled(self) -> None:
        # A page has hundreds of tiles of a few kinds. Drawn kind by kind, it takes two thirds of the time.
        for (fill, hatch, _), boxes in self._tiles.items():
            cells = PolyCollection(_corners(boxes), fc=fill, ec=LINE, lw=0.8, hatch=hatch or None, zorder=2)
            self.axes.add_collection(cells, autolim=False)
            if hatch:
                papers = [(x + wide / 2 - 7, y + 2, 14.0, tall - 4) for x, y, wide, tall in boxes]
                paper = PolyCollection(_corners(papers), fc="white", lw=0, zorder=3)
                self.axes.add_collection(paper, autolim=False)
        for (letter, ink), places in self._letters.items():
            shape = TextPath((-width_of(letter, BODY, True) / 2, 0), _plain(letter), prop=_font(BODY, True))
            written = PathCollection(
                [shape], offsets=places, offset_transform=self.axes.transData, fc=ink, lw=0, zorder=5
            )
            written.set_transform(Affine2D().scale(DPI / 72))
            self.axes.add_collection(written, autolim=False)

    def circled(self, x: float, y: float, number: int) -> None:
        self.axes.add_patch(Circle((x, y), 6.6, fc="white", ec=SOFT, lw=0.9, zorder=4))
        self.text(x, y + 2.9, str(number), TINY, SOFT, align="center")

    def dots(self, xs: Xs, ys: Xs) -> None:
        self.axes.scatter(xs, ys, s=26, facecolor=ASK, alpha=0.4, linewidths=0, zorder=3)

    def finish(self, alt: str) -> Figure:
        self._tiled()
        page = FigureCanvasAgg(self.canvas)
        page.draw()  # type: ignore[no-untyped-call]
        pixels = page.buffer_rgba()  # type: ignore[no-untyped-call]
        drawn = Image.frombuffer("RGBA", page.get_width_height(), pixels)
        return finished(drawn, self.finding, alt, self.width)


def _corners(boxes: Iterable[Box]) -> list[list[tuple[float, float]]]:
    return [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for x, y, w, h in boxes]


@cache
def width_of(words: str, size: float, bold: bool = False) -> float:
    """Measure how wide `words` are when written in `size`; both in points."""
    width, _, _ = text_to_path.get_text_width_height_descent(_plain(words), _font(size, bold), False)
    return float(width) * 1.03  # drawn, letters snap to pixels and take a little more


@cache
def _font(size: float, bold: bool = False) -> FontProperties:
    return FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")


@cache
def _plain(words: str) -> str:
    """Replace what the font cannot draw, so that a strange name is a box and not a warning."""
    font = get_font(findfont(_font(BODY)))
    known = {c for c in set(words) if c.isprintable() and font.get_char_index(ord(c))}
    return "".join(c if c in known else "\N{WHITE SQUARE}" for c in words)


def _wrap(words: str, size: float, width: float) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size, size == TITLE) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _balanced(title: str, width: float) -> list[str]:
    """Wrap into lines of about one length: no word stands alone under a long line."""
    best = _wrap(title, TITLE, width)
    while width > 120 and len(tighter := _wrap(title, TITLE, width := width - 12)) == len(best):
        best = tighter
    return best
