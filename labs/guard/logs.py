"""What a server writes down for its own people: log records and warnings, held back from the page.

A server's log holds addresses, paths and tracebacks; none of that may stand in a lesson's output. The guard
does not see these records either: whoever keeps a journal says that failures are meant.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from labs.guard.guard import LOGGERS

__all__ = ["ServerLog", "quiet", "server_log"]


@dataclass
class ServerLog:
    """Hold what was written: `raised` names the exception of each record, or says "no exception".

    `warned` names the category of each warning. `text` is all that the log would show, tracebacks included:
    to look something up in, not to print.
    """

    raised: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    text: str = ""

    def note(self, record: logging.LogRecord) -> None:
        """Write a record down."""
        error = record.exc_info[1] if record.exc_info else None
        self.raised.append("no exception" if error is None else type(error).__name__)
        self.text += logging.Formatter().format(record) + "\n"


@contextlib.contextmanager
def server_log() -> Iterator[ServerLog]:
    """Hold back what aiohttp's loggers get, from ERROR on, and every warning, inside the block."""
    kept = ServerLog()

    def hold(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            kept.note(record)
        return False

    with _filtered(hold, LOGGERS), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield kept
        finally:
            kept.warned += [it.category.__name__ for it in caught]


@contextlib.contextmanager
def quiet(*more: str) -> Iterator[None]:
    """Drop what aiohttp's loggers get, and those named in `more`, inside the block."""
    with _filtered(lambda record: False, (*LOGGERS, *more)):
        yield


@contextlib.contextmanager
def _filtered(keep: Callable[[logging.LogRecord], bool], names: tuple[str, ...]) -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in names]
    for it in loggers:
        it.addFilter(keep)
    try:
        yield
    finally:
        for it in loggers:
            it.removeFilter(keep)
