"""Redirects are the client's to follow: a proxy relays them."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

RELAY = "Do not follow: allow_redirects=False."
CLAUSE = "RFC 9110 section 15.4"


@check("REDIR-1", CLAUSE, "a redirect is relayed, with its cookie, and not followed", RELAY)
async def _(stand: Stand) -> None:
    moved = say("302 Found", "Location: /landed", "Set-Cookie: login=1", body=b"moved")
    heard = await stand.exchange(ask("GET /login"), [moved, HELLO])
    demand(len(heard.requests) == 1, f"the origin heard {len(heard.requests)} requests: the proxy followed")
    demand(heard.whole.status == 302, f"302 arrived as {heard.answer.start}")
    demand(
        heard.answer.field("Location") == "/landed", f"Location arrived as {heard.answer.field('Location')}"
    )
    demand(heard.answer.field("Set-Cookie") == "login=1", "the cookie of the redirect was lost")


@check("REDIR-2", CLAUSE, "a 307 to a POST is relayed, and the body is sent once", RELAY)
async def _(stand: Stand) -> None:
    moved = say("307 Temporary Redirect", "Location: /other", body=b"")
    heard = await stand.exchange(ask("POST /form", "Content-Length: 5", body=b"order"), [moved, HELLO])
    demand(len(heard.requests) == 1, f"the origin heard {len(heard.requests)} requests: the proxy followed")
    demand(heard.asked.body == b"order", f"the body arrived as {heard.asked.body!r}")
    demand(heard.whole.status == 307, f"307 arrived as {heard.answer.start}")


@check(
    "REDIR-3",
    "lab",
    "a Location that names the origin is rewritten to the public name",
    "Where Location begins with the origin's URL, put the public scheme and host there.",
)
async def _(stand: Stand) -> None:
    inner = f"http://{stand.origin_host}/landed?q=%2F"
    heard = await stand.exchange(ask("GET /"), [say("302 Found", f"Location: {inner}", body=b""), HELLO])
    got = heard.whole.field("Location")
    demand(got in (f"http://{stand.host}/landed?q=%2F", "/landed?q=%2F"), f"Location arrived as {got}")


@check("REDIR-4", "lab", "a Location that names somebody else is left alone", RELAY)
async def _(stand: Stand) -> None:
    for there in ("https://login.test/a%2Fb?to=http://x/#f", "../up", "http://origin.test.evil.test/"):
        stand = stand.anew()
        heard = await stand.exchange(
            ask("GET /"), [say("303 See Other", f"Location: {there}", body=b""), HELLO]
        )
        got = heard.whole.field("Location")
        demand(got == there, f"Location {there} arrived as {got}")


@check(
    "REDIR-5",
    "lab",
    "under a prefix, a Location gets the prefix, once",
    "The client asks below the prefix: put it before a path, unless it stands there already.",
    needs={"prefix": "/shop"},
)
async def _(stand: Stand) -> None:
    prefix = stand.settings["prefix"]
    for there, owed in (
        ("/landed", f"{prefix}/landed"),
        (f"http://{stand.origin_host}/landed", f"{prefix}/landed"),
        (f"{prefix}/landed?a=/b", f"{prefix}/landed?a=/b"),
        (f"{prefix}ping", f"{prefix}{prefix}ping"),
        ("landed", "landed"),
        ("//elsewhere.test/landed", "//elsewhere.test/landed"),
    ):
        stand = stand.anew()
        heard = await stand.exchange(
            ask(f"GET {prefix}/page"), say("302 Found", f"Location: {there}", body=b"")
        )
        got = heard.reached().whole.field("Location") or ""
        demand(got.removeprefix(f"http://{stand.host}") == owed, f"Location {there} arrived as {got}")
