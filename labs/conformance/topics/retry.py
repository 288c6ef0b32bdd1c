"""A request goes out once."""

from labs.conformance.messages import HELLO, ask
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

AGAIN = (
    "ClientSession repeats idempotent requests when a kept-alive connection dies, and no option stops it; a "
    "client middleware that raises another error does."
)


async def _dying(stand: Stand, request: bytes) -> None:
    # The origin keeps the connection after one answer, hears the next request whole, and resets.
    stand.manual()
    first = await stand.client()
    first.write(ask("GET /first"))
    origin, _ = await stand.asked()
    origin.write(HELLO)
    await first.over(1)
    stand = stand.anew()
    line = await stand.client()
    line.write(request)
    origin, _ = await stand.asked()
    stand.script(HELLO)
    origin.break_off()
    await line.over(1)
    heard = stand.heard(line)
    demand(len(heard.requests) == 1, f"the origin heard the request {len(heard.requests)} times")
    demand(not heard.answers or heard.answer.status >= 500, f"the client got {heard.answers[:1]}")


@check("RETRY-1", "RFC 9110 section 9.2.2", "a POST that died with its connection is not repeated", AGAIN)
async def _(stand: Stand) -> None:
    await _dying(stand, ask("POST /order", "Content-Length: 5", body=b"order"))


@check("RETRY-2", "lab", "a PUT that the origin has heard is not repeated", AGAIN)
async def _(stand: Stand) -> None:
    await _dying(stand, ask("PUT /order", "Content-Length: 5", body=b"order"))


@check("RETRY-3", "lab", "a GET that the origin has heard is not repeated", AGAIN)
async def _(stand: Stand) -> None:
    await _dying(stand, ask("GET /count"))
