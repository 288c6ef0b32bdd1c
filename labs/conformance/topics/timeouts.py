"""Time limits: each for its own wait. None of these checks knows the time: one limit that has passed is an
event at one exchange, and tells that it has passed for every exchange that began to wait earlier."""

import contextlib

from labs.conformance.deadline import TICK, deadline
from labs.conformance.line import MUCH, PIECE, Line
from labs.conformance.messages import HELLO, ask, chunked, say
from labs.conformance.registry import LONG, SHORT, check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

APART = "Two waits, two limits: one until the head of the answer, one between two pieces of a body."
CLIENT = "Time the client's pauses apart from the origin: a slow client is 408, a slow origin 504."
WRITES = "A write that waits (drain, await relay.write) needs a limit as a read does."
HASTY, SLOW = {"patience": LONG, "idle": SHORT}, {"patience": SHORT, "idle": LONG}
BOTH = {"patience": SHORT, "idle": SHORT}


async def _idle_is_over(stand: Stand) -> None:
    # An answer stalls in its body until the proxy gives it up.
    line = await stand.client()
    line.write(ask("GET /stalls"))
    origin = await stand.asked_for("/stalls")
    origin.write(say("200 OK", "Content-Length: 9", body=b"some"))
    await line.ends("the end of an answer that stalls in its body")


async def _patience_is_over(stand: Stand) -> None:
    # A request is not answered until the proxy gives it up.
    line = await stand.client()
    line.write(ask("GET /silent"))
    await line.over(1)


def _gets(stand: Stand, line: Line, status: int, when: str) -> None:
    got = stand.heard(line).whole
    demand(got.status == status, f"{when}, the client got {got.start}, not {status}")


@check(
    "TIME-1",
    "lab",
    "an answer may take longer to begin than a body may pause",
    APART,
    needs=HASTY,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /late"))
    origin = await stand.asked_for("/late")
    await _idle_is_over(stand)
    origin.write(HELLO)
    await line.over(1)
    _gets(stand, line, 200, "for a head later than a body may pause")


@check(
    "TIME-2",
    "lab",
    "a body may pause for longer than an answer may take to begin",
    APART,
    needs=SLOW,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /pauses"))
    origin = await stand.asked_for("/pauses")
    origin.write(say("200 OK", "Content-Length: 10", body=b"first"))
    await line.hears(b"first", "the first piece of a body")
    await _patience_is_over(stand)
    origin.write(b"after")
    await line.over(1)
    demand(stand.heard(line).whole.body == b"firstafter", f"the client got {stand.heard(line).answer.body!r}")


@check(
    "TIME-3",
    "lab",
    "a head that comes byte by byte becomes 504: the limit is the whole head's",
    "Put one limit around the head as a whole; sock_read begins anew with each byte.",
    needs={"patience": SHORT},
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /trickles"))
    origin = await stand.asked_for("/trickles")
    for byte in HELLO:
        origin.write(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            async with deadline(TICK):
                await line.over(1)
                break
    _gets(stand, line, 504, "for a head that came byte by byte")


@check(
    "TIME-4",
    "RFC 9110 section 15.6.5",
    "a client that pauses is not an origin that is slow: its request goes on",
    CLIENT,
    needs=SLOW,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("POST /pauses", "Content-Length: 5", body=b"he"))
    await _patience_is_over(stand)
    line.write(b"llo")
    stand.script(HELLO)
    await line.over(1)
    _gets(stand, line, 200, "after a pause in its request")
    bodies = [it.body for it in stand.heard(line).requests if it.target == "/pauses"]
    demand(bodies == [b"hello"], f"the origin got the bodies {bodies}")


@check(
    "TIME-5",
    "RFC 9110 section 15.5.9",
    "a client that does not go on with its body gets 408",
    CLIENT,
    needs=HASTY,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("POST /", "Content-Length: 5", body=b"he"))
    await line.over(1)
    _gets(stand, line, 408, "in a request that stalls")
    demand(not any(it.complete for it in stand.heard(line).requests), "the origin heard a whole request")


@check(
    "TIME-6",
    "RFC 9110 section 15.5.9",
    "where both limits are equal, a client that does not go on gets 408 each time",
    CLIENT,
    needs=BOTH,
)
async def _(stand: Stand) -> None:
    stand.manual()
    lines = [await stand.client() for _ in range(5)]
    for line in lines:
        line.write(ask("POST /", "Content-Length: 5", body=b"he"))
    for line in lines:
        await line.over(1)
        _gets(stand, line, 408, "in a request that stalls")


@check(
    "TIME-7",
    "RFC 9112 section 8",
    "an answer that stalls in its body is broken off at both ends",
    "Give the origin a limit between two pieces of a body, and abort both connections.",
    needs=HASTY,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /"))
    origin, _ = await stand.asked()
    origin.write(say("200 OK", "Transfer-Encoding: chunked", body=chunked(b"some", end=False)))
    await line.ends("the end of an answer that stalls in its body")
    demand(not stand.heard(line).answer.complete, "the client got a stalled body as a complete one")
    await origin.ends("the end of the upstream request, after its body stalled")


@check(
    "TIME-8",
    "RFC 9110 section 15.6.5",
    "an origin that stops reading an upload becomes 504, and is let go",
    WRITES,
    needs=HASTY,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("POST /", "Transfer-Encoding: chunked", body=chunked(b"first", end=False)))
    origin = await stand.origin()
    await origin.hears(b"first", "the first piece of an upload, while the rest is still to come")
    origin.transport.pause_reading()

    async def answered() -> None:
        await line.over(1)

    await stand.beside(line.pump(chunked(PIECE, end=False), MUCH), answered())
    _gets(stand, line, 504, "for an origin that stopped reading")
    origin.transport.resume_reading()
    await origin.ends("the end of the upstream request, after it stalled")


@check(
    "TIME-9",
    "lab",
    "a client that stops reading is let go, and the origin with it",
    WRITES,
    needs=HASTY,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client(buffer=1 << 16)
    line.write(ask("GET /"))
    origin, _ = await stand.asked()
    line.transport.pause_reading()
    origin.write(say("200 OK", f"Content-Length: {MUCH}"))
    await stand.beside(
        origin.pump(PIECE, MUCH), origin.ends("the end of the upstream request, after the client stalled")
    )
    demand(origin.pumped < MUCH, f"the proxy took {MUCH >> 20} MiB that nobody read")
