"""HTTP's version: a proxy speaks its own, and says so."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

CLAUSE = "RFC 9110 section 6.2"
OWN = "Write your own version, HTTP/1.1: the version belongs to one hop."


@check(
    "VERSION-1",
    "RFC 9110 section 15.6.6",
    "a request of another major version is refused with 505 or 400",
    "HTTP/2.0 in a request line is no HTTP/2, and a line without a version is HTTP/0.9: pass neither on.",
)
async def _(stand: Stand) -> None:
    for version in (" HTTP/2.0", " HTTP/3.0", " HTTP/0.9", ""):
        stand = stand.anew()
        heard = await stand.exchange(ask("GET /").replace(b" HTTP/1.1", version.encode()), HELLO)
        demand(not heard.raw_upstream, f"the request GET /{version} went on to the origin")
        got = heard.answer.start
        demand(heard.answer.status in (400, 505), f"for GET /{version} the client got {got}, not 505")


@check(
    "VERSION-2",
    CLAUSE,
    "a request of HTTP/1.2 is read as HTTP/1.1",
    "A higher minor version changes nothing that you need: go on as in HTTP/1.1.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /page HTTP/1.2"), HELLO)
    demand(heard.asked.version in ("HTTP/1.0", "HTTP/1.1"), f"the origin heard {heard.asked.start}")
    demand(heard.whole.body == b"hello", f"the client got {heard.answer.start}")


@check("VERSION-3", "RFC 9112 section 2.3", "an answer of HTTP/1.0 goes on as the proxy's own version", OWN)
async def _(stand: Stand) -> None:
    old = HELLO.replace(b"HTTP/1.1", b"HTTP/1.0")
    heard = (await stand.exchange(ask("GET /"), old, ending="close")).reached()
    demand(heard.whole.version == "HTTP/1.1", f"the client got {heard.answer.start}")
    demand(heard.answer.body == b"hello", f"the client got the body {heard.answer.body!r}")


@check("VERSION-4", CLAUSE, "a refusal is an answer of HTTP/1.1, too", OWN)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "Bad Field: 1"), say("200 OK", body=b""))
    demand(heard.answer.status >= 400, f"a field name with a space was answered with {heard.answer.start}")
    demand(heard.answer.version == "HTTP/1.1", f"the client got {heard.answer.start}")
