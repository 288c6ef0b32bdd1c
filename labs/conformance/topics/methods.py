"""Methods, and answers without a body."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

BODILESS = "Send the fields and no body; aiohttp does it, if status and method are passed on."


@check(
    "METHOD-1",
    "RFC 9110 section 7.6",
    "PATCH, PROPFIND and M-SEARCH go on as written",
    "Route every method ('*') and pass request.method on.",
)
async def _(stand: Stand) -> None:
    for method in ("PATCH", "PROPFIND", "M-SEARCH"):
        await _method(stand.anew(), method)


async def _method(stand: Stand, method: str) -> None:
    heard = await stand.exchange(ask(f"{method} /x"), HELLO)
    demand(heard.asked.method == method, f"{method} arrived as {heard.asked.method}")


async def _bodiless(stand: Stand, method: str, first: bytes, length: str) -> None:
    stand.script(first, say("200 OK", body=b"second"))
    line = await stand.client()
    line.write(ask(f"{method} /first"))
    await line.over(1)
    line.write(ask("GET /second"))
    await line.over(2)
    heard = stand.heard(line)
    demand(heard.asked.method == method, f"{method} arrived as {heard.asked.method}")
    demand(heard.whole.body == b"", f"the answer has a body: {heard.answer.body!r}")
    got = heard.answer.field("Content-Length")
    demand(got in (None, length), f"the answer says Content-Length: {got}")
    bodies = [it.body for it in heard.answers[1:]]
    demand(bodies == [b"second"], f"the next request of the connection was answered with {bodies}")
    demand(not any(it.surplus for it in heard.client), "bytes that belong to no message went to the client")


@check(
    "METHOD-2", "RFC 9110 section 9.3.2", "HEAD stays HEAD, with the length and without the body", BODILESS
)
async def _(stand: Stand) -> None:
    await _bodiless(stand, "HEAD", say("200 OK", "Content-Length: 1234", 'ETag: "v"'), "1234")
    demand(stand.clients[0].whole[0].field("Content-Length") == "1234", "the Content-Length of HEAD was lost")
    demand(stand.clients[0].whole[0].field("ETag") == '"v"', "the ETag of HEAD was lost")


@check("METHOD-3", "RFC 9110 section 15.3.5", "204 has no body, and the connection goes on", BODILESS)
async def _(stand: Stand) -> None:
    await _bodiless(stand, "DELETE", say("204 No Content"), "")
    demand(stand.clients[0].whole[0].field("Transfer-Encoding") is None, "204 came with Transfer-Encoding")


@check(
    "METHOD-4",
    "RFC 9110 section 15.4.5",
    "304 keeps its fields, has no body, and the connection goes on",
    BODILESS,
)
async def _(stand: Stand) -> None:
    await _bodiless(stand, "GET", say("304 Not Modified", 'ETag: "v"', "Content-Length: 1234"), "1234")
    demand(stand.clients[0].whole[0].status == 304, f"304 arrived as {stand.clients[0].whole[0].start}")
    demand(stand.clients[0].whole[0].field("ETag") == '"v"', "the ETag of 304 was lost")


@check(
    "METHOD-5",
    "RFC 9110 section 9.3.6",
    "CONNECT is refused, and opens no tunnel",
    "A reverse proxy is no tunnel: answer CONNECT with 405.",
)
async def _(stand: Stand) -> None:
    host = "elsewhere.test:443"
    heard = await stand.exchange(ask(f"CONNECT {host}", host=host), say("200 OK"))
    demand(heard.upstream is None, f"the origin heard {heard.raw_upstream[:40]!r}")
    demand(400 <= heard.answer.status < 600, f"the client got {heard.answer.start}")


@check(
    "METHOD-6",
    "RFC 9110 section 7.6",
    "a method that nobody registered goes on as written",
    "Any token is a method; aiohttp's compiled parser knows a list of them and refuses the rest.",
)
async def _(stand: Stand) -> None:
    await _method(stand, "BREW")
