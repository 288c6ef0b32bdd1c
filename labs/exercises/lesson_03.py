"""The exercises of lesson 03."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientSession, TooManyRedirects, web

from labs.capture.trace import Trace
from labs.clients import registry
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "03_follow_the_redirect"
PAGE = "the page\n"


@exercise(
    "see-other",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="One status means: look over there, with a GET. RFC 9110 section 15.4.4.",
    wrong={
        "async def front(request):\n    raise web.HTTPFound('/done')": "PUT",
        "async def front(request):\n    raise web.HTTPTemporaryRedirect('/done')": "POST",
        "async def front(request):\n    return web.Response(text='done')": "no redirect",
        "async def front(request):\n    raise web.HTTPSeeOther('done')": "/orders/done",
        "async def front(request):\n    raise web.HTTPSeeOther('/done')": "order=1",
        "async def front(request):\n"
        "    post = request.method == 'POST'\n"
        "    answer = web.HTTPFound('/done') if post else web.HTTPSeeOther('/done')\n"
        "    answer.set_cookie('order', '1')\n"
        "    raise answer": "302 only allows it",
        "async def front(request):\n"
        "    answer = web.HTTPSeeOther('/done')\n"
        "    answer.set_cookie('order', '1')\n"
        "    return answer": "deprecated",
        "async def front(request):\n"
        "    try:\n"
        "        raise web.HTTPSeeOther('/done')\n"
        "    except Exception:\n"
        "        return web.Response(status=500)": "`try`",
    },
)
async def see_other(front: Any) -> Attempt:
    """Demand that POST, PUT and DELETE by three clients all arrive at /done as a GET, with the cookie."""
    returned = bare = False
    told = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal returned
        if request.path != "/orders/new":
            return web.Response(text=PAGE)
        answer: web.StreamResponse = await front(request)
        if isinstance(answer, web.HTTPException):
            returned = True
            raise answer
        return answer

    trace = Trace((), ())
    for method in ("POST", "PUT", "DELETE"):
        for client in ("aiohttp", "requests", "httpx"):
            body = None if method == "DELETE" else b"order"
            async with Town() as town:
                await town.open("front.test", handler)
                url = "http://front.test/orders/new"
                await registry.ask(client, town, url, method=method, body=body, follow=True)
            trace = town.trace
            if words := _amiss(trace, client, method):
                return not_yet(words, trace)
            told = told or (trace.answers()[0].status if trace.answers()[0].status in (301, 302) else 0)
            bare |= trace.requests()[-1].field("Cookie") != "order=1"
    if told:
        words = f"These clients come with GET, and {told} only allows it: one status demands it of everybody."
        return not_yet(words, trace)
    if bare:
        return not_yet(
            "The method is right, and no cookie order=1 came along: set it on the redirect.", trace
        )
    if returned:
        return not_yet("It works, and to return an HTTP exception is deprecated: raise it.", trace)
    return yes(trace)


def _amiss(trace: Trace, client: str, method: str) -> str:
    answers, last = trace.answers(), trace.requests()[-1]
    if not answers or not 300 <= answers[0].status < 400:
        return "Your front sent no redirect: if it is raised in a `try`, which `except` catches it?"
    if last.target != "/done":
        return f"{client} ended at {last.target}, and should end at /done."
    if last.method != "GET":
        return f"The {method} of {client} came to /done as a {last.method}: your status lets it."
    return ""


async def _steps(request: web.Request) -> web.StreamResponse:
    left = int(request.path[1:])
    if left:
        raise web.HTTPFound(f"/{left - 1}")
    return web.Response(text=PAGE)


@exercise(
    "twelve-hops",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="`max_redirects` counts one more than it follows, and 0 is no limit.",
    wants="value",
    wrong={
        "async def fetch(client, url):\n"
        "    async with client.get(url) as answer:\n"
        "        return await answer.text()": "9 redirects",
        "async def fetch(client, url):\n"
        "    async with client.get(url, max_redirects=12) as answer:\n"
        "        return await answer.text()": "11 redirects",
        "async def fetch(client, url):\n"
        "    async with client.get(url, max_redirects=0) as answer:\n"
        "        return await answer.text()": "no limit",
        "async def fetch(client, url):\n"
        "    async with client.get(url, max_redirects=13) as answer:\n"
        "        pass": "text",
        "async def fetch(client, url):\n"
        "    async with client.get(url, allow_redirects=False) as answer:\n"
        "        return await answer.text()": "followed 0",
        "from aiohttp import TooManyRedirects\n\n"
        "async def fetch(client, url):\n"
        "    try:\n"
        "        async with client.get(url, max_redirects=13) as answer:\n"
        "            return await answer.text()\n"
        "    except TooManyRedirects:\n"
        "        return ''": "let it out",
        "async def fetch(client, url):\n    raise asyncio.CancelledError": "CancelledError",
    },
)
async def twelve_hops(fetch: Any) -> Attempt:
    """Demand the page behind twelve redirects, and TooManyRedirects for the thirteenth."""
    trace, text, raised = await _climb(fetch, 12)
    if raised:
        followed = max(len(trace.requests()) - 1, 0)
        return not_yet(f"Of 12 redirects it followed {followed} redirects, then raised {raised}.", trace)
    if (followed := max(len(trace.requests()) - 1, 0)) < 12:
        return not_yet(f"There were 12 redirects, and it followed {followed} of them.", trace)
    if text != PAGE:
        return not_yet("It followed all 12, and did not return the text of the page.", trace)
    trace, _, raised = await _climb(fetch, 13)
    if not raised and len(trace.requests()) <= 13:
        return not_yet(
            "For 13 redirects aiohttp raises TooManyRedirects, and yours did not: let it out.", trace
        )
    if not raised:
        return not_yet("It follows 13 redirects as well: there is no limit, or too high a one.", trace)
    if raised != "TooManyRedirects":
        return not_yet(f"For 13 redirects it should raise TooManyRedirects, not {raised}.", trace)
    return yes(trace)


async def _climb(fetch: Any, hops: int) -> tuple[Trace, object, str]:
    text, raised = None, ""
    async with Town() as town:
        await town.open("front.test", _steps)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                text = await fetch(client, f"http://front.test/{hops}")
            except TooManyRedirects:
                raised = "TooManyRedirects"
            except Exception as error:
                raised = type(error).__name__
    return town.trace, text, raised


AWAY = {"front.test:8080": "http://front.test:8080/page", "https": "https://front.test/page"}
AWAY |= {"other.test": "http://other.test/page"}
PATHS = {"/absolute": "http://front.test/page", "/relative": "page", "/loop": "/loop"}
PATHS |= {f"/{name}": url for name, url in AWAY.items()}
PATHS |= {"/twice": "http://other.test/shop/relative"}
ELSEWHERE = {"/shop/relative": "list", "/shop/list": ""}  # on other.test only
KEY = "K"
PATIENT = 30  # times that the loop goes round before the front ends it

_BY_HAND = (
    "from yarl import URL\n\n"
    "async def fetch(client, url, key):\n"
    "    url, home = URL(url), URL(url)\n"
    "    for _ in range(10):\n"
    "        fields = {{'X-Api-Key': key}} if {ours} else {{}}\n"
    "        async with client.get(url, headers=fields, allow_redirects=False) as answer:\n"
    "            if answer.status < 300:\n"
    "                return await answer.text()\n"
    "            url = {target}\n"
)


@exercise(
    "keep-the-key",
    lesson=LESSON,
    stars=3,
    minutes=15,
    hint="`allow_redirects=False`, then join Location to the URL it came from, and compare `URL.origin()`.",
    wants="value",
    wrong={
        "async def fetch(client, url, key):\n"
        "    async with client.get(url, headers={'X-Api-Key': key}) as answer:\n"
        "        return await answer.text()": "front.test:8080",
        "async def fetch(client, url, key):\n"
        "    async with client.get(url, headers={'X-Api-Key': key}, allow_redirects=False) as answer:\n"
        "        return await answer.text()": "not followed",
        "async def fetch(client, url, key):\n"
        "    async with client.get(url) as answer:\n"
        "        return await answer.text()": "own origin",
        _BY_HAND.format(
            ours="url.host == home.host", target="url.join(URL(answer.headers['Location']))"
        ): "front.test:8080",
        _BY_HAND.format(
            ours="(url.host, url.port) == (home.host, home.port)",
            target="URL(answer.headers['Location'])",
        ): "relative",
        _BY_HAND.format(
            ours="url.origin() == home.origin()", target="url.join(URL(answer.headers['Location']))"
        ).replace("for _ in range(10)", "while True"): "round and round",
        _BY_HAND.format(
            ours="url.origin() == home.origin()", target="home.join(URL(answer.headers['Location']))"
        ): "another address",
        _BY_HAND.format(
            ours="url.origin() == home.origin()", target="url.join(URL(answer.headers['Location']))"
        ).replace("': key", "': 'key'"): "`key` is K",
    },
)
async def keep_the_key(fetch: Any) -> Attempt:
    """Demand that redirects are followed, but not for ever, and that the key stays with its origin."""
    trace = Trace((), ())
    for path in PATHS:
        trace, text, raised = await _go(fetch, path)
        heard = [it for it in trace.said if it.message and it.message.kind == "request"]
        if path == "/loop":
            if len(heard) >= PATIENT:
                return not_yet("A redirect that leads to itself is followed round and round: count.", trace)
            continue
        targets = [it.target for it in trace.requests()]
        if "/shop/relative" in targets and "/shop/list" not in targets:
            words = (
                "other.test/shop/relative led on to 'list', which was put after another address than that."
            )
            return not_yet(words, trace)
        if raised and path == "/relative":
            return not_yet(f"With the relative Location 'page' it raised {raised}: join the two.", trace)
        if raised:
            return not_yet(f"With the Location {PATHS[path]} it raised {raised}.", trace)
        for it in heard:
            value = it.message.field("X-Api-Key") if it.message else None
            has = value is not None
            if value not in (None, KEY):
                return not_yet(f"The field X-Api-Key was {value}, and `key` is {KEY}.", trace)
            if has != (it.whom == "front.test"):
                return not_yet(
                    f"{it.whom} got the key: it is another origin."
                    if has
                    else "The key did not come to its own origin, http://front.test.",
                    trace,
                )
        if text != PAGE:
            return not_yet(
                f"The Location {PATHS[path]} was not followed, or the page's text not returned.", trace
            )
    return yes(trace)


async def _go(fetch: Any, path: str) -> tuple[Trace, object, str]:
    turns = 0

    async def site(request: web.Request) -> web.StreamResponse:
        nonlocal turns
        turns += 1
        if request.path in PATHS and turns < PATIENT:
            raise web.HTTPFound(PATHS[request.path])
        if request.host == "other.test" and (to := ELSEWHERE.get(request.path)):
            raise web.HTTPFound(to)
        there = request.path == "/page" or (request.host == "other.test" and request.path in ELSEWHERE)
        if not there and request.path != "/loop":
            raise web.HTTPNotFound
        return web.Response(text=PAGE)

    text, raised = None, ""
    async with Town() as town:
        await town.open("front.test", site)
        await town.open("front.test:8080", site, known_as="front.test:8080")
        await town.open("front.test", site, tls=True, known_as="https front.test")
        await town.open("other.test", site)
        connector = town.connector("client", ssl=town.ca.client_context())
        async with ClientSession(connector=connector) as client:
            try:
                text = await fetch(client, "http://front.test" + path, KEY)
            except Exception as error:
                raised = type(error).__name__
    return town.trace, text, raised
