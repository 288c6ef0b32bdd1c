"""Fields that are end to end: their order, their number, their bytes."""

from labs.capture.message import octets
from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

PAIRS = "Copy the fields as pairs (raw_headers), and never into a dict: it keeps one of each name."
NOTHING = "A StreamResponse adds fields of its own where there are none: look at what goes out."


@check("FIELD-1", "RFC 9110 section 5.3", "repeated fields of a request keep their order and number", PAIRS)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "X-A: 1", "X-B: 2", "X-A: 3", "X-A: 2, 4"), HELLO)
    got = heard.asked.all("X-A")
    demand(got == ("1", "3", "2, 4") or ", ".join(got) == "1, 3, 2, 4", f"X-A arrived as {got}")


@check("FIELD-2", "RFC 9110 section 5.3", "repeated fields of an answer keep their order and number", PAIRS)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), say("200 OK", "X-A: 1", "X-B: 2", "X-A: 3", body=b"hello"))
    got = heard.whole.all("X-A")
    demand(got == ("1", "3") or ", ".join(got) == "1, 3", f"X-A arrived as {got}")


@check("FIELD-3", "RFC 9110 section 5.3", "Set-Cookie is never merged, and none is lost", PAIRS)
async def _(stand: Stand) -> None:
    cookies = ("a=1; Path=/; Expires=Wed, 21 Oct 2037 07:28:00 GMT", "b=2", "a=1; Path=/other")
    heard = await stand.exchange(
        ask("GET /"), say("200 OK", *(f"Set-Cookie: {it}" for it in cookies), body=b"hello")
    )
    got = heard.whole.all("Set-Cookie")
    demand(got == cookies, f"{len(cookies)} Set-Cookie lines arrived as {got}")


@check("FIELD-4", "RFC 9110 section 5.1", "fields that the proxy does not know go on, both ways", PAIRS)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(
        ask("GET /", "X-Own_field: a"), say("200 OK", "X-Their.field: b", body=b"hello")
    )
    demand(heard.asked.field("X-Own_field") == "a", "X-Own_field never reached the origin")
    demand(heard.whole.field("X-Their.field") == "b", "X-Their.field never reached the client")


@check(
    "FIELD-5",
    "RFC 9110 section 5.5",
    "bytes beyond ASCII in a value pass as they are, both ways",
    "Take the bytes (raw_headers), or decode and encode with the same codec and surrogateescape.",
)
async def _(stand: Stand) -> None:
    for value in ("caf\u00e9", "\u00ea\u00b0\u0080"):  # Latin-1, and a Korean syllable in UTF-8
        stand = stand.anew()
        answer = say("200 OK", f"X-Name: {value}", body=b"hello")
        heard = await stand.exchange(ask("GET /", f"X-Name: {value}"), answer)
        for where, message in (("origin", heard.asked), ("client", heard.whole)):
            got = message.field("X-Name")
            sent = value.encode("latin-1")
            demand(octets(got or "") == sent, f"{sent!r} arrived at the {where} as {got!r}")


@check("FIELD-6", "RFC 9110 section 5.5", "a field without a value goes on, both ways", PAIRS)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "X-Empty:"), say("200 OK", "X-Empty:", body=b"hello"))
    demand(heard.asked.field("X-Empty") == "", "the empty field never reached the origin")
    demand(heard.whole.field("X-Empty") == "", "the empty field never reached the client")


@check(
    "FIELD-7",
    "RFC 9110 section 7.6",
    "a status code that nobody registered, and any reason, go on",
    "Pass status and reason on; StreamResponse(status=…, reason=…).",
)
async def _(stand: Stand) -> None:
    for status in ("299 Quite Fine", "599 Own", "404 Nicht da"):
        stand = stand.anew()
        heard = await stand.exchange(ask("GET /"), say(status, body=b"hello"))
        got = heard.whole.start.partition(" ")[2]
        demand(got == status, f"{status} arrived as {got}")


@check("FIELD-8", "RFC 9110 section 8.3", "an answer without Content-Type stays without", NOTHING)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), say("200 OK", body=b"hello"))
    got = heard.whole.field("Content-Type")
    demand(got is None, f"the client got a Content-Type that nobody sent: {got}")


@check(
    "FIELD-9", "RFC 9110 section 7.7", "the origin's Date and Server go on, and there is one of each", NOTHING
)
async def _(stand: Stand) -> None:
    date = "Tue, 15 Nov 1994 08:12:31 GMT"
    heard = await stand.exchange(ask("GET /"), say("200 OK", f"Date: {date}", "Server: own/1", body=b"hello"))
    demand(heard.whole.all("Date") == (date,), f"Date arrived as {heard.answer.all('Date')}")
    demand(heard.answer.all("Server") == ("own/1",), f"Server arrived as {heard.answer.all('Server')}")


@check(
    "FIELD-10",
    "RFC 9112 section 3.2",
    "a request without Host, or with two, is refused with 400",
    "aiohttp's server takes both: count the Host fields yourself.",
)
async def _(stand: Stand) -> None:
    for words, request in (
        ("two Hosts", ask("GET /", "Host: evil.test")),
        ("the same Host twice", ask("GET /", "Host: front.test")),
        ("no Host", ask("GET /", host=None)),
    ):
        stand = stand.anew()
        heard = await stand.exchange(request, HELLO)
        demand(heard.answer.status == 400, f"with {words} the client got {heard.answer.start}, not 400")
        demand(heard.upstream is None, f"a request with {words} went on to the origin")


@check(
    "FIELD-11",
    "RFC 9110 section 5.1",
    "fields whose names differ in case only are one field: all arrive, in their order",
    "ClientSession takes X-A and x-a for two names, and keeps the last: give all one spelling.",
)
async def _(stand: Stand) -> None:
    answer = say("200 OK", "X-A: 1", "x-a: 2", "set-cookie: a=1", "Set-Cookie: b=2", body=b"hello")
    heard = await stand.exchange(ask("GET /", "X-A: 1", "x-a: 2", "X-a: 3", "X-A: 4"), answer)
    got = ", ".join(heard.asked.all("X-A"))
    demand(got == "1, 2, 3, 4", f"X-A, x-a, X-a and X-A arrived at the origin as {got or 'nothing'}")
    got = ", ".join(heard.whole.all("X-A"))
    demand(got == "1, 2", f"X-A and x-a arrived at the client as {got or 'nothing'}")
    cookies = heard.answer.all("Set-Cookie")
    demand(cookies == ("a=1", "b=2"), f"set-cookie and Set-Cookie arrived as {cookies}")
