"""Where a message ends: lengths, chunks, surplus bytes, and what cannot be read."""

import gzip

from labs.conformance.exchange import Exchange
from labs.conformance.line import Line
from labs.conformance.messages import HELLO, ask, chunked, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

LENGTH = "RFC 9112 section 6.3"
OWN = (
    "Frame the answer yourself: drop Transfer-Encoding, and pass Content-Length on only with unchanged bytes."
)
FORGED = say("200 OK", "X-Forged: yes", body=b"forged")


def _forged(line: Line) -> bool:
    return any(it.field("X-Forged") is not None or b"X-Forged" in it.surplus for it in line.messages)


def _honest(heard: Exchange) -> bool:
    # The client knows that something is missing: an error, an answer that breaks off, or none.
    return not heard.answers or heard.answer.status in (502, 504) or not heard.answer.complete


async def _next(stand: Stand, line: Line) -> None:
    # The second answer on this connection must be the second one, or the connection must be over.
    if not line.closed:
        line.write(ask("GET /second"))
        await line.over(2)
    demand(not _forged(line), "bytes after the declared end of an answer became the next answer")
    if len(line.whole) > 1:
        got = line.whole[1]
        demand(
            got.body == b"second", f"the second request was answered with {got.start!r}, {got.body[:40]!r}"
        )
    demand(not any(it.surplus for it in line.whole), "bytes that belong to no message went on to the client")


@check("FRAME-1", LENGTH, "a chunked answer arrives with a framing that fits its body", OWN)
async def _(stand: Stand) -> None:
    answer = say("200 OK", "Transfer-Encoding: chunked", body=chunked(b"one ", b"two"))
    heard = await stand.exchange(ask("GET /"), answer)
    demand(heard.whole.body == b"one two", f"the client got the body {heard.answer.body!r}")


@check("FRAME-2", LENGTH, "an answer that ends with the connection arrives whole", OWN)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), say("200 OK") + b"until the end", ending="close")
    demand(heard.whole.body == b"until the end", f"the client got the body {heard.answer.body!r}")


@check(
    "FRAME-3",
    LENGTH,
    "bytes after the declared end of an answer never become the next answer",
    "Read no more than the declared length from the origin, and do not reuse a connection that said more.",
)
async def _(stand: Stand) -> None:
    stand.script(say("200 OK", "Content-Length: 5", body=b"hello" + FORGED), say("200 OK", body=b"second"))
    line = await stand.client()
    line.write(ask("GET /first"))
    await line.over(1)
    first = stand.heard(line).reached().answer
    demand(first.status in (200, 502), f"the client got {first.start}")
    await _next(stand, line)


@check(
    "FRAME-4",
    LENGTH,
    "a body that grew, because its coding was removed, does not outgrow its declared length",
    "A body that you changed has another length: drop Content-Length, or do not decode (auto_decompress).",
)
async def _(stand: Stand) -> None:
    size = 60
    while (body := gzip.compress(b"-" * size + FORGED, mtime=0)) and len(body) != size:
        size = len(body)
    stand.script(say("200 OK", "Content-Encoding: gzip", body=body), say("200 OK", body=b"second"))
    line = await stand.client()
    line.write(ask("GET /first", "Accept-Encoding: gzip"))
    await line.over(1)
    first = stand.heard(line).reached().answer
    demand(first.status in (200, 502), f"the client got {first.start}")
    await _next(stand, line)


@check(
    "FRAME-5",
    "RFC 9112 section 9.2",
    "an answer that nobody asked for never reaches another visitor",
    "Bytes on an idle connection to the origin answer nothing: close that connection.",
)
async def _(stand: Stand) -> None:
    stand.manual()
    first = await stand.client()
    first.write(ask("GET /first"))
    line, _ = await stand.asked()
    line.write(HELLO)
    await first.over(1)
    line.write(FORGED)
    second = await stand.client()
    second.write(ask("GET /second"))
    for _ in range(2):  # a second time on another connection, where the first one was lost by the forgery
        if second.closed or second.whole:
            break
        origin, _ = await stand.asked(2)
        origin.write(say("200 OK", body=b"second"))
        await second.over(1)
    demand(not _forged(second) and not _forged(first), "a visitor got an answer that nobody had asked for")
    got = [it.body for it in second.whole if it.status == 200]
    demand(got in ([b"second"], []), f"the second visitor got {got}")


