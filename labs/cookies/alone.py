"""Walk the cases with aiohttp and nothing else of the lab: for releases that the town cannot hold."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from typing import Any

from aiohttp import ClientError, ClientSession, TCPConnector, web

from labs.cookies import Case, cases, fields, servers, site, start

__all__ = ["run"]


async def run(chosen: Iterable[Case] | None = None) -> dict[str, str | None]:
    """Run cases by the aiohttp that is installed; return the Cookie field last sent, by case id.

    The answer is what the server of the last URL heard; see `labs.cookies.fields`. Everything is on loopback.
    """
    from labs.town.certs import Authority

    walks = tuple(cases().values() if chosen is None else chosen)
    heard: list[tuple[str, str | None]] = []
    authority = Authority()

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        field = dict(request.raw_headers).get(b"Cookie")
        heard.append((request.path_qs, None if field is None else field.decode("utf-8", "backslashreplace")))
        return await site(request)  # type: ignore[arg-type]

    async with AsyncExitStack() as stack:
        where: dict[tuple[str, int], int] = {}
        for host, port, tls in servers(walks):
            runner = web.ServerRunner(web.Server(note))
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            sock = socket.create_server(("127.0.0.1", 0))
            where[host, port] = sock.getsockname()[1]
            await web.SockSite(
                runner, sock, ssl_context=authority.server_context(host) if tls else None
            ).start()
        for case in walks:
            connector = _Connector(where, ssl=authority.client_context())
            async with ClientSession(connector=connector) as client:
                with suppress(TimeoutError, ClientError, ValueError):  # a request not made is the result
                    await _walk(client, start(case))
    return fields(heard)


async def _walk(client: ClientSession, url: str | None) -> None:
    # Step by step, so that it is the jar that answers: to the request that a redirect leads to, aiohttp 3.10
    # and 3.11 give the cookies of that redirect, whatever the jar says.
    while url:
        async with client.get(url, allow_redirects=False) as answer:
            await answer.read()
            url = answer.headers.get("Location")


class _Connector(TCPConnector):
    """Find every host and port of the cases on loopback, and nothing else."""

    def __init__(self, where: dict[tuple[str, int], int], **options: Any) -> None:
        super().__init__(**options)
        self._where = where

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> Any:
        if (host, port) not in self._where:
            raise OSError(f"{host}:{port} is in no case.")
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": self._where[host, port],
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]
