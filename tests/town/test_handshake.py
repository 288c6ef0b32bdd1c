"""A TLS handshake that fails is an event of its own, with its reason in stable words."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from labs.capture.recording import Call, Event, Recording
from labs.capture.trace import Trace
from labs.town.certs import Authority
from labs.town.gates import Gate
from labs.town.handshake import Handshakes
from labs.town.town import Town
from tests.support import hello, raw, turns

PLAIN = b"GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@contextlib.asynccontextmanager
async def shop(authority: Authority) -> Any:
    async with Town() as town:
        town._ca = authority  # made once: it takes longer than the test
        await town.open("origin.test", hello, tls=True)
        yield town


async def by_aiohttp(town: Town, **options: Any) -> None:
    async with ClientSession(connector=town.connector("client")) as client:
        with pytest.raises(ClientError):
            await client.get("https://origin.test/", **options)


async def by_asyncio(town: Town, context: ssl.SSLContext, name: str | None = None) -> None:
    with town.guest("client"), contextlib.suppress(OSError):
        host, port = town.address("origin.test", tls=True)
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name or host)
        writer.close()
        await writer.wait_closed()


def by_a_blocking_client(town: Town, context: ssl.SSLContext, name: str | None) -> Awaitable[None]:
    address = town.address("origin.test", tls=True)

    def talk() -> None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(address) as sock,
            context.wrap_socket(sock, server_hostname=name or address[0]) as secure,
        ):
            secure.recv(1)

    return asyncio.to_thread(talk)


def unchecked(town: Town) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=town.ca.pem.decode())
    context.check_hostname = False
    return context


Try = Callable[[Town], Awaitable[Any]]
TRIES: dict[str, tuple[str, Try]] = {
    "no trust": ("unknown CA", by_aiohttp),
    "no trust, asyncio": (
        "unknown CA",
        lambda town: by_asyncio(town, ssl.create_default_context(), "origin.test"),
    ),
    "no trust, with an alert": (
        "unknown CA",
        lambda town: by_a_blocking_client(town, ssl.create_default_context(), "origin.test"),
    ),
    "another name": (
        "wrong name",
        lambda town: by_aiohttp(town, ssl=town.ca.client_context(), server_hostname="other.test"),
    ),
    "another name, asyncio": (
        "wrong name",
        lambda town: by_asyncio(town, town.ca.client_context(), "other.test"),
    ),
    "another name, with an alert": (
        "wrong name",
        lambda town: by_a_blocking_client(town, town.ca.client_context(), "other.test"),
    ),
    "another name, seen after the handshake": (  # as curl does
        "wrong name",
        lambda town: by_asyncio(town, unchecked(town), "other.test"),
    ),
    "an address": ("certificate refused", lambda town: by_asyncio(town, town.ca.client_context())),
    "an address, with an alert": (
        "wrong name",
        lambda town: by_a_blocking_client(town, town.ca.client_context(), None),
    ),
    "plain HTTP": ("not TLS", lambda town: raw(town.address("origin.test", tls=True), PLAIN)),
    "another protocol": (
        "not TLS",
        lambda town: raw(town.address("origin.test", tls=True), b"SSH-2.0-x\r\n"),
    ),
    "rubbish in a record": (
        "broken handshake",
        lambda town: raw(town.address("origin.test", tls=True), b"\x16\x03\x01\x00\x05rubbish"),
    ),
}


@pytest.mark.parametrize(("reason", "attempt"), TRIES.values(), ids=TRIES)
async def test_a_failed_handshake_is_an_event(reason: str, attempt: Try, authority: Authority) -> None:
    async with shop(authority) as town:
        with town.guest("client"):
            await attempt(town)
            while not town.trace.said:  # noqa: ASYNC110  the server hears of it in a turn to come
                await asyncio.sleep(0)
        await turns(3)
    trace = town.trace
    event = f"TLS failed: {reason}"
    assert [(it.who, it.whom, it.label) for it in trace.said] == [("client", "origin.test", event)]
    assert trace.events(who="client") == (event,) and trace.connections(whom="origin.test") == 1
    assert f" {event} " in trace.lanes() and trace.lanes().endswith("✗│") and event in trace.bytes()
    (entry,) = entries(trace)
    assert (entry["request"]["url"], entry["request"]["comment"]) == ("https://origin.test/", event)
    assert (entry["response"]["status"], entry["response"]["comment"]) == (0, event)


def unlike(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    make = Authority.server_context

    def server_context(self: Authority, *names: str) -> ssl.SSLContext:
        context = make(self, *names)
        context.minimum_version = settings.get("minimum", context.minimum_version)
        context.maximum_version = settings.get("maximum", context.maximum_version)
        if "ciphers" in settings:
            context.set_ciphers(settings["ciphers"])
        return context

    monkeypatch.setattr(Authority, "server_context", server_context)


async def test_what_they_cannot_agree_on_is_told(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, three = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    old = ssl.create_default_context(cadata=authority.pem.decode())
    old.maximum_version = two
    old.set_ciphers("ECDHE+CHACHA20")
    for settings, reason in (
        ({"minimum": three}, "no common version"),
        ({"maximum": two, "ciphers": "ECDHE+AESGCM"}, "no common cipher"),
    ):
        with monkeypatch.context() as patch:
            unlike(patch, **settings)
            async with shop(authority) as town:
                await by_aiohttp(town, ssl=old)
                await turns(3)
        assert town.trace.events() == (f"TLS failed: {reason}",)


async def test_who_leaves_in_the_middle_is_not_taken_for_one_that_refuses(authority: Authority) -> None:
    trust = authority.client_context()
    told = set()
    for turn in range(12):
        async with shop(authority) as town, ClientSession(connector=town.connector("client")) as client:
            asking = asyncio.create_task(client.get("https://origin.test/", ssl=trust))
            await turns(turn)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                (await asking).close()
            await turns(9)
            told |= set(town.trace.events())
    assert told <= {"TLS failed: client left", "closed"} and "TLS failed: client left" in told


async def test_a_connection_on_which_nothing_was_said_is_no_failure(authority: Authority) -> None:
    with Gate() as gate:
        async with shop(authority) as town:
            await town.open("held.test", hello, tls=True, gate=gate)
            _, writer = await asyncio.open_connection(*town.address("origin.test", tls=True))
            writer.close()
            await writer.wait_closed()
            client = ClientSession(connector=town.connector("client", ssl=authority.client_context()))
            asking = asyncio.create_task(client.get("https://held.test/"))
            await gate.reached()
            asking.cancel()
            await asyncio.wait({asking})
            await client.close()
            await turns(3)
    assert town.trace.said == ()


async def test_a_server_that_stops_is_no_failure(authority: Authority) -> None:
    async with shop(authority) as town:
        _, writer = await asyncio.open_connection(*town.address("origin.test", tls=True))
        writer.write(b"\x16\x03")  # a greeting begins
        await turns(5)
        await town.close("origin.test", tls=True)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    assert town.trace.said == ()


async def test_a_client_that_does_not_mind_the_name_may_be_silent_on_another_connection(
    authority: Authority,
) -> None:
    async with shop(authority) as town:
        address = town.address("origin.test", tls=True)
        with town.guest("browser"):
            opened = [
                await asyncio.open_connection(*address, ssl=unchecked(town), server_hostname="other.test")
                for _ in range(2)
            ]
            opened[0][1].write(PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            await opened[0][0].read()
            for _, writer in opened[::-1]:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            await turns(3)
    assert town.trace.events() == () and len(town.trace.requests(who="browser")) == 1


async def test_a_port_without_tls_hears_a_handshake(authority: Authority) -> None:
    async with Town() as town:
        await town.open("plain.test:443", hello)
        async with ClientSession(connector=town.connector("client")) as client:
            with pytest.raises(ClientError):
                await client.get("https://plain.test/")
    assert [it.label for it in town.trace.said] == ["TLS handshake (malformed)", "400 Bad Request"]


# ── where a connection leads ──────────────────────────────────────────────────────────────────────────────


async def test_scheme_port_and_machine_are_known(authority: Authority) -> None:
    async with Town() as town:
        town._ca = authority
        await town.open("origin.test", hello, tls=True, known_as="the origin")
        await town.open("origin.test:8443", hello, tls=True)
        await town.open("origin.test:8080", hello)
        await town.open("localhost:9443", hello, on="client", tls=True)
        urls = ["https://origin.test/a", "https://origin.test:8443/b", "http://origin.test:8080/c"]
        urls.append("https://localhost:9443/d")
        async with ClientSession(
            connector=town.connector("client", ssl=authority.client_context())
        ) as client:
            for url in urls:
                async with client.get(url):
                    pass
        await raw(town.address("origin.test:8080"), b"GET /e HTTP/1.0\r\n\r\n")
    urls.append("http://origin.test:8080/e")  # without a Host
    trace = town.trace
    assert [it["request"]["url"] for it in entries(trace)] == urls
    assert trace.calls[0] == Call("client", "the origin", "origin.test", 443, True, "")
    assert trace.calls[3] == Call("client", "localhost", "localhost", 9443, True, "client")
    assert [(it.port, it.secure) for it in trace.calls[1:3]] == [(8443, True), (8080, False)]


async def test_where_nobody_is_met_the_port_is_known_too() -> None:
    async with Town() as town:
        await town.open("origin.test", hello)
        async with ClientSession(connector=town.connector("client")) as client:
            for url in ("http://origin.test:81/", "http://nobody.test:82/", "http://localhost:83/"):
                with pytest.raises(ClientError):
                    await client.get(url)
    assert [(it.host, it.port, it.machine) for it in town.trace.calls] == [
        ("origin.test", 81, ""),
        ("nobody.test", 82, ""),
        ("localhost", 83, "client"),
    ]


def entries(trace: Trace) -> Iterator[Any]:
    yield from trace.har()["log"]["entries"]  # type: ignore[index]


# ── who tells first ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first", ["client", "server"])
def test_what_a_client_tells_counts_whoever_is_first(first: str) -> None:
    recording = Recording()
    book = Handshakes(recording)
    number = recording.call("client", "origin")

    def note() -> None:
        book.met(7)
        book.note(7, number, "unknown CA", False)

    with pytest.raises(TimeoutError), book.telling(True):
        book.begin(7)
        if first == "server":
            note()
        raise TimeoutError
    if first == "client":
        note()
    assert [(it.kind, it.data) for it in recording.pieces] == [(Event.TLS_FAILED, b"client left")]


def test_what_is_sure_is_not_told_otherwise() -> None:
    recording = Recording()
    book = Handshakes(recording)
    with pytest.raises(TimeoutError), book.telling(True):
        book.begin(7)
        book.note(7, recording.call("client", "origin"), "no common version", True)
        raise TimeoutError
    assert recording.pieces[0].data == b"no common version"


def test_a_port_that_somebody_else_has_is_told_nothing() -> None:
    recording = Recording()
    book = Handshakes(recording)
    with pytest.raises(TimeoutError), book.telling(True):
        book.begin(7)
        book.met(7)  # its handshake was over
        raise TimeoutError
    with pytest.raises(TimeoutError), book.telling(True):
        book.begin(8)
        raise TimeoutError
    book.begin(8)
    for port in (7, 8):
        book.note(port, recording.call("other", "origin"), "unknown CA", False)
    assert [it.data for it in recording.pieces] == [b"unknown CA"] * 2
