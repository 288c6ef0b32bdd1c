"""The origin fails: what the client hears, and what it must not hear."""

from labs.conformance.exchange import Exchange
from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import NotApplicable, demand

BAD = "RFC 9110 section 15.6.3"
CATCH = "Catch ClientError (and OSError) around the upstream request, and answer 502."


def _says(stand: Stand, heard: Exchange, status: int) -> None:
    got = heard.whole
    demand(got.status == status, f"the client got {got.start}, not {status}")
    inner = [stand.origin_host, "Traceback", "aiohttp.", "Errno", "0x"]
    leaked = [it for it in inner if it.encode() in got.body]
    demand(not leaked, f"the text of the error tells the client: {', '.join(leaked)}")


@check("ERROR-1", BAD, "an origin that refuses connections becomes 502", CATCH)
async def _(stand: Stand) -> None:
    await stand.origin_gone()
    _says(stand, await stand.exchange(ask("GET /"), HELLO), 502)


@check("ERROR-2", BAD, "a connection that is reset before the answer becomes 502", CATCH)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("POST /", "Content-Length: 0"), b"", ending="reset")
    _says(stand, heard.reached(), 502)


@check("ERROR-3", BAD, "a connection that ends before the answer becomes 502", CATCH)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("POST /", "Content-Length: 0"), b"", ending="close")
    _says(stand, heard.reached(), 502)


@check("ERROR-4", BAD, "an answer that is not HTTP becomes 502", CATCH)
async def _(stand: Stand) -> None:
    heard = (
        await stand.exchange(
            ask("POST /", "Content-Length: 0"), b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ending="close"
        )
    ).reached()
    _says(stand, heard, 502)


@check("ERROR-5", BAD, "a head that breaks off becomes 502", CATCH)
async def _(stand: Stand) -> None:
    heard = (
        await stand.exchange(
            ask("POST /", "Content-Length: 0"), b"HTTP/1.1 200 OK\r\nContent-Le", ending="close"
        )
    ).reached()
    _says(stand, heard, 502)


@check(
    "ERROR-6",
    "RFC 9110 section 15.6.5",
    "an origin that says nothing becomes 504",
    "Give the upstream request a limit (sock_connect, sock_read), and answer 504 when it is over.",
    needs="patience",
)
async def _(stand: Stand) -> None:
    if "patience" not in stand.limits:
        raise NotApplicable("nothing is known of this proxy's time limit, or it is longer than a check")
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /"))
    await line.over(1)
    _says(stand, stand.heard(line), 504)


@check("ERROR-7", "lab", "after an error of the origin the proxy goes on", CATCH)
async def _(stand: Stand) -> None:
    await stand.exchange(ask("GET /1"), b"\x00\x01\x02 garbage\r\n\r\n", ending="close")
    stand = stand.anew()
    heard = (await stand.exchange(ask("GET /2"), HELLO)).reached()
    demand(heard.whole.body == b"hello", f"the next client got {heard.answer.start}")


@check(
    "ERROR-8",
    "RFC 9112 section 8",
    "a reset inside a body ends the client's connection: no clean end, no second status line",
    "The head is gone, so there is nothing left to say: abort (request.transport.abort()).",
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /"))
    origin, _ = await stand.asked()
    origin.write(say("200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"))
    await line.hears(b"hello", "the first piece of a body, before the origin is reset")
    origin.break_off()
    await line.ends("the end of the client's connection after the origin was reset")
    demand(line.got.count(b"HTTP/1.") == 1, "a second status line followed inside the body")
    demand(not stand.heard(line).answer.complete, "the client got a broken-off body as a complete one")
