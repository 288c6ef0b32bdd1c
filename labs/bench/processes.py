"""The processes of the proxy benchmark: an origin, and every proxy that stands in front of it."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from labs.conformance import nginx
from labs.host.paths import ROOT
from labs.town.names import LOOPBACK

__all__ = ["FRONTS", "ProcessFailed", "installed", "started"]

NGINX = """  client_max_body_size 0; keepalive_requests 100000000;
  upstream origin {{ server {origin}; keepalive 64; keepalive_requests 100000000; }}
  server {{ listen {host}:{port} backlog=1024; location / {{
    proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
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


class ProcessFailed(RuntimeError):
    """Say in one sentence, without its full stop, what a process of the benchmark did not do."""


def installed() -> dict[str, str]:
    """Return the proxies that this machine can run, and of the others why not: "" or a reason."""
    found = dict.fromkeys(FRONTS, "")
    if nginx.find() is None:
        found["nginx"] = "nginx is not installed"
    lacking = [name for name in ("starlette", "httpx", "uvicorn") if importlib.util.find_spec(name) is None]
    if lacking:
        found["starlette + httpx"] = f"not importable: {', '.join(lacking)}"
    return found


@contextlib.contextmanager
def started(name: str, origin: str = "") -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """Start "origin" or one of FRONTS; yield the process and its address, and kill it on every path.

    Raise ProcessFailed where it does not listen.
    """
    with tempfile.TemporaryDirectory() as folder:
        port = 0
        if name == "nginx":
            port = _free()
            http = NGINX.format(host=LOOPBACK, port=port, origin=origin.partition("//")[2])
            command = nginx.command(nginx.find() or "nginx", folder, http)
        elif name.startswith("gateway"):
            leg = name.split()[1]
            command = [sys.executable, "-m", "labs.gateway", origin, "--port", "0", "--leg", leg]
        else:
            command = [sys.executable, "-m", "labs.bench.server", name, origin]
        log = Path(folder, "log")
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT
            )
        try:
            if not port:
                assert process.stdout is not None
                found = re.search(rb"(\d+)\s*$", process.stdout.readline())
                port = int(found[1]) if found else 0
            if not port or not nginx.listens(process, port):
                raise ProcessFailed(
                    f"{name} did not start: {log.read_text('utf-8', 'replace').strip()[-500:]}"
                )
            yield process, (LOOPBACK, port)
        finally:
            process.kill()
            process.communicate()


def _free() -> int:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return int(taken.getsockname()[1])
