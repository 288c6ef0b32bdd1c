"""Each of the client's own steps is held where it stands, and goes on when the gate opens."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import pytest
from aiohttp import ClientSession, TCPConnector, TraceConfig, web

from labs.instruments import phases
from labs.town.gates import Gate
from labs.town.town import Town
from tests.support import get, hello

Hold: TypeAlias = Callable[[TCPConnector, Gate], TCPConnector]


@pytest.mark.parametrize("hold", [phases.hold_lookup, phases.hold_connect])
async def test_a_step_stands_at_the_gate_and_goes_on(hold: Hold) -> None:
    gate = Gate()
    lookups: list[str] = []
    trace_config = TraceConfig()

    async def found(*_: object) -> None:
        lookups.append("found")

    trace_config.on_dns_resolvehost_end.append(found)
    async with Town() as town:
        await town.open("origin.test", hello)
        connector = town.connector("client")
        async with ClientSession(connector=connector, trace_configs=[trace_config]) as client:
            assert hold(connector, gate) is connector
            asking = asyncio.create_task(get(client, "http://origin.test/"))
            await gate.reached()
            assert lookups == (["found"] if hold is phases.hold_connect else [])
            assert town.trace.connections() == 0
            gate.open()
            assert await asking == "hello"


@pytest.mark.parametrize("hold", [phases.hold_lookup, phases.hold_connect])
async def test_a_held_step_can_be_cancelled_and_leaves_nothing_open(hold: Hold) -> None:
    gate = Gate()
    async with Town() as town:
        await town.open("origin.test", hello)
        connector = town.connector("client")
        async with ClientSession(connector=connector) as client:
            hold(connector, gate)
            asking = asyncio.create_task(get(client, "http://origin.test/"))
            await gate.reached()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            gate.open()
            assert await get(client, "http://origin.test/") == "hello"


async def test_a_gate_under_tls_holds_the_handshake() -> None:
    gate = Gate()
    done: list[str] = []
    trace_config = TraceConfig()

    async def connected(*_: object) -> None:
        done.append("connected")

    trace_config.on_connection_create_end.append(connected)
    async with Town() as town:
        await town.open("origin.test", hello, tls=True, gate=gate)
        connector = town.connector("client", ssl=town.ca.client_context())
        async with ClientSession(connector=connector, trace_configs=[trace_config]) as client:
            asking = asyncio.create_task(get(client, "https://origin.test/"))
            await gate.reached()
            for _ in range(50):
                await asyncio.sleep(0)
            assert done == []
            gate.open()
            assert await asking == "hello"
    assert done == ["connected"]


async def test_a_town_closes_though_a_handshake_is_held() -> None:
    gate = Gate()
    async with Town() as town:
        await town.open("origin.test", web.Application(), tls=True, gate=gate)
        async with ClientSession(connector=town.connector("client", ssl=False)) as client:
            asking = asyncio.create_task(get(client, "https://origin.test/"))
            await gate.reached()
            asking.cancel()
            await asyncio.wait([asking])
