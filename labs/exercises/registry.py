"""Exercises: a learner's answer is tried on real traffic, and the reply is not tried yet, not yet, or yes."""

from __future__ import annotations

import asyncio
import dis
import functools
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from aiohttp import web

from labs.capture.trace import Trace
from labs.guard.guard import forgiving
from labs.guard.logs import quiet
from labs.host.learner import note, strict
from labs.show.page import Page, Prose

__all__ = ["Attempt", "Exercise", "attempt", "exercise", "is_async", "not_yet", "registered", "yes"]

PATIENCE = 5.0  # seconds; an attempt that hangs is told so, well within a cell's time
MOST_ARROWS = 8  # of the lanes of a not yet: a redirect loop says the same for pages
Wants = Literal["handler", "value"]


@dataclass(frozen=True)
class Attempt:
    """Hold the reply to an attempt, with the lanes of what happened where there was traffic.

    `show` names the fields whose values stand in these lanes.
    """

    name: str
    state: Literal["not tried yet", "not yet", "yes"]
    words: str = ""
    trace: Trace | None = None
    show: tuple[str, ...] = ("Location",)

    def __repr__(self) -> str:
        return "\n\n".join(filter(None, [self._said(), self._lanes()]))

    def _repr_html_(self) -> str:
        lanes = self._lanes()
        return Prose(self._said())._repr_html_() + (Page(lanes)._repr_html_() if lanes else "")

    def _said(self) -> str:
        return f"{self.name}: {self.state}" + (f". {self.words}" if self.words else "")

    def _lanes(self) -> str:
        # Of a right answer only a learner sees them: a solution may reach its end in more than one order.
        told = self.state == "not yet" or (self.state == "yes" and not strict())
        if not told or self.trace is None or not self.trace.said:
            return ""
        begin = replace(self.trace, said=self.trace.said[:MOST_ARROWS])
        more = len(self.trace.said) - len(begin.said)
        return str(begin.lanes(*self.show)) + (f"\n… and {more} more" if more else "")


@dataclass(frozen=True)
class Exercise:
    """Hold one exercise. `wrong` maps the source of a usual wrong answer to words that its reply contains."""

    name: str
    lesson: str
    stars: int
    minutes: int
    hint: str
    wants: Wants
    check: Callable[[Any], Awaitable[Attempt]]
    wrong: Mapping[str, str]


_REGISTRY: dict[str, Exercise] = {}


def exercise(
    name: str,
    *,
    lesson: str,
    stars: int,
    minutes: int,
    hint: str,
    wrong: Mapping[str, str],
    wants: Wants = "handler",
) -> Callable[[Callable[[Any], Awaitable[Attempt]]], Callable[[Any], Awaitable[Attempt]]]:
    """Register a check as the exercise `name`.

    Raise ValueError for a name that is taken or longer than 32 characters, or for stars out of 1 to 3.
    """
    if name in _REGISTRY or len(name) > 32 or stars not in (1, 2, 3):
        raise ValueError(f"Exercise {name!r}: give it a new name of at most 32 characters, and 1 to 3 stars.")

    def register(check: Callable[[Any], Awaitable[Attempt]]) -> Callable[[Any], Awaitable[Attempt]]:
        _REGISTRY[name] = Exercise(name, lesson, stars, minutes, hint, wants, check, wrong)
        return check

    return register


@cache
def _load() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{__package__}.{module.name}")


def registered() -> Mapping[str, Exercise]:
    """Return every exercise by name."""
    _load()
    return _REGISTRY


def yes(trace: Trace | None = None, words: str = "") -> Attempt:
    """Say that an attempt is right."""
    return Attempt("", "yes", words, trace)


def not_yet(words: str, trace: Trace | None = None, *, show: tuple[str, ...] = ("Location",)) -> Attempt:
    """Say what is still wrong with an attempt, in one sentence; with no words, the hint stands for them."""
    return Attempt("", "not yet", words, trace, show)


async def attempt(name: str, answer: object) -> Attempt:
    """Try an answer on real traffic. Never raise for what it does; raise KeyError for an unknown name."""
    if name not in registered():
        raise KeyError(f"No exercise is called {name!r}. There are: {', '.join(registered())}.")
    task = registered()[name]
    if _untouched(answer):
        return Attempt(name, "not tried yet", "Replace the ... above, and run both cells.")
    if inspect.iscoroutine(answer):
        answer.close()  # or Python complains, in some later cell, that nobody awaited it
        remedy = "give the name only, without ()" if task.wants == "handler" else "write `await` before it"
        return Attempt(name, "not yet", f"This is a call that nobody awaited: {remedy}.")
    if task.wants == "handler" and not inspect.iscoroutinefunction(answer):
        return Attempt(
            name, "not yet", f"A handler is an `async def` that takes a request, and {_kind(answer)}."
        )
    mistakes: list[str] = []
    if task.wants == "handler":
        answer = _watched(answer, mistakes)
    with quiet(), forgiving():  # the reply names what the handler raised; aiohttp's log of it is fifty lines
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await task.check(answer)
            if reply.state == "not yet" and (mistakes or not reply.words):
                reply = replace(reply, words=mistakes[0] if mistakes else f"Hint: {task.hint}")
        except TimeoutError:
            reply = not_yet(f"Nothing came back within {PATIENCE:g} seconds: what does it wait for?")
        except asyncio.CancelledError:
            if (mine := asyncio.current_task()) is None or mine.cancelling():
                raise  # the cell was interrupted
            reply = not_yet(f"It raised CancelledError, and nobody had cancelled it. Hint: {task.hint}")
        except Exception as error:
            reply = not_yet(f"It raised {type(error).__name__}: {error}. Hint: {task.hint}")
    note(exercise=name, state=reply.state)
    return Attempt(name, reply.state, reply.words, reply.trace, reply.show)


def is_async(answer: Any) -> bool:
    """Tell whether a call of `answer` is to be awaited: an `async def`, or an object whose call is one."""
    if not callable(answer):
        return False
    return inspect.iscoroutinefunction(answer) or inspect.iscoroutinefunction(type(answer).__call__)


def _kind(answer: object) -> str:
    if inspect.isfunction(answer):
        return "this is a plain `def`"
    return f"this is of type {type(answer).__name__}"


def _watched(handler: Any, mistakes: list[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    # A handler that fails is a 500 to everybody else; the learner is told what it raised.
    @functools.wraps(handler)
    async def watched(*args: Any) -> web.StreamResponse:
        try:
            answer = await handler(*args)
        except web.HTTPException:
            raise
        except Exception as error:
            mistakes.append(f"Your handler raised {type(error).__name__}: {error}")
            raise
        if not isinstance(answer, web.StreamResponse):
            plain = answer is None or isinstance(answer, int | str | bytes)  # others may show an address
            what = textwrap.shorten(repr(answer), 40) if plain else f"a {type(answer).__name__}"
            mistakes.append(f"Your handler returned {what}, and a handler returns a response or raises one.")
        return cast(web.StreamResponse, answer)

    return watched


async def _stub(request: object) -> None: ...


def _untouched(answer: object) -> bool:
    if answer is None or answer is ...:
        return True
    return _steps(answer) in (_steps(_stub), _steps(lambda: None))


def _steps(function: Any) -> list[tuple[str, object]]:
    # What a function does, whatever its comments, its docstring and the number of its dots.
    code = getattr(function, "__code__", None)
    return [(it.opname, it.argval) for it in dis.get_instructions(code) if it.opname != "NOP"] if code else []