@check(
    "FRAME-6",
    LENGTH,
    "a request with both lengths never becomes two requests",
    "Refuse it with 400, or drop Content-Length and close the connection after the answer.",
)
async def _(stand: Stand) -> None:
    smuggled = b"0\r\n\r\n" + ask("GET /smuggled")
    fields = (f"Content-Length: {len(smuggled)}", "Transfer-Encoding: chunked")
    stand.script(HELLO, HELLO)
    line = await stand.client()
    line.write(ask("POST /both", *fields, body=smuggled))
    await line.ends("the end of a connection on which a request had both lengths")
    heard = stand.heard(line)
    demand(all(it.target != "/smuggled" for it in heard.requests), "the origin heard a request in the body")
    if heard.upstream is not None:
        demand(not heard.upstream.problem, f"the origin heard: {heard.upstream.problem}")
    else:
        demand(heard.answer.status == 400, f"the client got {heard.answer.start}, not 400")


@check(
    "FRAME-7",
    LENGTH,
    "a request with two different lengths is refused with 400, and the connection closed",
    "Never choose one of two lengths: answer 400, and close.",
)
async def _(stand: Stand) -> None:
    fields = ("Content-Length: 3", "Content-Length: 5")
    heard = await stand.exchange(ask("POST /", *fields, body=b"abcde"), HELLO)
    demand(heard.upstream is None, "the request went on to the origin")
    demand(heard.answer.status == 400, f"the client got {heard.answer.start}, not 400")
    await stand.clients[0].ends("the end of a connection whose framing is lost")


@check(
    "FRAME-8",
    LENGTH,
    "an answer with two different lengths becomes 502",
    "The client half must refuse what cannot be framed: answer 502, and close the connection to the origin.",
)
async def _(stand: Stand) -> None:
    fields = ("Content-Length: 5", "Content-Length: 3")
    heard = (await stand.exchange(ask("GET /"), say("200 OK", *fields, body=b"hello"))).reached()
    demand(heard.whole.status == 502, f"the client got {heard.answer.start}, not 502")


@check(
    "FRAME-9",
    LENGTH,
    "an answer whose length is no number becomes 502",
    "The client half must refuse what cannot be framed: answer 502, and close the connection to the origin.",
)
async def _(stand: Stand) -> None:
    for value in ("abc", "-5", "+5", "5x"):
        stand = stand.anew()
        heard = (
            await stand.exchange(ask("GET /"), say("200 OK", f"Content-Length: {value}", body=b"hello"))
        ).reached()
        demand(heard.whole.status == 502, f"for Content-Length: {value} the client got {heard.answer.start}")


@check(
    "FRAME-10",
    LENGTH,
    "an answer with both lengths arrives with one framing, or as 502",
    "Transfer-Encoding wins and Content-Length goes; or refuse the answer with 502.",
)
async def _(stand: Stand) -> None:
    fields = ("Content-Length: 3", "Transfer-Encoding: chunked")
    heard = (await stand.exchange(ask("GET /"), say("200 OK", *fields, body=chunked(b"hello")))).reached()
    demand(heard.whole.status == 502 or heard.whole.body == b"hello", f"the client got {heard.answer.body!r}")


@check(
    "FRAME-11",
    "RFC 9112 section 8",
    "a body that breaks off looks incomplete to the client",
    "When the origin fails inside a body, abort the client's connection: no last chunk, no padding.",
)
async def _(stand: Stand) -> None:
    cut = say("200 OK", "Content-Length: 100", body=b"only this")
    heard = (await stand.exchange(ask("GET /"), cut, ending="close")).reached()
    demand(_honest(heard), "the client got a broken-off body as a complete one")
    demand(heard.raw_client.count(b"HTTP/1.") == 1, "a second status line followed inside the body")


@check(
    "FRAME-12",
    "RFC 9112 section 8",
    "a chunked body that breaks off looks incomplete to the client",
    "When the origin fails inside a body, abort the client's connection: no last chunk, no padding.",
)
async def _(stand: Stand) -> None:
    cut = say("200 OK", "Transfer-Encoding: chunked", body=chunked(b"only this", end=False))
    heard = (await stand.exchange(ask("GET /"), cut, ending="close")).reached()
    demand(_honest(heard), "the client got a broken-off body as a complete one")
    demand(heard.raw_client.count(b"HTTP/1.") == 1, "a second status line followed inside the body")


