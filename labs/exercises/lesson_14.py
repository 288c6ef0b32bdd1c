"""The exercises of lesson 14."""

from __future__ import annotations

import asyncio
import inspect
import tempfile
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO

from aiohttp import ClientError, ClientSession, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.instruments.memory import KIB, MIB, Meter
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "14_send_as_you_go"
ENOUGH = 1.0  # seconds for an answer that waits for what never comes; the right one waits for nothing
SIZE = 4 * MIB
LIMIT = 64 * KIB
URL = "http://origin.test/"

_POST = "    async with client.post(url, data={}) as answer:\n        return answer.status"
_SEND = "async def send(client, url, file):\n" + _POST


@exercise(
    "known-length",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="`data=` takes an open file as it is.",
    wants="value",
    wrong={
        _SEND.format("file.read()"): "as a whole",
        _SEND.format("file.name"): "not the file",
        _SEND.format("{'file': file}"): "a form",
        "async def send(client, url, file):\n"
        "    async def pieces():\n"
        "        while piece := file.read(65536):\n"
        "            yield piece\n" + _POST.format("pieces()"): "Content-Length",
        _SEND.format("file, chunked=True"): "in chunks",
        _SEND.format("file").replace("client.post", "client.put"): "PUT",
        _SEND.format("file").replace("return answer.status", "return answer"): "status",
        _SEND.format("file").replace("return answer.status", "return 200"): "not 200",
        "async def send(client, url, file):\n    return 200": "nothing",
    },
)
async def known_length(send: Any) -> Attempt:
    """Demand the bytes of a file as the body, with their length, sent without holding all of them."""
    heard: list[tuple[str, int, str, int | None]] = []

    async def origin(request: web.Request) -> web.StreamResponse:
        came = 0
        async for piece in request.content.iter_any():
            came += len(piece)
        heard.append((request.method, came, request.content_type, request.content_length))
        return web.Response(status=201)

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        _zeros(folder) as file,
        Meter() as meter,
    ):
        async with Town(keep=LIMIT) as town:
            await town.open("origin.test", origin)
            async with ClientSession(connector=town.connector("client")) as client:
                with warnings.catch_warnings():  # of bytes that are large, which is what is asked about
                    warnings.simplefilter("ignore", ResourceWarning)
                    status = await send(client, URL, file)
    words = _file_amiss(heard, meter.peak)
    if not words and status != 201:
        words = "The server answered with status 201; return it, and not " + (
            f"{status!r}." if isinstance(status, int | str) else f"one of type {type(status).__name__}."
        )
    return not_yet(words, town.trace) if words else yes(town.trace)


def _zeros(folder: str) -> BinaryIO:
    path = Path(folder, "zeros.bin")
    path.write_bytes(bytes(SIZE))
    return path.open("rb")


def _file_amiss(heard: list[tuple[str, int, str, int | None]], peak: int) -> str:
    if not heard:
        return "The server heard nothing: use `client.post`."
    method, came, kind, length = heard[0]
    if method != "POST":
        return f"The server heard {method}, and should hear POST."
    if kind == "multipart/form-data":
        return "The server heard a form around the file: give `data=` the file itself."
    if came != SIZE:
        return f"The server heard {came} bytes, and not the file of {SIZE}."
    if length is None:
        return "The server heard no Content-Length: it was sent in chunks."
    return "The file was held as a whole: let aiohttp read it, piece by piece." if peak >= SIZE else ""


_SMALL = "async def small(request):\n    "
_TOO_LARGE = "raise web.HTTPRequestEntityTooLarge(65536)\n"
_ECHO = "    return web.Response(text=str(came))"


