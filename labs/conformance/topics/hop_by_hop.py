"""Fields that belong to one connection: Connection, and everything it names."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

CLAUSE = "RFC 9110 section 7.6.1"
HINT = "Drop the fields that Connection names, Connection itself, and the known hop-by-hop fields, both ways."


@check("HOP-1", CLAUSE, "a field that the request's Connection names stays behind", HINT)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "Connection: X-Hop", "X-Hop: 1", "X-End: 2"), HELLO)
    demand(heard.asked.field("X-Hop") is None, "the field that Connection named went on to the origin")
    named = ", ".join(heard.asked.all("Connection")).lower()
    demand("x-hop" not in named, "the client's Connection went on to the origin")
    demand(heard.asked.field("X-End") == "2", "a field that Connection did not name was lost")


@check("HOP-2", CLAUSE, "all fields of all Connection lines stay behind, whatever their case", HINT)
async def _(stand: Stand) -> None:
    fields = ("Connection: x-one, ,X-TWO", "Connection:", "Connection: X-Three", "X-One: 1", "X-Two: 2")
    heard = await stand.exchange(ask("GET /", *fields, "X-Three: 3", "X-End: 4"), HELLO)
    left = [name for name in ("X-One", "X-Two", "X-Three") if heard.asked.field(name) is not None]
    demand(not left, f"went on, though Connection named them: {', '.join(left)}")
    demand(heard.asked.field("X-End") == "4", "a field that Connection did not name was lost")


@check("HOP-3", CLAUSE, "a field that the answer's Connection names stays behind", HINT)
async def _(stand: Stand) -> None:
    fields = ("Connection: X-Hop", "X-Hop: 1", "X-End: 2")
    heard = await stand.exchange(ask("GET /"), say("200 OK", *fields, body=b"hello"))
    demand(heard.whole.field("X-Hop") is None, "the field that Connection named went on to the client")
    demand(
        "x-hop" not in ", ".join(heard.answer.all("Connection")).lower(), "the origin's Connection went on"
    )
    demand(heard.answer.field("X-End") == "2", "a field that Connection did not name was lost")


@check("HOP-4", CLAUSE, "Keep-Alive, Proxy-Connection, TE and Upgrade of a request stay behind", HINT)
async def _(stand: Stand) -> None:
    fields = (
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "TE: gzip",
        "Upgrade: own/1",
        "X-End: 1",
    )
    heard = await stand.exchange(ask("GET /", *fields), HELLO)
    names = ("Keep-Alive", "Proxy-Connection", "TE", "Upgrade")
    left = [name for name in names if heard.asked.field(name) is not None]
    demand(not left, f"went on to the origin: {', '.join(left)}")
    demand(heard.asked.field("X-End") == "1", "an end-to-end field was lost")


@check("HOP-5", CLAUSE, "Keep-Alive, Proxy-Connection and Upgrade of an answer stay behind", HINT)
async def _(stand: Stand) -> None:
    fields = ("Keep-Alive: timeout=77", "Proxy-Connection: keep-alive", "Upgrade: own/1", "X-End: 1")
    heard = await stand.exchange(ask("GET /"), say("200 OK", *fields, body=b"hello"))
    left = [it for it in ("Proxy-Connection", "Upgrade") if heard.whole.field(it) is not None]
    left += ["Keep-Alive"] * ("timeout=77" in heard.answer.all("Keep-Alive"))
    demand(not left, f"went on to the client: {', '.join(left)}")
    demand(heard.answer.field("X-End") == "1", "an end-to-end field was lost")


@check(
    "HOP-6",
    CLAUSE,
    "the origin's Connection: close does not end the client's connection",
    "Connection: close is about the one connection it came on: drop it, and decide about your own.",
)
async def _(stand: Stand) -> None:
    stand.script(say("200 OK", "Connection: close", body=b"one"), say("200 OK", body=b"two"), ending="close")
    line = await stand.client()
    line.write(ask("GET /1"))
    await line.over(1)
    demand(line.whole, "the client's connection ended without an answer")
    demand(
        "close" not in line.whole[0].all("Connection"), "the origin's Connection: close went on to the client"
    )
    line.write(ask("GET /2"))
    await line.over(2)
    bodies = [it.body for it in line.whole]
    demand(bodies == [b"one", b"two"], f"two requests on one connection were answered with {bodies}")


@check(
    "HOP-7",
    CLAUSE,
    "the client's Connection: close ends its connection after the answer, and is not the origin's",
    "Answer, then close: the framework does it, unless the origin's fields are copied over its own.",
)
async def _(stand: Stand) -> None:
    heard = (await stand.exchange(ask("GET /", "Connection: close"), HELLO)).reached()
    demand(heard.whole.body == b"hello", f"the client got {heard.answer.body!r}")
    await stand.clients[0].ends("the end of a connection for which the client said close")
