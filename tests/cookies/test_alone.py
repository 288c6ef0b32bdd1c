"""aiohttp alone, without the town, sends what it sends in it."""

import json

from labs import cookies
from labs.cookies import alone, live

CASES = cookies.cases()


async def test_aiohttp_alone_sends_what_it_sends_in_a_town() -> None:
    there, here = await live.run("aiohttp"), await alone.run()
    assert list(there) == list(CASES) and there == here == json.loads(json.dumps(here))
    assert {"=", "6"} <= set(cookies.judge_all(here).values())