@check(
    "FRAME-13",
    "RFC 9112 section 7.1",
    "a chunked body with a bad chunk size looks incomplete, or is 502",
    "An unreadable chunk is an error of the origin: abort the client's connection.",
)
async def _(stand: Stand) -> None:
    bad = say("200 OK", "Transfer-Encoding: chunked", body=chunked(b"good", end=False) + b"zz\r\nbad\r\n")
    heard = (await stand.exchange(ask("GET /"), bad)).reached()
    demand(_honest(heard), "the client got the unreadable body as a complete one")


@check(
    "FRAME-14",
    "RFC 9112 section 9.3.2",
    "two requests sent at once are answered in their order",
    "Answer one request of a connection after the other.",
)
async def _(stand: Stand) -> None:
    answers = [say("200 OK", body=b"one"), say("200 OK", body=b"two")]
    heard = await stand.exchange(ask("GET /1") + ask("GET /2"), answers, count=2)
    bodies = [it.body for it in heard.answers]
    demand(bodies == [b"one", b"two"], f"the client got the bodies {bodies}")
    demand([it.target for it in heard.requests] == ["/1", "/2"], "the origin heard them in another order")


@check(
    "FRAME-15",
    "RFC 9112 section 6.1",
    "a client of HTTP/1.0 gets no chunks",
    "Ask request.version: for HTTP/1.0 send a length, or end the body with the connection.",
)
async def _(stand: Stand) -> None:
    answer = say("200 OK", "Transfer-Encoding: chunked", body=chunked(b"hello"))
    stand.script(answer)
    line = await stand.client()
    line.write(ask("GET / HTTP/1.0"))
    await line.ends("the end of the answer to an HTTP/1.0 request")
    heard = stand.heard(line).reached()
    demand(heard.answer.field("Transfer-Encoding") is None, "Transfer-Encoding went to a client of HTTP/1.0")
    demand(heard.whole.body == b"hello", f"the client got {heard.answer.body!r}")


