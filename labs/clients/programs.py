"""Programs as clients: how one is run and never left behind, and curl."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence

from labs.clients.request import ClientRequest, Reply
from labs.host.environment import without_proxies
from labs.host.installed import find
from labs.town.names import LOCAL

__all__ = ["curl", "reach", "run", "start"]

# A label of more than 63 bytes (RFC 1035, 2.3.4) fails before any question leaves the machine.
NOWHERE = "n" * 64 + ".invalid"
CURL_ERRORS = {
    1: "UNSUPPORTED_PROTOCOL",
    3: "URL_MALFORMAT",
    6: "COULDNT_RESOLVE_HOST",
    7: "COULDNT_CONNECT",
    8: "WEIRD_SERVER_REPLY",
    18: "PARTIAL_FILE",
    28: "OPERATION_TIMEDOUT",
    35: "SSL_CONNECT_ERROR",
    47: "TOO_MANY_REDIRECTS",
    52: "GOT_NOTHING",
    55: "SEND_ERROR",
    56: "RECV_ERROR",
    60: "PEER_FAILED_VERIFICATION",
    61: "BAD_CONTENT_ENCODING",
}


def start(
    arguments: Sequence[str],
    *,
    stdin: int,
    stdout: int,
    env: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in the clean environment; whoever starts it kills and reaps it on every path.

    `env` stands in the place of that environment, and `folder` is where the program works.
    """
    return subprocess.Popen(
        arguments,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=without_proxies() if env is None else env,
        cwd=folder,
    )


async def run(
    arguments: Sequence[str], stdin: bytes, *, env: Mapping[str, str] | None = None, folder: str | None = None
) -> tuple[int, bytes, bytes]:
    """Run a program to its end and return its exit code, output and errors; kill and reap it on every path.

    In a thread, and not with asyncio's subprocesses: not every loop on Windows has them.
    """
    process = start(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, folder=folder)
    talk = asyncio.ensure_future(asyncio.to_thread(process.communicate, stdin))
    try:
        out, errors = await asyncio.shield(talk)
    finally:
        process.kill()
        await asyncio.wait({talk})
    return process.returncode, out, errors


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host  # as a URL writes it (RFC 3986 section 3.2.2)


@contextlib.contextmanager
def reach(question: ClientRequest) -> Iterator[list[tuple[str, str, str]]]:
    """Give all that can be reached from the question's machine: host, port ("" is any), "address:port".

    The order is that of the search: servers that are open first, then names whose servers are closed, at an
    address that refuses. Whatever is not in the list is no name of the town.
    """
    listening, known = question.town.table(question.on)
    found = [(_written(host), str(port), "{}:{}".format(*address)) for host, port, address in listening]
    with socket.socket() as nobody:  # bound, so that nobody else gets it, and not listening: it refuses
        nobody.bind(("127.0.0.1", 0))
        refusing = "{}:{}".format(*nobody.getsockname())
        yield found + [(name, "", refusing) for name in (*known, *map(_written, LOCAL))]


async def curl(question: ClientRequest) -> Reply:
    """Ask with curl; a POST without its --request, which would forbid it to become a GET on the way."""
    program = find("curl") or "curl"
    arguments = [program, "--disable", "--silent", "--globoff", "--noproxy", "*", "--proto", "=http,https"]
    arguments += ["--write-out", "%{stderr}%{http_code} %{num_redirects} %{url_effective}"]
    arguments += [
        "--ssl-no-revoke"
    ]  # Windows: the town's authority publishes no list of revoked certificates
    if question.follow:
        arguments.append("--location")
    if question.cookies:
        arguments += ["--cookie", ""]  # no file to read, but a jar
    if question.method == "HEAD":
        arguments.append("--head")
    elif question.body is not None or question.method == "POST":
        arguments += ["--data-binary", "@-"]
    if question.method not in ("HEAD", "GET" if question.body is None else "POST", "POST"):
        arguments += ["--request", question.method]
    for name, value in question.headers:
        arguments += ["--header", f"{name}: {value}" if value else f"{name};"]
    with reach(question) as names, question.town.ca.pem_file() as pem:
        for host, port, to in names:
            arguments += ["--connect-to", f"{host}:{port}:{to}"]
        arguments += ["--connect-to", f"::{NOWHERE}:", "--cacert", str(pem), "--url", question.url]
        code, body, errors = await run(arguments, question.body or b"")
    status, hops, url = errors.decode("utf-8", "replace").rpartition("\n")[2].split(" ", 2)
    if code in (6, 7):
        question.note_failure(url)
    if code:
        return question.failed(f"CURLE_{CURL_ERRORS.get(code, code)}")
    return question.heard(int(status), url, b"" if question.method == "HEAD" else body, int(hops))
