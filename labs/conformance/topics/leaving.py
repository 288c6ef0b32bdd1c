"""The client leaves, or the origin answers early."""

from labs.conformance.messages import ask, chunked, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

LEAVE = "Nobody tells a handler that its client has left: watch the connection, or set handler_cancellation."


@check(
    "LEAVE-1", "aiohttp issue 2492", "a client that leaves before the answer ends the upstream request", LEAVE
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /slow"))
    origin, _ = await stand.asked()
    line.close()
    await origin.ends("the end of the upstream request, after the client left")


@check(
    "LEAVE-2",
    "aiohttp issue 2492",
    "a client that leaves inside a silent body ends the upstream request",
    LEAVE,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /events"))
    origin, _ = await stand.asked()
    origin.write(say("200 OK", "Transfer-Encoding: chunked", body=chunked(b"one", end=False)))
    await line.hears(b"one", "the first piece of a body, before the client leaves")
    line.close()
    await origin.ends("the end of the upstream request, after the client left")


@check(
    "LEAVE-3",
    "RFC 9112 section 8",
    "an upload that breaks off looks incomplete to the origin",
    "When reading the request fails, drop the upstream connection: never end the body cleanly.",
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("POST /", "Transfer-Encoding: chunked", body=chunked(b"half of it", end=False)))
    origin = await stand.origin()
    await origin.hears(b"half of it", "the first piece of an upload")
    line.break_off()
    await origin.ends("the end of the upstream request, after the upload broke off")
    demand(not origin.whole, "the origin heard a broken-off upload as a complete one")


@check(
    "LEAVE-4",
    "RFC 9112 section 9.5",
    "an answer that comes while the upload runs is relayed",
    "Wait for the answer and for the upload at the same time; aiohttp's client does.",
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("POST /", "Transfer-Encoding: chunked", body=chunked(b"the first of many", end=False)))
    origin = await stand.origin()
    await origin.hears(b"the first of many", "the first piece of an upload")
    origin.write(say("413 Content Too Large", "Connection: close", body=b"enough"))
    origin.close()
    await line.over(1)
    demand(stand.heard(line).whole.status == 413, f"the client got {stand.heard(line).answer.start}")
    demand(stand.heard(line).answer.body == b"enough", "the origin's text was lost")


@check(
    "LEAVE-5",
    "lab",
    "the head of an upload goes on before its body comes, so that the origin can refuse it",
    "Send the head at once: aiohttp's client sends it with the first piece, which may be an empty one.",
)
async def _(stand: Stand) -> None:
    for framing in ("Content-Length: 5", "Transfer-Encoding: chunked"):
        stand = stand.anew()
        stand.manual()
        known = len(stand.origins)
        line = await stand.client()
        line.write(ask("POST /", framing))
        origin = await stand.origin(known + 1)
        await origin.hears(b"\r\n\r\n", "the head of an upload, before its body")
        origin.write(say("401 Unauthorized", "WWW-Authenticate: Basic", "Connection: close", body=b"who?"))
        origin.close()
        await line.over(1)
        got = stand.heard(line).whole
        demand((got.status, got.body) == (401, b"who?"), f"with {framing} the client got {got.start}")
