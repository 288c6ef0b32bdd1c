"""Make silent failures loud: what nobody awaited, closed, caught or read raises at the end of the lesson."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import re
import warnings
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from labs.guard.leaks import (
    CONNECTION,
    JOB,
    LOST_TASK,
    PROCESS,
    SOCKET,
    TASK,
    UNAWAITED,
    UNCLOSED,
    left,
    name_of,
)
from labs.host.learner import strict
from labs.host.proactor import mend
from labs.host.reserved import explain
from labs.town import town

__all__ = ["Guard", "Unclean", "forgives", "forgiving"]

TRACEBACK = "handler traceback"
LOGGERS = ("aiohttp.server", "aiohttp.web", "aiohttp.internal", "asyncio")
COUNTED = {  # as a clean lesson prints them -> the kinds of finding that are counted
    "lost task exceptions": (LOST_TASK,),
    "unawaited coroutines": (UNAWAITED,),
    "unclosed sessions": (UNCLOSED,),
    "handler tracebacks": (TRACEBACK,),
    "tasks": (TASK,),
    "open sockets": (SOCKET, CONNECTION),
    "subprocesses": (PROCESS,),
    "threads": (JOB,),
}
# What is just ending may need more than a turn of the loop: the other end, another thread, a program.
ENDING = (CONNECTION, PROCESS, JOB)
PATIENCE = 0.5  # seconds, which a clean lesson does not wait
_RUNNING = re.compile("subprocess .* is still running")

_standing: Guard | None = None
_forgiven = 0


class Unclean(Exception):
    """List what a lesson lost or left behind, one sentence each."""


class Clean:
    """Say that a lesson lost nothing and left nothing open: `counts` are the findings of each kind.

    In a learner's kernel it may have: `left` is then the sentences that are raised elsewhere.
    """

    def __init__(self, counts: Mapping[str, int], left: str = "") -> None:
        self._counts, self._left = counts, left

    def __repr__(self) -> str:
        if self._left:
            return self._left
        counts = {words: sum(self._counts.get(it, 0) for it in kinds) for words, kinds in COUNTED.items()}
        return "clean: " + ", ".join(f"{count} {words}" for words, count in counts.items())


def forgives() -> bool:
    """Say whether nothing is noticed now, because a `forgiving` block is open."""
    return _forgiven > 0


@contextlib.contextmanager
def forgiving() -> Iterator[None]:
    """Notice nothing inside the block: for a learner's attempt, which may fail in every way."""
    global _forgiven
    _forgiven += 1
    try:
        yield
    finally:
        if _forgiven == 1:  # while another block forgives, nothing is noticed: the last one collects for all
            gc.collect()
        _forgiven -= 1


class Guard(logging.Handler):
    """Stand guard from its making until `await guard.clean()`.

    A new Guard relieves the one before it, so that a lesson can be run again from the top. Make it inside the
    running loop, in the lesson's import cell. Trouble that the lesson makes on purpose is put into
    `logs.server_log()` or `forgiving()`.
    """

    def __init__(self) -> None:
        global _standing
        super().__init__(logging.ERROR)
        self._loop = asyncio.get_running_loop()
        mend()
        if _standing is not None:
            _standing.dismiss()
        _standing = self
        self._explained = explain()
        self._found: list[tuple[str, str]] = []
        self._before = (self._loop.get_exception_handler(), warnings.showwarning)
        self._filters = warnings.filters[:]
        self._loop.set_exception_handler(self._on_loop)
        warnings.showwarning = self._on_warning
        warnings.filterwarnings("always", message="unclosed", category=ResourceWarning)
        warnings.filterwarnings("always", message=_RUNNING.pattern, category=ResourceWarning)
        warnings.filterwarnings("always", message="coroutine .* was never awaited")
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)
        with forgiving():  # what was lost before is not this lesson's, nor what is left
            pass
        self._known = weakref.WeakSet(it for _, it, _ in left(self._loop))

    def dismiss(self) -> None:
        """Put back every hook, whatever was found."""
        global _standing
        if _standing is not self:  # relieved, or dismissed before: the hooks are another guard's, or nobody's
            return
        _standing = None
        self._explained()
        handler, show = self._before
        self._loop.set_exception_handler(handler)
        warnings.showwarning = show
        warnings.filters[:] = self._filters  # type: ignore[index]
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self)

    async def clean(self) -> Clean:
        """Return that all is clean, or raise Unclean with one sentence for each thing lost or left behind.

        In a learner's kernel the sentences are shown and not raised: see `labs.host.learner`.
        """
        try:
            for _ in range(3):  # a finalizer may leave work for the next turn of the loop
                gc.collect()
                await asyncio.sleep(0)
            found = [*self._found, *await self._left()]
            found += [(SOCKET, "a town is still open: leave its `async with` block") for _ in town.OPEN_TOWNS]
        finally:
            self.dismiss()
        times = Counter(f"- {kind}: {say}" for kind, say in found)
        lines = [f"{line} ({count} times)" if count > 1 else line for line, count in times.items()]
        words = "\n".join(("The lesson left this behind:", *lines))
        if found and strict():
            raise Unclean(words)
        return Clean(Counter(kind for kind, _ in found), words if found else "")

    async def _left(self) -> list[tuple[str, str]]:
        ends = self._loop.time() + PATIENCE
        while True:
            found = [(kind, say) for kind, it, say in left(self._loop) if it not in self._known]
            if any(kind not in ENDING for kind, _ in found) or not found or self._loop.time() > ends:
                return found
            await asyncio.sleep(0.01)

    def _find(self, kind: str, words: str) -> None:
        if not _forgiven:
            self._found.append((kind, words))

    def _on_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        message = str(context.get("message", ""))
        if message.startswith("Unclosed "):
            self._find(UNCLOSED, f"{message}: use `async with ClientSession()`")
        elif message.startswith("Task was destroyed"):  # nobody held it, so nothing could have ended it
            self._find(
                TASK, f"{message} ({name_of(context['task'])}) Keep it in a variable, and await or cancel it"
            )
        else:
            error = context.get("exception")
            self._find(LOST_TASK, f"{message} {error!r}: await the task, or catch it")

    def _on_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = str(message)
        if text.endswith("was never awaited"):
            self._find(UNAWAITED, f"{text}: write `await` before the call")
        elif issubclass(category, ResourceWarning) and text.lower().startswith("unclosed"):
            if not text.startswith("Unclosed "):  # aiohttp tells these to the loop, too
                self._find(UNCLOSED, f"{text}: close it")
        elif issubclass(category, ResourceWarning) and _RUNNING.fullmatch(text):
            self._find(PROCESS, f"{text}: end it, and wait for it")
        else:
            self._before[1](message, category, filename, lineno, file, line)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a log record of aiohttp's server or of asyncio as a finding."""
        if record.name == "asyncio":  # "Task was destroyed", "Executing took": the loop's own words
            self._find(LOST_TASK, record.getMessage())
        else:
            error = record.exc_info[1] if record.exc_info else None
            self._find(TRACEBACK, f"{record.getMessage()}: {error!r}")
