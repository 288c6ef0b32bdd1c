"""Trailers and interim answers: forwarded or dropped, and never taken for something else."""

from labs.conformance.registry import check, demand
from labs.conformance.stand import Stand
from labs.conformance.words import HELLO, ask, chunked, say

DROP = "Forward them as trailers, or drop them; the head is not their place."
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@check("TRAILER-1", "RFC 9110 section 6.5.1", "trailers of an answer never become fields of its head", DROP)
async def _(stand: Stand) -> None:
    fields = ("Trailer: X-Sum", "Transfer-Encoding: chunked")
    answer = say("200 OK", *fields, body=chunked(b"hello", trailers="X-Sum: 1\r\nContent-Length: 99\r\n"))
    heard = await stand.exchange(ask("GET /", "TE: trailers", "Connection: TE"), answer)
    demand(heard.whole.body == b"hello", f"the client got {heard.answer.body!r}")
    demand(heard.answer.field("X-Sum") is None, "a trailer became a field of the head")
    after = (heard.answer.trailers, heard.closed)
    demand("99" not in [value for _, value in after[0]], "a Content-Length went on as a trailer")


@check("TRAILER-2", "RFC 9110 section 6.5.1", "trailers of a request never become fields of its head", DROP)
async def _(stand: Stand) -> None:
    fields = ("Trailer: X-Sum", "Transfer-Encoding: chunked")
    body = chunked(b"hello", trailers="X-Sum: 1\r\nAuthorization: Basic YTpi\r\n")
    heard = await stand.exchange(ask("POST /", *fields, body=body), HELLO)
    demand(heard.asked.body == b"hello", f"the origin got {heard.asked.body!r}")
    merged = [it for it in ("X-Sum", "Authorization") if heard.asked.field(it) is not None]
    demand(not merged, f"trailers became fields of the head: {', '.join(merged)}")


@check("TRAILER-3", "RFC 9110 section 6.6.2", "Trailer is announced only where trailers follow", DROP)
async def _(stand: Stand) -> None:
    fields = ("Trailer: X-Sum", "Transfer-Encoding: chunked")
    answer = say("200 OK", *fields, body=chunked(b"hello", trailers="X-Sum: 1\r\n"))
    heard = await stand.exchange(ask("GET /", "TE: trailers", "Connection: TE"), answer)
    announced = heard.whole.field("Trailer") is not None
    demand(announced <= bool(heard.answer.trailers), "Trailer announces what does not come")


@check("INTERIM-1", "RFC 9110 section 15.2", "103 is not taken for the final answer", "Wait for the final answer.")
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), HINTS + HINTS + HELLO)
    demand((heard.whole.status, heard.answer.body) == (200, b"hello"), f"the client got {heard.answer.start}")
    demand(heard.answer.field("Link") is None, "a field of 103 became a field of the final answer")


@check(
    "INTERIM-2",
    "RFC 9110 section 15.2",
    "103 is relayed, and before the final answer comes",
    "aiohttp's client drops 1xx: only a client half that shows them can relay them.",
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /"))
    origin, _ = await stand.asked()
    origin.write(HINTS)
    await line.hears(b"\r\n\r\n", "103 at the client, before the final answer is there")
    demand(line.messages[0].status == 103, f"the client got {line.messages[0].start}")
    demand(line.messages[0].field("Link"), "the Link of 103 was lost")
    origin.write(HELLO)
    await line.over(1)
    demand(stand.heard(line).whole.body == b"hello", "the final answer was lost")