@exercise(
    "count-as-you-read",
    lesson=LESSON,
    stars=2,
    minutes=10,
    hint="Raise 413 for a `request.content_length` above 65536; else add up the pieces of `request.content`.",
    wrong={
        _SMALL + "return web.Response(text=str(len(await request.read())))": "413",
        _SMALL + "return web.Response(text=str(request.content_length))": "413",
        _SMALL
        + "if request.content_length > 65536:\n        "
        + _TOO_LARGE
        + "    return web.Response(text=str(len(await request.read())))": "TypeError",
        _SMALL
        + "if (request.content_length or 0) > 65536:\n        "
        + _TOO_LARGE
        + "    return web.Response(text=str(len(await request.read())))": "chunked",
        _SMALL
        + "came = 0\n    async for piece in request.content.iter_any():\n        came += len(piece)\n"
        + "        if came >= 65536:\n            "
        + _TOO_LARGE
        + _ECHO: "exactly",
        _SMALL
        + "came = 0\n    async for piece in request.content.iter_any():\n        came += 1\n"
        + "        if came > 65536:\n            "
        + _TOO_LARGE
        + _ECHO: "413",
        _SMALL
        + "came = len(await request.content.read(65537))\n    if came > 65536:\n        "
        + _TOO_LARGE
        + _ECHO: "chunked",
        _SMALL
        + "came = len(await request.read())\n    if came > 65536:\n        "
        + _TOO_LARGE
        + _ECHO: "read on",
        _SMALL
        + "came = 0\n    async for piece in request.content.iter_any():\n        came += len(piece)\n"
        + "    if came > 65536:\n        "
        + _TOO_LARGE
        + _ECHO: "read on",
        _SMALL
        + "came = 0\n    async for piece in request.content.iter_any():\n        came += len(piece)\n"
        + "        if came > 65536:\n            "
        + _TOO_LARGE
        + _ECHO: "its head",
    },
)
async def count_as_you_read(handler: Any) -> Attempt:
    """Demand the length of what is small enough, and 413 for more, as soon as the head or a count says so."""
    trace = Trace((), ())
    for size, chunked in ((LIMIT + 1, False), (LIMIT + 1, True), (LIMIT, False), (LIMIT, True), (5, False)):
        status, text, trace = await _offer(handler, size, chunked)
        how = "a chunked body" if chunked else "a body with its length"
        if size > LIMIT and status != 413:
            return not_yet(f"For {how} of one byte too many it answered {status}, not 413.", trace)
        if size == LIMIT and status == 413:
            return not_yet(f"It refused {how} of exactly 64 KiB, which is allowed.", trace)
        if size <= LIMIT and (status, text) != (200, str(size)):
            return not_yet(f"For {how} of {size} bytes it answered {status} with {text[:40]!r}.", trace)
    status, _, trace = await _offer(handler, LIMIT + 1, True, goes_on=True)
    if status != 413:
        return not_yet("64 KiB and a byte had come, more was to come, and it read on: answer at once.", trace)
    status, _, trace = await _offer(handler, LIMIT + 1, False, goes_on=True)
    if status != 413:
        return not_yet(
            "A body was too large by its head, and it waited to read it: see `request.content_length`.", trace
        )
    return yes(trace)


