"""The exercises of lesson 11."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from typing import Any

from aiohttp import ClientConnectionError, ClientSession, web

from labs.capture.trace import Trace
from labs.clients.raw import RawClient, raw_client
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "11_wait_on_the_server"
SOON = 2.0  # seconds; only an attempt that is wrong waits so long
MOST = 8  # requests after which the shop of an exercise answers whatever comes
KEY = "Idempotency-Key"


DRIPS, PAUSE = 9, 0.02  # a drip that goes on for nearly twice the 0.1 s that are asked for
LATE = 0.03  # seconds after which the rest of a body comes, well within the 0.1
STILL = 0.05  # seconds between two drips in which a timeout between pieces may strike, though they come
SLOW = 1.2 * DRIPS * PAUSE  # seconds of a drip in which a timeout that is too long may strike as well
ATTEMPTS = 7

_READ = (
    "async def receive(request):\n"
    "    try:\n"
    "        async with asyncio.timeout(0.1):\n"
    "            body = await request.read()\n"
    "    except TimeoutError:\n"
    "        raise web.HTTPRequestTimeout()\n"
    "    return web.Response(text=str(len(body)))"
)


@exercise(
    "read-in-time",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="`async with asyncio.timeout(0.1)` around the reading, `except TimeoutError` around that.",
    wrong={
        "async def receive(request):\n"
        "    return web.Response(text=str(len(await request.read())))": "still waits",
        "async def receive(request):\n"
        "    async with asyncio.timeout(0.1):\n"
        "        return web.Response(text=str(len(await request.read())))": "TimeoutError",
        "async def receive(request):\n"
        "    try:\n"
        "        async with asyncio.timeout(0.1):\n"
        "            return web.Response(text=str(len(await request.read())))\n"
        "    except TimeoutError:\n"
        "        raise web.HTTPGatewayTimeout()": "504",
        "async def receive(request):\n    raise web.HTTPRequestTimeout()": "answered 408",
        "async def receive(request):\n"
        "    await asyncio.sleep(0.1)\n"
        "    if not request.content.at_eof():\n"
        "        raise web.HTTPRequestTimeout()\n"
        "    return web.Response(text='0')": "answered 408",
        "async def receive(request):\n"
        "    size = 0\n"
        "    while not request.content.at_eof():\n"
        "        try:\n"
        "            async with asyncio.timeout(0.1):\n"
        "                size += len(await request.content.readany())\n"
        "        except TimeoutError:\n"
        "            raise web.HTTPRequestTimeout()\n"
        "    return web.Response(text=str(size))": "around the whole",
        _READ.replace("0.1", "1"): "of 0.1 s",
        _READ.replace("0.1", "1.5"): "of 0.1 s",
        _READ.replace("0.1", "0.3"): "of 0.1 s",
        _READ.replace("0.1", "0.001"): "well within",
        _READ.replace("len(body)", "request.content_length"): "in chunks",
        _READ.replace("read()", "text()"): "not characters",
    },
)
async def read_in_time(receive: Any) -> Attempt:
    """Demand the length of a body that comes, and 408 for one that does not, or drop by drop."""
    begin = b"POST /upload HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n"
    upload, body = begin + b"Content-Length: 10\r\n\r\n", "hot café!".encode()
    heard, rest, dripped = b"", b"", False
    async with Town() as town:
        await town.open("shop.test", receive)
        async with raw_client(town, "client", "shop.test") as line:
            whole = await line.finish(upload + body)
        async with raw_client(town, "client", "shop.test") as line:
            chunks = await line.finish(
                begin + b"Transfer-Encoding: chunked\r\n\r\na\r\n" + body + b"\r\n0\r\n\r\n"
            )
        async with raw_client(town, "client", "shop.test", upload + b"half ") as line:
            try:
                async with asyncio.timeout(SOON):
                    heard = await line.until(b"\r\n")
            except asyncio.IncompleteReadError:
                pass
            except TimeoutError:
                await line.finish(b"body\n")  # or it would hear that the client has left
        for _ in range(ATTEMPTS if heard else 0):
            async with raw_client(town, "client", "shop.test", upload + b"half ") as line:
                await asyncio.sleep(LATE)
                rest = await line.finish(b"body\n")
            if _status(rest) != 408:  # a computer that stands still makes one of a right answer, too
                break
        for _ in range(ATTEMPTS if heard else 0):
            async with raw_client(
                town, "client", "shop.test", begin + b"Content-Length: 100\r\n\r\n"
            ) as line:
                dripped, still = await _drip(line)
            if not (dripped and still):
                break
    trace = town.trace
    if _status(whole) == 408:
        return not_yet("A body that came at once was answered 408: read it first.", trace)
    if not whole.endswith(b"\r\n\r\n10"):
        return not_yet(
            "A whole body should be answered 200, with the number of its bytes, here 10, not characters.",
            trace,
        )
    if not chunks.endswith(b"\r\n\r\n10"):
        return not_yet("A body of 10 bytes came in chunks, with no length ahead: count what you read.", trace)
    if not heard:
        return not_yet("Half a body came, then nothing, and your handler still waits.", trace)
    if (status := _status(heard)) != 408:
        return not_yet(f"The client that stops should hear 408, and heard {status}.", trace)
    if _status(rest) == 408:
        return not_yet("The rest of a body came soon, well within 0.1 s, and was answered 408.", trace)
    if not dripped:
        return not_yet(
            "A body came drop by drop, too slowly, and your handler read on: put one timeout, of 0.1 s, "
            "around the whole.",
            trace,
        )
    return yes(trace)


async def _drip(line: RawClient) -> tuple[bool, bool]:
    """Send a body byte by byte; tell whether an answer came before its end, and whether the loop stood still.

    The bytes are links of a chain, each set when the one before has rung. So a timeout around the whole
    strikes within the chain, also on a slow computer.
    """
    clock = asyncio.get_running_loop().time
    hearing, longest, begun = asyncio.create_task(line.until(b"\r\n")), 0.0, clock()
    for _ in range(DRIPS):
        before = clock()
        await line.say(b"x")
        await asyncio.wait([hearing], timeout=PAUSE)
        longest = max(longest, clock() - before)
        if hearing.done():
            break
    came, slow = hearing.done(), longest > STILL or clock() - begun > SLOW
    hearing.cancel()
    await asyncio.wait([hearing])
    if came:
        return hearing.exception() is None, slow
    await line.finish(b"x" * (100 - DRIPS))
    return False, slow


def _status(said: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3})", said)
    return int(found[1]) if found else 0


_LOOP = (
    "from uuid import uuid4\nfrom aiohttp import ClientConnectionError\n\n"
    "async def order(client, url, wait):\n"
    "    key = str(uuid4())\n"
    "    for turn in range(4):\n"
    "        try:\n"
    "            async with client.post(url, headers={'Idempotency-Key': key}) as answer:\n"
    "                if answer.status != 503 or turn == 3:\n"
    "                    return answer.status\n"
    "        except ClientConnectionError:\n"
    "            if turn == 3:\n"
    "                raise\n"
    "        await wait(0.1 * 2**turn)\n"
)


@exercise(
    "try-again",
    lesson=LESSON,
    stars=2,
    minutes=13,
    hint="One key before the loop, `for turn in range(4)`; a status ends it, or the last turn.",
    wants="value",
    wrong={
        "async def order(client, url, wait):\n"
        "    async with client.post(url) as answer:\n"
        "        return answer.status": "no Idempotency-Key",
        _LOOP.replace("headers={'Idempotency-Key': key}", ""): "no Idempotency-Key",
        _LOOP.replace("': key}", "': str(uuid4())}"): "another key",
        _LOOP.replace("str(uuid4())", "'order-1'"): "Two orders",
        _LOOP.replace("range(4)", "range(99)").replace("turn == 3", "False"): "4 at most",
        _LOOP.replace("range(4)", "range(3)").replace("turn == 3", "turn == 2"): "4 at most",
        _LOOP.replace("wait(0.1 * 2**turn)", "wait(0.1)"): "longer",
        _LOOP.replace("        await wait(0.1 * 2**turn)\n", ""): "wait",
        _LOOP.replace("0.1 * 2**turn", "turn - 3"): "more than 0",
        _LOOP.replace("0.1 * 2**turn", "turn"): "more than 0",
        _LOOP.replace("answer.status != 503", "answer.status < 400"): "422",
        _LOOP.replace("answer.status != 503", "answer.status < 500"): "500",
        _LOOP.replace("ClientConnectionError", "ServerDisconnectedError"): "refused",
        _LOOP.replace("if turn == 3:\n                raise", "pass"): "raise",
        _LOOP.replace("answer.status != 503 or turn == 3", "True"): "503",
    },
)
async def try_again(order: Any) -> Attempt:
    """Demand a second try where it can help, with the same key, growing waits, and an end."""
    lost = await _shopping(order, ["drop", "200"])
    keys = lost.keys
    if not keys or None in keys:
        return not_yet("There is no Idempotency-Key in your request.", lost.trace, show=(KEY,))
    if len(keys) < 2:
        return not_yet("The answer was lost, and you did not try again.", lost.trace, show=(KEY,))
    if len(set(keys)) > 1:
        return not_yet(
            "The second try has another key, so it is another order: make the key before the loop.",
            lost.trace,
            show=(KEY,),
        )
    other = await _shopping(order, ["200"])
    if other.keys[:1] == keys[:1]:
        return not_yet("Two orders have the same key, and the second is never done.", lost.trace, show=(KEY,))
    if lost.result != 200 or other.result != 200:
        return not_yet("Return the status of the answer.", lost.trace)
    wrong = await _shopping(order, ["422", "200"])
    if wrong.result != 422 or len(wrong.keys) != 1:
        return not_yet("A 422 will be a 422 again: do not repeat it, return it.", wrong.trace)
    failed = await _shopping(order, ["500", "200"])
    if failed.result != 500 or len(failed.keys) != 1:
        return not_yet("Of the statuses, only a 503 is tried again: return a 500 at once.", failed.trace)
    dead = await _shopping(order, ["drop"] * MOST)
    if len(dead.keys) != 4:
        return not_yet(f"A dead server heard {len(dead.keys)} tries, and 4 at most was said.", dead.trace)
    if not isinstance(dead.result, ClientConnectionError):
        return not_yet("When the fourth try fails as well, let its error be raised.", dead.trace)
    busy = await _shopping(order, ["503"] * MOST)
    if len(busy.keys) != 4 or busy.result != 503:
        return not_yet("A 503 should be tried again, 4 times in all, and then returned.", busy.trace)
    if len(dead.waits) != 3 or len(busy.waits) != 3:
        return not_yet("Between two tries, and only there, `await wait(seconds)`.", dead.trace)
    if any(b <= a for waits in (dead.waits, busy.waits) for a, b in itertools.pairwise(waits)):
        return not_yet("Each wait should be longer than the one before.", dead.trace)
    if min(dead.waits + busy.waits) <= 0:
        return not_yet("Each wait should be more than 0 seconds.", dead.trace)
    refused = await _shopping(order, [], refuses=True)
    if len(refused.waits) != 3 or not isinstance(refused.result, ClientConnectionError):
        return not_yet("A connection that is refused brings no answer either: try again, 4 times in all.")
    return yes(lost.trace)


class _Shopping:
    """Hold what came of one order."""

    def __init__(self) -> None:
        self.trace = Trace((), ())
        self.waits: list[float] = []
        self.result: object = None

    @property
    def keys(self) -> list[str | None]:
        return [it.field(KEY) for it in self.trace.requests()]


async def _shopping(order: Any, script: list[str], *, refuses: bool = False) -> _Shopping:
    """Let the shop answer by its script, one word a request, then 200; or let it be closed."""
    found, words = _Shopping(), iter(script)

    async def shop(request: web.Request) -> web.StreamResponse:
        word = next(words, "200")
        if word == "drop":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.Response(status=int(word))

    async def wait(seconds: float) -> None:
        found.waits.append(float(seconds))

    async with Town() as town:
        await town.open("shop.test", shop)
        if refuses:
            await town.close("shop.test")
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                found.result = await order(client, "http://shop.test/orders", wait)
            except ClientConnectionError as error:
                found.result = error
    found.trace = town.trace
    return found


_ONCE = (
    "from aiohttp import ClientConnectionError\n\n"
    "async def once(request, charge, known):\n"
    "    key = request.headers.get('Idempotency-Key')\n"
    "    if key is None:\n"
    "        raise web.HTTPBadRequest()\n"
)
_TASK = _ONCE + (
    "    if key not in known:\n"
    "        known[key] = asyncio.ensure_future(charge())\n"
    "    try:\n"
    "        return web.Response(text=await asyncio.shield(known[key]))\n"
    "    except ClientConnectionError:\n"
    "        known.pop(key, None)\n"
    "        raise web.HTTPBadGateway() from None\n"
)


@exercise(
    "once-per-key",
    lesson=LESSON,
    stars=3,
    minutes=15,
    hint="`known[key] = asyncio.ensure_future(charge())` before any await; out with it where it failed.",
    wrong={
        "async def once(request, charge, known):\n"
        "    return web.Response(text=await charge())": "without a key",
        _ONCE + "    return web.Response(text=await charge())": "charged 2 times",
        _ONCE + "    if key not in known:\n"
        "        try:\n"
        "            known[key] = await charge()\n"
        "        except ClientConnectionError:\n"
        "            raise web.HTTPBadGateway()\n"
        "    return web.Response(text=known[key])": "while the first",
        _ONCE + "    if key in known:\n"
        "        return web.Response(text='again')\n"
        "    known[key] = asyncio.ensure_future(charge())\n"
        "    return web.Response(text=await known[key])": "receipt",
        _TASK.replace("        known.pop(key, None)\n", ""): "anew",
        _TASK.replace("known.pop(key, None)", "known.clear()"): "forget only",
        _TASK.replace("except ClientConnectionError", "except ValueError"): "ClientConnectionError",
        "lock = asyncio.Lock()\n" + _ONCE + "    async with lock:\n"
        "        if key not in known:\n"
        "            try:\n"
        "                known[key] = await charge()\n"
        "            except ClientConnectionError:\n"
        "                raise web.HTTPBadGateway()\n"
        "    return web.Response(text=known[key])": "wait for each other",
    },
)
async def once_per_key(once: Any) -> Attempt:
    """Demand one charge a key, also for two requests at once, and a new one after a failure.

    Two keys must be charged side by side: each stands at the bank before either is let go.
    """
    trace, said, charged, _ = await _orders(once, [(None,)])
    if _statuses(said) != [400] or charged:
        return not_yet("An order without a key should be answered 400, and not be charged.", trace)
    trace, said, charged, _ = await _orders(once, [("a",), ("a",)])
    if charged != 1:
        return not_yet(f"The same key came twice, one after the other: charged {charged} times.", trace)
    if said[0] != said[1] or said[0] != (200, "receipt 1"):
        return not_yet("Both should hear 200 and the same receipt.", trace)
    trace, said, charged, _ = await _orders(once, [("a", "a")])
    if charged != 1:
        return not_yet("The key came again while the first was being charged, and was charged, too.", trace)
    if said != [(200, "receipt 1")] * 2:
        return not_yet(
            "The second came while the first was being charged: both should get its receipt.", trace
        )
    trace, said, charged, beside = await _orders(once, [("a", "b")])
    if charged != 2 or len({text for _, text in said}) != 2:
        return not_yet("Two keys are two orders: charge both.", trace)
    if beside < 2:
        return not_yet("Two keys came at once, and one waited: they should not wait for each other.", trace)
    trace, said, charged, _ = await _orders(once, [("a",), ("a",)], fails=1)
    if said[0][0] != 502:
        return not_yet(f"charge() raised ClientConnectionError: answer 502, not {said[0][0]}.", trace)
    if said[1] != (200, "receipt 2"):
        return not_yet("The charge failed, and when the key came again, it was not charged anew.", trace)
    trace, said, _, _ = await _orders(once, [("b",), ("a",), ("b",)], fails=2)
    if said[2] != (200, "receipt 1"):
        return not_yet(
            "The charge of one key failed, and another lost its receipt: forget only that one.", trace
        )
    return yes(trace)


def _statuses(said: list[tuple[int, str]]) -> list[int]:
    return [status for status, _ in said]


async def _orders(
    once: Any, rounds: list[tuple[str | None, ...]], *, fails: int = 0
) -> tuple[Trace, list[tuple[int, str]], int, int]:
    """Send the orders of each round at the same time, and charge when all of a round have come.

    Return the trace, what was said, how many were charged, and how many of the last round side by side.
    """
    known: dict[str, Any] = {}
    charged = beside = 0

    async def charge() -> str:
        nonlocal charged
        charged += 1
        number = charged
        await gate
        if number == fails:
            raise ClientConnectionError("the bank is closed")
        return f"receipt {number}"

    async def shop(request: web.Request) -> web.StreamResponse:
        counted.on_open(lambda: None)
        answer: web.StreamResponse = await once(request, charge, known)
        return answer

    said: list[tuple[int, str]] = []
    async with Town() as town:
        await town.open("shop.test", shop)
        async with ClientSession(connector=town.connector("client")) as client:
            for keys in rounds:
                gate, counted = Gate("the bank"), Gate("the shop")
                asking = [asyncio.create_task(_post(client, key)) for key in keys]
                try:
                    await counted.reached(len(keys))
                    if len(set(keys)) > 1:
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(SOON):
                                await gate.reached(len(keys))
                    beside = gate.arrived
                    gate.open()
                    said += [await it for it in asking]
                finally:
                    for it in asking:
                        it.cancel()
    return town.trace, said, charged, beside


async def _post(client: ClientSession, key: str | None) -> tuple[int, str]:
    fields = {} if key is None else {KEY: key}
    async with client.post("http://shop.test/orders", headers=fields) as answer:
        return answer.status, await answer.text()
