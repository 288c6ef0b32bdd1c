"""The exercises of lesson 01."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientError, ClientSession, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "01_who_makes_the_second_request"
PAGE = b"the page of the origin\n"
TARGETS = ("/page?n=1", "/list?n=2")


async def _origin(request: web.Request) -> web.StreamResponse:
    await request.read()
    return web.Response(body=PAGE, status=200 if request.method == "GET" else 201)


async def _ask(
    front: Callable[..., Awaitable[web.StreamResponse]],
    *,
    dead: bool = False,
    proxy: bool = False,
    method: str = "POST",
    target: str = "/page?n=1",
) -> Trace:
    async with Town() as town:
        await town.open("origin.test", _origin)
        async with ClientSession(connector=town.connector("front.test")) as inner:

            async def handler(request: web.Request) -> web.StreamResponse:
                return await (front(request, inner) if proxy else front(request))

            await town.open("front.test", handler)
            if dead:
                await town.close("origin.test")
            async with ClientSession(connector=town.connector("client")) as client:
                try:
                    async with client.request(method, f"http://front.test{target}", data=b"order") as answer:
                        await answer.read()
                except ClientError:
                    pass  # the trace tells what came
    return town.trace


@exercise(
    "keep-the-method",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="Some redirect statuses forbid changing the method: RFC 9110 section 15.4.8.",
    wrong={
        "async def front(request):\n    raise web.HTTPFound('http://origin.test' + request.path_qs)": "GET",
        "async def front(request):\n    return web.Response(text='done')": "no redirect",
        "async def front(request):\n    raise web.HTTPTemporaryRedirect('http://origin.test/')": "/page?n=1",
        "async def front(request):\n"
        "    raise web.HTTPTemporaryRedirect('http://origin.test/page?n=1')": "/list?n=2",
    },
)
async def keep_the_method(front: Any) -> Attempt:
    """Demand that the client's own POST reaches the origin, path and body included."""
    trace = Trace((), ())
    for target in TARGETS:
        trace = await _ask(front, target=target)
        if words := _changed(trace, target):
            return not_yet(words, trace)
    return yes(trace)


def _changed(trace: Trace, target: str) -> str:
    answers, heard = trace.answers(who="front.test"), trace.requests(whom="origin.test")
    if not answers or not 300 <= answers[0].status < 400:
        return "Your front sent no redirect: which status did the client hear?"
    if not heard:
        return "The origin heard nothing: what does your Location say?"
    if heard[0].method != "POST":
        return f"The origin heard {heard[0].method}: your status allows the client to change the method."
    if heard[0].target != target:
        return f"The origin was asked for another target than {target}: keep path and query."
    return "" if heard[0].body == b"order" else "The body did not arrive."


@exercise(
    "pass-it-on",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="`inner.request(method, url, data=...)`; read the answer inside the block, pass status and body on.",
    wrong={
        "async def front(request, inner):\n"
        "    raise web.HTTPTemporaryRedirect('http://origin.test' + request.path_qs)": "redirect",
        "async def front(request, inner):\n"
        "    async with inner.get('http://origin.test' + request.path_qs) as answer:\n"
        "        return web.Response(body=await answer.read(), status=answer.status)": "GET",
        "async def front(request, inner):\n"
        "    async with inner.request(request.method, 'http://origin.test' + request.path_qs,\n"
        "                             data=await request.read()) as answer:\n"
        "        return web.Response(body=await answer.read())": "status",
        "async def front(request, inner):\n"
        "    async with inner.request(request.method, 'http://origin.test' + request.path_qs) as answer:\n"
        "        return web.Response(body=await answer.read(), status=answer.status)": "body",
        "async def front(request, inner):\n"
        "    async with inner.post('http://origin.test' + request.path_qs,\n"
        "                          data=await request.read()) as answer:\n"
        "        return web.Response(body=await answer.read(), status=answer.status)": "said PUT",
        "async def front(request, inner):\n"
        "    async with inner.request(request.method, 'http://origin.test/page?n=1',\n"
        "                             data=await request.read()) as answer:\n"
        "        return web.Response(body=await answer.read(), status=answer.status)": "/list?n=2",
    },
)
async def pass_it_on(front: Any) -> Attempt:
    """Demand that method, target and body reach the origin, and that status and body come back."""
    trace = Trace((), ())
    for method, target in zip(("POST", "PUT"), TARGETS, strict=True):
        trace = await _ask(front, proxy=True, method=method, target=target)
        if (reply := _passed_on(trace, method, target)).state != "yes":
            return reply
    return yes(trace)


def _passed_on(trace: Trace, method: str, target: str) -> Attempt:
    answers, heard = trace.answers(whom="client"), trace.requests(who="front.test", whom="origin.test")
    if not heard:
        return not_yet("Your front never asked the origin; a redirect leaves that to the client.", trace)
    if heard[0].method != method:
        return not_yet(
            f"The origin heard {heard[0].method}, and the client said {method}: use `inner.request`.", trace
        )
    if heard[0].target != target:
        return not_yet(f"The origin was asked for another target than {target}: keep path and query.", trace)
    if heard[0].body != b"order":
        return not_yet("The request's body did not reach the origin: what is `data=` in your request?", trace)
    if not answers or answers[-1].body != PAGE:
        return not_yet("The client did not get the origin's page: read it inside the `async with`.", trace)
    if answers[-1].status != 201:
        return not_yet(f"The origin's status was 201, and the client heard {answers[-1].status}.", trace)
    return yes(trace)


