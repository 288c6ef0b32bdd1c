"""What the tests of the list share."""

import asyncio
from typing import Any

from labs.conformance import Report, Results, in_town
from labs.conformance.runner import run, try_proxy
from tests.support import remains


def put(build: Any, only: Any = None) -> Results:
    """Put the list to a proxy, and see that nothing stays open."""

    async def go() -> Results:
        results = await run(in_town(build), only=only)
        assert remains() == []
        return results

    return asyncio.run(go())


def train(proxy: Any, only: Any = None) -> Report:
    """Put the list to a proxy of a learner's, and see that nothing stays open."""

    async def go() -> Report:
        found = await try_proxy(proxy, only=only)
        assert remains() == []
        return found

    return asyncio.run(go())
