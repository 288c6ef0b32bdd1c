"""What several tests need: turns of the loop, what is left open, and a client that sees raw bytes."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Iterable
from typing import Any

from aiohttp import ClientSession, web

from labs.capture.message import Message
from labs.capture.recording import Event
from labs.capture.said import Said
from labs.town.town import Town


async def turns(count: int) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


gc.freeze()  # what was there before the tests is not theirs: gc.get_objects() leaves it out, and is quick


def _objects(kind: type) -> list[Any]:
    return [it for it in gc.get_objects() if issubclass(type(it), kind)]


async def get(client: ClientSession, url: str) -> str:
    """Return the body of an answer that must be 200."""
    async with client.get(url, raise_for_status=True) as answer:
        return await answer.text()


def listening() -> list[socket.socket]:
    """Find every socket of this process that listens."""
    inet = [it for it in _objects(socket.socket) if it.fileno() != -1 and it.type == socket.SOCK_STREAM]
    return [it for it in inet if it.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]


def tasks() -> list[asyncio.Task[Any]]:
    """List the tasks of this loop, without its own on Windows, and those of anyio, which run the test."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    own = ("TestRunner.", "IocpProactor.accept.")
    return [it for it in others if not getattr(it.get_coro(), "__qualname__", "").startswith(own)]


def remains(servers: Iterable[tuple[str, int]] | None = None) -> list[object]:
    """List listening sockets, running tasks and open transports, those of `servers` only where given."""
    ends = []
    for it in _objects(asyncio.Transport):
        with contextlib.suppress(AttributeError):  # a TLS transport that is done knows nothing any more
            open_ = it.get_extra_info("socket").fileno() != -1
            if open_ and (servers is None or it.get_extra_info("sockname") in set(servers)):
                ends.append(it)
    return [*listening(), *tasks(), *ends]


def message(said: Said) -> Message:
    """Return the message of a line, which must have one."""
    assert said.message, said
    return said.message


def addresses(town: Town) -> set[tuple[str, int]]:
    """Return where the town's servers really are, to look for them when it is closed."""
    return {it.address for it in town._listeners.values()}


def crossed(town: Town, kind: Event, connection: int = 0) -> bytes:
    """Join the bytes that the tap kept of one direction of a connection."""
    return b"".join(
        it.data for it in town.recording.pieces if it.connection == connection and it.kind is kind
    )


def kinds(town: Town, connection: int = 0) -> list[Event]:
    """Return what the tap noticed on a connection, pieces of one message as one."""
    found = [it.kind for it in town.recording.pieces if it.connection == connection]
    bytes_ = (Event.HEARD, Event.SAID)
    return [kind for i, kind in enumerate(found) if kind not in bytes_ or i == 0 or found[i - 1] != kind]


async def raw(address: tuple[str, int], data: bytes) -> bytes:
    """Send bytes and return everything that comes until the other side closes."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def forever() -> None:
    await asyncio.Event().wait()
