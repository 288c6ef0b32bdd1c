"""The exercises of lesson 19."""

from __future__ import annotations

import contextlib
from typing import Any

from aiohttp import ClientError, ClientSession, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.town.town import Town

LESSON = "19_wrap_every_request"
FIELD = "X-Seen-By"
PLAIN = "A middleware is an `async def` of a request and a handler."

_MARK = "async def mark(request, handler):\n"
_SET = "answer.headers['X-Seen-By'] = 'front.test'\n"


def _application(middleware: Any, ran: list[str]) -> web.Application:
    async def page(request: web.Request) -> web.Response:
        ran.append(request.path)
        return web.Response(text="a page\n")

    async def gone(request: web.Request) -> web.Response:
        ran.append(request.path)
        raise web.HTTPGone()

    app = web.Application(middlewares=[web.middleware(middleware)])
    app.router.add_get("/page", page)
    app.router.add_get("/login", page)
    app.router.add_get("/gone", gone)
    return app


async def _asked(app: web.Application, *requests: tuple[str, dict[str, str]]) -> Trace:
    async with Town() as town:
        await town.open("front.test", app)
        async with ClientSession("http://front.test", connector=town.connector("client")) as client:
            for path, fields in requests:
                with contextlib.suppress(ClientError):
                    (await client.get(path, headers=fields)).release()
    return town.trace


@exercise(
    "mark-every-page",
    lesson=LESSON,
    stars=1,
    minutes=6,
    hint="web.HTTPException is an answer as well: it has headers. Raise it again.",
    wants="value",
    wrong={
        _MARK + f"    answer = await handler(request)\n    {_SET}    return answer": "410",
        _MARK
        + "    try:\n        answer = await handler(request)\n    except web.HTTPException as error:\n"
        + f"        answer = web.Response(status=200)\n    {_SET}    return answer": "is a 410",
        _MARK + f"    answer = await handler(request)\n    {_SET}": "heard 500",
        _MARK + "    return await handler(request)": "/page",
        _MARK + "    request['X-Seen-By'] = 'front.test'\n    return await handler(request)": "/page",
        _MARK
        + "    try:\n        answer = await handler(request)\n    except web.HTTPException as error:\n"
        + f"        raise\n    {_SET}    return answer": "410",
        _MARK
        + "    answer = web.Response(text='a page\\n', headers={'X-Seen-By': 'front.test'})\n"
        + "    return answer": "did not run",
        _MARK
        + "    answer = await handler(request)\n    answer.headers['X-Seen-By'] = request.host + ':80'\n"
        + "    return answer": "says",
        "def mark(request, handler):\n    return handler(request)": "async def",
    },
)
async def mark_every_page(middleware: Any) -> Attempt:
    """Demand a field on what a handler returns and on what it raises."""
    if not is_async(middleware):
        return not_yet(PLAIN)
    ran: list[str] = []
    app = _application(middleware, ran)
    trace = await _asked(app, ("/page", {}), ("/gone", {}), ("/nope", {}))
    for path, due, answer in zip(("/page", "/gone", "/nope"), (200, 410, 404), trace.answers(), strict=False):
        if path not in ran and path != "/nope":
            return not_yet(f"The handler of {path} did not run: await it.", trace)
        if answer.status != due:
            return not_yet(f"The client heard {answer.status} for {path}, which is a {due}.", trace)
        if (said := answer.field(FIELD)) is None:
            return not_yet(f"The {due} for {path} has no {FIELD}.", trace, show=(FIELD,))
        if said != "front.test":
            return not_yet(f"{FIELD} says {said!r}, and not 'front.test'.", trace, show=(FIELD,))
    return yes(trace)


_GUARD = "async def guarded(request, handler):\n"
_RAISE = "raise web.HTTPUnauthorized(headers={'WWW-Authenticate': 'Bearer'})\n"
_GO_ON = "    return await handler(request)"


