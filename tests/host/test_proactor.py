"""The loop of Windows, mended: it ends and accepts connections as the others do; imitated where it is not."""

import asyncio
import socket
import struct
import sys
from typing import Any

import pytest

from labs.host import proactor
from labs.servers.faulty import reset

if sys.platform == "win32":
    from asyncio import ProactorEventLoop
else:
    from tests.proactor.windows_loop import ProactorEventLoop

LOOPS = {"Windows": ProactorEventLoop, "another": asyncio.SelectorEventLoop}


@pytest.fixture(params=LOOPS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Run each test on both kinds of loop."""
    return "asyncio", {"loop_factory": LOOPS[request.param]}


class Told(asyncio.Protocol):
    """Note what happens to a connection."""

    def __init__(self) -> None:
        self.made: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.made.set_result(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.set_result(exc)


def reports() -> list[dict[str, Any]]:
    """Return a list that fills with what the loop reports from now on."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(context))
    return found


async def pair(kind: type[Told] = Told) -> tuple[Told, socket.socket]:
    """Connect a blocking socket to a protocol of the loop; return both."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = socket.create_connection(server.getsockname())
        here, _ = server.accept()
    _, protocol = await asyncio.get_running_loop().create_connection(kind, sock=here)
    return protocol, there


async def test_a_connection_that_the_peer_has_reset_is_closed_without_a_word() -> None:
    proactor.mend()
    found = reports()
    told, there = await pair()
    transport = await told.made
    sock = transport.get_extra_info("socket")
    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    there.close()
    transport.abort()  # before the loop has heard of the reset
    assert await told.lost is None
    await asyncio.sleep(0)
    assert (found, sock.fileno()) == ([], -1)


async def test_a_reset_is_heard_as_a_reset() -> None:
    proactor.mend()
    told, there = await pair()
    with there:
        reset(await told.made)
        await told.lost
        await asyncio.sleep(0)
        with pytest.raises(ConnectionResetError):
            there.recv(1)


async def test_a_close_is_heard_as_an_end() -> None:
    proactor.mend()
    told, there = await pair()
    with there:
        (await told.made).close()
        await told.lost
        await asyncio.sleep(0)
        assert there.recv(1) == b""


async def test_a_protocol_that_fails_is_told_to_the_loop_and_ends_its_connection() -> None:
    class Failing(Told):
        def data_received(self, data: bytes) -> None:
            raise LookupError(bytes(data))

    proactor.mend()
    found = reports()
    told, there = await pair(Failing)
    with there:
        there.sendall(b"x")
        error = await told.lost
        await asyncio.sleep(0)
        assert there.recv(1) == b""
    assert isinstance(error, LookupError) and [it["exception"] for it in found] == [error]
    assert found[0]["message"] == "Fatal error: protocol.data_received() call failed."


async def test_who_resets_before_it_is_accepted_does_not_end_the_server() -> None:
    proactor.mend()
    found, queue = reports(), asyncio.Queue[Told]()

    def factory() -> Told:
        queue.put_nowait(told := Told())
        return told

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with socket.create_connection(listener.getsockname()) as gone:
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server = await asyncio.get_running_loop().create_server(factory, sock=listener)
        with socket.create_connection(listener.getsockname()) as here:
            while (await (told := await queue.get()).made).get_extra_info("peername") != here.getsockname():
                assert isinstance(await told.lost, OSError)
        assert await told.lost is None
        server.close()
        await server.wait_closed()
    assert found == []
