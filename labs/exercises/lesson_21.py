"""The exercises of lesson 21."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import ClientSession, web

from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.town.town import Town

LESSON = "21_limit_for_real"
TURNS = (
    30  # of the loop, in which whoever is not held back comes; each page takes so long, and no time is read
)
PAGES = 12

_FETCH = "async def fetch_all(session, urls):\n"
_ONE = (
    "    async def one(url):\n"
    "        async with {}session.get(url) as response:\n"
    "            return await response.text()\n"
)
_GATHER = "    return await asyncio.gather(*(one(url) for url in urls))"


class _Server:
    """A server whose pages take some turns of the loop, and which counts how many it has in hand."""

    def __init__(self) -> None:
        self.here = self.most = 0
        self.heard: list[str] = []

    async def page(self, request: web.Request) -> web.Response:
        self.heard.append(request.path)
        self.here += 1
        self.most = max(self.most, self.here)
        # The first pages take longest, so that an order of coming is another than that of the list.
        for _ in range(TURNS * (3 if len(self.heard) == 1 else 1)):
            await asyncio.sleep(0)
        self.here -= 1
        return web.Response(text=f"page {request.path}")


@exercise(
    "three-at-a-time",
    lesson=LESSON,
    stars=1,
    minutes=6,
    hint="The semaphore belongs around the request. All calls share one.",
    wants="value",
    wrong={
        _FETCH + _ONE.format("") + _GATHER: "at once",
        _FETCH
        + "    semaphore = asyncio.Semaphore(3)\n    tasks = []\n"
        + _ONE.format("")
        + "    for url in urls:\n        async with semaphore:\n            tasks.append(one(url))\n"
        + "    return await asyncio.gather(*tasks)": "at once",
        _FETCH + _ONE.format("asyncio.Semaphore(3), ") + _GATHER: "at once",
        _FETCH + _ONE.format("") + "    return [await one(url) for url in urls]": "one at a time",
        _FETCH + "    semaphore = asyncio.Semaphore(4)\n" + _ONE.format("semaphore, ") + _GATHER: "4 at once",
        _FETCH + "    semaphore = asyncio.Semaphore(2)\n" + _ONE.format("semaphore, ") + _GATHER: "2 at once",
        _FETCH
        + "    semaphore = asyncio.Semaphore(3)\n"
        + _ONE.format("semaphore, ")
        + "    return [await it for it in asyncio.as_completed([one(url) for url in urls])]": "order",
        _FETCH
        + "    semaphore = asyncio.Semaphore(3)\n"
        + _ONE.format("semaphore, ")
        + "    await asyncio.gather(*(one(url) for url in urls))": "returned NoneType",
        _FETCH
        + "    semaphore = asyncio.Semaphore(3)\n"
        + _ONE.format("semaphore, ")
        + "    return await asyncio.gather(*(one(url) for url in urls[:3]))": "3 of 12",
        "def fetch_all(session, urls):\n    return []": "async def",
    },
)
async def three_at_a_time(fetch_all: Any) -> Attempt:
    """Demand all pages in order, with three requests in hand at once, and no more."""
    if not is_async(fetch_all):
        return not_yet("It has to wait for the pages: write an `async def`.")
    server = _Server()
    async with Town(keep=0) as town:
        await town.open("a.test", server.page)
        async with ClientSession(connector=town.connector("client")) as session:
            texts = await fetch_all(session, [f"http://a.test/{n}" for n in range(PAGES)])
    if not isinstance(texts, list | tuple):
        return not_yet(f"It returned {type(texts).__name__}, and not the texts.")
    if len(set(server.heard)) < PAGES or len(texts) < PAGES:
        return not_yet(f"The server was asked for {len(set(server.heard))} of {PAGES} pages.")
    if (amiss := _many(server.most)) is not None:
        return amiss
    if list(texts) != [f"page /{n}" for n in range(PAGES)]:
        return not_yet("The texts are not in the order of the list.")
    return yes()


def _many(most: int) -> Attempt | None:
    if most == 3:
        return None
    if most == 1:
        return not_yet("The server had one at a time: nobody asks while one is waited for.")
    return not_yet(
        f"The server had {most} at once: the limit is not where the requests are made, or not three."
    )


@exercise(
    "in-the-connector",
    lesson=LESSON,
    stars=2,
    minutes=6,
    hint="limit and limit_per_host. Both can be given.",
    wants="value",
    wrong={
        "options = {'limit': 6}": "6 to one site",
        "options = {'limit_per_host': 4}": "8 connections",
        "options = {'limit': 4, 'limit_per_host': 6}": "4 connections",
        "options = {'limit': 10, 'limit_per_host': 4}": "8 connections",
        "options = {'limit': 6, 'limit_per_host': 3}": "3 to one site",
        "options = {'limit': 0, 'limit_per_host': 4}": "8 connections",
        "options = {'limits': 6, 'limit_per_host': 4}": "takes no",
        "options = {'limit': '6', 'limit_per_host': 4}": "a number",
        "options = (6, 4)": "a dict",
        "options = {}": "connections",
    },
)
async def in_the_connector(options: Any) -> Attempt:
    """Demand at most six connections in all, and four to one site."""
    if not isinstance(options, Mapping):
        return not_yet(f"This is of type {type(options).__name__}; give a dict of arguments.")
    if strange := [it for it in options if it not in ("limit", "limit_per_host")]:
        return not_yet(f"A connector takes no {strange[0]!r} that limits it: use limit and limit_per_host.")
    if texts := [it for it in options.values() if isinstance(it, bool) or not isinstance(it, int)]:
        return not_yet(f"{texts[0]!r} is no number: give a number.")
    per_site, at_once = await _connections(options)
    if max(at_once, per_site) > 10:
        return not_yet(f"It opened {at_once} connections, and {per_site} to one site.")
    if per_site != 4:
        return not_yet(f"It opened {per_site} to one site, and could open 4; {at_once} connections in all.")
    if at_once != 6:
        return not_yet(f"It opened {at_once} connections in all, and not 6.")
    return yes()


async def _connections(options: Mapping[str, int]) -> tuple[int, int]:
    """Return how many of twenty requests are in hand at once: of one site, and of two sites."""
    most = []
    for sites in (("a.test",), ("a.test", "b.test")):
        server = _Server()
        async with Town(keep=0) as town:
            for name in sites:
                await town.open(name, server.page)
            async with ClientSession(
                connector=town.connector("client", **dict[str, Any](options))
            ) as session:
                urls = [f"http://{sites[n % len(sites)]}/{n}" for n in range(20)]
                await asyncio.gather(*(_read(session, url) for url in urls))
        most.append(server.most)
    return most[0], most[1]


async def _read(session: ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()


_CRAWL = "async def crawl(session, urls, done):\n"
_WORK = (
    "    async def work():\n"
    "        for url in {}:\n"
    "            async with session.get(url) as response:\n"
    "                done(url, await response.text())\n"
)
_WORKERS = "    await asyncio.gather(*(work() for _ in range({})))"


@exercise(
    "as-they-come",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="An iterator gives each of its values once. Three tasks can run `for url in urls` on the same one.",
    wants="value",
    wrong={
        _CRAWL + "    urls = list(urls)\n" + _WORK.format("urls") + _WORKERS.format(3): "taken",
        _CRAWL + _WORK.format("urls") + _WORKERS.format(4): "4 were taken",
        _CRAWL + _WORK.format("urls") + "    await work()": "one at a time",
        _CRAWL
        + "    async def one(url):\n        async with session.get(url) as response:\n"
        + "            done(url, await response.text())\n"
        + "    await asyncio.gather(*(one(url) for url in urls))": "taken",
        _CRAWL
        + "    semaphore = asyncio.Semaphore(3)\n"
        + "    async def one(url):\n        async with semaphore, session.get(url) as response:\n"
        + "            done(url, await response.text())\n"
        + "    await asyncio.gather(*(one(url) for url in urls))": "taken",
        _CRAWL
        + _WORK.format("urls").replace("done(url, await response.text())", "await response.text()")
        + _WORKERS.format(3): "done() was called for 0",
        _CRAWL
        + _WORK.format("urls").replace("await response.text()", "response.text()")
        + _WORKERS.format(3): "and not the text",
        _CRAWL + "    for url in urls:\n        done(url, 'a page')": "nobody asked",
        _CRAWL + _WORK.format("urls") + _WORKERS.format(2): "2 at once",
        "def crawl(session, urls, done):\n    return [*urls]": "async def",
    },
)
async def as_they_come(crawl: Any) -> Attempt:
    """Demand that three workers share an iterator, and take a url only when one is done."""
    if not is_async(crawl):
        return not_yet("It has to wait for the pages: write an `async def`.")
    server, taken, pages = _Server(), [0], dict[str, object]()
    most = [0]

    def urls() -> Iterator[str]:
        for n in range(PAGES):
            taken[0] += 1
            most[0] = max(most[0], taken[0] - len(pages))
            yield f"http://a.test/{n}"

    def done(url: str, text: object) -> None:
        if inspect.iscoroutine(text):
            text.close()  # nobody awaited it
        pages[url] = text

    async with Town(keep=0) as town:
        await town.open("a.test", server.page)
        async with ClientSession(connector=town.connector("client")) as session:
            await crawl(session, urls(), done)
    return _crawled(server, most[0], pages)


def _crawled(server: _Server, most: int, pages: Mapping[str, object]) -> Attempt:
    count = len(pages)
    if not server.heard:
        return not_yet("The server heard of nothing: nobody asked for a page.")
    if not pages:
        return not_yet(f"done() was called for 0 of {PAGES} pages.")
    if most > 3:
        return not_yet(f"{most} were taken from the iterator and not yet done: at most three.")
    if strange := [it for it in pages.values() if not isinstance(it, str)]:
        return not_yet(f"done() was given a {type(strange[0]).__name__}, and not the text.")
    if server.most == 1:
        return not_yet("The server had one at a time: three workers would ask at once.")
    if server.most != 3:
        return not_yet(f"The server had {server.most} at once, and three workers would ask at once.")
    if count < PAGES and len(server.heard) < PAGES:
        return not_yet(
            f"It ended before all pages were there: done() had been called for {count} of {PAGES}."
        )
    if count < PAGES:
        return not_yet(f"done() was called for {count} of {PAGES} pages.")
    return yes()
