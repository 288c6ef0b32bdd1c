"""The origin's long answers: bytes, ranges, lines, drops, events, a WebSocket, and time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
from collections.abc import AsyncIterator

from aiohttp import WSCloseCode, WSMsgType, web

from labs.servers.httpbin.echo import asked_of, echo_of, json_answer
from labs.servers.httpbin.limits import LIMITS, decimal, number, refuse

__all__ = ["SOCKETS", "hang_up"]

SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


def _noise(seed: str, size: int) -> bytes:
    # SHAKE256 and not random.Random: the same bytes in every Python, and a short answer begins a longer one.
    return hashlib.shake_256(seed.encode("utf-8", "surrogateescape")).digest(size)


async def _send(
    request: web.Request, answer: web.StreamResponse, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    await answer.prepare(request)
    with contextlib.suppress(ConnectionResetError):  # the client has left, as it may
        if request.method != "HEAD":  # aiohttp would write the pieces of a HEAD too: surplus bytes
            async for piece in pieces:
                await answer.write(piece)
        await answer.write_eof()
    return answer


async def bytes_(request: web.Request) -> web.Response:
    size = number(request.match_info["n"], "The number of bytes", request.app[LIMITS].size)
    return web.Response(body=_noise(request.query.get("seed", "0"), size))


async def range_(request: web.Request) -> web.Response:
    """Answer one range of bytes (RFC 9110, 14). Ignore a Range that asks for several, or cannot be read."""
    size = number(request.match_info["n"], "The number of bytes", request.app[LIMITS].size, least=1)
    body = (ALPHABET * (size // len(ALPHABET) + 1))[:size]
    headers = {"Accept-Ranges": "bytes", "ETag": f'"range{size}"'}
    asked = re.fullmatch(
        r"bytes=(\d{0,18})-(\d{0,18})", request.headers.get("Range", ""), re.ASCII | re.IGNORECASE
    )
    meant = request.method == "GET" and request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
    if asked is None or not (asked[1] or asked[2]) or not meant:
        return web.Response(body=body, headers=headers)
    if asked[1]:
        first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
        if asked[2] and int(asked[2]) < first:
            return web.Response(body=body, headers=headers)
    else:
        first, last = max(size - int(asked[2]), 0), size - 1
    if first >= size or first > last:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return web.Response(status=206, body=body[first : last + 1], headers=headers)


async def stream(request: web.Request) -> web.StreamResponse:
    count = number(request.match_info["n"], "The number of lines", most=request.app[LIMITS].count)
    asked = {**asked_of(request), "target": request.raw_path}

    async def lines() -> AsyncIterator[bytes]:
        for index in range(count):
            yield json.dumps({"id": index, **asked}).encode() + b"\n"

    return await _send(request, web.StreamResponse(headers={"Content-Type": "application/json"}), lines())


async def stream_bytes(request: web.Request) -> web.StreamResponse:
    limits = request.app[LIMITS]
    size = number(request.match_info["n"], "The number of bytes", most=limits.size)
    step = number(request.query.get("chunk_size", "10240"), "chunk_size", most=limits.size, least=1)
    if size > step * limits.count:
        raise refuse(f"chunk_size must be larger: at most {limits.count} chunks are sent.")
    body = _noise(request.query.get("seed", "0"), size)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, step):
            yield body[start : start + step]

    return await _send(
        request, web.StreamResponse(headers={"Content-Type": "application/octet-stream"}), chunks()
    )


async def drip(request: web.Request) -> web.StreamResponse:
    """Send `numbytes` stars, announced, in `pieces`, over `duration` seconds, after `delay` seconds."""
    limits, query = request.app[LIMITS], request.query
    size = number(query.get("numbytes", "10"), "numbytes", most=limits.size)
    pieces = number(
        query.get("pieces", str(min(size, 10, limits.count) or 1)), "pieces", most=limits.count, least=1
    )
    code = number(query.get("code", "200"), "code", most=599, least=200)
    wait = decimal(query.get("delay", "0"), "delay", limits.seconds)
    duration = decimal(query.get("duration", "0"), "duration", limits.seconds - wait)
    if code in (204, 205, 304):
        raise refuse(f"A {code} has no body to drip: ask for another code.")

    async def drops() -> AsyncIterator[bytes]:
        await asyncio.sleep(wait)
        for index in range(pieces):
            await asyncio.sleep(duration / pieces if index else 0)
            yield b"*" * ((index + 1) * size // pieces - index * size // pieces)

    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
    return await _send(request, web.StreamResponse(status=code, headers=headers), drops())


async def delay(request: web.Request) -> web.Response:
    await asyncio.sleep(decimal(request.match_info["seconds"], "The delay", request.app[LIMITS].seconds))
    return json_answer(await echo_of(request))


async def sse(request: web.Request) -> web.StreamResponse:
    """Send `count` server-sent events, numbered from 0 (WHATWG HTML, 9.2)."""
    count = number(request.query.get("count", "3"), "count", most=request.app[LIMITS].count)

    async def events() -> AsyncIterator[bytes]:
        for index in range(count):
            yield f"id: {index}\nevent: tick\ndata: {json.dumps({'id': index})}\n\n".encode()

    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    return await _send(request, web.StreamResponse(headers=headers), events())


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send every message back as it came, until the client closes."""
    socket = web.WebSocketResponse(max_msg_size=request.app[LIMITS].size)
    if not socket.can_prepare(request):
        raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"}, text="Ask with a WebSocket client.\n")
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    finally:
        request.app[SOCKETS].discard(socket)
    return socket


async def hang_up(app: web.Application) -> None:
    """Close the open WebSockets: a runner waits for handlers, and theirs would not end by themselves."""
    for socket in app[SOCKETS].copy():
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server closes")
