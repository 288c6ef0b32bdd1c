"""A console that knows fewer characters than the lab writes: cp949 and cp1252 have no ✓, ASCII has no ─.

Windows' own window takes every character (PEP 528). A file, a pipe or another program's window often has the
code page of the country, where `print` would raise UnicodeEncodeError. It needs nothing but Python.
"""

from __future__ import annotations

import codecs
import io
import sys

__all__ = ["take_any_character"]

# One for one, so that columns stay columns.
PLAIN = str.maketrans("≠✓✗★×·…–—→←►◄─│┃┌┐└┘├┤┬┴┼█", "!+x*x..--><><-||+++++++++#")


def take_any_character() -> None:
    """Let stdout and stderr write what their encoding lacks as what looks like it, or as a question mark."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # another's stand-in for it knows what it does
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end].translate(PLAIN)
    return "".join(it if it.isascii() else "?" for it in lacking), error.end
