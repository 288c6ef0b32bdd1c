"""The exercises of lesson 09."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import ClientConnectorError, ClientSession, ClientTimeout, web

from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.instruments import phases
from labs.instruments.timeouts import Trial, outlast, shut
from labs.instruments.timers import in_force
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "09_name_the_timeout"
TCP, FIRST, NEXT = "the TCP connection", "the first byte", "the next piece"
END = "the end, while pieces come"
URL = "http://origin.test/"


def _origin(wait: str, gate: Gate) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        if wait == FIRST:
            await gate
        try:
            await answer.prepare(request)
            await answer.write(b"piece ")
            if wait == NEXT:
                await gate
            while wait == END and await shut(gate):
                await answer.write(b"piece ")
        except ConnectionResetError:
            pass  # the client has left
        return answer

    return handler


async def _wait(wait: str, patient: Callable[[float], ClientTimeout], trial: Trial) -> None:
    await trial.town.open("origin.test", _origin(wait, trial.gate))
    connector = trial.town.connector("client")
    async with ClientSession(connector=connector) as client:
        if wait == TCP:
            phases.hold_connect(connector, trial.gate)
        async with client.get(URL, timeout=patient(trial.begin())) as answer:
            await answer.read()


_TIMEOUT = "from aiohttp import ClientTimeout\n\n"


@exercise(
    "large-download",
    lesson=LESSON,
    stars=1,
    minutes=8,
    wants="value",
    hint="sock_connect or connect, which sees the connection, and sock_read, which sees each piece.",
    wrong={
        _TIMEOUT + "def patient(seconds):\n    return ClientTimeout(total=seconds)": "pieces kept coming",
        _TIMEOUT + "def patient(seconds):\n    return ClientTimeout(sock_read=seconds)": "TCP connection",
        _TIMEOUT + "def patient(seconds):\n    return ClientTimeout(connect=seconds)": "first byte",
        _TIMEOUT + "def patient(seconds):\n    return ClientTimeout()": "TCP connection",
        _TIMEOUT
        + "def patient(seconds):\n    return ClientTimeout(connect=seconds, sock_read=30)": "given `seconds`",
        "def patient(seconds):\n    return seconds": "ClientTimeout",
        _TIMEOUT + "def patient(seconds):\n"
        "    return ClientTimeout(total=3600, sock_connect=seconds, sock_read=seconds)": "some day",
        _TIMEOUT + "def patient(seconds):\n"
        "    return ClientTimeout(sock_connect='seconds', sock_read=seconds)": "of its own",
        _TIMEOUT + "async def patient(seconds):\n    return ClientTimeout(total=seconds)": "without `async`",
    },
)
async def large_download(patient: Any) -> Attempt:
    """Demand that a held connection and a silent server are noticed, and that a long body is let be."""
    if not callable(patient) or is_async(patient):
        return not_yet("Write `def patient(seconds)` without `async`, and give its name.")
    try:
        timeout = patient(0.25)
    except Exception as error:
        return not_yet(f"Your function raised {type(error).__name__}: {error}")
    if not isinstance(timeout, ClientTimeout):
        return not_yet(f"Return a ClientTimeout: yours is of type {type(timeout).__name__}.")
    for it in (timeout.connect, timeout.sock_connect, timeout.sock_read):
        if it not in (None, 0, 0.25):
            return not_yet(f"You were given `seconds`, and yours has {it!r} of its own.")
    for wait in (TCP, FIRST, NEXT):
        if (run := await outlast(partial(_wait, wait, patient))).error is None:
            return not_yet(f"It went on waiting for {wait}, for longer than `seconds`.", run.trace)
    run = await outlast(partial(_wait, END, patient))
    if run.error is not None:
        return not_yet(f"The pieces kept coming, and your download ended in {run.raised}.", run.trace)
    if timeout.total:
        return not_yet("A body may take as long as it wants, and yours has a `total`: it ends some day.")
    return yes(run.trace)


_FETCH = (
    "import aiohttp\n\n"
    "async def fetch(client, url):\n"
    "    try:\n"
    "        async with client.get(url) as answer:\n"
    "            return await answer.text()\n"
)


@exercise(
    "say-which",
    lesson=LESSON,
    stars=2,
    minutes=8,
    wants="value",
    hint="Three `except`, the special ones first: ConnectionTimeoutError, ServerTimeoutError, TimeoutError.",
    wrong={
        _FETCH + "    except TimeoutError:\n        return 'total'\n"
        "    except aiohttp.ConnectionTimeoutError:\n        return 'connect'\n"
        "    except aiohttp.ServerTimeoutError:\n        return 'read'": "first `except`",
        _FETCH + "    except aiohttp.ServerTimeoutError:\n        return 'read'\n"
        "    except TimeoutError:\n        return 'total'": "ConnectionTimeoutError",
        _FETCH + "    except aiohttp.ConnectionTimeoutError:\n        return 'connect'\n"
        "    except aiohttp.ServerTimeoutError:\n        return 'read'": "TimeoutError of total",
        _FETCH + "    except aiohttp.ConnectionTimeoutError:\n        return 'connect'\n"
        "    except aiohttp.SocketTimeoutError:\n        return 'read'\n"
        "    except Exception:\n        return 'total'": "refused",
        "async def fetch(client, url):\n"
        "    async with client.get(url) as answer:\n        pass\n"
        "    try:\n        return await answer.text()\n"
        "    except TimeoutError:\n        return 'total'": "good server",
    },
)
async def say_which(fetch: Any) -> Attempt:
    """Demand the word for each of three timeouts, the text of a good server, and the error of a dead one."""
    if not is_async(fetch):
        return not_yet("Write `async def fetch(client, url)`, and give its name.")
    came, raised = await _fetched(fetch, "", ClientTimeout())
    if came != "piece ":
        return not_yet(f"A good server was asked, and you {_did(came, raised)}: return the text.")
    cases = ((TCP, "sock_connect", "connect"), (NEXT, "sock_read", "read"), (FIRST, "total", "total"))
    for wait, name, word in cases:
        came, raised = await _fetched(fetch, wait, ClientTimeout(**{name: 0.1}))
        if raised is not None:
            return not_yet(f"You let the {type(raised).__name__} of {name} pass: it is a timeout, too.")
        if came == "total" != word:
            return not_yet(
                f"{name} fired, and you said 'total': the first `except` that fits is taken, and "
                "TimeoutError fits them all."
            )
        if came != word:
            return not_yet(
                f"{name} fired, and you {_did(came, None)}: catch ConnectionTimeoutError, "
                "ServerTimeoutError and TimeoutError, in this order."
            )
    came, raised = await _fetched(fetch, "refused", ClientTimeout())
    if not isinstance(raised, ClientConnectorError):
        return not_yet(f"The connection was refused, which is no timeout, and you {_did(came, raised)}.")
    return yes()


def _did(came: object, raised: Exception | None) -> str:
    return f"returned {came!r:.40}" if raised is None else f"raised {type(raised).__name__}"


async def _fetched(fetch: Any, wait: str, limits: ClientTimeout) -> tuple[object, Exception | None]:
    """Return what `fetch` returns or raises; a learner's error is an answer, and none of the check's."""
    async with Town() as town:
        with Gate() as gate:
            await town.open("origin.test", _origin(wait, gate))
            if wait == "refused":
                await town.close("origin.test")
            connector = town.connector("client")
            async with ClientSession(connector=connector, timeout=limits) as client:
                if wait == TCP:
                    phases.hold_connect(connector, gate)
                try:
                    return await fetch(client, URL), None
                except Exception as error:
                    return None, error


TURNS = 20  # of the loop, until a server has noticed that its client has left
MOST = 2.4  # seconds of the longest deadline that is tried
_COLLECT = "import aiohttp\n\nasync def collect(client, urls, seconds):\n    texts = []\n"
_EACH = (
    _COLLECT + "    try:\n        for url in urls:\n"
    "            async with client.get(url, timeout=aiohttp.ClientTimeout({}=seconds)) as answer:\n"
    "                texts.append(await answer.text())\n"
    "    except TimeoutError:\n        pass\n"
    "    return texts"
)
_ANEW = {
    "total": "total begins anew with every request",
    "sock_read": "sock_read begins anew with every piece",
    "": "the time began anew",
}


@exercise(
    "one-deadline",
    lesson=LESSON,
    stars=3,
    minutes=14,
    wants="value",
    hint="`async with asyncio.timeout(seconds)` around the whole loop, and catch TimeoutError around that.",
    wrong={
        _COLLECT + "    for url in urls:\n        try:\n"
        "            async with client.get(url, timeout=aiohttp.ClientTimeout(total=seconds)) as answer:\n"
        "                texts.append(await answer.text())\n"
        "        except TimeoutError:\n            pass\n"
        "    return texts": "asked for the third",
        _EACH.format("total"): _ANEW["total"],
        _EACH.format("sock_read"): _ANEW["sock_read"],
        _COLLECT + "    async with asyncio.timeout(seconds):\n        for url in urls:\n"
        "            async with client.get(url) as answer:\n"
        "                texts.append(await answer.text())\n"
        "    return texts": "raised TimeoutError",
        _COLLECT + "    for url in urls:\n"
        "        async with client.get(url) as answer:\n"
        "            texts.append(await answer.text())\n"
        "    return texts": "no deadline",
        _COLLECT + "    for url in urls:\n        try:\n"
        "            limits = aiohttp.ClientTimeout(total=seconds / len(urls))\n"
        "            async with client.get(url, timeout=limits) as answer:\n"
        "                texts.append(await answer.text())\n"
        "        except TimeoutError:\n            pass\n"
        "    return texts": "gave up the first page",
        _COLLECT + "    async def one(url):\n"
        "        async with client.get(url) as answer:\n"
        "            texts.append(await answer.text())\n"
        "    try:\n"
        "        async with asyncio.timeout(seconds):\n"
        "            await asyncio.gather(*map(one, urls))\n"
        "    except TimeoutError:\n        pass\n"
        "    return texts": "All pages were asked at once",
        "async def collect(client, urls, seconds):\n"
        "    async def one(url):\n"
        "        async with client.get(url) as answer:\n            return await answer.text()\n"
        "    try:\n"
        "        async with asyncio.timeout(seconds):\n"
        "            return await asyncio.gather(*map(one, urls))\n"
        "    except TimeoutError:\n        return []": "one after the other",
        _COLLECT + "    try:\n"
        "        async with asyncio.timeout(0.2):\n"
        "            for url in urls:\n"
        "                async with client.get(url) as answer:\n"
        "                    texts.append(await answer.text())\n"
        "    except TimeoutError:\n        pass\n"
        "    return texts": "of your own",
        "async def collect(client, urls, seconds):\n"
        "    try:\n"
        "        async with asyncio.timeout(seconds):\n"
        "            texts = []\n"
        "            for url in urls:\n"
        "                async with client.get(url) as answer:\n"
        "                    texts.append(await answer.text())\n"
        "            return texts\n"
        "    except TimeoutError:\n        return []": "had come",
    },
)
async def one_deadline(collect: Any) -> Attempt:
    """Demand that the second page, which is held, costs the rest of the time, and the third is not asked.

    The first page is held for a good part of the time. When it is let go, a reference timer is set, shorter
    than `seconds`. A deadline that began anew then was set after it, is longer, and never rings before it. A
    deadline for all pages was set long before it. If that rings behind it, the computer stood still, and the
    run is repeated with more seconds; behind it in every run is a verdict.
    """
    if not is_async(collect):
        return not_yet("Write `async def collect(client, urls, seconds)`, and give its name.")
    for seconds in (0.2, 0.4, 0.8):
        reply, settled = await _collected(collect, seconds)
        if settled:
            break
    if reply.state != "yes":
        return reply
    for more in (3 * seconds, min(6 * seconds, MOST)):  # a deadline of one's own is too short for these
        again, settled = await _collected(collect, more)
        if settled or again.state == "yes":
            return reply
    return not_yet(
        "With more `seconds` you return before their end: you have a deadline of your own.", again.trace
    )


async def _collected(collect: Any, seconds: float) -> tuple[Attempt, bool]:
    """Return the reply, and whether it is settled: not so where a slow computer may have made it."""
    loop, rung, heard = asyncio.get_running_loop(), asyncio.Event(), list[str]()
    waiting, answered = list[web.Request](), asyncio.Event()  # for the first page; it was let go
    first = ""  # what had become of it, where the next was asked for before

    async def handler(request: web.Request) -> web.Response:
        nonlocal first
        heard.append(request.path)
        if request.path == "/1":
            waiting.append(request)
            await asyncio.sleep(0.6 * seconds)
            answered.set()
            loop.call_later(0.9 * seconds, rung.set)
        else:
            if not (first or answered.is_set()):
                first = await _become(waiting)
            await gate
        return web.Response(text=f"page {request.path[1:]}")

    came: object = None
    raised: Exception | None = None
    async with Town() as town:
        with Gate() as gate:
            await town.open("origin.test", handler)
            connector = town.connector("client")
            limits = in_force(connector)
            async with ClientSession(connector=connector) as client:
                urls = [f"{URL}{number}" for number in (1, 2, 3)]
                task = asyncio.ensure_future(collect(client, urls, seconds))
                await asyncio.wait([task], timeout=4 * seconds + 0.6)
                endless, late = not task.done(), rung.is_set()
                task.cancel()
                await asyncio.wait([task])
                if not task.cancelled():
                    error = task.exception()
                    raised = error if isinstance(error, Exception) else None
                    came = None if error else task.result()
    reached = "/2" in heard
    if endless:
        return not_yet("The second page never comes, and you had no deadline for it.", town.trace), reached
    if raised is not None:
        return not_yet(f"You raised {raised!r}. Return what has come.", town.trace), reached
    if first == "held":
        return not_yet("All pages were asked at once: ask them one after the other.", town.trace), reached
    if first == "given up":
        return not_yet("You gave up the first page, and went on to the next.", town.trace), reached
    if heard.count("/3"):
        words = "The second page took all the time, and you asked for the third: the time began anew."
        return not_yet(words, town.trace), reached
    if not reached:
        words = f"The first page needs a part of the time, and before the second you {_did(came, None)}."
        return not_yet(words, town.trace), False
    if not isinstance(came, list | tuple) or list(came) != ["page 1"]:
        return not_yet(f"The first page had come, and you {_did(came, None)}.", town.trace), True
    if late:
        name = next((it for it in ("total", "sock_read") if getattr(limits[-1], it) == seconds), "")
        words = f"The first page took a part of the time, and the second had all of it: {_ANEW[name]}."
        return not_yet(words, town.trace), False
    return yes(town.trace), True


async def _become(waiting: list[web.Request]) -> str:
    """Tell what became of a request that had no answer yet when the next one came."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
    return "held" if any(request.transport is not None for request in waiting) else "given up"
