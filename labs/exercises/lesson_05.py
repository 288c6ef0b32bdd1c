"""The exercises of lesson 05."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiohttp import (
    ClientError,
    ClientOSError,
    ClientSession,
    DummyCookieJar,
    ServerDisconnectedError,
    SocketTimeoutError,
    web,
)
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from labs.conformance.messages import HELLO, ask
from labs.conformance.registry import select
from labs.conformance.runner import run
from labs.conformance.sites import Site, in_town
from labs.exercises.registry import Attempt, exercise, not_yet, yes

LESSON = "05_proxy_it_right"
PUBLIC, ORIGIN = "http://front.test", "http://origin.test"
INNER = web.AppKey("INNER", ClientSession)
INVENTED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
MINE = {"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection"}
MINE |= {"te", "trailer", "transfer-encoding", "upgrade"}


def _onward(fields: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    named = {it.strip().lower() for line in fields.getall("Connection", ()) for it in line.split(",")}
    if "Transfer-Encoding" in fields:
        named.add("content-length")
    return CIMultiDict((name, value) for name, value in fields.items() if name.lower() not in MINE | named)


def _nothing_more(request: web.Request) -> Mapping[str, str]:
    return {}


def _as_it_is(location: str, origin: str, front: str) -> str:
    return location


def _built(
    mistakes: list[str],
    *,
    introduce: Callable[..., Any] = _nothing_more,
    public: Callable[..., Any] = _as_it_is,
    once: Any = None,
) -> Callable[[Site], web.Application]:
    """Return the proxy that the lesson has built, with the learner's part in it."""

    def asked(what: Callable[..., Any], *args: object) -> Any:
        try:
            return what(*args)
        except Exception as error:
            mistakes.append(f"Your function raised {type(error).__name__}: {error}")
            raise

    async def front(request: web.Request) -> web.StreamResponse:
        target: str = request.app[TARGET]
        fields = _onward(request.headers)
        more = asked(introduce, request)
        if not isinstance(more, Mapping):
            mistakes.append(f"Return a dict of fields: yours is of type {type(more).__name__}.")
            raise web.HTTPInternalServerError
        fields.update(more)
        data = request.content if request.body_exists else None
        url = URL(target + request.raw_path, encoded=True)
        out: web.StreamResponse | None = None
        try:
            async with request.app[INNER].request(
                request.method, url, headers=fields, data=data, allow_redirects=False
            ) as answer:
                told = _onward(answer.headers)
                if "Location" in told:
                    told["Location"] = asked(public, told["Location"], target, PUBLIC)
                out = web.StreamResponse(status=answer.status, reason=answer.reason, headers=told)
                await out.prepare(request)
                async for piece in answer.content.iter_any():
                    await out.write(piece)
                await out.write_eof()
        except (ClientError, TimeoutError) as error:
            if out is None:
                late = isinstance(error, TimeoutError)
                raise (web.HTTPGatewayTimeout() if late else web.HTTPBadGateway()) from None
            if request.transport is not None:
                request.transport.abort()
        assert out is not None
        return out

    def build(site: Site) -> web.Application:
        async def life(app: web.Application) -> AsyncIterator[None]:
            async with ClientSession(
                connector=site.connect(),
                cookie_jar=DummyCookieJar(),
                skip_auto_headers=INVENTED,
                auto_decompress=False,
                middlewares=(once,) if once is not None else (),
            ) as app[INNER]:
                yield

        app = web.Application(handler_args={"auto_decompress": False})
        app[TARGET] = site.target
        app.cleanup_ctx.append(life)
        app.router.add_route("*", "/{path:.*}", front)
        return app

    return build


TARGET = web.AppKey("TARGET", str)


async def _tried(*ids: str, **part: Any) -> Attempt:
    mistakes: list[str] = []
    found = await run(in_town(_built(mistakes, **part)), only=ids)
    if mistakes:
        return not_yet(mistakes[0])
    for id in ids:
        if (it := found[id]).verdict != "passed":
            return not_yet(f"{id} ({it.clause}): {it.sentence}. But {it.why}")
    return yes()


_INTRODUCED = (
    "def introduce(request):\n"
    "    return {{'X-Forwarded-For': {made}, 'X-Forwarded-Host': {host}, 'X-Forwarded-Proto': {scheme},\n"
    "            'Via': ', '.join([*request.headers.{via}, '1.1 front.test'])}}"
)
_RIGHT = {
    "made": "request.remote",
    "host": "request.host",
    "scheme": "request.scheme",
    "via": "getall('Via', ())",
}


def _introduced(**wrong: str) -> str:
    return _INTRODUCED.format(**_RIGHT | wrong)


