"""nginx as a proxy under test: bare, as its manual begins, and tuned, as it would be deployed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from labs.conformance.registry import Check
from labs.conformance.sites import Open, outside
from labs.conformance.stand import Stand
from labs.town.names import LOOPBACK

__all__ = ["command", "find", "listens", "nginx"]

LANES = 8  # servers of one nginx, each with an origin of its own, so that checks can run at the same time
SETTINGS = {"patience": 1.0, "body": 1 << 16}  # proxy_read_timeout and client_max_body_size, below
BARE = "proxy_pass http://{origin};"
TUNED = """proxy_pass http://{origin}$request_uri;
    proxy_http_version 1.1;
    proxy_set_header Connection $upgraded;
    proxy_set_header Upgrade $upgrade;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header Proxy-Authorization "";
    proxy_pass_header Server;
    proxy_pass_header Date;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_redirect http://{origin}/ http://$http_host/;"""
CONFIG = """daemon off; master_process off; worker_processes 1;
pid {folder}/pid; error_log {folder}/error.log emerg;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{http}}}
"""
HTTP = """  server_tokens off; merge_slashes off;
  client_max_body_size 64m; proxy_read_timeout 1s; proxy_connect_timeout 1s;
  large_client_header_buffers 4 16k;
  map $http_upgrade $upgrade { default ""; websocket websocket; }
  map $upgrade $upgraded { default upgrade; "" ""; }
"""
SERVER = """  server {{
    listen {front};
    location / {{ {rules} }}
    location /limited {{ client_max_body_size 64k; {rules} }}
  }}
"""


def find() -> str | None:
    """Return where nginx is, or None; some systems keep it where only root looks."""
    return shutil.which("nginx") or shutil.which(
        "nginx", path=os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))
    )


def command(program: str, folder: str, http: str) -> list[str]:
    """Write a configuration into a folder, and return the command that runs nginx by it.

    `http` is what stands in the block of this name besides; nginx leaves nothing outside of the folder.
    """
    file = Path(folder, "nginx.conf")
    file.write_text(CONFIG.format(folder=folder, http=http), "utf-8")
    return [program, "-p", folder, "-c", str(file)]


def listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until somebody listens at a port of LOOPBACK: at most 10 s, and while the process runs."""
    for _ in range(500):
        if process.poll() is not None:
            return False
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 0.02):
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    return False


@contextlib.contextmanager
def _ports(count: int) -> Iterator[list[int]]:
    # Held together until all are known, so that no two are one.
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for it in socks:
            it.bind((LOOPBACK, 0))
        yield [it.getsockname()[1] for it in socks]


@contextlib.asynccontextmanager
async def nginx(program: str, *, tuned: bool = False, lanes: int = LANES) -> AsyncIterator[Open]:
    """Start nginx with a configuration of its own, and end it on every path; yield what opens its stands.

    Raise RuntimeError with its own words when it does not start.
    """
    with _ports(2 * lanes) as ports:
        pairs = list(zip(ports[:lanes], ports[lanes:], strict=True))
    rules = TUNED if tuned else BARE
    with tempfile.TemporaryDirectory() as folder:
        servers = "".join(
            SERVER.format(front=f"{LOOPBACK}:{front}", rules=rules.format(origin=f"{LOOPBACK}:{origin}"))
            for front, origin in pairs
        )
        process = _start(command(program, folder, HTTP + servers))
        try:
            if not await asyncio.to_thread(listens, process, pairs[-1][0]):
                process.kill()
                assert process.stderr is not None
                said = process.stderr.read().decode(errors="replace").strip()
                raise RuntimeError(f"nginx did not start: {said or 'it does not listen'}")
            free: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
            for pair in pairs:
                free.put_nowait(pair)

            @contextlib.asynccontextmanager
            async def opened(check: Check) -> AsyncIterator[Stand]:
                pair = await free.get()
                try:
                    there, host = (LOOPBACK, pair[0]), f"{LOOPBACK}:{pair[0]}"
                    async with outside("nginx", there, pair[1], host=host, settings=SETTINGS) as stand:
                        yield stand
                finally:
                    free.put_nowait(pair)

            yield opened
        finally:
            process.kill()
            process.communicate()


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    none = subprocess.DEVNULL
    return subprocess.Popen(arguments, stdin=none, stdout=none, stderr=subprocess.PIPE)
