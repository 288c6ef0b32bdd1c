"""One server: what can be one, its options, and its end on every path."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web

from labs.town.certs import Authority
from labs.town.gates import Gate
from labs.town.listener import App
from labs.town.town import Town, TownError
from tests.support import addresses, hello, listening, raw, remains, turns


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


async def test_a_handler_that_hangs_is_ended() -> None:
    gate, ends = Gate(), []

    async def hang(request: web.Request) -> web.Response:
        try:
            await gate
        finally:
            ends.append("ended")
        return web.Response()

    async with Town() as town:
        await town.open("origin.test", hang)
        async with ClientSession(connector=town.connector("client")) as client:
            asking = asyncio.create_task(client.get("http://origin.test/"))
            await gate.reached()
            servers = addresses(town)
            await town.close("origin.test")
            assert ends == ["ended"]
            with pytest.raises(ClientError):
                await asking
    assert remains(servers) == []


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("app", [hello, asyncio.Protocol])
async def test_a_connection_that_has_just_come_is_closed(app: App, tls: bool, authority: Authority) -> None:
    for turn in range(7):
        async with Town() as town:
            town._ca = authority  # made once: it takes longer than the test
            await town.open("origin.test", app, tls=tls)
            servers = addresses(town)
            _, writer = await asyncio.open_connection(*town.address("origin.test", tls=tls))
            await turns(turn)
        left = remains(servers)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        assert left == [], f"left after {turn} turns"


async def test_a_start_up_that_fails_is_put_away() -> None:
    seen = []

    async def resource(app: web.Application) -> AsyncIterator[None]:
        seen.append("made")
        yield
        seen.append("put away")

    async def fail(app: web.Application) -> None:
        raise LookupError("no database")

    app = web.Application()
    app.cleanup_ctx.append(resource)
    app.on_startup.append(fail)
    async with Town() as town:
        await town.open("origin.test", hello)
        with pytest.raises(LookupError, match="no database"):
            await town.open("front.test", app)
        assert seen == ["made", "put away"]
        assert len(listening()) == 1
        await town.open("front.test", hello)  # the name is still free
    assert remains() == []


async def test_a_shut_down_that_fails_does_not_spare_the_others() -> None:
    async def fail(app: web.Application) -> None:
        raise LookupError("cannot stop")

    app = web.Application()
    app.on_cleanup.append(fail)
    with pytest.raises(LookupError, match="cannot stop"):
        async with Town() as town:
            await town.open("origin.test", hello)
            await town.open("front.test", app)
            await town.open("shop.test", hello)
    assert remains() == []


async def test_options_go_to_the_runner() -> None:
    async with Town() as town:
        await town.open("origin.test", hello, keepalive_timeout=0, max_field_size=64)
        head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: " + b"a" * 99 + b"\r\n\r\n"
        assert b" 400 Bad Request\r\n" in await raw(town.address("origin.test"), head)


@pytest.mark.parametrize(
    ("app", "options", "sentence"),
    [
        ("origin", {}, "A server is an Application, a handler or a factory of protocols, not str"),
        (None, {}, "not NoneType"),
        (lambda request: None, {}, "A handler is an `async def`; a factory of protocols takes no argument"),
        (hello, {"know_as": "origin"}, "aiohttp's runner has no option know_as; it has: .*keepalive_timeout"),
        (
            asyncio.Protocol,
            {"know_as": "origin"},
            "A factory of protocols takes no options, so know_as cannot be one",
        ),
    ],
)
async def test_what_cannot_be_opened_is_one_sentence(
    app: Any, options: dict[str, Any], sentence: str
) -> None:
    async with Town() as town:
        with pytest.raises(TownError, match=sentence):
            await town.open("origin.test", app, **options)
        assert listening() == []
