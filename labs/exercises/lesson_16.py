"""The exercises of lesson 16."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.http import HttpProcessingError

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.servers import faults
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "16_fail_well_on_the_server"
ORDER = {"shoes": [42, 43]}
PAGE = b"the page of the origin\n"
STRANGE = "a charset that Python does not know"
HUNG = -2  # in place of a status
PATIENCE = 1.5  # seconds, for an answer that does not end
LATE = 0.5  # seconds until an origin goes on; the limit of `inner` is a tenth of that
BIG = b'"' + b"x" * (1 << 20) + b'"'  # more than aiohttp's client_max_size

_ECHO = (
    "import json\n\n"
    "async def echo(request):\n"
    "    try:\n"
    "        order = await request.json()\n"
    "    except {what}:\n"
    "        {then}\n"
    "    return web.json_response(order)"
)
_OBJECTS = _ECHO.format(
    what="(ValueError, LookupError, RecursionError)", then="raise web.HTTPBadRequest()"
).replace("    return", "    if not isinstance(order, dict):\n        raise web.HTTPBadRequest()\n    return")


@exercise(
    "whose-mistake",
    lesson=LESSON,
    stars=1,
    minutes=8,
    hint="UnicodeDecodeError and JSONDecodeError are a ValueError; LookupError and RecursionError are not.",
    wrong={
        "async def echo(request):\n"
        "    return web.json_response(await request.json())": "raised JSONDecodeError",
        _ECHO.format(
            what="json.JSONDecodeError", then="raise web.HTTPBadRequest()"
        ): "raised UnicodeDecodeError",
        _ECHO.format(what="Exception", then="raise web.HTTPBadRequest()"): "413",
        _ECHO.format(what="ValueError", then="return web.Response(text='no JSON')"): "200",
        _ECHO.format(what="ValueError", then="return None"): "returned None",
        _ECHO.format(what="ValueError", then="raise web.HTTPBadRequest()"): "raised LookupError",
        _ECHO.format(
            what="(ValueError, LookupError)", then="raise web.HTTPBadRequest()"
        ): "raised RecursionError",
        _OBJECTS: "null, which is JSON",
        _ECHO.format(
            what="(ValueError, LookupError, RecursionError)", then="raise web.HTTPBadRequest()"
        ).replace("web.json_response(order)", "web.Response(text=json.dumps(order))"): "text/plain",
        "async def echo(request):\n    raise web.HTTPBadRequest()": "good JSON",
        _ECHO.format(
            what="ValueError", then="order = None\n    if not order:\n        raise web.HTTPBadRequest()"
        ): "null",
    },
)
async def whose_mistake(echo: Any) -> Attempt:
    """Demand the JSON back, 400 for what cannot be read as JSON, 413 for what is too big."""
    trace = Trace((), ())
    bodies = {"good JSON": (json.dumps(ORDER).encode(), 200), "null, which is JSON": (b"null", 200)}
    bodies |= {"[], which is JSON": (b"[]", 200), "{shoes}, which is no JSON": (b"{shoes}", 400)}
    bodies |= {"a byte that is no UTF-8": (b'"\xff"', 400), "a MiB of JSON": (BIG, 413)}
    bodies |= {STRANGE: (b"{}", 400), "100 000 brackets": (b"[" * 100_000, 400)}
    for what, (body, right) in bodies.items():
        status, text, kind = 0, "", ""
        async with Town() as town:
            await town.open("front.test", echo)
            async with ClientSession(connector=town.connector("client")) as client:
                try:
                    fields = {"Content-Type": "application/json; charset=klingon"} if what == STRANGE else {}
                    async with client.post(
                        "http://front.test/order", data=io.BytesIO(body), headers=fields
                    ) as answer:
                        status, text, kind = answer.status, await answer.text(), answer.content_type
                except ClientError:  # who is refused a big body may lose the connection while he sends it
                    pass
        trace = town.trace
        if not status and trace.answers():
            status = trace.answers()[0].status
        if status != right:
            return not_yet(f"For {what} the client should hear {right}, and heard {status}.", trace)
        if right == 200 and kind != "application/json":
            return not_yet(f"Answer with JSON: the Content-Type of yours is {kind}.", trace)
        if right == 200 and "".join(text.split()) != "".join(body.decode().split()):
            return not_yet("The answer to good JSON should be the same JSON.", trace)
    return yes(trace)


_BLAME = (
    "from aiohttp import ClientConnectionError, ClientError\n\n"
    "async def front(request, inner):\n"
    "    try:\n"
    "        async with inner.get('http://origin.test/page') as answer:\n"
    "            return web.Response(status=answer.status, body=await answer.read())\n"
)
_LATE = "    except TimeoutError:\n        raise web.HTTPGatewayTimeout() from None\n"
_BROKEN = "    except ClientError:\n        raise web.HTTPBadGateway() from None\n"


@exercise(
    "blame-well",
    lesson=LESSON,
    stars=2,
    minutes=10,
    hint="Catch TimeoutError first, then ClientError.",
    wrong={
        "async def front(request, inner):\n"
        "    async with inner.get('http://origin.test/page') as answer:\n"
        "        return web.Response(status=answer.status, body=await answer.read())": "raised Client",
        _BLAME
        + "    except ClientError:\n        raise web.HTTPBadGateway() from None\n"
        + _LATE: "narrow one",
        _BLAME + _LATE + "    except ClientConnectionError:\n"
        "        raise web.HTTPBadGateway() from None": "raised ClientResponseError",
        _BLAME + "    except (ClientError, TimeoutError):\n"
        "        raise web.HTTPBadGateway() from None": "504",
        _BLAME.replace("status=answer.status, ", "")
        + _LATE
        + "    except ClientError:\n        raise web.HTTPBadGateway() from None\n": "201",
        _BLAME + "    except Exception:\n        raise web.HTTPGatewayTimeout() from None": "502",
        (_BLAME + _LATE + "    except ClientError:\n        raise web.HTTPBadGateway() from None").replace(
            "inner.get", "inner.post"
        ): "heard POST /page",
        (_BLAME + _LATE + _BROKEN).replace(
            "            return", "            answer.raise_for_status()\n            return"
        ): "hand it on",
        (_BLAME + _LATE + _BROKEN).replace(
            "body=await answer.read()", "text=str(answer.status)"
        ): "did not get the body",
        (_BLAME + _LATE + _BROKEN).replace(
            "            return",
            "            if answer.status == 404:\n"
            "                raise web.HTTPNotFound()\n            return",
        ): "origin's 404",
        "from aiohttp import ClientTimeout\n"
        + (_BLAME + _LATE + _BROKEN).replace("page')", "page', timeout=ClientTimeout(total=2))"): "set none",
        (_BLAME + _LATE + _BROKEN).replace(
            "            return web.Response(status=answer.status, body=await answer.read())\n",
            "            page = web.StreamResponse(status=answer.status)\n"
            "            await page.prepare(request)\n"
            "            await page.write(await answer.read())\n"
            "            return page\n",
        ): "stands in the body",
    },
)
async def blame_well(front: Any) -> Attempt:
    """Demand the origin's answer, 502 for what is broken and 504 for what is slow."""
    wanted = {"good": 201, "status 404": 404, "status 500": 500}
    wanted |= {"refused": 502, "close-before-head": 502, "garbage": 502, "close-in-body": 502}
    wanted |= {"slow": 504, "stall-before-head": 504, "stall-in-body": 504}
    trace = Trace((), ())
    for name, right in wanted.items():
        trace, status, body = await _blame(front, name)
        if status == right:
            asked = [f"{it.method} {it.target}" for it in trace.requests(whom="origin.test")]
            if name == "good" and asked != ["GET /page"]:
                return not_yet(f"The origin should hear GET /page once, and heard {', '.join(asked)}.", trace)
            if right <= 500 and body != PAGE:
                return not_yet(f"The client did not get the body of the origin's {right}.", trace)
            continue
        words = f"With {name} behind it the front should answer {right}, and answered {status}."
        if name.startswith("status"):
            words += " What the origin says is its answer: hand it on."
        if body is None and right > 501:
            words += f" It had sent the head too early, and the {right} stands in the body: read first."
        if (name, status) == ("slow", 200):
            words += " The limit of `inner` did not hold: set none of your own."
        if (right, status) == (504, 502) and name != "slow":
            words += " This timeout is a ClientError, too: the narrow one first."
        return not_yet(words, trace)
    return yes(trace)


