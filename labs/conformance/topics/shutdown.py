"""The proxy stops: what runs may finish, and nothing is left."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

CLEANUP = "Close the session and its connections in the application's cleanup_ctx."


@check("STOP-1", "lab", "a proxy that stops ends its idle connections to the origin and to clients", CLEANUP)
async def _(stand: Stand) -> None:
    await stand.exchange(ask("GET /"), HELLO)
    origin = await stand.origin()
    await stand.stop()
    await origin.ends("the end of an idle connection to the origin, after the proxy stopped")
    await stand.clients[0].ends("the end of an idle client's connection, after the proxy stopped")


@check(
    "STOP-2",
    "lab",
    "an exchange that runs when the proxy stops may finish",
    "Close what the handlers need after they have ended: cleanup_ctx, and not on_shutdown.",
    linger=1.5,
)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /slow"))
    origin, _ = await stand.asked()
    origin.write(say("200 OK", "Content-Length: 10", body=b"first"))

    async def finish() -> None:
        await stand.refuses()
        origin.write(b"after")
        await line.over(1)

    await stand.together(stand.stop(), finish())
    demand(stand.heard(line).whole.body == b"firstafter", f"the client got {stand.heard(line).answer.body!r}")


@check("STOP-3", "lab", "an exchange that does not end is dropped at both ends when the proxy stops", CLEANUP)
async def _(stand: Stand) -> None:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /never"))
    origin, _ = await stand.asked()
    await stand.stop()
    await origin.ends("the end of the upstream request, after the proxy stopped")
    await line.ends("the end of the client's connection, after the proxy stopped")
