"""What runs in one process of the proxy benchmark: the origin, or one of the proxies in front of it.

`python -m labs.bench.server NAME ORIGIN_URL` prints its port, and ends when it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
import sys

from aiohttp import TCPConnector, web

from labs.bench.load import Counter
from labs.servers import fronts
from labs.town.names import LOOPBACK

__all__ = ["BareOrigin"]

JSON = b'{"lesson": "side by side", "words": "' + b"x" * 161 + b'"}'
SMALL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n" + JSON
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
PIECE = b"x" * (256 << 10)
DRIP = 0.1  # seconds between the first byte of a drip and its second


class BareOrigin(asyncio.Protocol):
    """Answer /json, /bytes/N, /drip, and a POST with the number of the bytes that came."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        if hasattr(transport, "max_size"):
            transport.max_size = 1 << 20
        self._counter, self._left = Counter(), 0

    def data_received(self, data: bytes) -> None:
        """Answer where a request ends."""
        if not self._counter.head and data.startswith(b"GET /json ") and data.endswith(b"\r\n\r\n"):
            self._transport.write(SMALL)
            return
        self._counter.feed(data)
        if self._counter.head.startswith(b"GET ") or self._counter.over:
            counter, self._counter = self._counter, Counter()
            self._answer(counter)

    def _answer(self, counter: Counter) -> None:
        path = counter.head.split(b" ", 2)[1]
        if path == b"/drip":
            self._transport.write(HEAD % 2 + b"a")
            asyncio.get_running_loop().call_later(DRIP, self._transport.write, b"b")
        elif path.startswith(b"/bytes/"):
            self._left = int(path[7:])
            self._transport.write(HEAD % self._left)
            self.resume_writing()
        elif path == b"/json":
            self._transport.write(SMALL)
        else:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nX-Received: %d\r\nContent-Length: 0\r\n\r\n" % counter.body
            )

    def pause_writing(self) -> None:
        """Wait; what is left stays."""
        self._paused = True

    def resume_writing(self) -> None:
        """Write until the transport has enough."""
        self._paused = False
        while self._left > 0 and not self._paused and not self._transport.is_closing():
            piece = PIECE if self._left >= len(PIECE) else PIECE[: self._left]
            self._left -= len(piece)
            self._transport.write(piece)


def _application(name: str, origin: str) -> web.Application:
    if name.startswith("typical"):
        return fronts.typical(origin, TCPConnector)
    made = {"redirect": fronts.redirecting, "posted": fronts.posted}
    if name not in made:
        raise SystemExit(f"No proxy is called {name!r}: there are typical, {', '.join(made)} and starlette.")
    handler = made[name](origin, TCPConnector)
    app = web.Application(client_max_size=1 << 40)
    app.router.add_route("*", "/{path:.*}", handler)
    return app


async def _serve(name: str, origin: str) -> None:
    loop = asyncio.get_running_loop()
    if name == "origin":
        server = await loop.create_server(BareOrigin, LOOPBACK, 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
    else:
        runner = web.AppRunner(_application(name, origin), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0, backlog=1024).start()
        print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def _starlette(origin: str) -> None:
    # Written as its users write it. Not a requirement of the lab: imported where it is installed.
    load = importlib.import_module
    httpx, uvicorn = load("httpx"), load("uvicorn")
    client = httpx.AsyncClient(base_url=origin, timeout=60)
    hop = ("connection", "transfer-encoding", "host", "keep-alive")

    async def front(request):  # type: ignore[no-untyped-def]
        fields = [(k, v) for k, v in request.headers.raw if k.decode() not in hop]
        body = request.stream() if request.method not in ("GET", "HEAD") else None
        asked = client.build_request(request.method, request.url.path, headers=fields, content=body)
        answer = await client.send(asked, stream=True)
        told = {k: v for k, v in answer.headers.items() if k not in hop}
        response = load("starlette.responses").StreamingResponse
        done = load("starlette.background").BackgroundTask(answer.aclose)
        return response(answer.aiter_raw(), answer.status_code, told, background=done)

    route = load("starlette.routing").Route("/{path:path}", front, methods=["GET", "POST"])
    app = load("starlette.applications").Starlette(routes=[route])
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(1024)
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([listener])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        if sys.argv[1].startswith("starlette"):
            _starlette(sys.argv[2])
        else:
            asyncio.run(_serve(*sys.argv[1:3]))
