"""A town closes everything on every path, and says one clear sentence about bad use."""

import asyncio
import contextlib
import contextvars
import gc
import http.client
import os
import socket
import threading
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientConnectorCertificateError, ClientError, ClientSession, web

from labs.capture.trace import Trace
from labs.town.certs import Authority
from labs.town.gates import Gate
from labs.town.town import Town, TownError
from tests.support import addresses, get, hello, listening, message, remains, turns

THREE = ("origin.test", "front.test", "shop.test")


async def open_three(town: Town) -> None:
    for name in THREE:
        await town.open(name, hello)


# ── closing ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_leaving_the_block_closes_everything() -> None:
    async with Town() as town:
        await open_three(town)
        assert len(listening()) == 3
        async with ClientSession(connector=town.connector("client")) as client:
            for name in THREE:
                assert await get(client, f"http://{name}/") == "hello"
        servers = addresses(town)
    assert remains(servers) == []
    assert town.names() == {}
    await turns(2)
    assert remains() == []


async def test_an_error_in_the_block_closes_everything() -> None:
    with pytest.raises(LookupError, match="mine"):
        async with Town() as town:
            await open_three(town)
            raise LookupError("mine")
    assert remains() == []


async def test_cancelling_in_the_middle_of_a_request_closes_everything() -> None:
    gate = Gate()
    servers: set[tuple[str, int]] = set()

    async def hang(request: web.Request) -> web.Response:
        await gate
        return web.Response()

    async def experiment() -> None:
        async with Town() as town, ClientSession(connector=town.connector("client")) as client:
            await town.open("origin.test", hang)
            servers.update(addresses(town))
            await client.get("http://origin.test/")

    task = asyncio.create_task(experiment())
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert remains(servers) == []
    await turns(2)
    assert remains() == []


async def test_cancelling_at_any_turn_closes_everything() -> None:
    async def experiment(began: list[str]) -> None:
        async with Town() as town:
            await town.open("origin.test", hello)
            await town.open("front.test", asyncio.Protocol)
            async with ClientSession(connector=town.connector("client")) as client:
                await get(client, "http://origin.test/")
        began.append("the end")

    for turn in range(60):
        ended: list[str] = []
        task = asyncio.create_task(experiment(ended))
        await turns(turn)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await turns(3)
        assert remains() == [], f"cancelled at turn {turn}"
    assert ended, "sixty turns were not enough to see the end"


async def test_cancelling_an_opening_leaves_no_server() -> None:
    async with Town() as town:
        for turn in range(8):
            task = asyncio.create_task(town.open("origin.test", hello))
            await turns(turn)
            if task.done():
                break
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await turns(2)
            assert len(listening()) == len(town.names()), f"cancelled at turn {turn}"
            if town.names():  # the last turn, too late to be undone: the town has it
                await town.close("origin.test")
        else:
            pytest.fail("eight turns were not enough to open a server")
    assert remains() == []


async def test_cancelling_while_it_closes_closes_everything() -> None:
    gate, seen = Gate(), []

    async def slow(app: web.Application) -> None:
        await gate

    async def resource(app: web.Application) -> AsyncIterator[None]:
        yield
        seen.append("put away")

    async def experiment() -> None:
        async with Town() as town:
            await open_three(town)
            app = web.Application()
            app.cleanup_ctx.append(resource)
            app.on_shutdown.append(slow)
            await town.open("slow.test", app)

    task = asyncio.create_task(experiment())
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert remains() == []
    assert seen == ["put away"]


async def test_a_client_that_still_holds_a_connection_does_not_hold_the_town() -> None:
    async with Town() as town:
        await town.open("origin.test", hello)
        await town.open("raw.test", asyncio.Protocol)
        servers = addresses(town)
        client = ClientSession(connector=town.connector("client"))
        await get(client, "http://origin.test/")
        with socket.create_connection(town.address("raw.test")) as sock:
            await turns(3)
            await town.close("raw.test")
            assert len(listening()) == 1
            sock.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(1) == b""
    assert remains(servers) == []
    await client.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc/self/fd to count open files with")
