"""The session leg: aiohttp's ClientSession speaks to the origin, told to change as little as it can."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeAlias

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from labs.gateway.leg import (
    Answered,
    Asked,
    Failure,
    Fields,
    Incomplete,
    Malformed,
    Refused,
    TooSlow,
    Unreachable,
)
from labs.gateway.options import Options, Origin
from labs.gateway.session.strict import strict

__all__ = ["ConnectorFactory", "Session"]

ConnectorFactory: TypeAlias = Callable[[], aiohttp.BaseConnector]
INVENTED = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)
_INVENTED: CIMultiDict[None] = CIMultiDict(dict.fromkeys(INVENTED))


class _Request(aiohttp.ClientRequest):
    begun: Callable[[asyncio.Transport], None]

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        # aiohttp would sort and copy what is to be left out for every request: a twentieth of its time.
        self._skip_auto_headers = _INVENTED

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        # The one place between being connected and writing. A middleware is called before the first of them.
        if conn.transport is not None:  # else this is said below
            self.begun(conn.transport)
        return await super().send(conn)


async def _once(
    asked: Asked, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # ClientSession sends an idempotent request again when a kept-alive connection dies under it, and has no
    # public switch. It does so for ClientOSError and ServerDisconnectedError: what leaves here is neither.
    assert isinstance(request, _Request)
    request.begun = asked.begun
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent, and aiohttp does not repeat it
    except aiohttp.ServerTimeoutError:
        raise TooSlow("the origin did not accept in time") from None
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise Unreachable(f"the origin left: {error!r}") from None


class Session:
    """Ask the origin through one ClientSession for all: `leg.Leg`, as lesson 05 builds it."""

    def __init__(self, origin: Origin, options: Options, connector: ConnectorFactory | None) -> None:
        self._origin, self._options = origin, options
        self._connector = connector
        self._client: aiohttp.ClientSession | None = None
        self._home = f"{origin.scheme}://{origin.authority}"

    def _session(self) -> aiohttp.ClientSession:
        # Made at the first request, because a session belongs to the loop that runs then.
        if self._client is None:
            options = self._options
            if self._connector is not None:
                connector = self._connector()
            else:
                connector = aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=options.keep_timeout, use_dns_cache=False
                )
            self._client = aiohttp.ClientSession(
                connector=strict(connector, options.max_head),
                request_class=_Request,
                cookie_jar=aiohttp.DummyCookieJar(),  # nothing of one visitor reaches another
                auto_decompress=False,
                skip_auto_headers=INVENTED,
                # How long an exchange may last is its clock's affair, as on the direct leg.
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=options.connect_timeout,
                    sock_connect=options.connect_timeout,
                    sock_read=None,
                ),
                max_line_size=options.max_head,
                max_field_size=options.max_head,
                max_headers=options.max_head,  # no head of that many bytes has more of them
            )
        return self._client

    async def ask(self, asked: Asked) -> Answered:
        """Send a request and return its answer with its head. Raise Failure."""
        try:
            method, target = asked.method.decode("ascii"), asked.target.decode("utf-8")
            fields = _fields(asked.fields)
        except UnicodeDecodeError:
            raise Refused(400, "The request has bytes that this gateway does not relay.") from None
        if not target.startswith("/"):
            raise Refused(501, "This gateway does not relay such a request.")
        fields.popall("Expect", None)  # answered here: ClientSession would wait for a 100 that may never come
        upload = _Upload(asked)
        if asked.length is not None:
            fields["Content-Length"] = str(asked.length)
        try:
            answer = await self._session().request(
                method,
                URL(self._home + target, encoded=True),
                headers=fields,
                data=upload.data,
                chunked=True if asked.body is not None and asked.length is None else None,
                allow_redirects=False,
                middlewares=(functools.partial(_once, asked),),
                ssl=self._options.tls if self._options.tls is not None else True,
            )
        except Failure as failure:
            raise upload.failure or failure from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(str(error)) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise upload.failure or Malformed(f"{error!r}") from error
        if answer.status == 101 and not asked.upgrade:
            answer.close()
            raise Malformed("101 to a request that asked for no upgrade")
        return _Answer(answer, upload)

    async def close(self) -> None:
        """End every connection to the origin."""
        if self._client is not None:
            await self._client.close()


def _fields(fields: Fields) -> CIMultiDict[str]:
    # ClientSession takes a name in two spellings for two names, and keeps the last of them
    # (`ClientSession._prepare_headers`, `ClientRequest.update_headers`): each leaves as it was spelt first.
    if len({name.lower() for name, _ in fields}) < len(fields):
        spelt: dict[bytes, bytes] = {}
        fields = [(spelt.setdefault(name.lower(), name), value) for name, value in fields]
    try:
        return CIMultiDict([(name.decode("ascii"), value.decode()) for name, value in fields])
    except UnicodeDecodeError:
        return CIMultiDict([(name.decode("ascii"), _text(value)) for name, value in fields])


def _text(value: bytes) -> str:
    # aiohttp writes fields as UTF-8: other bytes cannot be sent as they were, and leave as Latin-1 read them.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


class _Upload:
    """Hand the body on, remember how it failed, and say 100 Continue when it is asked for."""

    def __init__(self, asked: Asked) -> None:
        self.failure: Failure | None = None
        self.over = not isinstance(asked.body, AsyncIterator)
        expects = any(name.lower() == b"expect" for name, _ in asked.fields)
        self.data = asked.body if self.over else self._pieces(asked, expects)

    async def _pieces(self, asked: Asked, expects: bool) -> AsyncIterator[bytes]:
        assert isinstance(asked.body, AsyncIterator)
        yield b""  # aiohttp writes the head with the first piece, which may be long in coming
        if expects:
            asked.interim(100, b"Continue", [])
        try:
            async for piece in asked.body:
                yield piece
        except Failure as failure:
            self.failure = failure
            raise
        self.over = True


class _Tail:
    """Take what came after a 101: aiohttp gives it to the parser that is set."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Keep it."""
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Nothing waits."""


def _detached(answer: aiohttp.ClientResponse) -> tuple[asyncio.Transport, bytes]:
    connection = answer.connection
    if connection is None or connection.protocol is None or connection.transport is None:
        raise Unreachable("the origin left after its 101")
    connection.transport.pause_reading()
    tail = _Tail()
    connection.protocol.set_parser(tail, None)
    return connection.transport, tail.data


class _Answer:
    """One answer, as `leg.Answered` describes it."""

    def __init__(self, answer: aiohttp.ClientResponse, upload: _Upload) -> None:
        self._answer, self._upload = answer, upload
        self.status = answer.status
        self.reason = (answer.reason or "").encode("utf-8", "surrogateescape")
        self.fields: Fields = list(answer.raw_headers)
        self.trailers: Fields = []
        self.upgraded: tuple[asyncio.Transport, bytes] | None = None
        chunked = hdrs.TRANSFER_ENCODING in answer.headers
        length = None if chunked else answer.headers.get(hdrs.CONTENT_LENGTH)
        self.length = int(length) if length is not None and length.isdigit() else None
        self.ready = b""
        self.over = False
        if answer.content.is_eof() and answer.content.exception() is None:
            self.ready = answer.content.read_nowait()
            self.over = True
        elif self.length == 0:
            self.over = True
        if answer.status == 101:
            self.upgraded = _detached(answer)

    @property
    def sent(self) -> bool:
        """Whether the request has been sent whole."""
        return self._upload.over

    @property
    def error(self) -> Failure | None:
        """How the answer failed, if it has."""
        error = self._answer.content.exception()
        return None if error is None else self._failure(error)

    def _failure(self, error: BaseException) -> Failure:
        return self._upload.failure or Incomplete(f"the body of the answer broke off: {error!r}")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from error

    def drop(self) -> None:
        """Give up at once whatever is not over: close, because release would keep a half-read connection."""
        self._answer.close()
