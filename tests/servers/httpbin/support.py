"""What the tests of the origin share: a visit in a town, and what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from labs.capture.trace import Trace
from labs.servers.httpbin.app import origin
from labs.town.town import Town

HOST = "http://origin.test"


@dataclass
class Got:
    """Hold an answer, and the recording of how it came."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    trace: Trace

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def visit(work: Callable[[aiohttp.ClientSession], Awaitable[Any]], **limits: Any) -> tuple[Any, Trace]:
    async def experiment() -> tuple[Any, Trace]:
        async with Town() as town:
            await town.open("origin.test", origin(**limits))
            connector = town.connector("client")
            async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
                result = await work(session)
            return result, town.trace

    return asyncio.run(experiment())


def ask(target: str, method: str = "GET", *, follow: bool = False, limits: Any = None, **options: Any) -> Got:
    async def work(session: aiohttp.ClientSession) -> tuple[int, CIMultiDictProxy[str], bytes]:
        url = URL(HOST + target, encoded=True)
        async with session.request(method, url, allow_redirects=follow, **options) as answer:
            return answer.status, answer.headers, await answer.read()

    (status, headers, body), trace = visit(work, **(limits or {}))
    return Got(status, headers, body, trace)
