"""The finished picture: a value that shows itself in a cell, and says in words what it shows."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

DPI = 192  # twice what a page shows: sharp on a good screen and on a projector
COLOURS = 96  # they look the same as all of them and take a third of the bytes


@dataclass(frozen=True, repr=False)
class Figure:
    """Hold a finished figure: its finding, its alt text and its PNG bytes.

    As the value of a cell it shows the picture; its text is the alt text, the same in every run. The alt text
    stands below the picture, too, folded: of an image's metadata JupyterLab 4.6 and nbconvert's lab template
    read the width and no alt, so that whoever cannot see the picture would get nothing.
    """

    finding: str
    alt: str
    png: bytes = field(compare=False)
    width: int  # pixels of CSS at which to show it

    def __repr__(self) -> str:
        return self.alt

    def _repr_png_(self) -> bytes:
        return self.png

    def _repr_mimebundle_(self, **asked: object) -> tuple[dict[str, Any], dict[str, Any]]:
        data = {"text/plain": self.alt, "image/png": self.png}
        return data, {"image/png": {"width": self.width, "alt": self.alt}}

    def _ipython_display_(self) -> None:
        from IPython import display

        data, about = self._repr_mimebundle_()
        png = {"image/png": base64.b64encode(self.png).decode("ascii")}
        publish: Any = display.publish_display_data  # untyped
        publish({**data, **png}, about)
        publish({"text/html": self.in_words()})

    def in_words(self) -> str:
        """Return the alt text as HTML that is folded below the picture."""
        words = html.escape(self.alt, quote=False)
        return f"<details><summary>The figure in words</summary><p>{words}</p></details>"

    def save(self, path: str | Path) -> Path:
        """Write the PNG to `path` and return it. Raises OSError when that place cannot be written."""
        Path(path).write_bytes(self.png)
        return Path(path)


def finished(drawn: Image.Image, finding: str, alt: str, width: float) -> Figure:
    """Make a figure of a drawn image of `width` points: few colours, and its words inside the file."""
    page, about = io.BytesIO(), PngInfo()
    about.add_itxt("Title", finding)
    about.add_itxt("Description", alt)
    few = drawn.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = few.getpalette() or []
    paper = few.tobytes()[0]  # the corner: quantized to nearly white, and a page shows the difference
    palette[3 * paper : 3 * paper + 3] = [255, 255, 255]
    few.putpalette(palette)
    few.save(page, "PNG", pnginfo=about, dpi=(DPI, DPI))
    return Figure(finding, alt, page.getvalue(), round(width * 96 / 72))


def sentence(words: str) -> str:
    """End `words` with a full stop, unless they end as a sentence does."""
    return words if words.rstrip().endswith((".", "?", "!")) else f"{words.rstrip()}."
