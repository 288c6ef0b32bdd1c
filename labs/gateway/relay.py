"""Relay one exchange: the request to the origin, its answer to the client, piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import PurePath

from aiohttp import hdrs, web

from labs.gateway.clock import Clock, Clocks
from labs.gateway.direct.pool import Dial, Pool
from labs.gateway.fields import end_to_end, trailers
from labs.gateway.leg import Answered, Asked, Failure, Fields, Leg, Refused
from labs.gateway.options import Options, Origin, origin_of
from labs.gateway.reply import Relayed, Writer, date, head, plain
from labs.gateway.request import Prepared, pieces, prepared
from labs.gateway.session.leg import ConnectorFactory, Session
from labs.gateway.target import cookie_to, location_to
from labs.gateway.transport import waiting
from labs.gateway.tunnel import tunnel

__all__ = ["Relay"]

log = logging.getLogger("labs.gateway")
_READ = frozenset((b"trailer",))
_MAPPED = frozenset((b"location", b"content-location", b"set-cookie"))
_CLOSES = frozenset((400, 405, 408, 413, 500, 501, 505))  # what is left of such a request is not the next one


class Relay:
    """Relay the requests of one application over one leg."""

    def __init__(self, origin: Origin, options: Options, leg: Leg) -> None:
        self._origin, self._options, self._leg = origin, options, leg
        self._name = options.name or origin.pseudonym
        self._prefix = options.prefix.encode()
        self._clocks = Clocks(options)  # one for each request that runs
        self._tunnels: set[asyncio.Transport] = set()

    @classmethod
    def over(
        cls, origin: str, options: Options, connector: ConnectorFactory | None, dial: Dial | None
    ) -> Relay:
        """Return a relay over the leg that the options name. Raise ValueError for an origin that is none."""
        where = origin_of(origin)
        leg = Session(where, options, connector) if options.leg == "session" else Pool(where, options, dial)
        return cls(where, options, leg)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever happens to it."""
        writer = Writer(request)
        if len(self._clocks) >= self._options.max_requests:
            busy = Refused(503, "This gateway is busy: ask again later.", (b"Retry-After", b"1"))
            return await self._fail(request, writer, busy)
        clock = self._clocks.start(writer.transport)
        try:
            return await self._relay(request, writer, clock)
        except Failure as error:
            failure = error
        except asyncio.CancelledError:
            if not clock.ended():
                raise  # the client has left, or the gateway stops
            failure = clock.failure
        except Exception as error:  # no stranger gets a traceback written, nor aiohttp's page for it
            failure = Refused(500, "This gateway failed at this request: its log says why.")
            failure.args = (_told(error),)
        finally:
            self._clocks.stop(clock)
        return await self._fail(request, writer, failure)

    async def _fail(self, request: web.BaseRequest, writer: Writer, failure: Failure) -> web.StreamResponse:
        # One sentence; or, after the head, an abort: there is no status any more to say that this is not all.
        target = request.raw_path.encode("ascii", "backslashreplace").decode()
        if writer.size:
            log.info("%s %s: broken off: %s", request.method, target, failure)
            writer.abort()
            return Relayed(writer.status, False, writer.size)
        level = logging.ERROR if failure.status == HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
        log.log(level, "%s %s: %d: %s", request.method, target, failure.status, failure)
        stays = (
            request.keep_alive
            and failure.status not in _CLOSES
            and request.content.is_eof()
            and hdrs.UPGRADE not in request.headers
        )
        fields = [*failure.fields] if isinstance(failure, Refused) else []
        if option := _connection(request, stays):
            fields.append((b"Connection", option))
        writer.write(plain(request.method, failure.status, failure.sentence, *fields))
        try:
            async with asyncio.timeout(self._options.idle_timeout):
                await writer.flushed()
        except (Failure, TimeoutError):
            writer.abort()
            stays = False
        return Relayed(failure.status, stays, writer.size)

    async def _relay(self, request: web.BaseRequest, writer: Writer, clock: Clock) -> web.StreamResponse:
        method = request.method.encode()
        ready = prepared(request, method, self._origin, self._options, self._name)
        body = self._body(request, ready, clock)
        newer = request.version >= (1, 1)

        def interim(status: int, reason: bytes, fields: Fields) -> None:
            if status == HTTPStatus.CONTINUE:
                clock.continued()
            if newer and not writer.transport.is_closing():  # RFC 9110 section 15.2: never to HTTP/1.0
                writer.transport.write(head(status, reason, end_to_end(fields, _READ).fields))

        asked = Asked(
            method, ready.target, ready.fields, body, ready.length, interim, clock.begun, ready.upgrade
        )
        answered = await self._leg.ask(asked)
        if not answered.over:
            clock.answered()
        try:
            if answered.error is not None:
                raise answered.error  # before the head has left there is a status for it
            if answered.upgraded is not None:
                return await self._switch(request, writer, answered, clock)
            return await self._answer(request, writer, method, ready, answered, clock)
        finally:
            answered.drop()

    def _body(
        self, request: web.BaseRequest, ready: Prepared, clock: Clock
    ) -> bytes | AsyncIterator[bytes] | None:
        if not ready.has_body:
            return None
        content = request.content
        if content.is_eof() and content.exception() is None and self._options.max_body is None:
            return content.read_nowait()  # it has come with the head: one write takes both on
        clock.uploads(ready.expects)
        return pieces(request, self._options, clock)

    async def _answer(
        self,
        request: web.BaseRequest,
        writer: Writer,
        method: bytes,
        asked: Prepared,
        answered: Answered,
        clock: Clock,
    ) -> web.StreamResponse:
        status = writer.status = answered.status
        bodiless = method == b"HEAD" or status in (204, 304)
        chunked = not bodiless and answered.length is None and request.version >= (1, 1)
        writer.until_close = not bodiless and answered.length is None and not chunked
        # RFC 9112 section 9.3.2: what follows a request for another protocol may be in that one, or lost.
        stays = request.keep_alive and not (writer.until_close or asked.asks_upgrade)
        stays = stays and (answered.sent or not answered.over)
        fields = self._fields(request, asked, answered, chunked)
        option = _connection(request, stays)
        if status == HTTPStatus.UPGRADE_REQUIRED:  # RFC 9110 section 15.5.22: it has to say to what
            needed = [field for field in answered.fields if field[0].lower() == b"upgrade"]
            fields += needed
            option = b", ".join(it for it in (option, b"Upgrade" if needed else b"") if it)
        if option:
            fields.append((b"Connection", option))
        if chunked:
            fields.append((b"Transfer-Encoding", b"chunked"))
        elif not bodiless and answered.length is not None:
            fields.append((b"Content-Length", b"%d" % answered.length))
        first = b"" if bodiless else answered.ready
        data = head(status, answered.reason, fields)
        if chunked and first:
            first = b"%x\r\n%b\r\n" % (len(first), first)
        if bodiless or answered.over:
            writer.write(data + first + (_last(answered) if chunked else b""))
        else:
            writer.write(data + first)
            await writer.drained()
            clock.moved()
            async for piece in answered:
                clock.moved()
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await writer.drained()
                clock.moved()
            if chunked:
                writer.write(_last(answered))
        if waiting(writer.transport):
            clock.answered()
            await writer.flushed()
        return Relayed(status, stays and answered.sent, writer.size)

    def _fields(self, request: web.BaseRequest, asked: Prepared, answered: Answered, chunked: bool) -> Fields:
        fields, read, names = end_to_end(answered.fields, _READ)
        if not names.isdisjoint(_MAPPED):
            fields = [(name, self._mapped(name.lower(), value, request, asked)) for name, value in fields]
        if b"date" not in names:  # RFC 9110 section 6.6.1: who forwards an answer without a Date adds it
            fields.append(date())
        if b"trailer" in read and chunked and self._options.leg == "direct":  # the other one has no trailers
            fields += [(b"Trailer", value) for value in read[b"trailer"]]
        if answered.status == 304 or request.method == "HEAD":  # the length of what was not sent
            fields += [field for field in answered.fields if field[0].lower() == b"content-length"]
        return fields

    def _mapped(self, name: bytes, value: bytes, request: web.BaseRequest, asked: Prepared) -> bytes:
        if name == b"set-cookie":
            options = self._options
            tables = options.cookie_domain, options.cookie_path
            return cookie_to(value, *tables, self._origin.path, options.prefix)
        if name not in _MAPPED:
            return value
        secure = request.protocol.ssl_context is not None
        public = self._options.public.encode()
        if not public and asked.host:
            public = (b"https://" if secure else b"http://") + asked.host
        return location_to(value, self._origin, asked.sent_host, public, self._prefix)

    async def _switch(
        self, request: web.BaseRequest, writer: Writer, answered: Answered, clock: Clock
    ) -> web.StreamResponse:
        assert answered.upgraded is not None
        transport, said = answered.upgraded
        fields = end_to_end(answered.fields, _READ).fields
        protocols = [field for field in answered.fields if field[0].lower() == b"upgrade"]
        fields += [(b"Connection", b"Upgrade"), *protocols]
        writer.write(head(HTTPStatus.SWITCHING_PROTOCOLS, answered.reason, fields) + said)
        writer.status = HTTPStatus.SWITCHING_PROTOCOLS
        clock.answered()
        clock.tunnel()
        self._tunnels.add(transport)
        try:
            await tunnel(request, writer.transport, transport, clock.moved)
        finally:
            transport.abort()
            self._tunnels.discard(transport)
        return Relayed(writer.status, False, writer.size)

    async def end_tunnels(self) -> None:
        """End the tunnels: they have no end of their own that a shutdown could wait for."""
        for transport in tuple(self._tunnels):
            transport.abort()

    async def stop(self) -> None:
        """End the leg, and with it every connection to the origin."""
        self._clocks.close()
        with contextlib.suppress(Failure):
            await self._leg.close()


def _connection(request: web.BaseRequest, stays: bool) -> bytes:
    # What Connection says of the client's connection; HTTP/1.1 takes it for granted that it stays.
    if not stays:
        return b"close"
    return b"keep-alive" if request.version < (1, 1) else b""


def _told(error: Exception) -> str:
    # What the log says of a failure of this gateway, in one line: what it was, and where.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{error!r} at {PurePath(frame.filename).name}:{frame.lineno}"


def _last(answered: Answered) -> bytes:
    # The end of a chunked body, with the trailers that may go on (RFC 9112 section 7.1.2).
    if not answered.trailers:
        return b"0\r\n\r\n"
    lines = b"".join(b"%b: %b\r\n" % field for field in trailers(answered.trailers))
    return b"0\r\n" + lines + b"\r\n"
