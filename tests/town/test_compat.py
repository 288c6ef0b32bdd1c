"""Old releases of aiohttp in the town: it knows who speaks all the same."""

import asyncio
import inspect
import runpy
import socket

import aiohttp
import pytest
from aiohttp import ClientSession

from labs.town import compat, names
from labs.town.town import Town
from tests.support import hello


def test_the_pinned_release_needs_nothing_of_older() -> None:
    assert compat.TCPConnector is aiohttp.TCPConnector


async def test_without_a_socket_factory_the_town_knows_who_speaks_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(inspect, "signature", lambda it: inspect.Signature())
        kind = runpy.run_path(compat.__file__)["TCPConnector"]
    assert kind is not aiohttp.TCPConnector
    async with Town() as town:
        await town.open("front.test", hello)
        resolver = names._Resolver(town._names, "client", "client")
        make = town._names.socket_for("client")
        connector = kind(socket_factory=make, resolver=resolver, use_dns_cache=False, family=socket.AF_INET)
        async with ClientSession(connector=connector) as client:
            asked = (client.get("http://front.test/") for _ in range(3))
            for answer in await asyncio.gather(*asked):
                answer.release()
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await client.get("http://127.0.0.1:9/")
            assert "is not in the town" in str(caught.value.os_error)
    spoken = [(it.who, it.whom) for it in town.trace.said if it.whom == "front.test"]
    assert spoken == [("client", "front.test")] * 3
