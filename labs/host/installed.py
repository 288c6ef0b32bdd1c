"""Where the programs are that some cells and clients need. Takes nothing but Python, older ones included."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

__all__ = ["PROGRAMS", "find"]

# Under which names a program may be on the PATH, the usual one first; and where else it may be.
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "chromium": (
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
        "msedge",
    ),
    "curl": ("curl",),
    "make": ("make",),
}
PLACES: Mapping[str, tuple[str, ...]] = {
    "chromium": (
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        r"%ProgramFiles%\Google\Chrome\Application\chrome.exe",
        r"%LocalAppData%\Google\Chrome\Application\chrome.exe",
        r"%ProgramFiles(x86)%\Microsoft\Edge\Application\msedge.exe",
    ),
}


def find(program: str) -> str | None:
    """Return where one of PROGRAMS is, or None. For "chromium" any browser that is made of it will do."""
    on_path = filter(None, map(shutil.which, PROGRAMS[program]))
    elsewhere = filter(os.path.isfile, map(os.path.expandvars, PLACES.get(program, ())))
    return next(on_path, None) or next(elsewhere, None)
