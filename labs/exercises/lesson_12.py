"""The exercises of lesson 12."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from aiohttp import ClientResponse, ClientSession, TraceConfig, TraceRequestEndParams, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.instruments.memory import KIB, MIB
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "12_read_or_stream"
ENOUGH = 1.0  # seconds for an answer that waits for what never comes; the right one waits for nothing
NEWS = ("Grüße aus Århus", "a second line")
INSIDE = 13  # bytes of them, which end inside the Å

_GET = "async def headline(client, url):\n    async with client.get(url) as answer:\n        "


@exercise(
    "first-line",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="`answer.content.readline()`, then decode it and strip the line end.",
    wants="value",
    wrong={
        f"{_GET}return (await answer.text()).splitlines()[0]": "never ends",
        f"{_GET}return (await answer.content.readany()).decode()": "inside a character",
        f"{_GET}async for it in answer.content.iter_any():\n"
        "            return it.decode().split('\\n')[0]": "inside",
        f"{_GET}return (await answer.content.readany()).decode('utf-8', 'ignore')": "a part",
        f"{_GET}return (await answer.content.readexactly(20)).decode()": "more than",
        f"{_GET}return (await answer.content.read(10)).decode()": "a part",
        f"{_GET}return (await answer.content.readline()).strip()": "bytes",
        f"{_GET}return (await answer.content.readline()).decode()": "line end",
        f"{_GET}return (await answer.content.readline()).decode('ascii', 'ignore').strip()": "damaged",
        f"{_GET}return answer.content.readline()": "await",
        "async def headline(client, url):\n    return 'Grüße aus Århus'": "had not asked",
        "async def headline(client, url):\n"
        "    answer = await client.get(url)\n"
        "    return (await answer.content.readline()).decode().strip()": "async with",
    },
)
async def first_line(headline: Any) -> Attempt:
    """Demand the first line of a stream that does not end, come in two parts, and that it is left."""
    line: object = None
    words = ""
    opened: list[ClientResponse] = []  # held here, so that no garbage collector closes them
    async with Town() as town:
        with Gate("the end") as gate, Gate("the first part") as begun:

            async def heard(_session: ClientSession, _: object, params: TraceRequestEndParams) -> None:
                opened.append(params.response)
                begun.open()

            async def ticker(request: web.Request) -> web.StreamResponse:
                answer = web.StreamResponse()
                await answer.prepare(request)
                with suppress(ConnectionError):
                    await answer.write(news[:INSIDE])
                    await begun
                    await answer.write(news[INSIDE:])
                    await gate
                return answer

            await town.open("news.test", ticker)
            news, signals = "".join(f"{it}\n" for it in NEWS).encode(), TraceConfig()
            signals.on_request_end.append(heard)
            async with ClientSession(connector=town.connector("client"), trace_configs=[signals]) as client:
                try:
                    async with asyncio.timeout(ENOUGH):
                        line = await headline(client, "http://news.test/")
                except TimeoutError:
                    words = "Nothing came back: the stream never ends, and your code waits for its end."
                except UnicodeDecodeError as error:
                    words = f"It raised {type(error).__name__}: a piece may end inside a character."
                if not words and not opened:
                    words = "You returned, and had not asked `url`."
                words = words or _line_amiss(line)
                if not words and not all(it.closed for it in opened):
                    words = "That is the line, and the answer is still open: ask in an `async with` block."
                for it in opened:
                    it.close()
    return not_yet(words, town.trace) if words else yes(town.trace)


def _line_amiss(line: object) -> str:
    if line == NEWS[0]:
        return ""
    if inspect.iscoroutine(line):
        line.close()
        return "It returned a call that nobody awaited: write `await` before it."
    if isinstance(line, bytes):
        return "It returned bytes, and a str was asked for: decode them."
    if not isinstance(line, str):
        return f"It should return a str, and returned one of type {type(line).__name__}."
    if line.strip() == NEWS[0]:
        return "That is the line, with its line end: strip it."
    if line.startswith(NEWS[0]):
        return "It returned more than the first line: a piece is what has come, not a line."
    if NEWS[0].startswith(line):
        return "It returned a part of the line: a number of bytes is no line."
    return "The line came damaged: its text is in UTF-8."


WORDS = "서울 København Αθήνα 🦀"
MOST = 500  # texts; more than there are bytes
CUTS = (4, 13, 25, 30)  # in bytes; each but the last of them inside a character

_EACH = "async def texts(answer):\n    async for piece in answer.content.iter_any():\n        yield "


@exercise(
    "whole-characters",
    lesson=LESSON,
    stars=2,
    minutes=10,
    hint="One `codecs.getincrementaldecoder('utf-8')()` for the whole answer; decode each piece with it.",
    wants="value",
    wrong={
        f"{_EACH}piece.decode()": "UnicodeDecodeError",
        f"{_EACH}piece.decode(errors='replace')": "damaged",
        f"{_EACH}piece.decode(errors='ignore')": "lost",
        f"{_EACH}piece": "bytes",
        "async def texts(answer):\n    yield await answer.text()": "as it comes",
        "async def texts(answer):\n    return await answer.text()": "yield",
        "async def texts(answer):\n    while True:\n        yield ''": "no end",
        "import codecs\n\n" + _EACH + "codecs.getincrementaldecoder('utf-8')('ignore').decode(piece)": "lost",
    },
)
async def whole_characters(texts: Any) -> Attempt:
    """Demand, before each next part is sent, every character that is complete by then."""
    if not inspect.isasyncgenfunction(texts):
        return not_yet("This is no async generator: an `async def` with `yield` in it.")
    body = WORDS.encode()
    parts = [body[a:b] for a, b in zip((0, *CUTS), (*CUTS, len(body)), strict=True)]
    got: list[object] = []
    words = ""
    async with Town() as town:
        with Gate("the next part") as gate:

            async def origin(request: web.Request) -> web.StreamResponse:
                answer = web.StreamResponse()
                await answer.prepare(request)
                with suppress(ConnectionError):
                    for part in parts:
                        await answer.write(part)
                        await gate
                        gate.close()
                return answer

            await town.open("origin.test", origin)
            async with (
                ClientSession(connector=town.connector("client")) as client,
                client.get("http://origin.test/") as answer,
            ):
                try:
                    await _listen(texts(answer), got, gate)
                except TimeoutError:
                    words = "The first part had come, and your code yielded nothing: yield text as it comes."
                except UnicodeDecodeError as error:
                    words = f"It raised {type(error).__name__}: a piece may end inside a character."
                except OverflowError:
                    words = f"It yielded {MOST} times, and there was no end: yield once for a piece."
    return not_yet(words, town.trace) if words else _text_amiss(got, town.trace)


async def _listen(texts: AsyncIterator[object], got: list[object], gate: Gate) -> None:
    while True:
        try:
            async with asyncio.timeout(ENOUGH):
                got.append(await anext(texts))
        except StopAsyncIteration:
            return
        if len(got) > MOST:
            raise OverflowError
        gate.open()


def _text_amiss(got: list[object], trace: Trace) -> Attempt:
    if odd := [it for it in got if not isinstance(it, str)]:
        return not_yet(f"It yielded {type(odd[0]).__name__}, and text is a str.", trace)
    text = "".join(map(str, got))
    if text == WORDS:
        return yes(trace)
    if "\N{REPLACEMENT CHARACTER}" in text:
        return not_yet("Characters came damaged: their halves were decoded one by one.", trace)
    return not_yet("Characters were lost: the halves that were left over belong to the next piece.", trace)


SMALL, LARGE = (1 * KIB, 20), (64 * KIB, 256)  # bytes of each piece after the first line, and how many
ALLOWED, ABOVE = (1 * KIB, 64), (64 * KIB + 1, 1)
LINGER = 0.2  # seconds that the end comes later; who has left by then has left too early
TITLE = b"title\n"

_PEEK = "async def peek(answer):\n    line = await answer.content.readline()\n    "
_COUNT = (
    _PEEK
    + "left = 65536\n    async for piece in answer.content.iter_chunked(1024):\n        left -= len(piece)\n"
)


@exercise(
    "leave-politely",
    lesson=LESSON,
    stars=3,
    minutes=15,
    hint="After the line, count the bytes of `iter_chunked`, and stop when they are more than 64 KiB.",
    wants="value",
    wrong={
        _PEEK + "return line": "2 connections",
        _COUNT + "        if left < 0:\n            break\n    return line.strip()": "line end",
        _COUNT + "        if left < 0:\n            break\n    return line.decode()": "bytes",
        _PEEK + "await answer.content.read()\n    return line": "everything",
        _PEEK + "async for piece in answer.content.iter_chunked(8192): pass": "everything",
        _PEEK + "await answer.content.read(65536)\n    return line": "2 connections",
        _PEEK + "answer.close()\n    return line": "2 connections",
        _COUNT + "        if left <= 0:\n            break\n    return line": "exactly 64 KiB",
        _COUNT + "        if left < -1024:\n            break\n    return line": "a byte more",
        "async def peek(answer):\n    return (await answer.read()).splitlines()[0]": "everything",
        "async def peek(answer):\n"
        "    left = 65536\n"
        "    async for piece in answer.content.iter_chunked(1024):\n"
        "        left -= len(piece)\n"
        "        if left < 0:\n"
        "            break\n"
        "    return piece": "first line",
    },
)
async def leave_politely(peek: Any) -> Attempt:
    """Demand the line, one connection after at most 64 KiB, and that more is left, not read or waited for."""
    line, came, trace = await _peek_at(peek, *LARGE)
    if came > 2 * MIB:
        return not_yet("Of the large answer it read everything: count, and stop after 64 KiB.", trace)
    if words := _title_amiss(line):
        return not_yet(words, trace)
    line, _, trace = await _peek_at(peek, *SMALL)
    if words := _title_amiss(line):
        return not_yet(f"Of the small answer: {words}", trace)
    if len(trace.calls) > 1:
        return not_yet(
            "Two requests for a small answer took 2 connections: the rest had not come when you left.", trace
        )
    _, _, trace = await _peek_at(peek, *ALLOWED, linger=LINGER)
    if len(trace.calls) > 1:
        return not_yet(
            "It left when exactly 64 KiB had come: those are allowed, and the end was near.", trace
        )
    try:
        async with asyncio.timeout(ENOUGH):
            _, _, trace = await _peek_at(peek, *ABOVE, linger=2 * ENOUGH)
    except TimeoutError:
        return not_yet("64 KiB and a byte more had come, and it waited for the rest: leave then.")
    return yes(trace)


def _title_amiss(line: object) -> str:
    if line == TITLE:
        return ""
    if line == TITLE.strip():
        return "It returned the line without its line end: return the bytes as they came."
    if isinstance(line, str):
        return "It returned a str, and bytes were asked for: do not decode them."
    return "It should return the first line of the answer, in bytes, with its line end."


async def _peek_at(peek: Any, size: int, pieces: int, *, linger: float = 0.0) -> tuple[object, int, Trace]:
    """Ask twice; return what `peek` returned last, how many bytes its client took, and the trace.

    With `linger`, the end comes when the client has left, and at the latest so many seconds after the rest.
    """
    line: object = None
    came: list[int] = []
    left = asyncio.Event()

    async def origin(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            await answer.write(TITLE)
            for _ in range(pieces):
                await answer.write(bytes(size))
                await asyncio.sleep(0)  # so that the rest comes after the line, in several turns
            if linger:
                await asyncio.wait([waiting := asyncio.ensure_future(left.wait())], timeout=linger)
                waiting.cancel()
        return answer

    async with Town() as town:
        await town.open("origin.test", origin)
        async with ClientSession(connector=town.connector("client")) as client:
            for _ in range(2):
                left.clear()
                async with client.get("http://origin.test/") as answer:
                    line = await peek(answer)
                    came.append(_taken(answer))
                left.set()
    return line, max(came), town.trace


def _taken(answer: ClientResponse) -> int:
    return answer.content.total_bytes
