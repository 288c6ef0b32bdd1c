"""Trailers and interim answers: forwarded or dropped, and never taken for something else."""

from labs.conformance.messages import HELLO, ask, chunked, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

DROP = "Forward them as trailers, or drop them; the head is not their place."
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@check("TRAILER-1", "RFC 9110 section 6.5.1", "trailers of an answer never become fields of its head", DROP)
async def _(stand: Stand) -> None:
    fields = ("Trailer: X-Sum", "Transfer-Encoding: chunked")
    answer = say("200 OK", *fields, body=chunked(b"hello", trailers="X-Sum: 1\r\n"))
    heard = (await stand.exchange(ask("GET /", "TE: trailers", "Connection: TE"), answer)).reached()
    demand(heard.whole.body == b"hello", f"the client got {heard.answer.body!r}")
    demand(heard.answer.field("X-Sum") is None, "a trailer became a field of the head")


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
    heard = (await stand.exchange(ask("GET /", "TE: trailers", "Connection: TE"), answer)).reached()
    announced = heard.whole.field("Trailer") is not None
    demand(announced <= bool(heard.answer.trailers), "Trailer announces what does not come")


@check(
    "TRAILER-4",
    "RFC 9110 section 6.5.1",
    "a Content-Length in the trailers of an answer goes nowhere",
    "A trailer frames nothing: drop it, or refuse the answer with 502.",
)
async def _(stand: Stand) -> None:
    answer = say(
        "200 OK", "Transfer-Encoding: chunked", body=chunked(b"hello", trailers="Content-Length: 99\r\n")
    )
    heard = (await stand.exchange(ask("GET /", "TE: trailers", "Connection: TE"), answer)).reached()
    demand(b": 99" not in heard.raw_client, "the Content-Length of the trailers went on to the client")
    fine = not heard.answer.complete or heard.answer.status == 502 or heard.answer.body == b"hello"
    demand(fine, f"the client got {heard.answer.start} with {heard.answer.body!r}")


@check(
    "INTERIM-1",
    "RFC 9110 section 15.2",
    "103 is not taken for the final answer",
    "Wait for the final answer.",
)
async def _(stand: Stand) -> None:
    stand.script(HINTS + HINTS + HELLO, say("200 OK", body=b"second"))
    line = await stand.client()
    line.write(ask("GET /"))
    await line.over(1)
    line.write(ask("GET /second"))
    await line.over(2)
    heard = stand.heard(line)
    demand((heard.whole.status, heard.answer.body) == (200, b"hello"), f"the client got {heard.answer.start}")
    demand(heard.answer.field("Link") is None, "a field of 103 became a field of the final answer")
    demand([it.body for it in heard.answers[1:]] == [b"second"], "the next request got another answer")


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


@check(
    "TRAILER-5",
    "RFC 9110 section 6.6.2",
    "Trailer of a request is announced only where trailers follow",
    DROP,
)
async def _(stand: Stand) -> None:
    fields = ("Trailer: X-Sum", "Transfer-Encoding: chunked")
    heard = await stand.exchange(
        ask("POST /", *fields, body=chunked(b"hello", trailers="X-Sum: 1\r\n")), HELLO
    )
    announced = heard.asked.field("Trailer") is not None
    demand(announced <= bool(heard.asked.trailers), "Trailer announces to the origin what does not come")
