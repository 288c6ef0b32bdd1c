"""Where a stand is set up: everything on it ends with it."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest
from aiohttp import web

from labs.conformance import Site, outside
from labs.servers.fronts import typical
from tests.conformance.support import put
from tests.support import turns


def test_an_application_made_for_each_check_is_ended_with_it() -> None:
    ended: list[str] = []

    def build(site: Site) -> web.Application:
        app = typical(site.target, site.connect)
        app.on_cleanup.append(_note(ended, site.check.id))
        return app

    put(build, ["FIELD-1", "FIELD-2"])
    assert sorted(ended) == ["FIELD-1", "FIELD-2"]


def _note(ended: list[str], id: str) -> Any:
    async def note(app: web.Application) -> None:
        ended.append(id)

    return note


@pytest.mark.parametrize("count", [3, 4, 5])  # turns of the loop: accepted, on its way to its line, there
def test_a_connection_that_comes_as_the_stand_is_left_is_ended(count: int) -> None:
    async def go() -> bool:
        with socket.socket() as some:
            some.bind(("127.0.0.1", 0))
            upstream = some.getsockname()[1]
        async with outside("proxy", ("127.0.0.1", upstream), upstream) as stand:
            late = socket.create_connection(("127.0.0.1", upstream))
            await turns(count)
        await turns(5)
        with late:
            late.settimeout(5)
            with contextlib.suppress(ConnectionError):
                assert late.recv(1) == b""
        return all(it.lost for it in stand.origins)

    assert asyncio.run(go())