async def _origin(request: web.Request) -> web.StreamResponse:
    return web.Response(status=201, body=PAGE)


async def _missing(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404, body=PAGE)


async def _fails(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, body=PAGE)


async def _blame(front: Any, name: str) -> tuple[Trace, int, bytes | None]:
    """Return the status and the body that came through the front; None for a body that did not end well."""
    gate = Gate("the rest of a slow answer")
    limits = ClientTimeout(total=None)
    if name == "slow":
        limits = ClientTimeout(total=LATE / 10)
    else:
        gate.open()
        if "stall" in name:
            limits = ClientTimeout(total=None, sock_read=LATE / 10)
    async with Town() as town:
        good = {"status 404": _missing, "status 500": _fails}.get(name, _origin)
        await town.open("origin.test", faults.make(name, gate) if name in faults.FAULTS else good)
        if name == "refused":
            await town.close("origin.test")
        connector = town.connector("front.test")
        async with ClientSession(connector=connector, timeout=limits) as inner:

            async def handler(request: web.Request) -> web.StreamResponse:
                late = asyncio.get_running_loop().call_later(LATE, gate.open)
                try:
                    answer: web.StreamResponse = await front(request, inner)
                finally:
                    late.cancel()
                return answer

            await town.open("front.test", handler)
            async with (
                ClientSession(connector=town.connector("client")) as client,
                client.get("http://front.test/page") as heard,
            ):
                status, body = heard.status, None
                with contextlib.suppress(ClientError, TimeoutError, HttpProcessingError):
                    async with asyncio.timeout(PATIENCE):
                        body = await heard.read()
    return town.trace, status, body


