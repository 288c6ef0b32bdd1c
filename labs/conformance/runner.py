"""Put the list to a proxy: to one that a stand knows how to open, or to one of your own."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aiohttp import web

from labs.conformance.deadline import MOST, deadline
from labs.conformance.registry import Check, select
from labs.conformance.report import Report
from labs.conformance.result import Result, Results
from labs.conformance.sites import Open, Site, in_town
from labs.conformance.stand import Stand
from labs.conformance.verdict import BROKEN, FAILED, NOT_APPLICABLE, PASSED, Failed, NotApplicable
from labs.guard.guard import forgiving
from labs.guard.logs import quiet
from labs.town.gates import GateStuck

__all__ = ["run", "try_proxy"]

ENDING = 5.0  # seconds for closing a stand, which is the lab's own business
AT_ONCE = 12  # checks that run at the same time, each with a proxy of its own
TALKERS = ("labs.gateway",)  # what a proxy of the lab says of its origin is in the verdict

# Several runs may go on in one loop: the last puts its exception handler back.
_listening: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, int] = weakref.WeakKeyDictionary()
_before: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()
# They also share their turns: what hangs in the first of them waits while the next ones work.
_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, asyncio.Semaphore]]
_turns = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # A proxy that fails says so with tracebacks. The verdict has them in one sentence.
    loop = asyncio.get_running_loop()
    with forgiving(), quiet(*TALKERS):
        if not (others := _listening.get(loop, 0)):
            _before[loop] = loop.get_exception_handler()
            loop.set_exception_handler(lambda loop, context: None)
        _listening[loop] = others + 1
        try:
            yield
        finally:
            _listening[loop] -= 1
            if not _listening[loop]:
                loop.set_exception_handler(_before.pop(loop))
                _turns.pop(loop, None)  # a semaphore holds its loop, which would stay for ever


async def run(stand: Open, *, only: str | Iterable[str] | None = None, at_once: int = AT_ONCE) -> Results:
    """Put the checks to a proxy, each on a stand of its own, several at once; `only` names ids or topics.

    No more than `at_once` go on in a loop, in all runs together; the turns are taken in order.
    Nothing a proxy does raises: a hang or a crash is "failed", a stand that cannot start is "broken". Raise
    ValueError for an id or topic that is not on the list.
    """
    chosen = select(only)

    async def one(check: Check, turn: asyncio.Semaphore) -> Result:
        async with turn:
            return await _one(check, stand)

    with _quiet():
        turns = _turns.setdefault(asyncio.get_running_loop(), {})
        turn = turns.setdefault(at_once, asyncio.Semaphore(at_once))
        return Results(tuple(await asyncio.gather(*(one(it, turn) for it in chosen))))


async def _one(check: Check, stand: Open) -> Result:
    words = (check.id, check.topic, check.clause, check.sentence, check.hint)
    found: Result | None = None
    try:
        async with deadline(MOST * check.patience + ENDING), stand(check) as opened:
            found = Result(*words, *await _verdict(check, opened))
    except Exception as error:
        if found is None:
            said = str(error).partition("\n")[0]
            return Result(*words, BROKEN, f"the stand did not start: {type(error).__name__}: {said}")
        if found.verdict == PASSED:
            return Result(*words, BROKEN, f"the stand did not end: {type(error).__name__}: {error}")
    assert found is not None
    return found


async def _verdict(check: Check, stand: Stand) -> tuple[str, str, str]:
    try:
        async with stand.patient(check.patience):
            stand.must_know(check.needs)
            await check.body(stand)
        return PASSED, "", ""
    except NotApplicable as error:
        return NOT_APPLICABLE, str(error), ""
    except Failed as error:
        verdict, why = FAILED, str(error)
    except (TimeoutError, GateStuck):
        verdict, why = (
            FAILED,
            f"nothing came in {check.patience:g} s, and this was waited for: {stand.awaited}",
        )
    except OSError as error:
        verdict, why = BROKEN, f"the lab's client could not reach the proxy: {error}"
    except Exception as error:
        verdict, why = BROKEN, f"the check itself raised {type(error).__name__}: {error}"
    return verdict, why, str(stand.bytes())


async def try_proxy(proxy: Callable[..., Any], *, only: str | Iterable[str] | None = None) -> Report:
    """Put the checks to a proxy of yours, and say by topic which pass; `only` names topics or ids.

    It is a factory as in labs.servers.fronts, (target, connect) -> handler or application; or a handler
    alone, which finds the same two in `request.config_dict[TARGET]` and `request.config_dict[CONNECT]`. Each
    check gets a proxy and an origin of its own. Nothing the proxy does raises. Raise TypeError for what is no
    proxy, ValueError for an unknown name in `only`.
    """
    return Report(await run(in_town(_build(proxy)), only=only))


def _build(proxy: Callable[..., Any]) -> Callable[[Site], Any]:
    if isinstance(proxy, web.Application) or not callable(proxy):
        raise TypeError(
            "Each check needs a proxy of its own: give the function that makes it, (target, connect) -> "
            f"handler, or a handler; not {type(proxy).__name__}."
        )
    if inspect.iscoroutinefunction(proxy):
        return lambda site: proxy
    if len(inspect.signature(proxy).parameters) == 1:
        return proxy
    return lambda site: proxy(site.target, site.connect)
