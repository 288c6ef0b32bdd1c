"""Gates decide the order, and none holds for ever."""

import asyncio
from typing import cast

import pytest
from aiohttp import ClientSession, web

from labs.town import gates
from labs.town.gates import Gate, GateStuck
from labs.town.town import Town
from tests.support import hello, listening, raw, turns


async def test_a_handler_is_held_until_the_gate_opens() -> None:
    gate, passed = Gate("the handler"), []

    async def handler(request: web.Request) -> web.Response:
        await gate
        passed.append(request.path)
        return web.Response()

    async with Town() as town, ClientSession(connector=town.connector("client")) as client:
        await town.open("origin.test", handler)

        async def ask(path: object) -> int:
            async with client.get(f"http://origin.test/{path}") as answer:
                return answer.status

        asking = [asyncio.create_task(ask(i)) for i in range(3)]
        await gate.reached(3)
        assert (gate.arrived, gate.is_open, passed) == (3, False, [])
        assert repr(gate) == "<Gate 'the handler': closed, 3 came>"
        gate.open()
        assert await asyncio.gather(*asking) == [200, 200, 200]
        assert sorted(passed) == ["/0", "/1", "/2"]
        assert await ask("late") == 200
        assert repr(gate) == "<Gate 'the handler': open, 4 came>"


async def test_reached_waits_for_all_who_are_awaited() -> None:
    gate, order = Gate(), []

    async def wait(count: int) -> None:
        await gate.reached(count)
        order.append(count)

    async def stand() -> None:
        await gate

    waiting = [asyncio.create_task(wait(i)) for i in (3, 1, 2)]
    await turns(2)
    assert order == []
    standing = []
    for i in (1, 2, 3):
        standing.append(asyncio.create_task(stand()))
        await turns(3)
        assert order == list(range(1, i + 1))
    gate.open()
    await asyncio.gather(*waiting, *standing)
    await gate.reached(3)  # counted from its making


async def test_a_gate_closes_again() -> None:
    gate, passed = Gate(), []

    async def stand(name: str) -> None:
        await gate
        passed.append(name)

    first = asyncio.create_task(stand("first"))
    await gate.reached()
    gate.open()
    gate.close()
    second = asyncio.create_task(stand("second"))
    await gate.reached(2)
    await turns(3)
    assert (passed, gate.is_open) == (["first"], False)
    gate.open()
    await asyncio.gather(first, second)
    assert passed == ["first", "second"]


async def test_a_gate_that_nobody_opens_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "PATIENCE", 0.01)
    gate = Gate("the door")
    with pytest.raises(
        GateStuck, match="gate 'the door' was stuck for 0.01 s: nobody opened it; call .open()"
    ):
        await gate


async def test_a_gate_that_nobody_reaches_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "PATIENCE", 0.01)
    gate = Gate("the door")
    stand = asyncio.ensure_future(gate._pass())
    await turns(1)
    with pytest.raises(GateStuck, match="stuck for 0.01 s: 1 of 2 came; does the handler await it?"):
        await gate.reached(2)
    await asyncio.wait({stand})
    assert isinstance(stand.exception(), GateStuck)


async def test_the_end_of_its_block_opens_a_gate_on_every_path() -> None:
    with pytest.raises(LookupError), Gate() as gate:
        assert not gate.is_open
        stand = asyncio.ensure_future(gate._pass())
        await gate.reached()
        raise LookupError
    assert gate.is_open
    await stand


@pytest.mark.parametrize("tls", [False, True])
async def test_a_connection_is_held_unread(tls: bool) -> None:
    gate, heard = Gate("the door"), []

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)

        def data_received(self, data: bytes) -> None:
            heard.append(data)
            self.transport.close()

    async with Town() as town:
        await town.open("origin.test", Server, gate=gate, tls=tls)
        ssl = town.ca.client_context() if tls else None
        name = "origin.test" if tls else None
        address = town.address("origin.test", tls=tls)
        opening = asyncio.ensure_future(asyncio.open_connection(*address, ssl=ssl, server_hostname=name))
        if not tls:  # with TLS, not even the handshake is read
            (await opening)[1].write(b"hello")
        await gate.reached()
        await turns(50)
        assert (heard, town.recording.pieces[1:], opening.done()) == ([], [], not tls)
        gate.open()
        _, writer = await opening
        if tls:
            writer.write(b"hello")
        while not heard:
            await turns(1)
        assert heard == [b"hello"]
        if not tls:
            await raw(town.address("origin.test"), b"again")  # and held no more
            assert heard == [b"hello", b"again"]
        writer.close()


async def test_a_held_connection_may_leave_and_the_town_may_close() -> None:
    with Gate("the door") as gate:
        async with Town() as town:
            await town.open("origin.test", hello, gate=gate)
            for i in (1, 2):
                _, writer = await asyncio.open_connection(*town.address("origin.test"))
                await gate.reached(i)
                if i == 1:
                    writer.transport.abort()
            await town.close("origin.test")
            writer.close()
        assert listening() == []
    assert gate.is_open  # and opening did not stumble over the connections that are gone


async def test_who_cannot_await_is_called_back_once() -> None:
    gate, calls = Gate(), []
    gate.on_open(lambda: calls.append("first"))
    await gate.reached()
    assert calls == []
    gate.open()
    gate.close()
    gate.open()
    gate.on_open(lambda: calls.append("late"))
    assert calls == ["first", "late"]


async def test_who_waits_in_a_thread_is_held_until_the_gate_opens() -> None:
    gate, passed = Gate("the thread"), []

    def work(n: int) -> None:
        gate.wait()
        passed.append(n)

    waiting = [asyncio.create_task(asyncio.to_thread(work, n)) for n in range(2)]
    await turns(20)
    assert passed == [] and not gate.is_open
    gate.open()
    await asyncio.gather(*waiting)
    assert sorted(passed) == [0, 1] and gate.arrived == 2


async def test_who_waits_on_the_loop_itself_is_let_through_for_nobody_else_has_a_turn() -> None:
    gate = Gate("the loop")
    gate.wait()
    assert gate.arrived == 1 and not gate.is_open
    gate.open()
    await asyncio.to_thread(gate.wait)
    gate.close()
    assert gate.arrived == 2


async def test_who_waits_in_a_thread_for_nobody_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "PATIENCE", 0.01)
    with pytest.raises(GateStuck, match="gate 'the thread' was stuck for 0.01 s: nobody opened it"):
        await asyncio.to_thread(Gate("the thread").wait)