@exercise(
    "let-in-or-not",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="Ask for the path first. web.HTTPUnauthorized takes headers=.",
    wants="value",
    wrong={
        _GUARD
        + f"    if request.headers.get('Authorization') != 'Bearer T':\n        {_RAISE}{_GO_ON}": "/login",
        _GUARD
        + "    if request.path != '/login' and 'Authorization' not in request.headers:\n"
        + f"        {_RAISE}{_GO_ON}": "wrong token",
        _GUARD
        + "    if request.path != '/login' and request.headers.get('Authorization') != 'Bearer T':\n"
        + f"        raise web.HTTPForbidden()\n{_GO_ON}": "403",
        _GUARD
        + "    if request.path != '/login' and request.headers.get('Authorization') != 'Bearer T':\n"
        + f"        raise web.HTTPUnauthorized()\n{_GO_ON}": "WWW-Authenticate",
        _GUARD
        + "    answer = await handler(request)\n"
        + "    if request.path != '/login' and request.headers.get('Authorization') != 'Bearer T':\n"
        + f"        {_RAISE}    return answer": "ran",
        _GUARD
        + "    if request.path.startswith('/login') or request.headers.get('Authorization') == 'Bearer T':\n"
        + f"        return await handler(request)\n    {_RAISE}": "/login-not",
        _GUARD
        + "    if request.path != '/login' and request.headers['Authorization'] != 'Bearer T':\n"
        + f"        {_RAISE}{_GO_ON}": "500",
        _GUARD
        + "    if request.path == '/login':\n        return await handler(request)\n"
        + f"    {_RAISE}": "with the right token",
        _GUARD + _GO_ON: "without a token",
        _GUARD
        + "    if request.path != '/login' and request.headers.get('Authorization') != 'Bearer T':\n"
        + f"        raise web.HTTPFound('/login')\n{_GO_ON}": "302",
    },
)
async def let_in_or_not(middleware: Any) -> Attempt:
    """Demand that only whoever has the token comes to a handler, but for the login."""
    if not is_async(middleware):
        return not_yet(PLAIN)
    ran: list[str] = []
    app = _application(middleware, ran)
    tries: tuple[tuple[str, str, dict[str, str], int], ...] = (
        ("without a token", "/page", {}, 401),
        ("with a wrong token", "/page", {"Authorization": "Bearer X"}, 401),
        ("with the right token", "/page", {"Authorization": "Bearer T"}, 200),
        ("without a token", "/login", {}, 200),
        ("without a token", "/login-not", {}, 401),
    )
    for how, path, fields, due in tries:
        ran.clear()
        trace = await _asked(app, (path, fields))
        answer = next(iter(trace.answers()), None)
        if answer is None or answer.status != due:
            heard = answer.status if answer else "nothing"
            return not_yet(f"{path} {how}: the client heard {heard}, and should hear {due}.", trace)
        if due == 401 and ran:
            return not_yet(f"{path} {how}: the handler ran all the same, before the 401.", trace)
        if due == 401 and (answer.field("WWW-Authenticate") or "").split(" ")[0] != "Bearer":
            return not_yet("A 401 says in WWW-Authenticate what is wanted: Bearer.", trace)
    return yes(trace)


_AGAIN = "async def again(request, handler):\n    answer = await handler(request)\n"
_TWICE = "        answer.release()\n        answer = await handler(request)\n    return answer"


@exercise(
    "once-more",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="handler(request) can be awaited again. Let go of the first answer with release().",
    wants="value",
    wrong={
        _AGAIN + "    return answer": "asked once",
        _AGAIN + f"    if answer.status == 503:\n{_TWICE}": "POST",
        _AGAIN + f"    while answer.status == 503 and request.method != 'POST':\n{_TWICE}": "3 times",
        _AGAIN + f"    if answer.status != 200 and request.method != 'POST':\n{_TWICE}": "404",
        _AGAIN + f"    if answer.status >= 500 and request.method != 'POST':\n{_TWICE}": "500",
        _AGAIN + f"    if answer.status == 503 and request.method == 'GET':\n{_TWICE}": "PUT",
        _AGAIN
        + "    if answer.status == 503 and request.method in ('GET', 'PUT', 'HEAD', 'OPTIONS', 'DELETE'):\n"
        + "        answer.release()\n        await handler(request)\n    return answer": "the first",
        _AGAIN + f"    if answer.status == 503 and request.method not in ('POST',):\n{_TWICE}": "PATCH",
        _AGAIN
        + f"    if answer.status == 503 and request.method in ('GET', 'PUT', 'DELETE'):\n{_TWICE}": "HEAD",
        _AGAIN
        + "    if answer.status == 503:\n        raise RuntimeError('unavailable')\n"
        + "    return answer": "RuntimeError",
        "def again(request, handler):\n    return handler(request)": "async def",
    },
)
async def once_more(middleware: Any) -> Attempt:
    """Demand one more try after a 503, where a method may be asked twice."""
    if not is_async(middleware):
        return not_yet(PLAIN)
    tries = (
        ("GET", [503, 200], 200, 2),
        ("PUT", [503, 200], 200, 2),
        ("DELETE", [503, 503, 200], 503, 2),
        ("HEAD", [503, 200], 200, 2),
        ("OPTIONS", [503, 200], 200, 2),
        ("GET", [404, 200], 404, 1),
        ("GET", [500, 200], 500, 1),
        ("POST", [503, 200], 503, 1),
        ("PATCH", [503, 200], 503, 1),
        ("GET", [200], 200, 1),
    )
    for method, statuses, due, times in tries:
        trace, heard = await _unavailable(middleware, method, list(statuses))
        came = len(trace.requests())
        first = f"After a {statuses[0]}, {method}"
        if came != times:
            often = "once" if came == 1 else f"{came} times"
            return not_yet(
                f"{first} was asked {often}; that should be {'twice' if times == 2 else 'once'}.", trace
            )
        if heard != due:
            which = "the first answer" if heard == statuses[0] else heard
            return not_yet(f"{first} gave {which}, and the second was {due}.", trace)
    return yes(trace)


async def _unavailable(middleware: Any, method: str, statuses: list[int]) -> tuple[Trace, object]:
    async def unsteady(request: web.Request) -> web.Response:
        return web.Response(status=statuses.pop(0) if statuses else 200)

    async with Town() as town:
        await town.open("front.test", unsteady)
        options: dict[str, Any] = {"middlewares": (middleware,)}  # an older aiohttp does not have it
        async with (
            ClientSession(connector=town.connector("client"), **options) as client,
            client.request(method, "http://front.test/") as answer,
        ):
            status = answer.status
    return town.trace, status
