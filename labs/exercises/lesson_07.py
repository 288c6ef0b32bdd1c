"""The exercises of lesson 07."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from unittest.mock import patch

from aiohttp import ClientSession, CookieJar, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "07_lose_a_cookie_on_the_way"
PAGE = "welcome\n"
SHOWN = ("Location", "Set-Cookie", "Cookie")


@exercise(
    "find-it",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="Look in every answer of `answer.history`, and in the last one.",
    wants="value",
    wrong={
        "async def find(client, url):\n"
        "    async with client.get(url) as answer:\n"
        "        return answer.cookies['id'].value": "before the last",
        "async def find(client, url):\n"
        "    async with client.get(url) as answer:\n"
        "        return answer.history[0].cookies['id'].value": "no redirect",
        "async def find(client, url):\n"
        "    async with client.get(url) as answer:\n"
        "        for it in (*answer.history, answer):\n"
        "            if 'id' in it.cookies:\n"
        "                return it.cookies['id']": "its `value`",
        "async def find(client, url):\n"
        "    async with client.get(url, allow_redirects=False) as answer:\n"
        "        for it in (*answer.history, answer):\n"
        "            if 'id' in it.cookies:\n"
        "                return it.cookies['id'].value": "not followed",
        "async def find(client, url):\n    await client.get(url)": "return",
    },
)
async def find_it(find: Any) -> Attempt:
    """Demand the value of a cookie set by the only answer, the first of two, or the second of three."""
    trace = Trace((), ())
    for hops, at, value, where in (
        (0, 0, "4", "an answer with no redirect before it"),
        (1, 0, "7", "the answer before the last"),
        (2, 1, "9", "the answer before the last, and after the first"),
    ):
        trace, came = await _look(find, hops, at, value)
        if came == value:
            continue
        if len(trace.requests()) <= hops:
            return not_yet(
                "The redirect was not followed: the cookie may be set further on.", trace, show=SHOWN
            )
        if getattr(came, "value", None) == value:
            return not_yet("That is the whole cookie: return its `value`.", trace, show=SHOWN)
        words = f"it raised {came!r}" if isinstance(came, _Raised) else f"you return {_short(came)}"
        return not_yet(f"The cookie is set by {where}, and {words}.", trace, show=SHOWN)
    return yes(trace)


class _Raised(str):
    """Name the class of what an answer raised."""

    def __repr__(self) -> str:
        return str(self)


def _short(value: object) -> str:
    return repr(value) if value is None or isinstance(value, str | int) else f"a {type(value).__name__}"


async def _look(find: Any, hops: int, at: int, value: str) -> tuple[Trace, object]:
    async def site(request: web.Request) -> web.StreamResponse:
        hop = int(request.path[1:])
        answer = web.HTTPFound(f"/{hop + 1}") if hop < hops else web.Response(text=PAGE)
        if hop == at:
            answer.set_cookie("id", value)
        if isinstance(answer, web.HTTPException):
            raise answer
        return answer

    async with Town() as town:
        await town.open("shop.test", site)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                came = await find(client, "http://shop.test/0")
            except Exception as error:
                came = _Raised(type(error).__name__)
    return town.trace, came


HOSTS = ("shop.test", "help.shop.test", "other.test")
PLACES = tuple(
    f"{scheme}://{host}{path}"
    for host in HOSTS
    for scheme, path in (("http", "/"), ("http", "/account/list"), ("https", "/orders"))
)


@exercise(
    "right-places",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="`domain=` opens the cookie to the hosts below; `path` is / already.",
    wrong={
        "async def front(request):\n    raise web.HTTPSeeOther('/orders')": "sets no cookie",
        "async def front(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('id', '1', domain='shop.test')\n"
        "    return answer": "no redirect",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', '1')\n"
        "    raise answer": "http://help.shop.test/",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', '1', domain='help.shop.test')\n"
        "    raise answer": "carried nowhere",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', '1', domain='shop.test', secure=True)\n"
        "    raise answer": "Secure",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', '1', domain='shop.test', path='/account')\n"
        "    raise answer": "Path=/account",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', '1', domain='shop.test', max_age=0)\n"
        "    raise answer": "carried nowhere",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', 'one', domain='shop.test')\n"
        "    raise answer": "id=1",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', '1', domain='shop.test', max_age=1)\n"
        "    raise answer": "ends soon: Max-Age=1",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/orders')\n"
        "    answer.set_cookie('id', '1', domain='shop.test', expires='Thu, 01 Jan 1970 00:00:00 GMT')\n"
        "    raise answer": "ends soon: expires",
    },
)
async def right_places(front: Any) -> Attempt:
    """Demand a redirect to /orders whose cookie goes to both hosts of the shop, and not to another."""
    whole = await _round_trip(front)
    trace = _only(whole, 0)
    first = trace.answers()[0] if trace.answers() else None
    if first is None or not 300 <= first.status < 400 or first.field("Location") != "/orders":
        return not_yet("Your answer is no redirect to /orders.", trace, show=SHOWN)
    if (line := first.field("Set-Cookie")) is None:
        return not_yet("Your redirect sets no cookie.", trace, show=SHOWN)
    if ends := _ends_soon(line):
        return not_yet(
            f"Every later request should carry it, and yours ends soon: {ends}.", trace, show=SHOWN
        )
    begin = len(whole.requests()) - len(PLACES)
    cookies = [it.field("Cookie") for it in whole.requests()[begin:]]
    if not any(cookies):
        return not_yet(f"The cookie is carried nowhere. Your line was: {line}", trace, show=SHOWN)
    if any(it not in (None, "id=1") for it in cookies):
        return not_yet("A cookie is carried, and it is not id=1.", trace, show=SHOWN)
    for number, (url, cookie) in enumerate(zip(PLACES, cookies, strict=True), begin):
        if (cookie is None) != ("other.test" in url):
            verb = "is carried to" if cookie else "does not get to"
            trace = _only(whole, number)
            return not_yet(f"The cookie {verb} {url}. Your line was: {line}", trace, show=SHOWN)
    return yes(whole)


def _ends_soon(line: str) -> str:
    """Return the attribute that ends the cookie within an hour, or nothing; Max-Age=0 is seen on the wire."""
    for name, _, value in (it.strip().partition("=") for it in line.split(";")[1:]):
        if name.lower() == "max-age" and value.isdigit() and 0 < int(value) < 3600:
            return f"{name}={value}"
        if name.lower() == "expires":
            with contextlib.suppress(ValueError):
                if parsedate_to_datetime(value).timestamp() < time.time() + 3600:
                    return f"{name}={value}"
    return ""


def _only(trace: Trace, number: int) -> Trace:
    """Return the request of this number, counted from 0, and its answer: seven columns do not fit a page."""
    said = [it for it in trace.said if it.message]  # by turns, for the client waits for each answer
    pair = tuple(said[2 * number : 2 * number + 2])
    return Trace(pair, tuple(dict.fromkeys(name for it in pair for name in (it.who, it.whom))))


async def _round_trip(front: Any) -> Trace:
    async def site(request: web.Request) -> web.StreamResponse:
        if (request.scheme, request.host, request.path) != ("http", "shop.test", "/account/login"):
            return web.Response(text=PAGE)
        answer: web.StreamResponse = await front(request)
        if isinstance(answer, web.HTTPException):
            raise answer
        return answer

    async with Town() as town:
        for host in HOSTS:
            await town.open(host, site)
            await town.open(host, site, tls=True, known_as=f"https {host}")
        connector = town.connector("client", ssl=town.ca.client_context())
        async with ClientSession(connector=connector) as client:
            for url in ("http://shop.test/account/login", *PLACES):
                async with client.get(url) as answer:
                    await answer.read()
    return town.trace


STEPS = (
    ("alice", "/login?user=alice", PAGE),
    ("bob", "/orders", "orders of nobody"),
    ("bob", "/login?user=bob", PAGE),
    ("alice", "/orders", "orders of alice"),
    ("bob", "/orders", "orders of bob"),
    ("alice", "/logout", PAGE),
    ("alice", "/orders", "orders of nobody"),
    ("bob", "/orders", "orders of bob"),
)

_ASK = (
    "from aiohttp import CookieJar, DummyCookieJar\n\n"
    "async def ask_for(user, url, connector, jars):\n"
    "    jar = {jar}\n"
    "    async with ClientSession(connector=connector{owner}, cookie_jar=jar) as client:\n"
    "        async with client.get(url) as answer:\n"
    "            return await answer.{read}()\n"
)
_SHARED = ", connector_owner=False"


@exercise(
    "a-jar-each",
    lesson=LESSON,
    stars=3,
    minutes=14,
    hint="Make a jar where `jars` has none for this user, and a session with `connector_owner=False`.",
    wants="value",
    wrong={
        _ASK.format(jar="CookieJar()", owner=_SHARED, read="text"): "should be shown 'orders of alice'",
        _ASK.format(jar="DummyCookieJar()", owner=_SHARED, read="text"): "should be shown 'orders of alice'",
        _ASK.format(
            jar="jars.setdefault('all', CookieJar())", owner=_SHARED, read="text"
        ): "bob asks for /orders",
        _ASK.format(jar="jars.setdefault(user, CookieJar())", owner="", read="text"): "connector is closed",
        _ASK.format(jar="jars.setdefault(user, CookieJar())", owner=_SHARED, read="read"): "text",
        "async def ask_for(user, url, connector, jars):\n"
        "    session = ClientSession(connector=connector, connector_owner=False)\n"
        "    async with session as client, client.get(url, cookies={'id': user}) as answer:\n"
        "        return await answer.text()": "bob asks for /orders",
        "from aiohttp import CookieJar\n\n"
        "async def ask_for(user, url, connector, jars):\n"
        "    jar = jars[user]\n": "KeyError",
        "from aiohttp import CookieJar\n\n"
        "async def ask_for(user, url, connector, jars):\n"
        "    jar = jars.setdefault(user, CookieJar())\n"
        "    client = ClientSession(connector=connector, connector_owner=False, cookie_jar=jar)\n"
        "    async with client.get(url) as answer:\n"
        "        return await answer.text()": "still open",
    },
)
async def a_jar_each(ask_for: Any) -> Attempt:
    """Demand that two users, who log in and out over one connector, are never taken for one another."""
    jars: Mapping[str, CookieJar] = {}
    async with Town() as town:
        await town.open("shop.test", _counter)
        async with town.connector("program") as connector, _sessions() as made:
            for user, path, page in STEPS:
                try:
                    came = await ask_for(user, "http://shop.test" + path, connector, jars)
                except Exception as error:
                    return not_yet(
                        f"When {user} asks for {path}, it raised {type(error).__name__}.",
                        town.trace,
                        show=SHOWN,
                    )
                if connector.closed:
                    return not_yet(
                        "The connector is closed, and others need it: your session owned it.",
                        town.trace,
                        show=SHOWN,
                    )
                if not isinstance(came, str):
                    what = _short(came)
                    return not_yet(f"Return the text of the answer, not {what}.", town.trace, show=SHOWN)
                if came != page:
                    words = f"When {user} asks for {path}, {user} should be shown {page!r}, not {came!r}."
                    return not_yet(words, town.trace, show=SHOWN)
                if any(not it.closed for it in made):
                    return not_yet("A session is still open: who closes it?", town.trace, show=SHOWN)
    return yes(town.trace)


@contextlib.asynccontextmanager
async def _sessions() -> AsyncIterator[list[ClientSession]]:
    """Record every session that is made inside the block, and close what was left open."""
    true_init, made = ClientSession.__init__, list[ClientSession]()

    def init(self: ClientSession, *args: Any, **options: Any) -> None:
        true_init(self, *args, **options)
        made.append(self)

    try:
        with patch.object(ClientSession, "__init__", init):
            yield made
    finally:
        for session in made:
            await session.close()


async def _counter(request: web.Request) -> web.StreamResponse:
    if request.path == "/orders":
        return web.Response(text="orders of " + request.cookies.get("id", "nobody"))
    answer = web.Response(text=PAGE)
    if request.path == "/login":
        answer.set_cookie("id", request.query["user"])
    else:
        answer.del_cookie("id")
    return answer
