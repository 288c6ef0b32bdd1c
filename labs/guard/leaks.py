"""What is left when it should be over: what still runs, open sockets and sessions, results nobody took."""

from __future__ import annotations

import asyncio
import concurrent.futures
import concurrent.futures.thread
import gc
import inspect
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import CoroutineType
from typing import Any

import aiohttp

__all__ = [
    "CONNECTION",
    "JOB",
    "LOST_TASK",
    "PROCESS",
    "SOCKET",
    "TASK",
    "UNAWAITED",
    "UNCLOSED",
    "left",
    "name_of",
]

LOST_TASK = "lost task exception"
UNAWAITED = "unawaited coroutine"
UNCLOSED = "unclosed session"
TASK = "task left running"
SOCKET = "listening socket left open"
CONNECTION = "socket left open"
PROCESS = "subprocess left running"
JOB = "thread left running"

# A Jupyter kernel starts work of its own while a lesson runs, and so do a debugger and the tests' plugins.
_KERNEL = ("ipykernel", "jupyter_client", "tornado", "zmq", "IPython", "debugpy", "_pydevd_bundle", "pydevd")
_THREADS = (*_KERNEL, "anyio", "asyncio", "execnet", "pytest_timeout")  # asyncio's wait for a subprocess


def left(loop: asyncio.AbstractEventLoop) -> Iterator[tuple[str, Any, str]]:
    """Find what is left open and what nobody took, also where a variable or a cell's Out still holds it.

    Yield its kind, the object, and a sentence that says what to do about it.
    """
    tasks = asyncio.all_tasks(loop)
    begun = {task.get_coro() for task in tasks}  # a task that has not had its first turn is no lost coroutine
    for task in tasks - {asyncio.current_task(loop)}:
        if not task.done() and not _is_housekeeping(task.get_coro()):
            yield TASK, task, f"{task.get_name()} ({name_of(task)}) still runs: await it or cancel it"
    yield from _threads()
    if processes := sys.modules.get("multiprocessing.process"):
        for it in processes.active_children():
            yield PROCESS, it, f"{it.name} still runs: join it, or leave the block of its pool"
    objects = gc.get_objects()
    loops = (it for it in objects if issubclass(type(it), asyncio.BaseEventLoop))
    own = {id(end) for it in loops for end in (getattr(it, "_ssock", None), getattr(it, "_csock", None))}
    dropped = getattr(subprocess, "_active", None) or ()  # their warning has told of them
    for it in objects:
        kind = type(it)  # and not isinstance(), which asks the object itself: a dead weak proxy raises
        if issubclass(kind, socket.socket) and _listens(it):
            yield SOCKET, it, f"{it.getsockname()} still listens: open servers in `async with Town()`"
        elif issubclass(kind, socket.socket) and it.fileno() != -1 and id(it) not in own:
            yield CONNECTION, it, f"one {_where(it)} is still open: close it, or leave its block"
        elif issubclass(kind, subprocess.Popen) and it.returncode is None and it not in dropped:
            yield PROCESS, it, f"nobody has waited for the end of {it.args!r}: end it, and wait for it"
        elif issubclass(kind, concurrent.futures.Future) and it.running():
            yield JOB, it, "a job of an executor still runs: await it, or let it end"
        elif issubclass(kind, aiohttp.ClientSession) and not it.closed:
            yield UNCLOSED, it, "a client session is still open: use `async with ClientSession()`"
        elif issubclass(kind, asyncio.Future) and it.done() and getattr(it, "_log_traceback", False):
            yield LOST_TASK, it, f"nobody took {it.exception()!r}: await the task, or catch it"
        elif kind is CoroutineType and it not in begun and _is_lost(it):
            yield UNAWAITED, it, f"{it.__qualname__} was never awaited: write `await` before the call"


def _threads() -> Iterator[tuple[str, Any, str]]:
    # Those of an executor are left idle, and that is no matter: its jobs are told.
    idle = set(getattr(concurrent.futures.thread, "_threads_queues", ()))
    main = {threading.main_thread(), threading.current_thread()}
    for it in set(threading.enumerate()) - main - idle:
        target = getattr(it, "_target", None) or type(it)
        package = (getattr(target, "__module__", None) or "").partition(".")[0]
        if package not in _THREADS and type(it).__name__ != "_DummyThread":
            yield JOB, it, f"{it.name} still runs: join it"


def _where(sock: socket.socket) -> str:
    try:
        return f"from {sock.getsockname()} to {sock.getpeername()}"
    except OSError:
        return "that is not connected"


def _listens(sock: socket.socket) -> bool:
    try:
        return sock.fileno() != -1 and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:  # not every kind of socket can say; those that cannot do not listen
        return False


def _is_lost(coroutine: Any) -> bool:
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED and not _is_housekeeping(coroutine)


def _is_housekeeping(coroutine: Any) -> bool:
    # It belongs to the kernel's packages, by module, not by path. So does the test that anyio's plugin runs,
    # and what Windows' loop does for a socket that listens (windows_events.py): that is a finding of its own.
    frame = getattr(coroutine, "cr_frame", None)
    module = frame.f_globals.get("__name__", "") if frame is not None else ""
    names = ("TestRunner.", "IocpProactor.accept.")
    return module.partition(".")[0] in _KERNEL or coroutine.__qualname__.startswith(names)


def name_of(task: asyncio.Task[Any]) -> str:
    """Return what a task runs."""
    return getattr(task.get_coro(), "__qualname__", "a coroutine")
