"""aiohttp alone, without the town, sends what it sends in it."""

import json
from functools import partial

import pytest
from aiohttp import ClientSession, TraceConfig

from labs import cookies
from labs.cookies import alone, live

CASES = cookies.cases()


async def test_aiohttp_alone_sends_what_it_sends_in_a_town() -> None:
    there, here = await live.run("aiohttp"), await alone.run()
    assert list(there) == list(CASES) and there == here == json.loads(json.dumps(here))
    assert {"=", "6"} <= set(cookies.judge_all(here).values())


async def test_a_case_alone_is_walked_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, trace = [], TraceConfig()

    async def redirected(*_: object) -> None:
        heard.append("redirect")

    trace.on_request_redirect.append(redirected)
    monkeypatch.setattr(alone, "ClientSession", partial(ClientSession, trace_configs=[trace]))
    assert await alone.run([CASES["plain"]]) == {"plain": "a=1"} and heard == []