@check(
    "FRAME-16",
    "RFC 9112 section 5.1",
    "a space before the colon of a request's field is refused with 400",
    "Two readers would disagree about the name: answer 400.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("POST /", "Content-Length : 5", body=b"hello"), HELLO)
    demand(heard.answer.status == 400, f"the client got {heard.answer.start}, not 400")
    demand(heard.upstream is None, "the request went on to the origin")


@check(
    "FRAME-17",
    "RFC 9112 section 5.2",
    "a folded field of an answer becomes one line, or 502",
    "Replace the fold with a space, or refuse the answer.",
)
async def _(stand: Stand) -> None:
    heard = (
        await stand.exchange(ask("GET /"), say("200 OK", "X-Folded: one\r\n two", body=b"hello"))
    ).reached()
    demand(b"\r\n two" not in heard.raw_client, "the fold went on to the client")
    fine = heard.whole.status == 502 or (heard.answer.field("X-Folded") or "").split() == ["one", "two"]
    demand(fine, f"the client got {heard.answer.start} with X-Folded: {heard.answer.field('X-Folded')}")


@check(
    "FRAME-18",
    "RFC 9110 section 5.5",
    "a NUL or a bare CR in a request's field never reaches the origin",
    "Answer 400: they split a head for some readers and not for others.",
)
async def _(stand: Stand) -> None:
    for evil in ("a\0b", "a\rX-Evil: b"):
        stand = stand.anew()
        heard = await stand.exchange(ask("GET /", f"X-Bad: {evil}"), HELLO)
        demand(evil.encode() not in heard.raw_upstream, f"{evil!r} went on to the origin as it was")


@check(
    "FRAME-19",
    LENGTH,
    "a request whose last transfer coding is not chunked is refused",
    "Its end cannot be known: answer 400 (or 501 for a coding that you do not know).",
)
async def _(stand: Stand) -> None:
    for coding in ("xchunked", "chunked, gzip"):
        stand = stand.anew()
        heard = await stand.exchange(
            ask("POST /", f"Transfer-Encoding: {coding}", body=chunked(b"hello")), HELLO
        )
        got = heard.answer.start
        demand(heard.answer.status in (400, 501), f"for Transfer-Encoding: {coding} the client got {got}")
        demand(heard.upstream is None, f"a request with Transfer-Encoding: {coding} went on to the origin")


@check(
    "FRAME-20",
    "RFC 9112 section 6.3",
    "a request with an empty Transfer-Encoding is refused, and the connection closed",
    "The field is there, and chunked is not its last coding: 400, whatever Content-Length says.",
)
async def _(stand: Stand) -> None:
    for value in ("", ","):
        for fields in ((), ("Content-Length: 5",)):
            stand = stand.anew()
            request = ask("POST /", f"Transfer-Encoding: {value}", *fields, body=b"hello" if fields else b"")
            heard = await stand.exchange(request, HELLO)
            demand(
                not heard.raw_upstream, f"a request with Transfer-Encoding: {value!r} went on to the origin"
            )
            got = heard.answer.start
            demand(
                heard.answer.status in (400, 501), f"for Transfer-Encoding: {value!r} the client got {got}"
            )
            await stand.clients[0].ends("the end of a connection whose framing is lost")


@check(
    "FRAME-21",
    "RFC 9112 section 6.1",
    "an answer in a transfer coding that nobody asked for becomes 502, or arrives decoded",
    "You asked for no coding but chunked (no TE): refuse the answer with 502.",
)
async def _(stand: Stand) -> None:
    zipped, hello = gzip.compress(b"hello", mtime=0), b"hello"
    for coding, body in (
        ("gzip", zipped),
        ("gzip, chunked", chunked(zipped)),
        ("own, chunked", chunked(hello)),
        ("chunked, own", chunked(hello)),
        ("", hello),
    ):
        stand = stand.anew()
        answer = say("200 OK", f"Transfer-Encoding: {coding}", body=body)
        heard = (await stand.exchange(ask("GET /"), answer, ending="close")).reached()
        decoded = heard.answer.status == 200 and heard.answer.complete and heard.answer.body == b"hello"
        if not ("gzip" in coding and decoded):
            demand(
                heard.whole.status == 502,
                f"for Transfer-Encoding: {coding!r} the client got {heard.answer.start}",
            )


@check(
    "FRAME-22",
    "RFC 9112 section 5.1",
    "a space before the colon of an answer's field is removed, or the answer becomes 502",
    "Take the name without what stands behind it, or refuse the answer: two readers would disagree.",
)
async def _(stand: Stand) -> None:
    for fields in (
        ("X-Odd : 1",),
        ("Content-Length : 5",),
        ("Transfer-Encoding : chunked", "Content-Length: 5"),
    ):
        stand = stand.anew()
        coded = chunked(b"hello") if "chunked" in fields[0] else b"hello"
        answer = say("200 OK", *fields).removesuffix(b"\r\n") + b"X-End: 1\r\n\r\n" + coded
        heard = (await stand.exchange(ask("GET /"), answer, ending="close")).reached()
        head = heard.raw_client.partition(b"\r\n\r\n")[0]
        demand(b" :" not in head, f"{fields[0]!r} went on to the client as it was")
        fine = heard.whole.status == 502 or heard.whole.body == b"hello"
        demand(fine, f"for {fields[0]!r} the client got {heard.answer.start} with {heard.answer.body!r}")


@check(
    "FRAME-23",
    "RFC 9110 section 15",
    "a status below 100, and one that has not three digits, becomes 502",
    "A status has three digits and begins with 1 to 5: refuse the answer with 502.",
)
async def _(stand: Stand) -> None:
    for status in ("099 Low", "000 Nothing", "99 Short", "2000 Long", "2OO Letters"):
        stand = stand.anew()
        heard = (await stand.exchange(ask("GET /"), say(status, body=b"hello"))).reached()
        demand(heard.whole.status == 502, f"for the status {status} the client got {heard.answer.start}")


@check(
    "FRAME-24",
    "RFC 9112 section 2.2",
    "an answer whose lines end in LF alone is read, or becomes 502: nobody waits for its end",
    "A line may end in LF; a reader that looks for CRLF CRLF waits for ever.",
)
async def _(stand: Stand) -> None:
    for words, odd in (
        ("every line", HELLO.replace(b"\r\n", b"\n")),
        ("the last line", HELLO.replace(b"\r\n\r\n", b"\r\n\n")),
        ("every line but the last", HELLO.replace(b"\r\n", b"\n").replace(b"\n\n", b"\n\r\n")),
    ):
        stand = stand.anew()
        heard = (await stand.exchange(ask("GET /"), odd)).reached()
        fine = heard.whole.status == 502 or (heard.answer.status, heard.answer.body) == (200, b"hello")
        demand(fine, f"where {words} ended in LF, the client got {heard.answer.start}, {heard.answer.body!r}")
