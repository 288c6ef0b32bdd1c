"""Where the programs are that some cells and clients need, and which packages are here.

Takes nothing but Python, older ones included.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

__all__ = ["PROGRAMS", "find", "has", "pip"]

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


def has(package: str) -> bool:
    """Say whether a package can be imported, or for "pip", run."""
    return bool(pip()) if package == "pip" else importlib.util.find_spec(package) is not None


def pip() -> tuple[str, ...]:
    """Return the words after `python` that run pip, none where they cannot be had.

    An environment that uv made has no pip; then it runs out of the wheel that Python brings for `ensurepip`.
    """
    if importlib.util.find_spec("pip") is not None:
        return "-m", "pip"
    found = importlib.util.find_spec("ensurepip")  # Debian has it in a package of its own
    brought = sorted(Path(found.origin).parent.glob("_bundled/pip-*.whl")) if found and found.origin else []
    return (str(brought[-1] / "pip"),) if brought else ()
