"""Streams: everything goes as it comes, and nobody is faster than the slowest."""

from labs.conformance.line import MUCH, PIECE, Line
from labs.conformance.messages import HELLO, ask, chunked, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

PIECES = (
    "Relay with StreamResponse and iter_any; read() waits for the end, and iter_chunked for a full chunk."
)
ROUNDS = 30  # exchanges beside a blocked one: what wanted to move had its turn


@check(
    "STREAM-1",
    "lab",
    "the head goes before there is a body",
    "prepare() sends the head: do not wait for the body.",
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /"))
    origin, _ = await stand.asked()
    origin.write(say("200 OK", "Content-Length: 5"))
    await line.hears(b"\r\n\r\n", "the head of an answer whose body is still to come")
    origin.write(b"hello")
    await line.over(1)
    demand(stand.heard(line).whole.body == b"hello", f"the body arrived as {stand.heard(line).answer.body!r}")


@check(
    "STREAM-2", "lab", "each piece of an answer arrives before the next is sent (server-sent events)", PIECES
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /events", "Accept: text/event-stream"))
    origin, _ = await stand.asked()
    origin.write(say("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"))
    for number in range(3):
        event = b"data: %d\n\n" % number
        origin.write(chunked(event, end=False))
        await line.hears(event, f"event {number}, while the stream goes on")
    origin.write(chunked())
    await line.over(1)
    demand(stand.heard(line).whole.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n", "the events arrived changed")


async def _beside(stand: Stand, writer: Line, known: int) -> None:
    # Exchanges on other connections, while one is blocked: a proxy that reads ahead goes on meanwhile.
    await writer.until("the writer to be blocked", lambda: writer.blocked or writer.pumped >= MUCH)
    quiet = 0
    while quiet < ROUNDS and writer.pumped < MUCH:
        before = writer.pumped
        line = await stand.client()
        line.write(ask(f"GET /beside{known}", "Connection: close"))
        origin = await stand.asked_for(f"/beside{known}")
        origin.write(HELLO)
        await line.over(1)
        known += 1
        quiet = quiet + 1 if writer.pumped == before else 0
        demand(not writer.closed, "the proxy ended the connection, where it should have waited")
    demand(writer.pumped < MUCH, f"the proxy took {MUCH >> 20} MiB that nobody read")


@check(
    "STREAM-3",
    "lab",
    "a client that does not read slows the origin down",
    "await relay.write(): it waits for the client. read(), and a buffer of your own, do not.",
    patience=8.0,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client(buffer=1 << 16)
    line.write(ask("GET /"))
    async with stand.soon():
        origin, _ = await stand.asked()
    line.transport.pause_reading()
    origin.write(say("200 OK", f"Content-Length: {MUCH}"))
    await stand.beside(origin.pump(PIECE, MUCH), _beside(stand, origin, 0))


@check(
    "STREAM-4",
    "lab",
    "an origin that does not read slows the client down",
    "Pass request.content on: it pauses the client. read() does not.",
    patience=8.0,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("POST /", "Transfer-Encoding: chunked", body=chunked(b"first", end=False)))
    async with stand.soon():
        origin = await stand.origin()
        await origin.hears(b"first", "the first piece of an upload, while the rest is still to come")
    origin.transport.pause_reading()
    await stand.beside(line.pump(chunked(PIECE, end=False), MUCH), _beside(stand, line, 0))


@check(
    "STREAM-5",
    "lab",
    "both directions may run at the same time: an answer begins before its request's body",
    "Send the request's head at once, and relay the answer while the upload still runs.",
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("POST /talk", "Transfer-Encoding: chunked"))
    origin = await stand.origin()
    await origin.hears(b"\r\n\r\n", "the head of a request, before its body")
    origin.write(say("200 OK", "Transfer-Encoding: chunked", body=chunked(b"you first", end=False)))
    await line.hears(b"you first", "the first piece of the answer, before the request's body")
    line.write(chunked(b"as you like", end=False))
    await origin.hears(b"as you like", "the first piece of the request's body, after the answer began")
    origin.write(chunked(b"bye"))
    line.write(chunked(b"bye"))
    await line.over(1)
    demand(
        stand.heard(line).whole.body == b"you firstbye", f"the client got {stand.heard(line).answer.body!r}"
    )
