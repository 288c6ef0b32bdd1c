"""The exercises of lesson 23."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientSession, web

from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "23_find_the_slow_line"
LONG = 10_000

_REPORT = "async def report(request, slow):\n"


@exercise(
    "out-of-the-way",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="asyncio.to_thread, and await it.",
    wrong={
        _REPORT + "    return web.Response(text=slow())": "waited",
        _REPORT
        + "    async def read():\n        return slow()\n"
        + "    return web.Response(text=await read())": "waited",
        _REPORT
        + "    async def read():\n        return slow()\n"
        + "    return web.Response(text=await asyncio.create_task(read()))": "waited",
        _REPORT + "    await asyncio.sleep(0)\n    return web.Response(text=slow())": "waited",
        _REPORT + "    return web.Response(text='')": "never called",
        _REPORT + "    await asyncio.to_thread(slow)\n    return web.Response()": "does not say",
        _REPORT + "    return web.Response(text=str(asyncio.to_thread))": "never called",
        _REPORT + "    return web.Response(text=await asyncio.to_thread(slow()))": "TypeError",
    },
)
async def out_of_the_way(handler: Any) -> Attempt:
    """Demand what a blocking function returns, while another visitor is served."""
    order: list[str] = []
    gate = Gate("the disk")

    def slow() -> str:
        order.append("called")
        gate.wait()
        order.append("returned")
        return "a report"

    async def other(request: web.Request) -> web.Response:
        order.append("other")
        gate.open()
        return web.Response()

    begun = asyncio.Event()

    async def first(request: web.Request) -> web.StreamResponse:
        begun.set()
        answer: web.StreamResponse = await handler(request, slow)
        return answer

    app = web.Application()
    app.add_routes([web.get("/report", first), web.get("/other", other)])
    async with Town() as town:
        await town.open("shop.test", app)
        async with ClientSession("http://shop.test", connector=town.connector("client")) as client:
            asking = asyncio.create_task(client.get("/report"))
            await begun.wait()
            (await client.get("/other")).release()
            async with await asking as answer:
                text = await answer.text()
    if "called" not in order:
        return not_yet("`slow` was never called.", town.trace)
    if order.index("other") > order.index("returned"):
        return not_yet("The other visitor waited until `slow` had returned: it kept the loop.", town.trace)
    if text != "a report":
        return not_yet(f"The answer does not say what `slow` returned, but {text!r}.", town.trace)
    return yes(town.trace)


_TOTAL = "async def total(numbers):\n"
_LOOP = (
    "    result = 0\n    for n, number in enumerate(numbers, 1):\n        result += number\n"
    "        if {}:\n            {}\n    return result"
)


@exercise(
    "in-slices",
    lesson=LESSON,
    stars=2,
    minutes=7,
    hint="asyncio.sleep(0) gives the loop one turn.",
    wants="value",
    wrong={
        _TOTAL + "    return sum(numbers)": "no turn",
        _TOTAL + "    await asyncio.sleep(0)\n    return sum(numbers)": "1 turn",
        _TOTAL + _LOOP.format("True", "await asyncio.sleep(0)"): "10000 turns",
        _TOTAL + _LOOP.format("n == 1000", "await asyncio.sleep(0)"): "1 turn",
        _TOTAL + _LOOP.format("n % 100 == 0", "await asyncio.sleep(0)"): "100 turns",
        _TOTAL + _LOOP.format("n % 1000 == 0", "await asyncio.to_thread(int)"): "thread",
        _TOTAL
        + _LOOP.format("n % 1000 == 0", "await asyncio.sleep(0)").replace(
            "result += number", "result = number"
        ): "49995000",
        _TOTAL
        + _LOOP.format("n % 1000 == 0", "await asyncio.sleep(0)").replace(
            "    return result", "    print"
        ): "None",
        "def total(numbers):\n    return sum(numbers)": "async def",
    },
)
async def in_slices(total: Any) -> Attempt:
    """Demand a sum, and ten turns for others while it is made."""
    if not is_async(total):
        return not_yet("Only an `async def` can give the loop a turn.")
    turns, over, threads = [0], False, [0]
    loop: Any = asyncio.get_running_loop()

    def count() -> None:
        turns[0] += 1
        if not over:
            loop.call_soon(count)

    before = loop.run_in_executor

    def noticed(*arguments: Any) -> Any:
        threads[0] += 1
        return before(*arguments)

    loop.run_in_executor = noticed
    loop.call_soon(count)
    try:
        result = await total(list(range(LONG)))
    finally:
        over = True
        del loop.run_in_executor
    if threads[0]:
        return not_yet("It goes to a thread for each turn: the loop needs no thread for that.")
    if result != sum(range(LONG)):
        return not_yet(f"The sum is {sum(range(LONG))}, and it returned {result}.")
    if turns[0] != LONG // 1000:
        told = "no turn" if not turns[0] else f"{turns[0]} turn{'s' if turns[0] > 1 else ''}"
        return not_yet(f"The loop had {told} for {LONG} numbers, and not {LONG // 1000}.")
    return yes()


_CACHE = "def caching(load):\n    kept = {}\n    async def get(key):\n"
_GET = "    return get"


@exercise(
    "load-once",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="Keep tasks. A task that is done can say whether it ended in an exception().",
    wants="value",
    wrong={
        _CACHE + "        return await load(key)\n" + _GET: "3 times",
        _CACHE
        + "        if key not in kept:\n            kept[key] = await load(key)\n        return kept[key]\n"
        + _GET: "3 times",
        "def caching(load):\n    kept, lock = {}, asyncio.Lock()\n"
        "    async def get(key):\n        async with lock:\n"
        + "            if key not in kept:\n"
        + "                kept[key] = await load(key)\n            return kept[key]\n"
        + _GET: "one after the other",
        _CACHE
        + "        if key not in kept:\n            kept[key] = asyncio.create_task(load(key))\n"
        + "        return await kept[key]\n"
        + _GET: "is kept",
        _CACHE
        + "        if 'it' not in kept:\n            kept['it'] = asyncio.create_task(load(key))\n"
        + "        return await kept['it']\n"
        + _GET: "for 'b'",
        _CACHE
        + "        if key not in kept or kept[key].done():\n"
        + "            kept[key] = asyncio.create_task(load(key))\n"
        + "        return await asyncio.shield(kept[key])\n"
        + _GET: "loaded again",
        "def caching(load):\n    return load": "3 times",
        "def caching(load):\n    kept = {}\n    return kept.get": "async def",
        "async def caching(load):\n    return load": "plain",
    },
)
async def load_once(caching: Any) -> Attempt:
    """Demand that equal keys are loaded once, different ones at once, and that no error is kept."""
    if is_async(caching):
        return not_yet("`caching` makes the cache and waits for nothing: write a plain `def`.")
    loaded: list[str] = []
    gate, fails = Gate("all have asked"), [False]

    async def load(key: str) -> str:
        loaded.append(key)
        await gate
        if fails[0]:
            raise OSError("the origin is gone")
        return f"page {key}"

    get = caching(load)
    if not is_async(get):
        return not_yet("It returned no `async def`: `get(key)` is awaited.")
    tasks = [asyncio.create_task(get(key)) for key in ("a", "a", "a", "b")]
    for _ in range(20):  # turns of the loop, in which whatever is loaded begins
        await asyncio.sleep(0)
    begun = list(loaded)
    gate.open()
    pages = await asyncio.gather(*tasks, return_exceptions=True)
    if (times := begun.count("a")) != 1:
        return not_yet(f"'a' was loaded {times} times for three who asked at the same time.")
    if "b" not in loaded:
        return not_yet(f"Whoever asked for 'b' got {pages[3]!r}.")
    if "b" not in begun:
        return not_yet("'b' waited until 'a' was there: different keys are loaded one after the other.")
    if pages != ["page a"] * 3 + ["page b"]:
        return not_yet(f"They got {pages!r}.")
    if await get("a") != "page a" or loaded.count("a") != 1:
        return not_yet("'a' was loaded again, though it was there already.")
    return await _after_an_error(get, fails)


async def _after_an_error(get: Any, fails: list[bool]) -> Attempt:
    fails[0] = True
    first = (await asyncio.gather(get("c"), return_exceptions=True))[0]
    fails[0] = False
    second = (await asyncio.gather(get("c"), return_exceptions=True))[0]
    if not isinstance(first, OSError):
        return not_yet("The origin was gone, and whoever asked was not told.")
    if isinstance(second, BaseException):
        return not_yet("The error is kept: the origin is back, and who asks now still gets it.")
    return yes()