async def test_opening_again_and_again_leaks_nothing() -> None:
    async def once() -> None:
        async with Town() as town:
            await open_three(town)
            async with ClientSession(connector=town.connector("client")) as client:
                with pytest.raises(ClientError):
                    await client.get("http://origin.test:81/")
                await get(client, "http://origin.test/")

    await once()
    await turns(2)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(25):
        await once()
    await turns(2)
    assert len(os.listdir("/proc/self/fd")) == before
    assert remains() == []


async def test_the_ticker_ends_with_the_town() -> None:
    async with Town() as town:
        ticker = town._ticker
    assert ticker and ticker.cancelled()


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_name_closes_and_opens_again() -> None:
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        for _ in range(3):
            await town.open("origin.test", hello)
            assert await get(client, "http://origin.test/") == "hello"
            await town.close("origin.test")
            with pytest.raises(ClientError):
                await client.get("http://origin.test/")


async def test_two_openings_of_one_name_at_once_leave_one_server() -> None:
    async with Town() as town:
        opened = [town.open("origin.test", hello) for _ in range(3)]
        came = await asyncio.gather(*opened, return_exceptions=True)
        assert min(str(it) for it in came if it).startswith("origin.test:80 is open already")
        assert [type(it) for it in came if it] == [TownError, TownError]
        assert len(listening()) == 1
    assert remains() == []


async def test_an_opening_that_the_town_does_not_wait_for_leaves_no_server() -> None:
    gate = Gate()

    async def slow(app: web.Application) -> None:
        await gate

    app = web.Application()
    app.on_startup.append(slow)
    async with Town() as town:
        opening = asyncio.create_task(town.open("origin.test", app))
        await gate.reached()
    gate.open()
    with pytest.raises(TownError, match="closed"):
        await opening
    assert remains() == []


async def test_an_application_can_be_opened_in_town_after_town() -> None:
    app = web.Application()
    app.router.add_get("/", hello)
    for _ in range(2):
        async with Town() as town, ClientSession(connector=town.connector("client")) as client:
            await town.open("origin.test", app)
            assert await get(client, "http://origin.test/") == "hello"


async def test_bad_use_is_one_sentence() -> None:
    town = Town()
    for use in (
        lambda: town.open("origin.test", hello),
        lambda: town.close("origin.test"),
        lambda: asyncio.to_thread(town.connector, "client"),
        lambda: asyncio.to_thread(town.address, "origin.test"),
    ):
        with pytest.raises(
            TownError, match="not open yet: write `async with Town\\(\\) as town:`|not open, so it"
        ):
            await use()
    async with town:
        await town.open("origin.test", hello)
        with pytest.raises(
            TownError, match=r"open already: close it first with `await town.close\('origin.test:80'\)`"
        ):
            await town.open("origin.test", hello)
        with pytest.raises(TownError, match=r"shop.test is not open, .* Open are: origin.test:80\."):
            await town.close("shop.test")
        with pytest.raises(
            TownError, match="localhost is another computer for everybody: say whose with on="
        ):
            await town.open("localhost", hello)
        with pytest.raises(TownError, match="Nobody in this town is called nobody.test"):
            town.address("nobody.test")
        with pytest.raises(TownError, match="A town opens once"):
            async with town:
                pass
    with pytest.raises(TownError, match="closed: run the cell that opens it again"):
        await town.open("origin.test", hello)
    with pytest.raises(TownError, match="closed: run the cell that opens it again"):
        town.connector("client")
    with pytest.raises(TownError, match="A town opens once"):
        async with town:
            pass
    assert remains() == []


async def test_proxy_variables_are_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "WS_PROXY", "WSS_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
        monkeypatch.setenv(name.lower(), "http://10.0.0.1:3128")
    async with Town() as town:
        await town.open("origin.test", hello)
        async with ClientSession(connector=town.connector("client"), trust_env=True) as client:
            assert await get(client, "http://origin.test/") == "hello"


def proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set proxy variables, as a company's laptop has them."""
    for name in proxies():
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "https_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, f"http://10.0.0.1:3128/{name}")
    return proxies()


