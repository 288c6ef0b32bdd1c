"""Names lead to the right server, or to one clear sentence, and never out of the town."""

import asyncio
import socket
from typing import Any

import pytest
from aiohttp import ClientConnectorDNSError, ClientConnectorError, ClientSession, web
from aiohttp.typedefs import Handler

from labs.capture.recording import Recording
from labs.town.names import Names, TownError, readable, split
from labs.town.town import Town
from tests.support import get, hello


def says(text: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=text)

    return handler


REFUSED = "Connect call failed|refused the network connection"  # as asyncio, and as Windows says it
OUTSIDE = [
    "http://nobody.test/",
    "http://example.com/",
    "http://10.0.0.1/",
    "http://[2001:db8::1]/",
    "http://0.0.0.0/",
]


@pytest.mark.parametrize("url", OUTSIDE)
async def test_what_is_not_in_the_town_is_unknown_and_nothing_is_sent(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_lookup(*args: object) -> None:
        raise AssertionError(f"a lookup left the town: {args}")

    monkeypatch.setattr(socket, "getaddrinfo", no_lookup)
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        with pytest.raises(ClientConnectorDNSError, match=r"Nobody in this town is called .*: open it first"):
            await client.get(url)
    assert town.trace.events() == ("unknown name",)
    assert town.trace.connections() == 0


def test_a_socket_reaches_open_servers_only() -> None:
    names = Names(Recording())
    names.add(("", "origin.test", 80), "origin.test", ("127.0.0.1", 5))
    make = names.socket_for("client")
    for address in (("10.0.0.1", 80), ("127.0.0.1", 6), ("192.0.2.1", 5)):
        with pytest.raises(OSError, match="is not in the town"):
            make((socket.AF_INET, socket.SOCK_STREAM, 0, "", address))
    make((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 5))).close()


@pytest.mark.parametrize(
    ("url", "whom"),
    [
        ("http://origin.test:81/", "origin.test"),
        ("http://127.0.0.1:1/", "127.0.0.1 of client"),
        ("http://localhost/", "localhost of client"),
        ("http://gone.test/", "the lost one"),
    ],
)
async def test_a_known_name_where_nobody_listens_refuses_for_real(url: str, whom: str) -> None:
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open("origin.test", hello)
        await town.open("gone.test", hello, known_as="the lost one")
        await town.close("gone.test")
        with pytest.raises(ClientConnectorError) as caught:
            await client.get(url)
    assert not isinstance(caught.value, ClientConnectorDNSError)
    assert isinstance(caught.value.os_error, ConnectionRefusedError)
    assert [(it.who, it.whom, it.event) for it in town.trace.said] == [("client", whom, "refused")]


async def test_localhost_is_another_computer_for_everybody() -> None:
    async with Town() as town:
        await town.open("localhost:9000", says("the visitor's"), on="visitor")
        await town.open("localhost:9000", says("the server's"), on="server")
        found = {}
        for owner, machine in (("visitor", None), ("server", None), ("front.test", "server")):
            async with ClientSession(connector=town.connector(owner, on=machine)) as client:
                for host in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
                    found[owner, host] = await get(client, f"http://{host}:9000/")
        assert {owner: {found[it] for it in found if it[0] == owner} for owner, _ in found} == {
            "visitor": {"the visitor's"},
            "server": {"the server's"},
            "front.test": {"the server's"},
        }
        async with ClientSession(connector=town.connector("third")) as client:
            with pytest.raises(ClientConnectorError, match=REFUSED):
                await client.get("http://localhost:9000/")


@pytest.mark.parametrize("name", ["localhost:9000", "127.0.0.1:9000", "[::1]:9000"])
async def test_the_local_names_of_a_machine_are_one(name: str) -> None:
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open(name, hello, on="client")
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert await get(client, f"http://{host}:9000/") == "hello"
            with pytest.raises(TownError, match=r"is open already: .* town.close\('.*:9000', on='client'\)"):
                await town.open(f"{host}:9000", hello, on="client")
        await town.close("127.0.0.1:9000", on="client")
        with pytest.raises(ClientConnectorError, match=REFUSED):
            await client.get("http://localhost:9000/")


async def test_a_literal_address_can_be_a_name() -> None:
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open("10.0.0.1", hello)
        assert await get(client, "http://10.0.0.1/") == "hello"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "http://x",
        "x:y",
        "x:",
        ":80",
        "x:0",
        "x:65536",
        "x:123456",
        "x:²",
        "a b",
        "a@b",
        "x/y",
        "::1",
        "[::1",
        None,
        80,
    ],
)
def test_what_is_not_a_name_is_one_sentence(name: Any) -> None:
    with pytest.raises(
        TownError, match='is not a name of this town: write "origin.test" or "origin.test:8080".'
    ):
        split(name, 80)


@pytest.mark.parametrize(
    "name",
    ["a..b", ".test", "test..", ".", "..", "x" * 64 + ".test", ("a" * 60 + ".") * 5 + "test", "-a.test",
     "a-.test", "한" * 60 + ".test", "a<b", "a%41.test", "a\\b.test", "a\0b.test", "a\u200db.test",
     "xn--a.test", "[:::]", "a.test..:80"],
)  # fmt: skip
def test_a_name_that_no_client_can_ask_for_is_one_sentence(name: str) -> None:
    with pytest.raises(
        TownError, match="is not a name that a client can ask for: between its dots stand 1 to 63"
    ):
        split(name, 80)
    assert split(name, 80, sought=True)[1] == 80  # asked for, nobody has it


