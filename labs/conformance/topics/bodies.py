"""Request bodies: all of them, nothing invented, and on their way as they come."""

from labs.conformance.messages import HELLO, ask, chunked
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

STREAM = "Pass the body on as it comes (data=request.content), with the framing it came with."
SKIP = "aiohttp's client adds fields of its own: skip_auto_headers, and data=None where there is no body."
BODY = bytes(range(256)) * 4


@check("BODY-1", "RFC 9112 section 6.2", "a body with a length arrives with that length", STREAM)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("POST /", f"Content-Length: {len(BODY)}", body=BODY), HELLO)
    demand(heard.asked.body == BODY, f"{len(BODY)} bytes arrived as {len(heard.asked.body)}")
    demand(heard.asked.field("Content-Length") == str(len(BODY)), "the length was lost on the way")


@check(
    "BODY-2", "RFC 9112 section 7.1", "a chunked body arrives whole, with chunk extensions ignored", STREAM
)
async def _(stand: Stand) -> None:
    coded = b"3;ext=1\r\nabc\r\n" + chunked(BODY)
    heard = await stand.exchange(ask("PUT /", "Transfer-Encoding: chunked", body=coded), HELLO)
    demand(heard.asked.body == b"abc" + BODY, f"{len(BODY) + 3} bytes arrived as {len(heard.asked.body)}")
    demand(not heard.asked.problem, f"the origin heard: {heard.asked.problem}")


@check("BODY-3", "RFC 9112 section 6.3", "a request without a body stays one: no framing, no type", SKIP)
async def _(stand: Stand) -> None:
    for method in ("GET", "DELETE"):
        stand = stand.anew()
        heard = await stand.exchange(ask(f"{method} /"), HELLO)
        names = ("Content-Length", "Transfer-Encoding", "Content-Type")
        left = [it for it in names if heard.asked.field(it) is not None]
        demand(not left, f"{method} got fields that nobody sent: {', '.join(left)}")


@check("BODY-4", "lab", "no User-Agent and no Accept is invented", SKIP)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), HELLO)
    left = [it for it in ("User-Agent", "Accept") if heard.asked.field(it) is not None]
    demand(not left, f"the request got fields that nobody sent: {', '.join(left)}")


@check(
    "BODY-5", "RFC 9110 section 8.6", "Content-Length: 0 of a POST arrives, without an invented type", SKIP
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("POST /", "Content-Length: 0"), HELLO)
    got = heard.asked.all("Content-Length")
    demand(got == ("0",), f"Content-Length arrived as {got}")
    demand(heard.asked.field("Content-Type") is None, "a Content-Type was invented")


@check("BODY-6", "RFC 9112 section 6", "a body of a method that seldom has one goes on", STREAM)
async def _(stand: Stand) -> None:
    for method in ("DELETE", "REPORT"):
        stand = stand.anew()
        heard = await stand.exchange(ask(f"{method} /", "Content-Length: 5", body=b"hello"), HELLO)
        demand(heard.asked.body == b"hello", f"the body of {method} arrived as {heard.asked.body!r}")


@check(
    "BODY-7",
    "RFC 9110 section 10.1.1",
    "a client that expects 100-continue is told to go on, and its body arrives",
    "Answer 100 before you wait for the body (aiohttp does), or let the origin's 100 through.",
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()

    async def client() -> None:
        line.write(ask("POST /", "Content-Length: 5", "Expect: 100-continue"))
        await line.hears(b"HTTP/1.1 100", "100 Continue at the client")
        line.write(b"hello")
        await line.over(1)

    async def origin() -> None:
        asked = await stand.origin()
        await asked.hears(b"\r\n\r\n", "the head of a request with Expect: 100-continue")
        if b"100-continue" in bytes(asked.got).lower():
            asked.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        asked, request = await stand.asked()
        demand(request.body == b"hello", f"the body arrived as {request.body!r}")
        asked.write(HELLO)

    await stand.together(client(), origin())
    demand(stand.heard(line).whole.status == 200, f"the client got {stand.heard(line).answer.start}")


@check("BODY-8", "lab", "the first piece of an upload arrives before the last is sent", STREAM)
async def _(stand: Stand) -> None:
    stand.script(HELLO)
    line = await stand.client()
    line.write(ask("POST /", "Transfer-Encoding: chunked", body=chunked(b"first piece", end=False)))
    origin = await stand.origin()
    await origin.hears(b"first piece", "the first piece of an upload, while the rest is still to come")
    line.write(chunked(b"last piece"))
    await line.over(1)
    heard = stand.heard(line)
    demand(heard.asked.body == b"first piecelast piece", f"the body arrived as {heard.asked.body!r}")
    demand(heard.whole.status == 200, f"the client got {heard.answer.start}")