async def test_proxy_variables_come_back_when_the_town_closes(laptop: dict[str, str]) -> None:
    async def broken(app: web.Application) -> None:
        raise LookupError("cannot stop")

    app = web.Application()
    app.on_cleanup.append(broken)
    for _ in range(2):
        with pytest.raises(LookupError, match="cannot stop"):
            async with Town() as town:
                assert proxies() == {}
                await town.open("origin.test", app)
        assert proxies() == laptop
    with pytest.raises(ZeroDivisionError):
        async with Town():
            raise ZeroDivisionError
    assert proxies() == laptop

    async def stays() -> None:
        async with Town():
            await asyncio.Event().wait()

    for turn in range(4):
        task = asyncio.create_task(stays())
        await turns(turn)
        task.cancel()
        await asyncio.wait({task})
        assert proxies() == laptop


async def test_proxy_variables_stay_away_until_the_last_town_closes(laptop: dict[str, str]) -> None:
    async with Town():
        async with Town():
            assert proxies() == {}
        assert proxies() == {}
        os.environ["HTTP_PROXY"] = "http://mine:1"
        async with Town():
            assert proxies() == {}
        os.environ["https_proxy"] = "http://mine:2"  # meanwhile: it stays
    assert proxies() == laptop | {"HTTP_PROXY": "http://mine:1", "https_proxy": "http://mine:2"}