_STREAM = (
    "async def stream(request, pieces):\n"
    "    answer = web.StreamResponse()\n"
    "{first}"
    "    try:\n"
    "        async for piece in pieces:\n"
    "            if not answer.prepared:\n"
    "                await answer.prepare(request)\n"
    "            await answer.write(piece)\n"
    "    except OSError:\n"
    "{then}"
    "    await answer.write_eof()\n"
    "    return answer"
)
_503 = "        if not answer.prepared:\n            raise web.HTTPServiceUnavailable() from None\n"


@exercise(
    "half-a-page",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="`prepare` with the first piece; afterwards `request.transport.abort()`.",
    wrong={
        _STREAM.format(
            first="    await answer.prepare(request)\n",
            then="        request.transport.abort()\n        return answer\n",
        ): "503",
        _STREAM.format(first="", then=_503): "whole",
        _STREAM.format(first="", then=_503 + "        await asyncio.sleep(60)\n"): "still waits",
        _STREAM.format(
            first="", then="        raise web.HTTPServiceUnavailable() from None\n"
        ): "inside the page",
        _STREAM.format(
            first="", then="        request.transport.abort()\n        return answer\n"
        ): "heard nothing",
        "async def stream(request, pieces):\n"
        "    try:\n"
        "        body = b''.join([piece async for piece in pieces])\n"
        "    except OSError:\n"
        "        raise web.HTTPServiceUnavailable() from None\n"
        "    return web.Response(body=body)": "as it comes",
        _STREAM.format(first="", then="        return web.HTTPServiceUnavailable()\n"): "raise it",
    },
)
async def half_a_page(stream: Any) -> Attempt:
    """Demand the pieces as they come, 503 where none came, and a broken answer where some are missing."""
    trace, status, body, returned = await _stream(stream, pieces=2, fails=False)
    if status == -1:
        return not_yet(
            "The first piece did not reach the client before the second was made: send each as it comes.",
            trace,
        )
    if (status, body) != (200, b"piece 0\npiece 1\n"):
        return not_yet(
            f"Nothing failed, and the client heard {status or 'nothing'} and no whole page.", trace
        )
    trace, status, body, returned = await _stream(stream, pieces=0, fails=True)
    if returned:
        return not_yet("To return an HTTP exception is deprecated: raise it.", trace)
    if status != 503:
        heard = status or "nothing"
        return not_yet(
            f"It failed before the first piece: the client should hear 503, and heard {heard}.", trace
        )
    trace, status, body, returned = await _stream(stream, pieces=1, fails=True)
    answers = trace.answers()
    if sum(it.raw.count(b"HTTP/1.1 ") + it.surplus.count(b"HTTP/1.1 ") for it in answers) > 1:
        return not_yet("The 503 came after the head, and stands inside the page: break off instead.", trace)
    if status == HUNG:
        return not_yet("A piece is missing, and the client still waits for it: break off.", trace)
    if body is not None:
        return not_yet("A piece is missing, and the page looks whole to the client: break off.", trace)
    return yes(trace)


async def _stream(stream: Any, *, pieces: int, fails: bool) -> tuple[Trace, int, bytes | None, bool]:
    status, body, returned = 0, None, False
    first = Gate("the first piece")

    async def made() -> AsyncIterator[bytes]:
        for number in range(pieces):
            if number:
                await first
            yield b"piece %d\n" % number
        if fails:
            if pieces:
                await first
            raise OSError("the disk is gone")

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal returned
        answer: web.StreamResponse = await stream(request, made())
        returned = isinstance(answer, web.HTTPException)
        if isinstance(answer, web.HTTPException):
            raise answer
        return answer

    async with Town() as town:
        await town.open("front.test", handler)
        async with ClientSession(connector=town.connector("client")) as client:
            asking = asyncio.ensure_future(client.get("http://front.test/page"))
            stuck = asyncio.ensure_future(first.reached())
            try:
                done, _ = await asyncio.wait({asking, stuck}, return_when=asyncio.FIRST_COMPLETED)
                if asking not in done and pieces:
                    # The handler wants the second piece: the first is on its way, or was kept back.
                    await asyncio.wait({asking}, timeout=1.5)
                    if not asking.done():
                        status = -1
                first.open()
                async with await asking as answer:
                    status = status or answer.status
                    async with asyncio.timeout(1.5 if fails and pieces else None):
                        body = await answer.read()
            except (TimeoutError, HttpProcessingError):  # the second: without the C extension
                status = HUNG
            except ClientError:
                pass  # the page is cut, and that is known
            finally:
                for task in (stuck, asking):
                    task.cancel()
                await asyncio.gather(stuck, asking, return_exceptions=True)
    return town.trace, status, body, returned
