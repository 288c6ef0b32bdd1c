"""The exercises of lesson 17."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from aiohttp import ClientError, ClientSession, DummyCookieJar, web
from aiohttp.typedefs import Handler

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.servers.fronts import Connect
from labs.town.town import Town

LESSON = "17_stand_behind_a_proxy"
PREFIXES = ("", "/shop", "/a/b")


def _under(prefix: str, connect: Connect) -> Handler:
    """Return a proxy that takes a prefix off, and leaves answers alone."""

    async def relay(request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(f"{prefix}/"):
            return web.Response(status=404, text="outside")
        url = "http://localhost:8080" + request.path_qs[len(prefix) :]
        fields = {"Host": request.host}
        async with (
            ClientSession(connector=connect(), cookie_jar=DummyCookieJar()) as inner,
            inner.get(url, headers=fields, allow_redirects=False) as answer,
        ):
            told = {name: value for name, value in answer.headers.items() if name == "Location"}
            return web.Response(status=answer.status, headers=told, body=await answer.read())

    return relay


_MOVE = "async def page(request):\n    raise web.HTTPFound({where})"


@exercise(
    "any-prefix",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="A reference without a slash at its beginning starts from the folder of the page, here /old/.",
    wrong={
        _MOVE.format(where="'/new/page'"): "outside",
        _MOVE.format(where="'/shop/new/page'"): "Asked directly",
        _MOVE.format(where="'new/page'"): "/old/new/page",
        _MOVE.format(where="'page'"): "10 times",
        _MOVE.format(where="f'{request.scheme}://{request.host}/new/page'"): "outside",
        _MOVE.format(where="request.url.with_path('/new/page')"): "outside",
        _MOVE.format(where="'https://shop.test/new/page'"): "nobody answers",
        "async def page(request):\n    raise web.HTTPMovedPermanently('../new/page')": "for good",
        "async def page(request):\n    return web.Response(text='the new page')": "no redirect",
    },
)
async def any_prefix(page: Any) -> Attempt:
    """Demand a temporary redirect from /old/page that arrives at /new/page under every prefix."""
    trace = Trace((), ())
    for prefix in PREFIXES:
        where = f"under {prefix}/" if prefix else "asked directly"
        trace, ended = await _moved(page, prefix)
        statuses = [it.status for it in trace.answers(whom="client")]
        if not statuses:
            return not_yet("The client heard nothing.", trace)
        if statuses[0] in (301, 308):
            return not_yet(f"{statuses[0]} says for good: it was to be temporary.", trace)
        if statuses[0] not in (302, 303, 307):
            return not_yet(f"The visitor heard {statuses[0]}, which is no redirect.", trace)
        if ended == "TooManyRedirects":
            return not_yet(f"{where[0].upper()}{where[1:]}, the page sent the visitor on 10 times.", trace)
        if ended != "the new page":
            came = f"asked the app for {trace.requests(whom='app')[-1].target}"
            came = {"outside": "came to a page outside of the app", "": "went where nobody answers"}.get(
                ended, came
            )
            return not_yet(f"{where[0].upper()}{where[1:]}, the visitor {came}.", trace)
    return yes(trace)


async def _moved(page: Any, prefix: str) -> tuple[Trace, str]:
    async def app(request: web.Request) -> web.StreamResponse:
        if request.path == "/new/page":
            return web.Response(text="the new page")
        if request.path != "/old/page":
            return web.Response(status=404, text="nothing here")
        answer: web.StreamResponse = await page(request)
        return answer

    ended = ""
    async with Town() as town:
        await town.open("localhost:8080", app, on="inside", known_as="app")
        await town.open("shop.test", _under(prefix, partial(town.connector, "proxy", on="inside")))
        async with ClientSession(connector=town.connector("client", on="home")) as client:
            try:
                async with client.get(f"http://shop.test{prefix}/old/page") as answer:
                    ended = await answer.text()
            except ClientError as error:
                ended = "TooManyRedirects" if type(error).__name__ == "TooManyRedirects" else ""
    return town.trace, ended


_ORDER = (
    "async def order(request):\n"
    "{first}"
    "    if {refused}:\n"
    "        raise web.HTTPForbidden()\n"
    "    return web.Response(text='ordered')"
)
_ORIGIN = "    origin = request.headers.get('Origin', '')\n"
ORIGINS = {
    "https://shop.test": 200,
    None: 200,
    "https://evil.test": 403,
    "http://shop.test": 403,
    "https://shop.test:8443": 403,
    "https://shop.test.evil.test": 403,
    "https://evil-shop.test": 403,
    "null": 403,
}


@exercise(
    "our-own-page",
    lesson=LESSON,
    stars=2,
    minutes=9,
    hint="What you know by configuration nobody can write into a request. All of an origin must be the same.",
    wrong={
        _ORDER.format(
            first=_ORIGIN, refused="origin != f'{request.scheme}://{request.host}'"
        ): "our own page",
        _ORDER.format(first=_ORIGIN, refused="origin != 'https://shop.test'"): "no Origin",
        _ORDER.format(
            first=_ORIGIN, refused="origin and not origin.startswith('https://shop.test')"
        ): "https://shop.test:8443",
        _ORDER.format(
            first=_ORIGIN, refused="origin and not origin.endswith('shop.test')"
        ): "http://shop.test",
        _ORDER.format(first=_ORIGIN, refused="origin and 'shop.test' not in origin"): "http://shop.test",
        _ORDER.format(
            first=_ORIGIN + "    from yarl import URL\n",
            refused="origin and URL(origin).host != 'shop.test'",
        ): "http://shop.test",
        _ORDER.format(
            first=_ORIGIN, refused="origin not in ('', 'null', 'https://shop.test')"
        ): "Origin: null",
        _ORDER.format(
            first=_ORIGIN,
            refused="origin and origin != 'https://' + request.headers.get('X-Forwarded-Host', 'shop.test')",
        ): "X-Forwarded-Host",
        "async def order(request):\n    return web.Response(text='ordered')": "https://evil.test",
        _ORDER.format(first=_ORIGIN, refused="origin not in ('', 'https://shop.test')").replace(
            "Forbidden", "Unauthorized"
        ): "heard 401",
    },
)
async def our_own_page(order: Any) -> Attempt:
    """Demand 200 for the site's own pages and for programs, 403 for all others."""
    trace = Trace((), ())
    asked = [(origin, "", right) for origin, right in ORIGINS.items()]
    asked.append(("https://evil.test", "evil.test", 403))
    for origin, lie, right in asked:
        async with Town() as town:
            await town.open("app.test", order, known_as="app")
            async with ClientSession(connector=town.connector("proxy")) as proxy:
                fields = {"Origin": origin} if origin else {}
                fields |= {"X-Forwarded-Host": lie} if lie else {}
                with contextlib.suppress(ClientError):  # the trace tells what came
                    (await proxy.post("http://app.test/order", headers=fields)).release()
        trace = town.trace
        heard = trace.answers()[0].status if trace.answers() else "nothing"
        if heard != right:
            whose = f"with Origin: {origin}" if origin else "with no Origin"
            whose = "of our own page" if origin == "https://shop.test" else whose
            whose += f" and X-Forwarded-Host: {lie}" if lie else ""
            return not_yet(
                f"An order {whose} should hear {right}, and heard {heard}.", trace, show=("Origin",)
            )
    return yes(trace)