@exercise(
    "say-who-asked",
    lesson=LESSON,
    stars=1,
    minutes=8,
    wants="value",
    hint="request.remote, request.host and request.scheme say it; Via may be there already, so append.",
    wrong={
        "def introduce(request):\n    return {'X-Forwarded-For': 'front.test'}": "FORWARD-2",
        "def introduce(request):\n"
        "    return {'X-Forwarded-For': request.headers.get('X-Forwarded-For') or request.remote}": "192.0",
        "def introduce(request):\n    return {'X-Forwarded-For': request.remote}": "X-Forwarded-Proto",
        "def introduce(request):\n"
        "    return {'X-Forwarded-For': request.remote, 'X-Forwarded-Host': request.host,\n"
        "            'X-Forwarded-Proto': request.scheme, 'Via': '1.1 front.test'}": "lost",
        "def introduce(request):\n    return request.remote": "dict",
        "def introduce(request):\n"
        "    return {'X-Forwarded-For': '127.0.0.1', 'X-Forwarded-Host': 'front.test',\n"
        "            'X-Forwarded-Proto': 'http', 'Via': '1.0 fred, 1.1 front.test'}": "192.0.2.7",
        _introduced(
            made="', '.join([*request.headers.getall('X-Forwarded-For', ()), request.remote])"
        ): "X-Forwarded-For: 192.0.2.66, 192.0.2.7",
        _introduced(
            host="request.headers.get('X-Forwarded-Host', request.host)"
        ): "X-Forwarded-Host: evil.test",
        _introduced(
            scheme="request.headers.get('X-Forwarded-Proto', request.scheme)"
        ): "X-Forwarded-Proto: gopher",
        _introduced(host="'front.test'"): "X-Forwarded-Host: front.test",
        _introduced(scheme="'http'"): "X-Forwarded-Proto: http, and not https",
        _introduced(via="getall('Via', ())[:1]"): "Via: 1.0 fred, 1.1 front.test",
    },
)
async def say_who_asked(introduce: Any) -> Attempt:
    """Demand what FORWARD-2 to FORWARD-5 demand, and that nothing the client made up arrives."""
    reply = await _tried("FORWARD-2", "FORWARD-3", "FORWARD-4", "FORWARD-5", introduce=introduce)
    if reply.state != "yes":
        return reply
    mistakes: list[str] = []
    build = _built(mistakes, introduce=lambda it: introduce(it.clone(remote="192.0.2.7", scheme="https")))
    async with in_town(build)(select("FORWARD-3")[0]) as stand:
        heard = await stand.exchange(ask("GET /", *WRITTEN, host="shop.test"), HELLO)
    if heard.upstream is None:
        never = "The client wrote such fields itself, and its request never reached the origin."
        return not_yet(mistakes[0] if mistakes else never)
    for name, wanted in INTRODUCED.items():
        listed = ", ".join(heard.upstream.all(name))
        if (came := ", ".join(it.strip() for it in listed.split(","))) != wanted:
            return not_yet(f"The origin heard {name}: {came}, and not {wanted}: {SAYS[name]}.")
    return reply


WRITTEN = (  # by a client that asks for shop.test from 192.0.2.7, with https
    "X-Forwarded-For: 192.0.2.66",
    "X-Forwarded-Host: evil.test",
    "X-Forwarded-Proto: gopher",
    "Via: 1.0 fred",
    "Via: 1.1 anna",
)
INTRODUCED = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Host": "shop.test",
    "X-Forwarded-Proto": "https",
    "Via": "1.0 fred, 1.1 anna, 1.1 front.test",
}
SAYS = {
    "X-Forwarded-For": "only request.remote is known, the rest is what the client wrote",
    "X-Forwarded-Host": "the client asked for request.host, whatever else it wrote",
    "X-Forwarded-Proto": "request.scheme is what the client used",
    "Via": "two lines of Via came, and your name goes after both",
}


_PUBLIC = (
    "from urllib.parse import urlsplit\n\n"
    "def public(location, origin, front):\n"
    "    name = urlsplit(location).netloc\n"
    "    return front + location.split(name, 1)[1] if {} else location"
)