async def _pieces(size: int, gate: Gate, more: Gate | None = None) -> AsyncIterator[bytes]:
    yield bytes(size // 2)
    await gate
    yield bytes(size - size // 2)
    if more is not None:
        await more
        yield b"more"


async def _late(size: int, gate: Gate) -> AsyncIterator[bytes]:
    yield bytes(1)  # aiohttp's client keeps the head back until there is a first byte of body
    await gate
    yield bytes(size - 1)


async def _offer(handler: Any, size: int, chunked: bool, *, goes_on: bool = False) -> tuple[int, str, Trace]:
    """Offer a body; a chunked one comes in two pieces, the second after the handler was called.

    One that goes on has more, which comes when the handler has answered, or after ENOUGH seconds, and then
    the status is 0: a third piece if it is chunked, or else all that its head has said.
    """
    status, text = 0, ""
    head = {} if chunked else {"Content-Length": str(size)}
    early: list[bool] = []
    async with Town() as town:
        with Gate("the handler") as gate, Gate("the answer") as over:

            async def called(request: web.Request) -> web.StreamResponse:
                gate.open()
                try:
                    answer: web.StreamResponse = await handler(request)
                finally:
                    early.append(not over.is_open)
                    over.open()
                return answer

            await town.open("origin.test", called)
            async with ClientSession(connector=town.connector("client")) as client:
                waited = asyncio.get_running_loop().call_later(ENOUGH, over.open)
                try:
                    data: Any = bytes(size)
                    if chunked:
                        data = _pieces(size, gate, over if goes_on else None)
                    elif goes_on:
                        data = _late(size, over)
                    async with client.post(URL, data=data, headers=head) as answer:
                        status, text = answer.status, await answer.text()
                except ClientError:
                    pass  # the handler failed: its own words are shown
                finally:
                    waited.cancel()
    if goes_on and early != [True]:
        status = 0
    return status, text, town.trace


_EXPECT = "async def may_i(request):\n    "
_CONTINUE = "request.transport.write(b'HTTP/1.1 100 Continue\\r\\n\\r\\n')"
_LENGTH = "length = request.content_length\n    "
_NONE = "if length is None:\n        raise web.HTTPLengthRequired()\n    "
_MORE = "if length > 65536:\n        raise web.HTTPRequestEntityTooLarge(65536, length)\n    "


@exercise(
    "ask-first",
    lesson=LESSON,
    stars=3,
    minutes=15,
    hint="Raise for what the head says; else write `HTTP/1.1 100 Continue` and an empty line.",
    wants="value",
    wrong={
        _EXPECT + _LENGTH + _NONE + _MORE + "return": "waits",
        _EXPECT + _CONTINUE: "413",
        _EXPECT + _CONTINUE + "\n    " + _LENGTH + _NONE + _MORE: "before",
        _EXPECT + _LENGTH + _MORE + _CONTINUE: "TypeError",
        _EXPECT + _LENGTH + "length = length or 0\n    " + _MORE + _CONTINUE: "411",
        _EXPECT + _LENGTH + _NONE.replace("length is None", "not length") + _MORE + _CONTINUE: "0 bytes",
        _EXPECT + _LENGTH + _NONE + _MORE.replace(">", ">=") + _CONTINUE: "exactly",
        _EXPECT + _LENGTH + _NONE + _MORE + "return web.Response(status=100)": "final",
        _EXPECT + _LENGTH + _NONE + _MORE + _CONTINUE.replace("\\r\\n\\r\\n", "\\r\\n"): "waits",
        _EXPECT + "raise web.HTTPExpectationFailed()": "417",
        _EXPECT + _LENGTH + _NONE + _MORE + _CONTINUE.replace("\\r", ""): "line ends",
    },
)
async def ask_first(may_i: Any) -> Attempt:
    """Demand 100 and then 200 for what is small enough, 413 or 411 and no body for the rest."""
    if not inspect.iscoroutinefunction(may_i):
        return not_yet(f"An expect_handler is an `async def`, and this is a {type(may_i).__name__}.")
    trace = Trace((), ())
    for size, chunked, wanted in (
        (LIMIT + 1, False, 413),
        (5, True, 411),
        (5, False, 200),
        (0, False, 200),
        (LIMIT, False, 200),
    ):
        trace, raised = await _ask(may_i, size, chunked)
        if words := raised or _expectation_amiss(trace, size, chunked, wanted):
            return not_yet(words, trace)
    return yes(trace)


def _expectation_amiss(trace: Trace, size: int, chunked: bool, wanted: int) -> str:
    statuses = [it.status for it in trace.answers()]
    what = "a chunked body" if chunked else f"a body of {size} bytes"
    if not statuses:
        return f"A client with {what} waits: it heard neither 100 Continue, with an empty line, nor an error."
    if statuses[0] == 100 and b"\r" not in trace.answers()[0].raw:
        return "The client heard 100 with line ends that not every client takes: HTTP's are CR and LF."
    if statuses[0] == 100 and wanted != 200:
        return (
            f"For {what} the client heard 100 before {statuses[1]}: look at the head before you say it."
            if statuses[1:] == [wanted]
            else f"For {what} the client heard 100, and should hear {wanted} instead."
        )
    if statuses == [413] and size == LIMIT:
        return "It refused exactly 64 KiB, which is allowed."
    if wanted == 200 and statuses[0] != 100:
        return f"For {what} the first and final word was {statuses[0]}: say 100 Continue, and return nothing."
    if wanted == 200 and statuses[-1] == 100:
        return "The client heard 100 and waits: end it with an empty line; what you return would be final."
    if statuses[-1] != wanted:
        return f"For {what} the client heard {statuses[-1]}, and should hear {wanted}."
    return ""


async def _ask(may_i: Any, size: int, chunked: bool) -> tuple[Trace, str]:
    """Ask with Expect; return the trace, and in words what the learner's function raised, if it did."""
    raised = ""

    async def watched(request: web.Request) -> Any:
        nonlocal raised
        try:
            return await may_i(request)
        except web.HTTPException:
            raise
        except Exception as error:
            raised = f"Your expect_handler raised {type(error).__name__}: {error}"
            raise

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    app = web.Application()
    app.router.add_route("POST", "/", handler, expect_handler=watched)
    always = Gate("nothing to wait for")
    always.open()
    async with Town() as town:
        await town.open("origin.test", app)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                async with asyncio.timeout(ENOUGH):
                    data = _pieces(size, always) if chunked else bytes(size)
                    async with client.post(URL, data=data, expect100=True) as answer:
                        await answer.read()
            except (ClientError, TimeoutError):
                pass  # the trace tells what came
    return town.trace, raised
