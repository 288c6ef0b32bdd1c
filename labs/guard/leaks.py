"""What is left when it should be over: running tasks, open sockets and sessions, results that nobody took."""

from __future__ import annotations

import asyncio
import gc
import inspect
import socket
from collections.abc import Iterator
from types import CoroutineType
from typing import Any

import aiohttp

__all__ = ["LOST_TASK", "SOCKET", "TASK", "UNAWAITED", "UNCLOSED", "left", "name_of"]

LOST_TASK = "lost task exception"
UNAWAITED = "unawaited coroutine"
UNCLOSED = "unclosed session"
TASK = "task left running"
SOCKET = "listening socket left open"


def left(loop: asyncio.AbstractEventLoop) -> Iterator[tuple[str, Any, str]]:
    """Find what is left open and what nobody took, also where a variable or a cell's Out still holds it.

    Yield its kind, the object, and a sentence that says what to do about it.
    """
    tasks = asyncio.all_tasks(loop)
    begun = {task.get_coro() for task in tasks}  # a task that has not had its first turn is no lost coroutine
    for task in tasks - {asyncio.current_task(loop)}:
        if not task.done() and not _is_housekeeping(task.get_coro()):
            yield TASK, task, f"{task.get_name()} ({name_of(task)}) still runs: await it or cancel it"
    for it in gc.get_objects():
        kind = type(it)  # and not isinstance(), which asks the object itself: a dead weak proxy raises
        if issubclass(kind, socket.socket) and _listens(it):
            yield SOCKET, it, f"{it.getsockname()} still listens: open servers in `async with Town()`"
        elif issubclass(kind, aiohttp.ClientSession) and not it.closed:
            yield UNCLOSED, it, "a client session is still open: use `async with ClientSession()`"
        elif issubclass(kind, asyncio.Future) and it.done() and getattr(it, "_log_traceback", False):
            yield LOST_TASK, it, f"nobody took {it.exception()!r}: await the task, or catch it"
        elif kind is CoroutineType and it not in begun and _is_lost(it):
            yield UNAWAITED, it, f"{it.__qualname__} was never awaited: write `await` before the call"


def _listens(sock: socket.socket) -> bool:
    try:
        return sock.fileno() != -1 and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:  # not every kind of socket can say; those that cannot do not listen
        return False


def _is_lost(coroutine: Any) -> bool:
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED and not _is_housekeeping(coroutine)


def _is_housekeeping(coroutine: Any) -> bool:
    # A Jupyter kernel starts work of its own while a lesson runs; it belongs to its packages, by module, not
    # by path. So does the test that anyio's plugin runs, and what the loop of Windows does for a socket that
    # listens (windows_events.py): the socket is a finding of its own.
    frame = getattr(coroutine, "cr_frame", None)
    module = frame.f_globals.get("__name__", "") if frame is not None else ""
    packages = ("ipykernel", "jupyter_client", "tornado", "zmq", "IPython")
    names = ("TestRunner.", "IocpProactor.accept.")
    return module.partition(".")[0] in packages or coroutine.__qualname__.startswith(names)


def name_of(task: asyncio.Task[Any]) -> str:
    """Return what a task runs."""
    return getattr(task.get_coro(), "__qualname__", "a coroutine")
