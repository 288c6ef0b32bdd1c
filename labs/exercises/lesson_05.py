"""The exercises of lesson 05."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import ClientError, ClientOSError, ClientSession, DummyCookieJar, ServerDisconnectedError, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from labs.conformance import Site, in_town, run
from labs.exercises import Attempt, exercise, not_yet, yes

LESSON = "05_proxy_it_right"
PUBLIC, ORIGIN = "http://front.test", "http://origin.test"
INNER = web.AppKey("INNER", ClientSession)
INVENTED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
MINE = {"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection"}
MINE |= {"te", "trailer", "transfer-encoding", "upgrade"}
Fields: TypeAlias = CIMultiDict[str]


def _onward(fields: CIMultiDictProxy[str]) -> Fields:
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
        except (ClientError, TimeoutError):
            if out is None:
                raise web.HTTPBadGateway() from None
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
    },
)
async def say_who_asked(introduce: Any) -> Attempt:
    """Demand what FORWARD-2 to FORWARD-5 demand."""
    return await _tried("FORWARD-2", "FORWARD-3", "FORWARD-4", "FORWARD-5", introduce=introduce)


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
    },
)
async def public_location(public: Any) -> Attempt:
    """Demand that the origin's own address becomes the public one, and no other does."""
    reply = await _tried("REDIR-3", "REDIR-1", "REDIR-4", public=public)
    for given, names, wanted in LOCATIONS if reply.state == "yes" else ():
        if (came := public(given, *names)) != wanted:
            origin, front = names
            words = f"Where the origin is {origin} and you are {front}, {given} should become {wanted}"
            return not_yet(f"{words}, and yours is {came!r}.")
    return reply


LOCATIONS = (
    (f"http://other.test/?to={ORIGIN}/x", (ORIGIN, PUBLIC), f"http://other.test/?to={ORIGIN}/x"),
    ("http://inner.test:8080/a", ("http://inner.test:8080", "https://shop.test"), "https://shop.test/a"),
)


@exercise(
    "ask-once",
    lesson=LESSON,
    stars=3,
    minutes=15,
    wants="value",
    hint="ClientSession repeats after ClientOSError and ServerDisconnectedError: let another error leave.",
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
    },
)
async def ask_once(once: Any) -> Attempt:
    """Demand that a GET goes out once, and that its end is a 502."""
    reply = await _tried("RETRY-3", "ERROR-1", "ERROR-3", once=once)
    for error in (ServerDisconnectedError(), ClientOSError("reset")) if reply.state == "yes" else ():

        async def failing(request: object, error: Exception = error) -> None:
            raise error

        try:
            await once(None, failing)
        except (ClientOSError, ServerDisconnectedError):
            return not_yet(f"You let {type(error).__name__} pass, and after that, too, the session repeats.")
        except Exception:
            pass  # whatever else it is, the session does not repeat after it
    return reply