def test_proxy_variables_come_back_after_towns_in_threads(laptop: dict[str, str]) -> None:
    both = threading.Barrier(2)

    async def one() -> None:
        async with Town():
            await asyncio.to_thread(both.wait, 30)
            assert proxies() == {}
            await asyncio.to_thread(both.wait, 30)

    threads = [threading.Thread(target=asyncio.run, args=(one(),)) for _ in range(2)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    assert proxies() == laptop


def test_proxy_variables_come_back_from_a_town_that_nobody_left(laptop: dict[str, str]) -> None:
    async def enters() -> None:
        await Town().__aenter__()

    asyncio.run(enters())
    gc.collect()
    assert proxies() == laptop


async def test_servers_are_opened_where_the_town_was(laptop: dict[str, str]) -> None:
    sentence = "another event loop than the one that entered the town, .* or make a town here"
    async with Town() as town:
        await town.open("origin.test", hello)
        for use in (town.open("other.test", hello), town.close("origin.test")):
            with pytest.raises(TownError, match=sentence):
                await asyncio.to_thread(asyncio.run, use)
        assert list(town.names()) == ["origin.test:80"]
        async with ClientSession(connector=town.connector("client")) as client:
            assert await get(client, "http://origin.test/") == "hello"
    assert remains() == []


async def test_what_a_handler_prints_does_not_belong_to_who_opened() -> None:
    cell = contextvars.ContextVar("cell", default="none")
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(cell.get())
        return web.Response()

    cell.set("the opening cell")
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open("origin.test", handler)
        await get(client, "http://origin.test/")
    assert seen == ["none"]


# ── TLS ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_tls_by_name() -> None:
    async with Town() as town:
        await town.open("origin.test", hello, tls=True)
        await town.open("origin.test", hello)
        await town.open("localhost:9443", hello, on="client", tls=True)
        assert set(town.names()) == {"origin.test:443", "origin.test:80"}
        ssl = town.ca.client_context()
        async with ClientSession(connector=town.connector("client", ssl=ssl)) as client:
            for url in (
                "https://origin.test",
                "https://localhost:9443",
                "https://127.0.0.1:9443",
                "https://[::1]:9443",
            ):
                assert await get(client, f"{url}/secret") == "hello"
        async with ClientSession(connector=town.connector("stranger")) as client:
            with pytest.raises(ClientConnectorCertificateError):
                await client.get("https://origin.test/")
        servers = addresses(town)
        assert [it.start for it in town.trace.requests(who="client", whom="origin.test")] == [
            "GET /secret HTTP/1.1"
        ]
        await town.close("origin.test", tls=True)
        assert set(town.names()) == {"origin.test:80"}
    assert remains(servers) == []


# ── who speaks ──────────────────────────────────────────────────────────────────────────────────────────


async def test_everybody_is_called_by_name_without_a_header() -> None:
    async with Town() as town:

        async def front(request: web.Request) -> web.Response:
            assert set(request.headers) <= {"Host", "Accept", "Accept-Encoding", "User-Agent"}
            async with ClientSession(connector=town.connector("front.test")) as session:
                return web.Response(text=await get(session, "http://origin.test/"))

        await town.open("origin.test", hello, known_as="the origin")
        await town.open("front.test", front)
        async with ClientSession(connector=town.connector("client")) as client:
            assert await get(client, "http://front.test/") == "hello"
    assert [(it.who, it.whom, it.label) for it in town.trace.said] == [
        ("client", "front.test", "GET /"),
        ("front.test", "the origin", "GET /"),
        ("the origin", "front.test", "200 OK"),
        ("front.test", "client", "200 OK"),
    ]


async def test_a_hundred_at_once_are_not_mixed_up() -> None:
    async with Town() as town:
        await town.open("origin.test", hello)

        async def one(owner: str) -> None:
            async with ClientSession(connector=town.connector(owner)) as client:
                await get(client, f"http://origin.test/{owner}")

        owners = [f"client-{i}" for i in range(100)]
        await asyncio.gather(*map(one, owners))
    spoken = {it.who: message(it).target for it in town.trace.said if message(it).kind == "request"}
    assert spoken == {owner: f"/{owner}" for owner in owners}
    assert sorted(it.whom for it in town.trace.said if message(it).kind == "answer") == sorted(owners)


async def test_guests_have_names() -> None:
    def ask(address: tuple[str, int]) -> bytes:
        connection = http.client.HTTPConnection(*address, timeout=120)
        connection.request("GET", "/", headers={"Host": "origin.test"})
        try:
            return connection.getresponse().read()
        finally:
            connection.close()

    async with Town() as town:
        await town.open("origin.test", hello)
        address = town.address("origin.test")
        with town.guest("http.client"):
            with town.guest("curl"):
                await asyncio.to_thread(ask, address)
            assert await asyncio.to_thread(ask, address) == b"hello"
        await asyncio.to_thread(ask, address)
    assert [it.who for it in town.trace.said if message(it).kind == "request"] == [
        "curl",
        "http.client",
        "stranger",
    ]


async def test_the_lanes_are_the_same_every_time() -> None:
    async def once() -> Trace:
        async with Town() as town:

            async def front(request: web.Request) -> web.Response:
                session = ClientSession(connector=town.connector("front.test"))
                async with session, session.post("http://origin.test/", data=await request.read()) as answer:
                    return web.Response(body=await answer.read(), status=answer.status)

            await town.open("origin.test", hello)
            await town.open("front.test", front)
            client = ClientSession(connector=town.connector("client"))
            async with client, client.post("http://front.test/", data=b"order") as answer:
                await answer.read()
        return town.trace

    traces = [await once() for _ in range(50)]
    assert len({str(it.lanes()) for it in traces}) == 1
    assert [it.who for it in traces[0].said] == ["client", "front.test", "origin.test", "front.test"]


def test_a_town_in_another_thread_is_its_own() -> None:
    found = []

    async def other() -> None:
        async with Town() as town, ClientSession(connector=town.connector("client")) as client:
            await town.open("origin.test", hello)
            found.append(await get(client, "http://origin.test/"))

    threads = [threading.Thread(target=asyncio.run, args=(other(),)) for _ in range(2)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    assert found == ["hello", "hello"]


async def test_a_server_may_have_a_certificate_of_its_own() -> None:
    stranger = Authority()
    async with Town() as town:
        await town.open("shop.test", hello, tls=stranger.server_context("shop.test"))
        for authority, refused in ((town.ca, True), (stranger, False)):
            connector = town.connector("client", ssl=authority.client_context())
            async with ClientSession(connector=connector) as client:
                with (
                    contextlib.nullcontext()
                    if not refused
                    else pytest.raises(ClientConnectorCertificateError)
                ):
                    (await client.get("https://shop.test/")).release()
    assert [it.status for it in town.trace.answers()] == [200]
