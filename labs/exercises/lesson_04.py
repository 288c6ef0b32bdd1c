"""The exercises of lesson 04."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, DummyCookieJar, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from labs.capture.parser import Message
from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "04_copy_the_headers_and_break"
PAGE = b"a line of the page\n" * 50
PACKED = gzip.compress(PAGE, mtime=0)
GZIP = b"\x1f\x8b"  # the first bytes of every gzip body: RFC 1952 section 2.3.1


async def _through(
    front: Callable[[web.Request, ClientSession], Awaitable[web.StreamResponse]],
    origin: Handler,
    talk: Callable[[Callable[..., Awaitable[None]]], Awaitable[None]],
    *,
    unpacking: bool = True,
) -> Trace:
    """Open `front` before `origin`, let `talk` ask it, and return what was said."""
    async with Town() as town:
        await town.open("origin.test", origin)
        connector = town.connector("front.test")
        async with ClientSession(
            connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=unpacking
        ) as inner:

            async def handler(request: web.Request) -> web.StreamResponse:
                return await front(request, inner)

            await town.open("front.test", handler)

            async def ask(path: str, came: asyncio.Event | None = None, **options: Any) -> None:
                options = {"method": "GET", "url": "http://front.test" + path, **options}
                async with ClientSession(connector=town.connector("client"), auto_decompress=False) as client:
                    try:
                        async with client.request(allow_redirects=False, **options) as answer:
                            async for _ in answer.content.iter_any():
                                if came:
                                    came.set()
                    except ClientError:
                        pass  # the trace tells what came

            await talk(ask)
    return town.trace


async def _kinds(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/packed":
            return web.Response(body=PACKED, headers={"Content-Encoding": "gzip"})
        case "/chunked":
            stream = web.StreamResponse()
            await stream.prepare(request)
            await stream.write(PAGE)
            return stream
        case "/missing":
            return web.Response(status=404, text="no such page\n", headers={"X-Page": "7"})
    answer = web.Response(body=PAGE, headers={"X-Page": "7"})
    answer.set_cookie("user", "alice")
    answer.set_cookie("theme", "dark")
    return answer


_TRUTHFUL = (
    "from multidict import CIMultiDict\n"
    "LENGTH = 'Content-Length'\n"
    "async def front(request, inner):\n"
    "    async with inner.get('http://origin.test' + request.path_qs) as answer:\n"
    "        body, fields = await answer.read(), {fields}\n"
    "    return web.Response(body=body, headers=CIMultiDict(fields){status})\n"
)
_BUT = "{{k: v for k, v in {of}.items() if k not in (LENGTH, 'Content-Encoding', 'Transfer-Encoding')}}"


@exercise(
    "say-what-you-send",
    lesson=LESSON,
    stars=1,
    minutes=6,
    hint="Copy `answer.headers`, and remove with `popall(name, None)` what describes the body.",
    wrong={
        _TRUTHFUL.format(fields="answer.headers", status=", status=answer.status"): "surplus",
        _TRUTHFUL.format(fields="{}", status=", status=answer.status"): "X-Page",
        _TRUTHFUL.format(fields=_BUT.format(of="dict(answer.headers)"), status=""): "404",
        _TRUTHFUL.format(
            fields=_BUT.format(of="dict(answer.headers)"), status=", status=answer.status"
        ): "one cookie",
        _TRUTHFUL.format(
            fields="[it for it in answer.headers.items() if it[0] not in (LENGTH, 'Transfer-Encoding')]",
            status=", status=answer.status",
        ): "gzip",
        _TRUTHFUL.format(
            fields="[it for it in answer.headers.items() if it[0] not in (LENGTH, 'Content-Encoding')]",
            status=", status=answer.status",
        ): "chunk",
        "import gzip\n"
        + _TRUTHFUL.format(fields="{'Content-Encoding': 'gzip'}", status=", status=answer.status").replace(
            "body=body", "body=gzip.compress(body)"
        ): "packs it anew",
    },
)
async def say_what_you_send(front: Any) -> Attempt:
    """Demand a plain, a packed, a chunked and a missing page, each true to its own fields."""
    paths = ("/plain", "/packed", "/chunked", "/missing")

    async def talk(ask: Callable[..., Awaitable[None]]) -> None:
        for path in paths:
            await ask(path)

    trace = await _through(front, _kinds, talk)
    answers = trace.answers(whom="client")
    if len(answers) < len(paths):
        return not_yet("Not every request got an answer.", trace)
    for path, answer in zip(paths, answers, strict=True):
        if words := _untrue(answer):
            return not_yet(f"{path}: {words}", trace)
    plain, missing = answers[0], answers[-1]
    if missing.status != 404:
        return not_yet(f"The origin said 404 for /missing, and your front says {missing.status}.", trace)
    if plain.field("X-Page") != "7":
        return not_yet("The origin's field X-Page did not reach the client: pass its fields on.", trace)
    if missing.field("Content-Type") != "text/plain; charset=utf-8" or missing.field("X-Page") != "7":
        return not_yet(
            "/missing: a field of the origin did not come, or another: pass on all that is true.", trace
        )
    if missing.body != b"no such page\n":
        return not_yet("/missing: the body is not that of the origin.", trace)
    if len(plain.all("Set-Cookie")) != 2:
        return not_yet("Two cookies were sent, and one cookie came: a plain dict holds a name once.", trace)
    if not all(it.body == PAGE for it in answers[:3]):
        return not_yet("A page did not arrive as the origin sent it: what is your body?", trace)
    return yes(trace)


def _untrue(answer: Message) -> str:
    if answer.surplus:
        return f"{len(answer.surplus)} surplus bytes: the Content-Length is that of the packed body."
    if answer.problem or not answer.complete:
        return "the answer says that it comes in chunks, or how long it is, and that is not so."
    if answer.field("Content-Encoding") and answer.body.startswith(GZIP):
        return "the session has unpacked the body, and your front packs it anew: send what `read()` gave you."
    if answer.field("Content-Encoding"):
        return "the answer says that it is gzip, and its body is unpacked."
    return ""


ORDER = b'{"n": 1}'
SAID = {
    "Authorization": "Bearer T",
    "Cookie": "user=alice",
    "X-Order": "7",
    "Content-Type": "application/json",
    "User-Agent": "shop/1",
}
TWICE = ("1", "2")


async def _desk(request: web.Request) -> web.StreamResponse:
    await request.read()
    if request.path == "/done":
        return web.Response(text="thank you\n")
    return web.Response(status=302, headers={"Location": "/done", "Set-Cookie": "order=7"})


_HAND_OVER = (
    "async def front(request, inner):\n"
    "    fields, body = request.headers.copy(), await request.read()\n"
    "    {more}\n"
    "    url = 'http://origin.test' + request.path_qs\n"
    "    asked = inner.request({asked})\n"
    "    async with asked as answer:\n"
    "        return web.Response(body=await answer.read(), status=answer.status, headers=answer.headers)"
)
_ALL = "request.method, url, data=body, headers=fields, allow_redirects=False"
_DROP = "[fields.popall(it, None) for it in ('Host', 'Connection', 'X-First', 'X-Hop')]"


@exercise(
    "hand-it-over",
    lesson=LESSON,
    stars=2,
    minutes=10,
    hint="Copy `request.headers`, remove Host, Connection and what Connection names, and follow no redirect.",
    wrong={
        _HAND_OVER.format(more="pass", asked="request.method, url"): "body",
        _HAND_OVER.format(more="pass", asked="request.method, url, data=body"): "Authorization",
        _HAND_OVER.format(more="fields.popall('Host')", asked="'GET', url, data=body, headers=fields"): "GET",
        _HAND_OVER.format(more="pass", asked=_ALL): "Host",
        _HAND_OVER.format(
            more="fields.popall('Host')",
            asked=_ALL,
        ): "X-Hop",
        _HAND_OVER.format(
            more=_DROP,
            asked="request.method, url, data=body, headers=fields",
        ): "302",
        _HAND_OVER.format(
            more=_DROP,
            asked=_ALL,
        ): "names X-Other",
        _HAND_OVER.format(
            more="[fields.popall(it, None) for it in ('Host', fields.get('Connection'), 'Connection')]",
            asked=_ALL,
        ): "names X-Hop",
        _HAND_OVER.format(
            more=_DROP,
            asked="'POST', url, data=body, headers=fields, allow_redirects=False",
        ): "said PUT",
        _HAND_OVER.format(
            more=_DROP,
            asked=_ALL,
        ).replace(", headers=answer.headers", ""): "had a Location",
        _HAND_OVER.format(
            more="[fields.popall(it.strip(), None) for it in"
            " ['Host', *fields.get('Connection', '').split(','), 'Connection']]",
            asked=_ALL,
        ): "every line counts",
        _HAND_OVER.format(
            more="named = ','.join(fields.getall('Connection', ())).replace(' ', '').split(',')\n"
            "    for it in [it for it in fields if it in ('Host', 'Connection', *named)]:\n"
            "        fields.popall(it, None)",
            asked=_ALL,
        ): "no case counts",
        _HAND_OVER.format(
            more="named = ','.join(fields.getall('Connection', ())).lower().replace(' ', '').split(',')\n"
            "    fields = {k: v for k, v in dict(fields).items()"
            " if k.lower() not in ('host', 'connection', *named)}",
            asked=_ALL,
        ): "X-Twice",
    },
)
async def hand_it_over(front: Any) -> Attempt:
    """Demand that the origin hears method, target, body and end-to-end fields, and the client its 302."""
    trace = Trace((), ())
    for hop, method, target in (("X-Hop", "POST", "/order?n=1"), ("X-Other", "PUT", "/list?n=2")):

        async def talk(
            ask: Callable[..., Awaitable[None]], hop: str = hop, method: str = method, target: str = target
        ) -> None:
            fields = CIMultiDict({**SAID, "Connection": f"X-First, {hop}", "X-First": "1", hop: "1"})
            if hop == "X-Other":
                fields.extend([("Connection", "x-late"), ("X-Late", "1"), *(("X-Twice", it) for it in TWICE)])
            await ask(target, method=method, data=ORDER, headers=fields)

        trace = await _through(front, _desk, talk)
        heard, answers = trace.requests(whom="origin.test"), trace.answers(whom="client")
        if not heard or not answers:
            return not_yet("The origin heard nothing, or the client got no answer.", trace)
        if words := _lost(heard[0], hop, f"{method} {target}"):
            return not_yet(words, trace)
        if answers[0].status == 302 and answers[0].field("Location") != "/done":
            return not_yet("The origin's 302 had a Location, and the client's has not, or another.", trace)
        if answers[0].status != 302:
            return not_yet(
                f"The origin said 302, and the client heard {answers[0].status}: who followed?", trace
            )
    return yes(trace)


def _lost(heard: Message, hop: str, asked: str) -> str:
    if f"{heard.method} {heard.target}" != asked:
        return f"The origin heard {heard.method} {heard.target}, and the client said {asked}."
    if heard.body != ORDER:
        return f"The origin heard {len(heard.body)} bytes of body: what is `data=` in your request?"
    for name, value in SAID.items():
        if heard.field(name) != value:
            return f"The origin heard {name}: {heard.field(name)}, and the client said {value}."
    if heard.field("Host") != "origin.test":
        return f"The origin heard Host: {heard.field('Host')}, which is you: leave Host to the session."
    for name in (hop, "X-First"):
        if heard.field(name):
            return f"The client's Connection names {name}: it was for you, and the origin heard it."
    if heard.field("Connection"):
        return "The client's Connection was for you, and the origin heard it."
    if heard.field("X-Late"):
        return "Another line of Connection names X-Late, as x-late: every line counts, and no case counts."
    if hop == "X-Other" and heard.all("X-Twice") != TWICE:
        return "The client said X-Twice twice, with two values, and the origin did not hear both in order."
    return ""


def _slow(gate: Gate) -> Handler:
    async def origin(request: web.Request) -> web.StreamResponse:
        fields: Mapping[str, str] = {"Content-Encoding": "gzip"}
        if request.path == "/slow":
            fields = {**fields, "Content-Length": str(len(PACKED))}
        answer = web.StreamResponse(headers=fields)
        await answer.prepare(request)
        await answer.write(PACKED[:20])
        if request.path == "/slow":
            await gate
        await answer.write(PACKED[20:])
        return answer

    return origin


@exercise(
    "as-it-comes",
    lesson=LESSON,
    stars=3,
    minutes=14,
    hint="`prepare` a StreamResponse inside the block, then write each piece of `answer.content.iter_any()`.",
    wrong={
        "async def front(request, inner):\n"
        "    async with inner.get('http://origin.test' + request.path_qs) as answer:\n"
        "        return web.Response(body=await answer.read(), headers=answer.headers)": "whole",
        "async def front(request, inner):\n"
        "    async with inner.get('http://origin.test' + request.path_qs) as answer:\n"
        "        out = web.StreamResponse(headers=answer.headers)\n"
        "        await out.prepare(request)\n"
        "        await out.write(await answer.read())\n"
        "    return out": "whole",
        "async def front(request, inner):\n"
        "    async with inner.get('http://origin.test' + request.path_qs) as answer:\n"
        "        out = web.StreamResponse()\n"
        "        await out.prepare(request)\n"
        "        async for piece in answer.content.iter_any():\n"
        "            await out.write(piece)\n"
        "    return out": "Content-Encoding",
        "async def front(request, inner):\n"
        "    async with inner.get('http://origin.test' + request.path_qs) as answer:\n"
        "        out = web.StreamResponse(headers=answer.headers)\n"
        "    await out.prepare(request)\n"
        "    async for piece in answer.content.iter_any():\n"
        "        await out.write(piece)\n"
        "    return out": "Connection closed",
    },
)
async def as_it_comes(front: Any) -> Attempt:
    """Demand that the first bytes reach the client while the origin holds the last, and that all arrive."""
    gate, came = Gate("the rest of /slow"), asyncio.Event()
    early = False

    async def talk(ask: Callable[..., Awaitable[None]]) -> None:
        nonlocal early
        asking, standing = asyncio.ensure_future(ask("/slow", came)), asyncio.ensure_future(gate.reached())
        try:
            await asyncio.wait({asking, standing}, return_when=asyncio.FIRST_COMPLETED)
            await ask("/quick")
            early = came.is_set()
            gate.open()
            await asking
        finally:
            for task in (asking, standing):
                task.cancel()
            await asyncio.gather(asking, standing, return_exceptions=True)

    trace = await _through(front, _slow(gate), talk, unpacking=False)
    answers = _by_target(trace)
    if set(answers) != {"/slow", "/quick"}:
        return not_yet("Not every request got an answer.", trace)
    for path, answer in answers.items():
        if answer.status != 200:
            return not_yet(f"{path}: the origin said 200, and the client heard {answer.status}.", trace)
    if not early:
        return not_yet("Your front kept the first piece of /slow until it had the whole.", trace)
    for path, answer in answers.items():
        if answer.problem or answer.surplus or not answer.complete:
            return not_yet(f"{path}: the answer is not as its fields say, or was cut short.", trace)
        if answer.body != PACKED:
            return not_yet(f"{path}: the bytes are not those of the origin.", trace)
        if answer.field("Content-Encoding") != "gzip":
            return not_yet(f"{path}: the bytes are packed, and Content-Encoding does not say so.", trace)
    if answers["/slow"].field("Content-Length") != str(len(PACKED)):
        return not_yet("The origin said how long /slow is, and your front does not.", trace)
    return yes(trace)


def _by_target(trace: Trace) -> dict[str, Message]:
    """Return the answers that the client heard, by what it had asked for, in the order they began."""
    heard = [it for it in trace.said if it.message is not None]
    asked = {it.connection: it.message.target for it in heard if it.who == "client" and it.message}
    return {asked[it.connection]: it.message for it in heard if it.whom == "client" and it.message}