VISITOR, OUTER, LIE = "203.0.113.7", "198.51.100.1", "192.0.2.66"
_LIST = "    values = ','.join(request.headers.getall('X-Forwarded-For', ())).split(',')\n"
_WHO = "async def visitor(request):\n"
CASES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("through both proxies", (f"{VISITOR}, {OUTER}",), VISITOR),
    ("with the proxies' addresses in two fields", (VISITOR, OUTER), VISITOR),
    ("with a lie", (f"{LIE}, {VISITOR}, {OUTER}",), VISITOR),
    ("with a lie in a field of its own", (LIE, f"{VISITOR}, {OUTER}"), VISITOR),
    ("without spaces", (f"{VISITOR},{OUTER}",), VISITOR),
    ("past one of the proxies", (VISITOR,), "the peer"),
    ("directly", (), "the peer"),
    ("with what is no address", (f"unknown, {OUTER}",), "the peer"),
    ("with an address of IPv6", (f"2001:db8::7, {OUTER}",), "2001:db8::7"),
)


@exercise(
    "who-asks",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="Several fields of one name are one list. ipaddress.ip_address raises ValueError for what is none.",
    wants="value",
    wrong={
        _WHO + "    return request.remote": "through both proxies",
        _WHO + "    return request.headers['X-Forwarded-For'].split(',')[0].strip()": "with a lie",
        _WHO + _LIST + "    return values[0].strip()": "with a lie",
        _WHO + _LIST + "    return values[-1].strip()": "through both proxies",
        _WHO + _LIST + "    return values[-2].strip()": "raised IndexError",
        _WHO
        + "    values = request.headers.get('X-Forwarded-For', '').split(', ')\n"
        + "    return values[-2] if len(values) > 1 else request.remote": "two fields",
        _WHO
        + _LIST.replace("split(',')", "split(', ')").replace("','", "', '")
        + "    return values[-2] if len(values) > 1 else request.remote": "without spaces",
        _WHO + _LIST + "    return values[-2].strip() if len(values) > 1 else values[0].strip()": "past one",
        _WHO + _LIST + "    return values[-2].strip() if len(values) > 1 else request.remote": "no address",
        _WHO + _LIST + "    return values[-2] if len(values) > 1 else request.remote": "space",
        _WHO
        + _LIST
        + "    value = values[-2].strip() if len(values) > 1 else ''\n"
        + "    return value if value.count('.') == 3 else request.remote": "IPv6",
        "from ipaddress import ip_address\n\n"
        + _WHO
        + _LIST
        + "    return str(ip_address(values[-2].strip())) if len(values) > 1 else "
        + "request.remote": "raised ValueError",
        "def visitor(request):\n    return request.remote": "async def",
    },
)
async def who_asks(visitor: Any) -> Attempt:
    """Demand the address that the outer of two proxies saw, and the peer's where there is none."""
    if not is_async(visitor):
        return not_yet("Write an `async def` of a request.")
    trace = Trace((), ())
    for how, values, right in CASES:
        trace, given = await _asks(visitor, values)
        if isinstance(given, Exception):
            words = f"For a request that came {how} it raised {type(given).__name__}."
            return not_yet(words, trace, show=("X-Forwarded-For",))
        if not isinstance(given, str):
            return not_yet(f"For a request that came {how} it gave {type(given).__name__}: a string.", trace)
        if given.strip() == right and given != right:
            return not_yet("There is a space at the address.", trace, show=("X-Forwarded-For",))
        if given != right:
            words = f"For a request that came {how} it gave {given}, which is not {right}'s."
            words = words if right == "the peer" else words.replace(f"{right}'s", "the visitor's")
            return not_yet(words, trace, show=("X-Forwarded-For",))
    return yes(trace)


async def _asks(visitor: Any, values: tuple[str, ...]) -> tuple[Trace, object]:
    given: list[object] = []

    async def app(request: web.Request) -> web.StreamResponse:
        try:
            who = await visitor(request)
            given.append("the peer" if who is not None and who == request.remote else who)
        except Exception as error:
            given.append(error)
        return web.Response(text="heard")

    async with Town() as town:
        await town.open("app.test", app, known_as="app")
        async with ClientSession(connector=town.connector("proxy")) as proxy:
            fields = [("X-Forwarded-For", value) for value in values]
            (await proxy.get("http://app.test/", headers=fields)).release()
    return town.trace, given[0]
