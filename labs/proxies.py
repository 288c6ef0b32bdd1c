"""The processes of the proxy benchmark: an origin, and every proxy that stands in front of it.

`python -m labs.proxies NAME ORIGIN_URL` runs one of them, prints its port, and ends when it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aiohttp import TCPConnector, web

from labs import fronts
from labs.load import Counter
from labs.names import LOOPBACK

__all__ = ["FRONTS", "Failed", "installed", "started"]

JSON = b'{"lesson": "side by side", "words": "' + b"x" * 161 + b'"}'
SMALL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n" + JSON
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
PIECE = b"x" * (256 << 10)
DRIP = 0.1  # seconds between the first byte of a drip and its second
NGINX = """daemon off; master_process off; worker_processes 1;
pid {folder}/pid; error_log {folder}/error.log emerg;
events {{ worker_connections 4096; }}
http {{ access_log off; client_max_body_size 0; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 100000000;
  upstream origin {{ server {origin}; keepalive 64; keepalive_requests 100000000; }}
  server {{ listen {host}:{port} backlog=1024; location / {{
    proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
"""
FRONTS = {
    "redirect": "its own address is answered, and the client asks again",
    "posted": "the proxy of the first post: a session per request, all read",
    "typical": "one session, StreamResponse, iter_any",
    "typical again": "the same once more: the control",
    "gateway, session leg": "labs.gateway --leg session",
    "gateway, direct leg": "labs.gateway --leg direct",
    "nginx": "with keep-alive to the origin, else as it comes",
    "starlette + httpx": "StreamingResponse over one AsyncClient, on uvicorn",
}


class Failed(RuntimeError):
    """Say that a process did not start, in its own words."""


class Origin(asyncio.Protocol):
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


def installed() -> dict[str, str]:
    """Return the proxies that this machine can run, and of the others why not: "" or a reason."""
    found = dict.fromkeys(FRONTS, "")
    if _nginx() is None:
        found["nginx"] = "nginx is not installed"
    lacking = [name for name in ("starlette", "httpx", "uvicorn") if importlib.util.find_spec(name) is None]
    if lacking:
        found["starlette + httpx"] = f"not importable: {', '.join(lacking)}"
    return found


def _nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def started(name: str, origin: str = "") -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """Start "origin" or one of FRONTS; yield the process and its address, and kill it on every path.

    Raise Failed where it does not listen.
    """
    with tempfile.TemporaryDirectory() as folder:
        port = 0
        if name == "nginx":
            port = _free()
            text = NGINX.format(folder=folder, host=LOOPBACK, port=port, origin=origin.partition("//")[2])
            Path(folder, "nginx.conf").write_text(text, "utf-8")
            command = [_nginx() or "nginx", "-p", folder, "-c", str(Path(folder, "nginx.conf"))]
        elif name.startswith("gateway"):
            leg = name.split()[1]
            command = [sys.executable, "-m", "labs.gateway", origin, "--port", "0", "--leg", leg]
        else:
            command = [sys.executable, "-m", "labs.proxies", name, origin]
        log = Path(folder, "log")
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=_ROOT
            )
        try:
            if not port:
                assert process.stdout is not None
                found = re.search(rb"(\d+)\s*$", process.stdout.readline())
                port = int(found[1]) if found else 0
            if not port or not _listens(process, port):
                raise Failed(f"{name} did not start: {log.read_text('utf-8', 'replace').strip()[-500:]}")
            yield process, (LOOPBACK, port)
        finally:
            process.kill()
            process.communicate()


_ROOT = Path(__file__).resolve().parent.parent


def _free() -> int:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return int(taken.getsockname()[1])


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    for _ in range(500):
        if process.poll() is not None:
            return False
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 0.02):
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    return False


def _application(name: str, origin: str) -> web.Application:
    if name.startswith("typical"):
        return fronts.typical(origin, TCPConnector)
    handler = (fronts.redirecting if name == "redirect" else fronts.posted)(origin, TCPConnector)
    app = web.Application(client_max_size=1 << 40)
    app.router.add_route("*", "/{path:.*}", handler)
    return app


async def _serve(name: str, origin: str) -> None:
    loop = asyncio.get_running_loop()
    if name == "origin":
        server = await loop.create_server(Origin, LOOPBACK, 0, backlog=1024)
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
