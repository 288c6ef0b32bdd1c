"""What handlers raised that they were not meant to: a crash is never evidence for or against a claim."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

from labs.guard.guard import forgives
from labs.host.paths import ROOT

__all__ = ["crashes", "place"]

LIBRARIES = (ROOT / "labs", Path(traceback.__file__).parent)
LOGGER = "aiohttp.server"  # where aiohttp's server tells of a handler that raised


@contextlib.contextmanager
def crashes() -> Iterator[list[BaseException]]:
    """Collect what handlers raise inside the block, in order.

    What `server_log` or `forgiving` holds back was raised on purpose, and is not collected.
    """
    raised: list[BaseException] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            if error is not None and not forgives():
                raised.append(error)

    collector = Collector(logging.ERROR)
    logger = logging.getLogger(LOGGER)
    logger.addHandler(collector)
    try:
        yield raised
    finally:
        logger.removeHandler(collector)


def place(error: BaseException) -> str:
    """Return the last line outside of libraries and of labs that an error came through, or nothing."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        library = "site-packages" in file.parts or any(map(file.is_relative_to, LIBRARIES))
        if frame.line and not library:
            return frame.line.strip()
    return ""
