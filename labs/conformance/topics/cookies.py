"""Cookies: a proxy keeps none."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

JAR = "A shared session has a cookie jar: ClientSession(cookie_jar=DummyCookieJar())."


@check("COOKIE-1", "RFC 6265 section 5.4", "the cookie of one visitor never goes with another's request", JAR)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /"), say("200 OK", "Set-Cookie: sid=alice; Path=/", body=b"hello"))
    demand(heard.upstream is not None, "the request never reached the origin")
    stand = stand.anew()
    heard = await stand.exchange(ask("GET /"), HELLO)
    demand(
        heard.asked.field("Cookie") is None, f"Bob's request carried Cookie: {heard.asked.field('Cookie')}"
    )


@check("COOKIE-2", "RFC 6265 section 4.2", "a visitor's Cookie goes on byte for byte", JAR)
async def _(stand: Stand) -> None:
    value = 'a="x y"; b=; b=2; c=%2F=='
    heard = await stand.exchange(ask("GET /", f"Cookie: {value}"), HELLO)
    demand(heard.asked.all("Cookie") == (value,), f"Cookie arrived as {heard.asked.all('Cookie')}")


@check("COOKIE-3", "lab", "a cookie that one answer set does not change what the visitor sends next", JAR)
async def _(stand: Stand) -> None:
    stand.script(say("200 OK", "Set-Cookie: a=new; Path=/", body=b"hello"), HELLO)
    line = await stand.client()
    line.write(ask("GET /", "Cookie: a=old"))
    await line.over(1)
    line.write(ask("GET /", "Cookie: a=old"))
    await line.over(2)
    got = [it.field("Cookie") for it in stand.heard(line).requests]
    demand(got == ["a=old", "a=old"], f"the origin heard the cookies {got}")


@check(
    "COOKIE-4",
    "RFC 9110 section 5.3",
    "Cookie and cookie are one field, and both arrive in their order",
    "Names have no case: keep both lines, or join them with a semicolon.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "Cookie: a=1", "cookie: b=2"), HELLO)
    got = heard.asked.all("Cookie")
    demand("; ".join(got) == "a=1; b=2", f"Cookie: a=1 and cookie: b=2 arrived as {got}")


@check(
    "COOKIE-5",
    "RFC 6265 section 5.1.4",
    "under a prefix, Path of a cookie gets the prefix, once",
    "The client asks below the prefix: map Path as you map Location.",
    needs={"prefix": "/shop"},
)
async def _(stand: Stand) -> None:
    prefix = stand.settings["prefix"]
    for path, there, elsewhere in (
        ("/", f"{prefix}/page", "/other"),
        ("/account", f"{prefix}/account/1", "/account"),
        (f"{prefix}/account", f"{prefix}/account", f"{prefix}{prefix}/account"),
    ):
        stand = stand.anew()
        cookie = f"sid=a=b; Path={path}; HttpOnly"
        heard = await stand.exchange(
            ask(f"GET {prefix}/login"), say("200 OK", f"Set-Cookie: {cookie}", body=b"hi")
        )
        got = heard.reached().whole.field("Set-Cookie") or ""
        first, *rest = (it.strip() for it in got.split(";"))
        mapped = next((it[5:] for it in rest if it.lower().startswith("path=")), "")
        demand(first == "sid=a=b" and "HttpOnly" in rest, f"{cookie} arrived as {got}")
        fits = [_sent(mapped, it) for it in (there, elsewhere)]
        demand(fits == [True, False], f"{cookie} arrived with Path={mapped}")


def _sent(path: str, target: str) -> bool:
    # RFC 6265 section 5.1.4: whether a cookie of this path goes with a request for this target.
    inside = target.startswith(path) and (path.endswith("/") or target[len(path) :].startswith("/"))
    return path == target or (bool(path) and inside)
