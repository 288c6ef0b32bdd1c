"""Who asked, for which host, and through whom."""

import re

from labs.conformance.messages import HELLO, ask
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

SAY = (
    "The origin sees the proxy's address: say the client's (request.remote) in X-Forwarded-For or Forwarded."
)
VIA = 'Add "1.1 name" to Via on every request.'
MORE = ("X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Real-IP")
TOLD = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", *MORE)


@check("FORWARD-1", "RFC 9110 section 7.2", "the origin hears one Host: its own name, or the client's", SAY)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), HELLO)
    got = heard.asked.all("Host")
    demand(got in ((stand.host,), (stand.origin_host,)), f"the origin heard Host {got}")


@check("FORWARD-2", "RFC 7239 section 5.2", "the origin hears the client's address", SAY)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), HELLO)
    listed = ", ".join(heard.asked.all("X-Forwarded-For"))
    told = listed.rpartition(",")[2].strip() or ", ".join(heard.asked.all("Forwarded"))
    demand("127.0.0.1" in told, f"the origin heard X-Forwarded-For: {listed or 'none'}")


@check(
    "FORWARD-3",
    "RFC 7239 section 8.1",
    "an X-Forwarded-For that the client made up is not the last word",
    "Append the real address to the list, or replace a list that you do not trust.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "X-Forwarded-For: 192.0.2.66"), HELLO)
    told = [it.strip() for it in ", ".join(heard.asked.all("X-Forwarded-For")).split(",")]
    demand(told[-1] == "127.0.0.1", f"the origin heard X-Forwarded-For: {', '.join(told) or 'none'}")


@check(
    "FORWARD-4",
    "RFC 7239 section 5.3",
    "the origin hears the client's scheme, and the Host that it asked",
    SAY,
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), HELLO)
    plain = ", ".join(heard.asked.all("Forwarded"))
    proto, host = heard.asked.field("X-Forwarded-Proto"), heard.asked.field("X-Forwarded-Host")
    demand(proto == "http" or "proto=http" in plain, f"the origin heard X-Forwarded-Proto: {proto}")
    known = stand.host in (host, heard.asked.field("Host")) or stand.host in plain
    demand(known, f"the origin heard X-Forwarded-Host: {host}")


@check("FORWARD-5", "RFC 9110 section 7.6.3", "a request carries Via, after those that it had", VIA)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "Via: 1.0 fred"), HELLO)
    listed = [it.strip() for it in ", ".join(heard.asked.all("Via")).split(",") if it.strip()]
    demand(listed[:1] == ["1.0 fred"], f"the Via of a proxy before was lost: {', '.join(listed) or 'none'}")
    own = len(listed) == 2 and re.match(r"(HTTP/)?1\.1 \S", listed[1])
    demand(own, f"the proxy did not name itself in Via: {', '.join(listed)}")


@check(
    "FORWARD-6",
    "RFC 9110 section 7.6",
    "a request that has been here before does not go round again",
    "Look for your own name in Via, and answer 508 or another error: it is a loop.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), HELLO)
    via = ", ".join(heard.asked.all("Via"))
    demand(via, "nothing in the request tells that it went through the proxy")
    stand = stand.anew()
    heard = await stand.exchange(ask("GET /", f"Via: {via}"), HELLO)
    demand(heard.upstream is None, "the request went on to the origin a second time")
    demand(heard.answer.status >= 400, f"the client got {heard.answer.start}")


@check(
    "FORWARD-7",
    "RFC 9110 section 7.6.2",
    "Max-Forwards of OPTIONS counts down, and at 0 the proxy answers itself",
    "For OPTIONS and TRACE: answer at 0, send one less otherwise.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("OPTIONS /", "Max-Forwards: 5"), HELLO)
    got = heard.asked.field("Max-Forwards")
    demand(got is not None and got.isdigit() and int(got) < 5, f"Max-Forwards: 5 arrived as {got}")
    stand = stand.anew()
    heard = await stand.exchange(ask("OPTIONS /", "Max-Forwards: 0"), HELLO)
    demand(heard.upstream is None, "a request with Max-Forwards: 0 went on to the origin")


@check(
    "FORWARD-8",
    "RFC 3875 section 4.1.18",
    "no field with an underscore passes for one that tells of the client",
    "An origin behind CGI or WSGI reads X_Forwarded_For as X-Forwarded-For: drop such names.",
)
async def _(stand: Stand) -> None:
    forged = [f"{it.replace('-', '_')}: evil.test" for it in TOLD]
    heard = await stand.exchange(ask("GET /", *forged, "x-forwarded_for: evil.test"), HELLO)
    arrived = [name for name, value in heard.asked.fields if "_" in name and value == "evil.test"]
    demand(not arrived, f"went on to the origin: {', '.join(arrived)}")


@check(
    "FORWARD-9",
    "lab",
    "X-Real-IP, and X-Forwarded-Port and its like, are not the client's own word",
    "Drop what you do not write yourself: the origin cannot tell who wrote it.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", *(f"{it}: evil.test" for it in MORE)), HELLO)
    arrived = [it for it in MORE if "evil.test" in heard.asked.all(it)]
    demand(not arrived, f"went on to the origin: {', '.join(arrived)}")
