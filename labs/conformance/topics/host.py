"""The host that a client names: its grammar, where it may stand, and what is built from it."""

import re

from labs.conformance.exchange import Exchange
from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

CLAUSE = "RFC 9112 section 3.2"
GRAMMAR = (
    "Check the whole value: a name, an IPv4 address or an IPv6 address in brackets, then perhaps :digits."
)
PAIR = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=([!#$%&\'*+.^_`|~0-9A-Za-z-]+|"(?:[^"\\]|\\.)*")\s*')


def _refused(heard: Exchange, words: str) -> None:
    demand(not heard.raw_upstream, f"a request with {words} went on to the origin")
    demand(heard.answer.status == 400, f"for {words} the client got {heard.answer.start}, not 400")


async def _refuses(stand: Stand, *hosts: str) -> None:
    for host in hosts:
        stand = stand.anew()
        _refused(await stand.exchange(ask("GET /", host=host), HELLO), f"Host: {host}")


@check("HOST-1", CLAUSE, "a port that is no number is refused with 400", GRAMMAR)
async def _(stand: Stand) -> None:
    await _refuses(
        stand, "front.test:x", "front.test:-1", "front.test:80:80", "front.test:8o", "front.test:+80"
    )


@check(
    "HOST-2", "RFC 9110 section 7.2", "an IPv6 address in brackets goes on, with a port and without", GRAMMAR
)
async def _(stand: Stand) -> None:
    for host in ("[::1]", "[2001:db8::7]:8080"):
        stand = stand.anew()
        heard = await stand.exchange(ask("GET /", host=host), HELLO)
        demand(heard.asked.complete, f"the origin heard half a request with Host: {host}")
        demand(heard.whole.status == 200, f"for Host: {host} the client got {heard.answer.start}")


@check(
    "HOST-3", CLAUSE, "half an IPv6 address, and brackets around what is none, are refused with 400", GRAMMAR
)
async def _(stand: Stand) -> None:
    await _refuses(stand, "[::1", "::1", "[front.test]", "[::1]x", "[::1]:x", "[]", "[:::1]")


@check("HOST-4", CLAUSE, "a user before the host is refused with 400", GRAMMAR)
async def _(stand: Stand) -> None:
    await _refuses(stand, "user@front.test", "user:pass@front.test:80")


@check("HOST-5", CLAUSE, "quotes, spaces, slashes and half an escape in a host are refused with 400", GRAMMAR)
async def _(stand: Stand) -> None:
    await _refuses(
        stand,
        'front.test"',
        "front test",
        "front.test/x",
        "front.test?x",
        "front.test#x",
        "fr%zz",
        "<front>",
        "a\\b",
    )


@check(
    "HOST-6",
    "RFC 9110 section 4.2.1",
    "a request that names no host gets no Location without one",
    "HTTP/1.0 knows no Host, and Host may be empty: then write a path, or a host of your own.",
)
async def _(stand: Stand) -> None:
    moved = say("302 Found", f"Location: http://{stand.origin_host}/landed", body=b"")
    for words, request in (
        ("HTTP/1.0 without Host", ask("GET / HTTP/1.0", host=None)),
        ("an empty Host", ask("GET /", host="")),
    ):
        stand = stand.anew()
        heard = await stand.exchange(request, moved)
        if heard.upstream is None and 400 <= heard.answer.status < 500:
            continue  # who has no host for it may refuse it: RFC 9112 section 3.3
        demand(heard.reached().whole.status == 302, f"for {words} the client got {heard.answer.start}")
        got = heard.answer.field("Location") or ""
        named = re.fullmatch(r"http://[^/?#]+/landed|/landed", got)
        demand(named, f"for {words} Location arrived as {got}")


@check(
    "HOST-7",
    "RFC 9112 section 3.2.2",
    "the host of an absolute target wins over Host",
    "Take the host from the target where it has one: Host says nothing then.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask(f"GET http://{stand.host}/", host="other.test"), HELLO)
    if heard.upstream is None:
        demand(heard.answer.status == 400, f"the client got {heard.answer.start}")
        return
    told = [it for it in heard.asked.fields if "other.test" in it[1]]
    demand(not told, f"the origin heard of the wrong host: {told[:1]}")


@check(
    "HOST-8",
    CLAUSE,
    "the host of an absolute target is held to the same grammar",
    "Check the host after you took it from the target, too.",
)
async def _(stand: Stand) -> None:
    for there in ('front.test"', 'a";for=192.0.2.66;by="b', "front.test:x", "user@front.test", "[::1", ""):
        stand = stand.anew()
        _refused(await stand.exchange(ask(f"GET http://{there}/"), HELLO), f"the target http://{there}/")


@check(
    "HOST-9",
    "RFC 7239 section 4",
    "no host forges Forwarded: what is no token is quoted",
    "A host may hold ; and = by its grammar: put it into quotes, or refuse it.",
)
async def _(stand: Stand) -> None:
    evil = "a;for=192.0.2.66"
    for words, request in (
        (f"Host: {evil}", ask("GET /", host=evil)),
        (f"the target http://{evil}/", ask(f"GET http://{evil}/")),
    ):
        stand = stand.anew()
        heard = await stand.exchange(request, HELLO)
        if heard.upstream is None and 400 <= heard.answer.status < 500:
            continue
        told = ", ".join(heard.asked.all("Forwarded"))
        pairs = {name.lower(): value for name, value in PAIR.findall(told)}
        demand("192.0.2.66" not in pairs.get("for", ""), f"for {words} the origin heard Forwarded: {told}")