_PROBE = (
    "from aiohttp import ClientConnectionError\n\n"
    "async def front(request, inner):\n"
    "    try:\n"
    "        async with inner.{}:\n"
    "            pass\n"
    "    except ClientConnectionError:\n"
    "        raise web.HTTPServiceUnavailable() from None\n"
)


@exercise(
    "no-dead-end",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="Ask the origin with `inner.head` before you redirect, and catch `ClientConnectionError`.",
    wrong={
        "async def front(request, inner):\n"
        "    raise web.HTTPTemporaryRedirect('http://origin.test' + request.path_qs)": "dead",
        "async def front(request, inner):\n    raise web.HTTPServiceUnavailable()": "alive",
        "async def front(request, inner):\n"
        "    try:\n"
        "        async with inner.head('http://origin.test/'):\n"
        "            pass\n"
        "        raise web.HTTPTemporaryRedirect('http://origin.test' + request.path_qs)\n"
        "    except Exception:\n"
        "        raise web.HTTPServiceUnavailable()": "exception",
        "async def front(request, inner):\n"
        "    try:\n"
        "        async with inner.head('http://origin.test/') as probe:\n"
        "            alive = probe.status == 200\n"
        "    except ClientConnectionError:\n"
        "        alive = False\n"
        "    if not alive:\n"
        "        raise web.HTTPServiceUnavailable()\n"
        "    raise web.HTTPTemporaryRedirect('http://origin.test' + request.path_qs)": "with 201",
        (
            _PROBE.format("head('http://origin.test/')").replace("ServiceUnavailable", "BadGateway")
            + "    raise web.HTTPTemporaryRedirect('http://origin.test' + request.path_qs)"
        ): "heard 502",
        _PROBE.format("head('http://origin.test/')")
        + "    raise web.HTTPFound('http://origin.test')": "came with GET",
        _PROBE.format("head('http://origin.test/')")
        + "    raise web.HTTPTemporaryRedirect('http://origin.test')": "/page?n=1",
        _PROBE.format("post('http://origin.test' + request.path_qs, data=await request.read())")
        + "    raise web.HTTPTemporaryRedirect('http://origin.test' + request.path_qs)": "twice",
        _PROBE.format("head('http://origin.test/')")
        + "    raise web.HTTPTemporaryRedirect('http://origin.test/page?n=1')": "/list?n=2",
        _PROBE.format("post('http://origin.test/')")
        + "    raise web.HTTPTemporaryRedirect('http://origin.test' + request.path_qs)": "your probe",
    },
)
async def no_dead_end(front: Any) -> Attempt:
    """Demand a redirect while the origin lives, so that it hears the order once, and 503 once it is dead."""
    for target in TARGETS:
        alive = await _ask(front, proxy=True, target=target)
        if amiss := _while_alive(alive, target):
            return not_yet(amiss, alive)
    dead = await _ask(front, dead=True, proxy=True)
    last = dead.answers(who="front.test")
    if last and 300 <= last[0].status < 400:
        return not_yet("The origin is dead, and the client was sent there all the same: answer 503.", dead)
    if not last or last[0].status != 503:
        heard = last[0].status if last else "nothing"
        return not_yet(f"The origin is dead, and the client heard {heard}: 503 says to come again.", dead)
    return yes(dead)


def _while_alive(alive: Trace, target: str) -> str:
    first = alive.answers(who="front.test")
    asked = alive.requests(who="front.test")
    if asked and first and first[0].status == 503:
        heard = alive.answers(who="origin.test", whom="front.test")
        life = (
            f"the origin answered your probe with {heard[0].status}, and is alive" if heard else "it is alive"
        )
        end = "Any answer is a sign of life. And a redirect is an exception: what do you catch?"
        return f"The client heard 503, yet {life}. {end}"
    if not first or not 300 <= first[0].status < 400:
        return "The origin is alive, and the client got no redirect."
    return _order(alive, target)


def _order(alive: Trace, target: str) -> str:
    """Say what is wrong with what a living origin heard; it should be one POST of `target`, by the client."""
    probes = alive.requests(who="front.test", whom="origin.test")
    heard = alive.requests(who="client", whom="origin.test")
    if all(any(it.body == b"order" for it in some) for some in (probes, heard)):
        return "The origin heard the order twice, from your front and from the client: ask with `inner.head`."
    if unsafe := [it.method for it in probes if it.method not in ("HEAD", "GET", "OPTIONS")]:
        return f"The origin heard {unsafe[0]} from your probe, which may order something: use `inner.head`."
    if not heard:
        return "The client never came to the origin: what does your Location say?"
    if heard[-1].method != "POST":
        return f"The client came with {heard[-1].method} and no order: your status allows it to change that."
    if heard[-1].target != target:
        return f"The client asked the origin for {heard[-1].target}, not for {target}: keep path and query."
    if [it.body for it in heard] != [b"order"]:
        return f"The origin should hear the order once, and heard the client {len(heard)} times."
    return ""
