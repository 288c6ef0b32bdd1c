"""Python's other HTTP clients: http.client, urllib, requests, httpx, each connecting through the town.

The blocking ones run in a thread, because the town's servers run on this loop. Nothing global is patched:
each library is given connections of its own kind.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from labs.clients.request import ClientRequest, Reply, port_of, split
from labs.clients.threads import ThreadDialer, in_thread
from labs.town.names import TownError

__all__ = ["http_client", "httpx_", "requests_", "urllib_"]


def _connections(
    dial: ThreadDialer,
) -> tuple[type[http.client.HTTPConnection], type[http.client.HTTPSConnection]]:
    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = dial(self.host, self.port)

    class Tls(http.client.HTTPSConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs, context=dial.tls)

        def connect(self) -> None:
            sock = dial(self.host, self.port)
            self.sock = dial.keep(dial.tls.wrap_socket(sock, server_hostname=self.host))

    return Plain, Tls


async def http_client(question: ClientRequest) -> Reply:
    """Ask with http.client, which never follows a redirect."""
    return await in_thread(_http_client, question)


def _http_client(question: ClientRequest, dial: ThreadDialer) -> Reply:
    parts = split(question.url)
    kind = _connections(dial)[parts.scheme == "https"]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = kind(parts.hostname or "", port_of(parts))
    try:
        connection.request(question.method, target, question.body, question.fields())
        answer = connection.getresponse()
        return question.heard(answer.status, question.url, answer.read(), 0)
    except (http.client.HTTPException, OSError, ValueError) as error:
        return question.failed(error)
    finally:
        connection.close()


class _Follow(urllib.request.HTTPRedirectHandler):
    def __init__(self, follow: bool) -> None:
        self.follow, self.hops = follow, 0

    def redirect_request(self, *hop: Any) -> urllib.request.Request | None:
        request = super().redirect_request(*hop) if self.follow else None
        self.hops += request is not None
        return request


async def urllib_(question: ClientRequest) -> Reply:
    """Ask with urllib.request, which raises HTTPError from 400 on, and for a 307 or 308 to a POST."""
    return await in_thread(_urllib, question)


def _urllib(question: ClientRequest, dial: ThreadDialer) -> Reply:
    plain, tls = _connections(dial)

    class Plain(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(plain, request)

    class Tls(urllib.request.HTTPSHandler):
        def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(tls, request)

    follow = _Follow(question.follow is not False)  # urllib follows unless it is told not to
    opener = urllib.request.OpenerDirector()  # not build_opener, which obeys proxies and follows to ftp:
    for handler in (Plain(), Tls(context=dial.tls), follow, urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    opener.add_handler(urllib.request.HTTPDefaultErrorHandler())
    opener.add_handler(urllib.request.UnknownHandler())
    if question.cookies:
        opener.add_handler(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    try:
        request = urllib.request.Request(
            question.url, question.body, question.fields(), method=question.method
        )
        try:
            answer = opener.open(request)
            error = ""
        except urllib.error.HTTPError as raised:
            answer = raised
            # Not following is the wish of `ask`, so what urllib raises for it is not shown as an error.
            error = "" if raised.code < 400 and not follow.follow else "HTTPError"
        with answer:
            return question.heard(answer.status, answer.url, answer.read(), follow.hops, error)
    except (http.client.HTTPException, OSError, ValueError) as problem:
        return question.failed(problem)


async def requests_(question: ClientRequest) -> Reply:
    """Ask with requests."""
    with question.town.ca.pem_file() as pem:
        return await in_thread(lambda question, dial: _requests(question, dial, pem), question)


def _requests(question: ClientRequest, dial: ThreadDialer, pem: Path) -> Reply:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.exceptions import NameResolutionError, NewConnectionError

    def connect(connection: HTTPConnection) -> socket.socket:
        try:
            return dial(connection.host, connection.port or connection.default_port)
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

        def connect(self) -> None:
            super().connect()
            if isinstance(self.sock, ssl.SSLSocket):
                dial.keep(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}

    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", Adapter())
        session.mount("https://", Adapter())
        try:
            answer = session.request(
                question.method,
                question.url,
                headers=question.fields(),
                data=question.body,
                **question.habit("allow_redirects"),
                verify=str(pem),
            )
        except (requests.RequestException, OSError, ValueError) as error:
            return question.failed(error)
        return question.heard(answer.status_code, answer.url, answer.content, len(answer.history))


async def httpx_(question: ClientRequest) -> Reply:
    """Ask with httpx's AsyncClient, on this loop."""
    import httpcore
    import httpx

    real = httpcore.AnyIOBackend()

    class Backend(httpcore.AsyncNetworkBackend):
        async def connect_tcp(
            self, host: str, port: int, *args: Any, **kwargs: Any
        ) -> httpcore.AsyncNetworkStream:
            try:
                address, port = question.address(host, port)
            except TownError as error:
                raise httpcore.ConnectError(str(error)) from None
            return await real.connect_tcp(address, port, *args, **kwargs)

    tls = question.town.ca.client_context()

    class Transport(httpx.AsyncHTTPTransport):
        def __init__(self) -> None:
            super().__init__(verify=tls, trust_env=False)
            self._pool = httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=Backend())

    try:
        async with httpx.AsyncClient(transport=Transport(), trust_env=False, timeout=None) as client:
            answer = await client.request(
                question.method,
                question.url,
                headers=list(question.headers),
                content=question.body,
                **question.habit("follow_redirects"),
            )
            return question.heard(answer.status_code, str(answer.url), answer.content, len(answer.history))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return question.failed(error)
