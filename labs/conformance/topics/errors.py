"""The origin fails, or the request: what the client hears, and what it must not hear."""

from labs.conformance.exchange import Exchange
from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import SHORT, check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

BAD = "RFC 9110 section 15.6.3"
ODD_LINES = (
    "GET",
    "GET /",
    "GET / http/1.1",
    "GET / HTTP/1",
    "GET / HTTP/11.1",
    "GET / HTTP/1.1 x",
    "GET a HTTP/1.1",
    "GET * HTTP/1.1",
    "GET http://[::1/ HTTP/1.1",
    "GET http://a:b/ HTTP/1.1",
    "GET http://a:99999/ HTTP/1.1",
    "GET /\0 HTTP/1.1",
    "GET /\xff?\xfe HTTP/1.1",
    "G\xcbT / HTTP/1.1",
    "\x16\x03\x01\x02\x00\x01",
)
ODD_FIELDS = (
    "no colon",
    ": no name",
    "Host: [",
    "Content-Length:",
    "Content-Length: \xb2",
    "Content-Length: 0x1",
    "Transfer-Encoding:",
    "Transfer-Encoding: \xff",
    "Transfer-Encoding: chunked, chunked",
    "Content-Encoding: ,",
    "Content-Type: ;=;",
    "Connection: \xff",
    "Expect: \xff",
    "Cookie: \xff=\xfe; =; a",
    "Max-Forwards: \xb2",
    "Via: ,,",
    'Forwarded: for=";',
    "X-Forwarded-For: [\xff",
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \xff",
)
ODD_CHUNKS = ("zz", "-1", "", "\xff", "f" * 40, "5\r")  # whose first line is refused: nobody waits for more
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
    needs={"patience": SHORT},
)
async def _(stand: Stand) -> None:
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


@check(
    "ERROR-9",
    "RFC 9112 section 2.2",
    "no request makes the proxy itself fail: it is refused, or goes on, and never becomes 500",
    "What a stranger wrote is no fault of yours: one catch-all around the whole, and 400.",
)
async def _(stand: Stand) -> None:
    stand.answer(lambda asked: HELLO)
    odd = [f"{line}\r\nHost: {stand.host}\r\n\r\n".encode("latin-1") for line in ODD_LINES]
    odd += [ask("OPTIONS /", field) for field in ODD_FIELDS]
    odd += [
        ask("POST /", "Transfer-Encoding: chunked", body=f"{it}\r\n".encode("latin-1")) for it in ODD_CHUNKS
    ]
    for request in odd:
        stand = stand.anew()
        line = await stand.client()
        line.write(request)
        await line.over(1)
        got = [it.start for it in stand.heard(line).answers]
        demand(b" 500 " not in line.got[:20], f"the client got {got} for {request[:80]!r}")
        demand(b"Traceback" not in line.got, f"the client got a traceback for {request[:80]!r}")