@pytest.mark.parametrize(
    ("written", "host", "read"),
    [
        ("origin.test.", "origin.test", "origin.test"),
        ("ORIGIN.test.:80", "origin.test", "origin.test"),
        ("한국.test", "xn--3e0b707e.test", "한국.test"),
        ("한국.test.", "xn--3e0b707e.test", "한국.test"),
        ("xn--3e0b707e.test", "xn--3e0b707e.test", "한국.test"),
        ("XN--3E0B707E.TEST", "xn--3e0b707e.test", "한국.test"),
        ("CAF\u00c9.test", "xn--caf-dma.test", "café.test"),
        ("cafe\u0301.test", "xn--caf-dma.test", "café.test"),
        ("\uff4f\uff52\uff49\uff47\uff49\uff4e\u3002test", "origin.test", "origin.test"),
        ("\U0001f600.test", "xn--e28h.test", "\U0001f600.test"),
        ("a_b.test", "a_b.test", "a_b.test"),
        ("x" * 63 + ".test", "x" * 63 + ".test", "x" * 63 + ".test"),
    ],
)
async def test_a_name_is_one_however_it_is_written(written: str, host: str, read: str) -> None:
    assert split(written, 80) == (host, 80) and readable(host) == read
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open(written, hello)
        with pytest.raises(TownError, match=f"{read}:80 is open already"):
            await town.open(host, hello)
        assert town.names() == {f"{read}:80": town.address(written)} == {f"{read}:80": town.address(host)}
        for name in (written, host, f"{host}.", host.upper(), read):
            assert await get(client, f"http://{name}/") == "hello"
        assert set(town.trace.parties) == {"client", read}
        await town.close(read)


@pytest.mark.parametrize(
    "options", [{"family": socket.AF_INET6}, {"resolver": 1}, {"local_addr": ("::1", 0)}]
)
async def test_a_connector_that_would_lead_nowhere_is_refused(options: dict[str, Any]) -> None:
    async with Town() as town:
        with pytest.raises(TownError, match=r"A connector of the town takes no .* Leave the option out\."):
            town.connector("client", **options)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNSPEC])
async def test_a_connector_may_say_its_family(family: socket.AddressFamily) -> None:
    async with Town() as town:
        await town.open("origin.test", hello)
        async with ClientSession(connector=town.connector("client", family=family)) as client:
            assert await get(client, "http://origin.test/") == "hello"


async def test_tls_of_a_name_that_is_not_ascii() -> None:
    async with Town() as town:
        await town.open("한국.test", hello, tls=True)
        trust = town.ca.client_context()
        async with ClientSession(connector=town.connector("client", ssl=trust)) as client:
            assert await get(client, "https://한국.test/") == "hello"
            with pytest.raises(
                ClientConnectorDNSError, match="Nobody in this town is called 서울.test: open it"
            ):
                await client.get("https://서울.test/")
        assert town.trace.events(whom="서울.test") == ("unknown name",)


def test_names_are_split() -> None:
    assert split("Origin.TEST", 443) == ("origin.test", 443)
    assert split("origin.test:65535", 80) == ("origin.test", 65535)
    assert split("[::1]:9000", 80) == ("::1", 9000)


async def test_case_and_a_final_dot_do_not_matter() -> None:
    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open("Origin.Test", hello)
        assert (
            await get(client, "http://ORIGIN.test/") == await get(client, "http://origin.test./") == "hello"
        )


async def test_a_port_speaks_for_its_first_owner_once() -> None:
    # The system gives a port to somebody else later; a stranger must not speak in a client's name.
    async with Town() as town:
        await town.open("origin.test", hello)
        make = town._names.socket_for("client")
        with make((socket.AF_INET, socket.SOCK_STREAM, 0, "", town.address("origin.test"))) as sock:
            peer = sock.getsockname()
            assert [town._names.speaker(peer, "curl") for _ in range(2)] == ["client", "curl"]


async def test_a_connector_that_outlives_its_town_says_so() -> None:
    async with Town() as town:
        await town.open("origin.test", hello)
        client = ClientSession(connector=town.connector("client"))
    async with client:
        for url in ("http://origin.test/", "http://localhost/", "http://10.0.0.1/"):
            with pytest.raises(ClientConnectorDNSError, match="This town is closed"):
                await client.get(url)


async def test_two_towns_do_not_know_each_other() -> None:
    async with Town() as one, Town() as other:
        await one.open("origin.test", says("one"))
        await other.open("origin.test", says("other"))
        await other.open("only.test", says("other"))
        async with (
            ClientSession(connector=one.connector("client")) as a,
            ClientSession(connector=other.connector("client")) as b,
        ):
            assert await asyncio.gather(*(get(it, "http://origin.test/") for it in (a, b))) == [
                "one",
                "other",
            ]
            with pytest.raises(ClientConnectorDNSError, match="Nobody in this town"):
                await a.get("http://only.test/")
            _, port = other.address("only.test")
            with pytest.raises(ClientConnectorError, match=REFUSED):  # its real port leads nowhere
                await a.get(f"http://127.0.0.1:{port}/")
