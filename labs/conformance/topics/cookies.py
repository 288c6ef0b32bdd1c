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