@exercise(
    "public-location",
    lesson=LESSON,
    stars=2,
    minutes=10,
    wants="value",
    hint="A name that begins like the origin's is not the origin's: what must follow it?",
    wrong={
        "def public(location, origin, front):\n    return location": "REDIR-3",
        "def public(location, origin, front):\n    return location.replace(origin, front)": "evil.test",
        "def public(location, origin, front):\n"
        "    return front + location[len(origin):] if location.startswith(origin) else location": "evil.test",
        "def public(location, origin, front):\n"
        "    return front + '/' + location.split('/', 3)[-1]": "/landed",
        "def public(location, origin, front):\n    return location.path": "AttributeError",
        "def public(location, origin, front):\n"
        "    return location.replace(origin + '/', front + '/')": "should become http://other.test/?to=",
        "def public(location, origin, front):\n"
        "    ours = location.startswith('http://origin.test/')\n"
        "    return front + location[len(origin):] if ours else location": "should become https://shop.test/a",
        _PUBLIC.format("location.startswith(origin + '/')"): f"{ORIGIN} should become {PUBLIC},",
        _PUBLIC.format(
            "location == origin or location.startswith((origin + '/', origin + '?'))"
        ): "#top should",
        _PUBLIC.format("urlsplit(location).hostname == urlsplit(origin).hostname"): ":9999/x should",
        _PUBLIC.format(
            "urlsplit(location).netloc == urlsplit(origin).netloc"
        ): "https://origin.test/x should",
    },
)
async def public_location(public: Any) -> Attempt:
    """Demand that the origin's own address becomes the public one, and no other does."""
    reply = await _tried("REDIR-3", "REDIR-1", "REDIR-4", public=public)
    for given, names, wanted in LOCATIONS if reply.state == "yes" else ():
        came = public(given, *names)
        if not isinstance(came, str) or URL(came) != URL(wanted):  # with or without the / of an empty path
            origin, front = names
            words = f"Where the origin is {origin} and you are {front}, {given} should become {wanted}"
            return not_yet(f"{words}, and yours is {came!r}.")
    return reply


LOCATIONS = (
    (f"http://other.test/?to={ORIGIN}/x", (ORIGIN, PUBLIC), f"http://other.test/?to={ORIGIN}/x"),
    ("http://inner.test:8080/a", ("http://inner.test:8080", "https://shop.test"), "https://shop.test/a"),
    (ORIGIN, (ORIGIN, PUBLIC), PUBLIC),
    (f"{ORIGIN}?page=2", (ORIGIN, PUBLIC), f"{PUBLIC}?page=2"),
    (f"{ORIGIN}#top", (ORIGIN, PUBLIC), f"{PUBLIC}#top"),
    (f"{ORIGIN}:9999/x", (ORIGIN, PUBLIC), f"{ORIGIN}:9999/x"),
    ("https://origin.test/x", (ORIGIN, PUBLIC), "https://origin.test/x"),
)


@exercise(
    "ask-once",
    lesson=LESSON,
    stars=3,
    minutes=15,
    wants="value",
    hint="ClientSession repeats after ClientOSError and ServerDisconnectedError: turn both into another.",
    wrong={
        "async def once(request, handler):\n    return await handler(request)": "2 times",
        "from aiohttp import ClientOSError\n\n"
        "async def once(request, handler):\n"
        "    try:\n        return await handler(request)\n"
        "    except ClientOSError:\n"
        "        raise web.HTTPBadGateway() from None": "let ServerDisconnectedError pass",
        "async def once(request, handler):\n"
        "    try:\n        return await handler(request)\n"
        "    except Exception:\n        raise": "2 times",
        "async def once(request, handler):\n"
        "    try:\n        return await handler(request)\n"
        "    except Exception:\n        return await handler(request)": "times",
        "async def once(request, handler):\n"
        "    try:\n        return await handler(request)\n"
        "    except Exception:\n        return web.Response(status=502)": "500",
        **{
            "import aiohttp\n\n"
            "async def once(request, handler):\n"
            "    try:\n        return await handler(request)\n"
            f"    except {every}:\n"
            "        raise web.HTTPBadGateway() from None": "SocketTimeoutError"
            for every in ("aiohttp.ClientConnectionError", "Exception", "BaseException")
        },
        "import aiohttp\n\n"
        "async def once(request, handler):\n"
        "    try:\n        return await handler(request)\n"
        "    except TimeoutError:\n        raise\n"
        "    except BaseException:\n"
        "        raise web.HTTPBadGateway() from None": "CancelledError",
    },
)
async def ask_once(once: Any) -> Attempt:
    """Demand that a GET goes out once, that its end is a 502, and that no other error becomes one."""
    reply = await _tried("RETRY-3", "ERROR-1", "ERROR-3", once=once)
    if reply.state != "yes":
        return reply
    for error in (ServerDisconnectedError(), ClientOSError("reset")):
        if isinstance(await _left(once, error), ClientOSError | ServerDisconnectedError):
            return not_yet(f"You let {type(error).__name__} pass, and after that, too, the session repeats.")
    left = await _left(once, SocketTimeoutError("the origin is silent"))
    if not isinstance(left, TimeoutError | web.HTTPGatewayTimeout):
        return not_yet(
            f"A silent origin is a SocketTimeoutError, and is to become 504. Yours is {type(left).__name__}."
        )
    if not isinstance(left := await _left(once, asyncio.CancelledError()), asyncio.CancelledError):
        return not_yet(
            f"A CancelledError ends a handler whose client has left. Yours is {type(left).__name__}."
        )
    return reply


async def _left(once: Any, error: BaseException) -> BaseException | None:
    """Return what leaves the middleware when its handler raises `error`."""

    async def failing(request: object) -> None:
        raise error

    try:
        await once(None, failing)
    except BaseException as left:
        return left
    return None
