"""Limits: what is too much is refused, with the status that says so."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

HEAD = "Limit the bytes and the number of fields of a head: 431, or 400."


@check("LIMIT-1", "RFC 6585 section 5", "a request head of 1 MiB is refused, and goes nowhere", HEAD)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", f"X-Long: {'x' * (1 << 20)}"), HELLO)
    demand(heard.upstream is None and not heard.raw_upstream, "the head went on to the origin")
    if heard.answers:
        demand(heard.answer.status in (400, 431), f"the client got {heard.answer.start}")


@check("LIMIT-2", "RFC 6585 section 5", "a request of 50 000 fields is refused, and goes nowhere", HEAD)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", *["X-Many: 1"] * 50_000), HELLO)
    demand(heard.upstream is None and not heard.raw_upstream, "the head went on to the origin")
    if heard.answers:
        demand(heard.answer.status in (400, 431), f"the client got {heard.answer.start}")


@check(
    "LIMIT-3",
    "RFC 9110 section 15.5.15",
    "a target of 256 KiB is refused, and goes nowhere",
    "Answer 414, or 400.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask(f"GET /{'x' * (1 << 18)}"), HELLO)
    demand(heard.upstream is None and not heard.raw_upstream, "the target went on to the origin")
    if heard.answers:
        demand(heard.answer.status in (400, 414, 431), f"the client got {heard.answer.start}")


@check(
    "LIMIT-4", "lab", "an answer's head of 1 MiB becomes 502", "Limit what you read of an origin's head: 502."
)
async def _(stand: Stand) -> None:
    heard = (
        await stand.exchange(ask("GET /"), say("200 OK", f"X-Long: {'x' * (1 << 20)}", body=b"hello"))
    ).reached()
    demand(heard.whole.status == 502, f"the client got {heard.answer.start}, not 502")


@check(
    "LIMIT-5",
    "RFC 9110 section 15.5.14",
    "a body over the limit becomes 413",
    "aiohttp's client_max_size does not hold for a body that streams: count, and answer 413.",
    needs={"body": 1 << 16},
)
async def _(stand: Stand) -> None:
    size = stand.settings["body"] + 1
    heard = await stand.exchange(ask("POST /limited", f"Content-Length: {size}", body=b"x" * size), HELLO)
    demand(heard.answer.status == 413, f"the client got {heard.answer.start}, not 413")
    demand(not any(it.complete for it in heard.requests), "the whole body went on to the origin")
