"""Each client that this machine has, asked the same things; those it lacks say how to get them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os

import aiohttp
import pytest

from labs import installed
from labs.capture.trace import Trace
from labs.clients import registry
from labs.clients.registry import CLIENTS, ClientMissing, Reply, ask, missing, present
from labs.servers.httpbin.app import origin
from labs.town.town import Town
from tests.clients.support import (
    EVERYBODY,
    FOLLOWERS,
    SPEAKERS,
    TO_PAGE,
    events,
    hear,
    needs,
    town_of_origins,
)
from tests.support import raw

UNKNOWN = {
    "aiohttp": "ClientConnectorDNSError",
    "http.client": "gaierror",
    "urllib": "URLError",
    "requests": "ConnectionError",
    "httpx": "ConnectError",
    "curl": "CURLE_COULDNT_RESOLVE_HOST",
    "chromium": "ERR_NAME_NOT_RESOLVED",
}
REFUSED = UNKNOWN | {
    "aiohttp": "ClientConnectorError",
    "http.client": "ConnectionRefusedError",
    "curl": "CURLE_COULDNT_CONNECT",
    "chromium": "ERR_CONNECTION_REFUSED",
}
UNTRUSTED = UNKNOWN | {
    "aiohttp": "ClientConnectorCertificateError",
    "http.client": "SSLCertVerificationError",
    "requests": "SSLError",
    "curl": "CURLE_PEER_FAILED_VERIFICATION",
    "chromium": "ERR_CERT_AUTHORITY_INVALID",
}


@pytest.mark.parametrize("client", EVERYBODY)
def test_it_gets_and_is_recorded_under_its_name(client: str) -> None:
    heard, trace = hear(client, "http://origin.test/page")
    assert (heard.client, heard.status, heard.url) == (client, 200, "http://origin.test/page")
    assert (heard.hops, heard.error) == (0, "")
    assert b"location.href" in heard.body
    assert [it.target for it in trace.requests(who=client, whom="origin.test")] == ["/page"]
    assert set(trace.parties) == {client, "origin.test"}


@pytest.mark.parametrize("client", SPEAKERS)
def test_it_posts_a_body_and_fields(client: str) -> None:
    fields = [("X-One", "1"), ("X-Two", "a: b")]
    heard, trace = hear(
        client, "http://origin.test/post?q=1", method="POST", headers=fields, body=b"an\x00order"
    )
    said = json.loads(heard.body)
    assert (heard.status, heard.error) == (200, "")
    assert (said["method"], said["target"], said["body"]) == ("POST", "/post?q=1", "an\x00order")
    assert {(name.lower(), value) for name, value in said["fields"]} >= {("x-one", "1"), ("x-two", "a: b")}
    assert len(trace.requests()) == 1


@pytest.mark.parametrize("client", SPEAKERS)
@pytest.mark.parametrize(("method", "body"), [("PUT", b"new"), ("DELETE", None), ("PATCH", b"")])
def test_it_uses_other_methods(client: str, method: str, body: bytes | None) -> None:
    heard, _ = hear(client, "http://origin.test/anything", method=method, body=body)
    said = json.loads(heard.body)
    assert (said["method"], said["body"]) == (method, (body or b"").decode())


@pytest.mark.parametrize("client", SPEAKERS)
def test_head_has_no_body(client: str) -> None:
    heard, trace = hear(client, "http://origin.test/page", method="HEAD")
    assert (heard.status, heard.body, heard.error) == (200, b"", "")
    assert trace.requests()[0].method == "HEAD"


@pytest.mark.parametrize("client", SPEAKERS)
def test_it_does_not_follow_when_told_not_to(client: str) -> None:
    heard, trace = hear(client, TO_PAGE, follow=False)
    assert (heard.status, heard.url, heard.hops, heard.error) == (302, TO_PAGE, 0, "")
    assert trace.connections(whom="origin.test") == 0


@pytest.mark.parametrize("client", FOLLOWERS)
def test_it_follows_to_another_name_of_the_town(client: str) -> None:
    heard, trace = hear(client, TO_PAGE, follow=True)
    assert (heard.status, heard.url) == (200, "http://origin.test/page")
    assert (heard.hops, heard.error) == (1, "")
    assert [it.whom for it in trace.said if it.message and it.message.kind == "request"] == [
        "front.test",
        "origin.test",
    ]


HABITS = {"aiohttp": 1, "urllib": 1, "requests": 1, "httpx": 0, "http.client": 0, "curl": 0}


@pytest.mark.parametrize("client", SPEAKERS)
def test_its_own_habit_decides_when_it_is_told_nothing(client: str) -> None:
    heard, _ = hear(client, TO_PAGE)
    assert (heard.hops, heard.status) == (HABITS[client], 200 if HABITS[client] else 302)


def test_the_versions_stand_in_one_line() -> None:
    said = registry.versions()
    assert "\n" not in said and f"aiohttp {aiohttp.__version__}" in said and "Python 3." in said


@pytest.mark.parametrize("client", FOLLOWERS)
def test_it_counts_the_hops(client: str) -> None:
    heard, _ = hear(client, "http://origin.test/redirect/3", follow=True)
    assert (heard.status, heard.url, heard.hops) == (200, "http://origin.test/get", 3)


@pytest.mark.parametrize("client", [it for it in SPEAKERS if it != "http.client"])
def test_a_post_that_is_sent_on_with_302_arrives_as_a_get(client: str) -> None:
    _, trace = hear(client, TO_PAGE, method="POST", body=b"order", follow=True)
    assert [it.method for it in trace.requests()] == ["POST", "GET"]


@pytest.mark.parametrize("client", EVERYBODY)
def test_a_name_that_nobody_has_is_its_error_and_nothing_is_asked_outside(client: str) -> None:
    heard, trace = hear(client, "http://nobody.test/page", follow=True)
    assert (heard.status, heard.url, heard.body) == (None, "http://nobody.test/page", b"")
    assert heard.error == UNKNOWN[client]
    assert events(trace) == [(client, "nobody.test", "unknown name")]


@pytest.mark.parametrize("client", FOLLOWERS)
@pytest.mark.parametrize(
    ("host", "event", "names"), [("nobody.test", "unknown name", UNKNOWN), ("dead.test", "refused", REFUSED)]
)
def test_a_redirect_to_nobody_is_its_error(client: str, host: str, event: str, names: dict[str, str]) -> None:
    heard, trace = hear(client, f"http://front.test/redirect-to?url=http://{host}/page", follow=True)
    assert (heard.status, heard.error) == (None, names[client])
    assert events(trace) == [(client, host, event)]
    assert len(trace.requests()) == 1


@pytest.mark.parametrize("client", EVERYBODY)
def test_a_dead_server_refuses(client: str) -> None:
    heard, trace = hear(client, "http://dead.test/page")
    assert (heard.status, heard.error) == (None, REFUSED[client])
    assert events(trace) == [(client, "dead.test", "refused")]


@pytest.mark.parametrize("client", EVERYBODY)
def test_an_address_outside_the_town_is_nobody(client: str) -> None:
    heard, _ = hear(client, "http://192.0.2.1/page")  # RFC 5737: an address for documents
    assert heard.status is None and heard.error in (UNKNOWN[client], REFUSED[client])


@pytest.mark.parametrize("client", EVERYBODY)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "other.localhost"])
def test_a_server_of_this_machine_that_is_not_the_towns_is_not_reached(client: str, host: str) -> None:
    async def experiment() -> tuple[Reply, Trace]:
        async with Town() as town, Town() as outside:
            await outside.open("real.test", origin())
            port = outside.address("real.test")[1]
            return await ask(client, town, f"http://{host}:{port}/page"), outside.trace

    needs(client)
    heard, trace = asyncio.run(experiment())
    assert heard.status is None and heard.error in (UNKNOWN[client], REFUSED[client])
    assert trace.said == ()


@pytest.mark.parametrize("client", EVERYBODY)
def test_it_trusts_the_towns_authority(client: str) -> None:
    heard, trace = hear(client, "https://safe.test/page")
    assert (heard.status, heard.url, heard.error) == (200, "https://safe.test/page", "")
    assert len(trace.requests(who=client, whom="safe.test")) == 1


@pytest.mark.parametrize("client", FOLLOWERS)
def test_it_follows_from_http_to_https(client: str) -> None:
    heard, _ = hear(client, "http://front.test/redirect-to?url=https://safe.test/page", follow=True)
    assert (heard.status, heard.url, heard.hops) == (200, "https://safe.test/page", 1)


@pytest.mark.parametrize("client", EVERYBODY)
def test_it_does_not_trust_another_authority(client: str) -> None:
    async def experiment() -> tuple[Reply, Trace]:
        async with Town() as town, Town() as impostor:
            await impostor.open("safe.test", origin(), tls=True)
            town._names.add(("", "safe.test", 443), "safe.test", impostor.address("safe.test", tls=True))
            return await ask(client, town, "https://safe.test/page"), impostor.trace

    needs(client)
    heard, trace = asyncio.run(experiment())
    assert (heard.status, heard.error) == (None, UNTRUSTED[client])
    assert trace.requests() == ()


@pytest.mark.parametrize("client", FOLLOWERS)
def test_localhost_is_the_clients_own_machine(client: str) -> None:
    async def experiment() -> tuple[Reply, Trace]:
        async with Town() as town:
            for machine in ("server", "laptop"):
                await town.open("localhost:9000", origin(), on=machine, known_as=f"{machine} 9000")
            await town.open("front.test", origin())
            url = "http://front.test/redirect-to?url=http://localhost:9000/page"
            heard = await ask(client, town, url, follow=True, on="laptop")
            numeric = await ask(client, town, "http://127.0.0.1:9000/page", on="server")
            assert numeric.status == 200
            return heard, town.trace

    needs(client)
    heard, trace = asyncio.run(experiment())
    assert (heard.status, heard.url) == (200, "http://localhost:9000/page")
    assert [it.whom for it in trace.said if it.message and it.message.kind == "request"] == [
        "front.test",
        "laptop 9000",
        "server 9000",
    ]


@pytest.mark.parametrize("client", FOLLOWERS)
def test_localhost_where_nobody_listens_refuses(client: str) -> None:
    heard, trace = hear(client, "http://front.test/redirect-to?url=http://localhost:9000/page", follow=True)
    assert (heard.status, heard.error) == (None, REFUSED[client])
    assert [event for _, _, event in events(trace)] == ["refused"]


@pytest.mark.parametrize("client", EVERYBODY)
@pytest.mark.parametrize("status", [404, 204])
def test_a_status_without_a_body_is_heard(client: str, status: int) -> None:
    heard, _ = hear(client, f"http://origin.test/status/{status}")
    assert (heard.status, heard.body) == (status, b"")
    assert heard.error == ("HTTPError" if client == "urllib" and status == 404 else "")


@pytest.mark.parametrize("client", SPEAKERS)
@pytest.mark.parametrize("proxy", ["http_proxy", "HTTPS_PROXY", "all_proxy"])
def test_it_does_not_obey_proxy_variables(client: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def experiment() -> Reply:
        async with town_of_origins() as town:
            monkeypatch.setenv(
                proxy, "http://127.0.0.1:9"
            )  # the town has scrubbed the environment; a cell may set it again
            return await ask(client, town, "http://origin.test/page")

    needs(client)
    assert asyncio.run(experiment()).status == 200


def test_a_client_that_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def experiment(client: str) -> None:
        async with town_of_origins() as town:
            await ask(client, town, "http://origin.test/page")

    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(installed, "PLACES", {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for client in set(CLIENTS) - {"http.client", "urllib", "aiohttp"}:
        assert present()[client] == ""
        with pytest.raises(ClientMissing) as raised:
            asyncio.run(experiment(client))
        assert str(raised.value) == missing(client)
        for system in ("Debian", "Ubuntu", "macOS", "Windows"):
            assert system in missing(client)
        assert missing(client).startswith(f"{client} is not on this machine: ") and missing(client).endswith(
            "."
        )


def test_what_is_present_has_a_version() -> None:
    found = present()
    assert set(found) == set(CLIENTS)
    assert all(version[0].isdigit() or version == "unknown" for version in found.values() if version)


@pytest.mark.parametrize("client", ["aiohttp", "http.client", "requests", "httpx"])
def test_a_name_that_is_not_ascii_leads_to_its_server(client: str) -> None:
    async def experiment() -> tuple[list[Reply], Trace]:
        async with Town() as town:
            await town.open("한국.test.", origin())
            urls = ("http://한국.test/page", "http://xn--3e0b707e.test/page")
            return [await ask(client, town, url) for url in urls], town.trace

    needs(client)
    heard, trace = asyncio.run(experiment())
    assert [it.status for it in heard] == [200, 200] and set(trace.parties) == {client, "한국.test"}


async def all_at_once(clients: list[str]) -> None:
    """Ask by all clients, twice each, in two towns, with a stranger and a guest of one's own between them."""

    async def by_hand(town: Town, who: str) -> None:
        ask = b"GET /%b HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n" % who.encode()
        await raw(town.address("origin.test"), ask)

    async def guest(town: Town) -> None:
        with town.guest("guest"):
            await by_hand(town, "guest")

    async with town_of_origins() as one, town_of_origins() as other:
        towns = (one, other)
        for town in towns:
            await town.open("localhost:9000", origin(), on="curl", known_as="curl 9000")
        urls = ("http://origin.test/{0}", "https://safe.test/{0}", "http://front.test/redirect-to?url=/{0}")
        asked = [
            ask(it, town, url.format(it), follow=True) for it in clients for town in towns for url in urls
        ]
        asked += [ask("curl", it, "http://localhost:9000/curl") for it in towns if "curl" in clients]
        asked += [ask(it, town, f"http://dead.test/{it}") for it in clients for town in towns]
        heard = await asyncio.gather(*asked, *map(guest, towns), *(by_hand(it, "stranger") for it in towns))
        for town in towns:
            await by_hand(town, "stranger")
            await ask("aiohttp", town, "http://origin.test/aiohttp")
    assert {it.client for it in heard if it is not None} == set(clients)
    for town in towns:
        said = [it for it in town.trace.said if it.message and it.message.kind == "request"]
        assert all(it.message and it.message.target.endswith(it.who) for it in said)
        count = {it: sum(one.who == it for one in said) for it in {one.who for one in said}}
        hops = {it: 3 if it == "http.client" else 4 for it in clients}
        more = {"curl": 1} if "curl" in clients else {}
        expected = {it: hops[it] + more.get(it, 0) + (it == "aiohttp") for it in clients}
        assert count == expected | {"guest": 1, "stranger": 2}
        refused = [it.who for it in town.trace.said if it.event == "refused"]
        assert sorted(refused) == sorted(clients)


@pytest.mark.parametrize("with_browser", [False, pytest.param(True, marks=pytest.mark.browser)])
async def test_everybody_asks_at_once_under_its_own_name(with_browser: bool) -> None:
    clients = [it for it in CLIENTS if present()[it] and (with_browser or it != "chromium")]
    assert {"aiohttp", "http.client", "urllib"} <= set(clients)
    await all_at_once(clients)


async def test_a_tour_refuses_what_is_no_url_of_the_town() -> None:
    async with Town() as town:
        with pytest.raises(ValueError, match="not a URL of the town"):
            await registry.tour(town, ["about:blank"])
