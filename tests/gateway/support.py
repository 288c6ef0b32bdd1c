"""What the gateway's tests share: an origin that answers by script, and a client that sees raw bytes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from labs.capture import parser
from labs.capture.message import octets
from labs.gateway import Options, gateway
from labs.servers.faulty import reset
from labs.town.town import Town
from tests.support import addresses, remains, turns

LEGS = ("direct", "session")
Script = Callable[["Line"], Awaitable[None]]


@dataclass
class Line:
    """One end of a connection, read message by message."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def transport(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self.writer.transport)  # the tap's is one in all but its class

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def message(self, method: bytes = b"") -> bytes:
        """Read one message whole, by its framing; `method` is the answered request's, if it is an answer."""
        head = await self.head()
        low = head.lower()
        status = head.split(b" ")[1]
        if method == b"HEAD" or (low.startswith(b"http/") and status in (b"204", b"304", b"100", b"103")):
            return head
        if b"\r\ntransfer-encoding: chunked" in low:
            body = b""
            while True:
                line = await self.reader.readuntil(b"\r\n")
                size = int(line.split(b";")[0], 16)
                body += line
                if not size:
                    while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
                        body += line
                    return head + body + line
                body += await self.reader.readexactly(size + 2)
        if b"\r\ncontent-length:" in low:
            length = int(low.split(b"\r\ncontent-length:")[1].split(b"\r\n")[0])
            return head + await self.reader.readexactly(length)
        return head + (await self.reader.read() if low.startswith(b"http/") else b"")

    async def end(self) -> bytes:
        """Read until the other side is gone, however it goes."""
        data = b""
        with contextlib.suppress(ConnectionError):
            while piece := await self.reader.read(1 << 16):
                data += piece
        return data

    def abort(self) -> None:
        """Leave with a reset, not with a goodbye."""
        reset(cast(asyncio.Transport, self.writer.transport))


@dataclass
class Stand:
    """A gateway in a town, with a scripted origin behind it."""

    town: Town
    lines: list[Line] = field(default_factory=list)  # the origin's connections
    clients: list[Line] = field(default_factory=list)

    async def client(self) -> Line:
        line = Line(*await asyncio.open_connection(*self.town.address("front.test"), limit=1 << 20))
        self.clients.append(line)
        return line

    async def ask(self, data: bytes, method: bytes = b"GET") -> parser.Message:
        """Send one request on a connection of its own, and return the answer as it was read."""
        line = await self.client()
        line.say(data)
        said = await line.message(method)
        line.writer.close()
        return answer(said, data)


def answer(said: bytes, request: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") -> parser.Message:
    spoken = parser.parse(request, said, [(0, 0), (len(request), 0)], True)[1]
    return spoken[-1].message


def request(said: bytes) -> parser.Message:
    return parser.parse(said, b"", [(0, 0)], False)[0][0].message


@contextlib.asynccontextmanager
async def standing(script: Script, options: Options | None = None) -> AsyncIterator[Stand]:
    """Stand a gateway before an origin that runs `script` for each connection; leave nothing open."""
    failed: list[BaseException] = []
    async with Town() as town:
        stand = Stand(town)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = Line(reader, writer)
            stand.lines.append(line)
            try:
                await script(line)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            except Exception as error:
                failed.append(error)
            finally:
                writer.close()

        def factory() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(asyncio.StreamReader(1 << 20), serve)

        async def dial(host: str, port: int) -> tuple[str, int]:
            return town.address(f"{host}:{port}", on="front.test")

        await town.open("origin.test", factory)
        app = gateway(
            "http://origin.test",
            options or Options(),
            connector=lambda: town.connector("front.test"),
            dial=dial,
        )
        await town.open("front.test", app)
        servers = addresses(town)
        try:
            yield stand
        finally:
            for line in stand.clients:
                line.writer.close()
    await turns(4)
    assert remains(servers) == []
    assert not [it for it in remains() if isinstance(it, asyncio.Task)]
    assert not failed, failed


async def ok(line: Line) -> None:
    """Answer every request with 200 and `ok`."""
    while True:
        await line.message()
        line.say(OK)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: front.test\r\n\r\n"


async def through(
    options: Options, asked: bytes, said: bytes = OK
) -> tuple[parser.Message, parser.Message | None]:
    """Return what the client heard and what the origin heard."""
    heard: list[parser.Message] = []

    async def origin(line: Line) -> None:
        while True:
            heard.append(request(await line.message()))
            line.say(said)
            if b"length" not in said.lower() and b"chunked" not in said:
                return

    async with standing(origin, options) as stand:
        got = await stand.ask(asked, asked.partition(b" ")[0])
    return got, heard[0] if heard else None


def asking(*fields: str, line: str = "GET / HTTP/1.1", body: bytes = b"") -> bytes:
    return "\r\n".join((line, "Host: front.test", *fields, "", "")).encode("latin-1") + body


def wired(value: str) -> str:
    """Return the bytes of a value that was read, a character each, to compare them with what was sent."""
    return octets(value).decode("latin-1")


def saying(*fields: str, line: str = "HTTP/1.1 200 OK", body: bytes = b"") -> bytes:
    return "\r\n".join((line, *fields, "", "")).encode("latin-1") + body
