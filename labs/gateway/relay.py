"""Relay one exchange: the request to the origin, its answer to the client, piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time

from labs.gateway.direct.pool import Dial, Pool
from labs.gateway.fields import end_to_end, trailers
from labs.gateway.leg import Answered, Asked, Failure, Fields, Leg, Refused
from labs.gateway.options import Options, Origin, origin_of
from labs.gateway.reply import Relayed, Writer, head, plain
from labs.gateway.request import Prepared, pieces, prepared
from labs.gateway.session.leg import ConnectorFactory, Session
from labs.gateway.target import cookie_to, location_to
from labs.gateway.tunnel import tunnel

__all__ = ["Relay"]

log = logging.getLogger("labs.gateway")
_READ = frozenset((b"trailer",))
_MAPPED = frozenset((b"location", b"content-location", b"set-cookie"))


class Relay:
    """Relay the requests of one application over one leg."""

    def __init__(self, origin: Origin, options: Options, leg: Leg) -> None:
        self._origin, self._options, self._leg = origin, options, leg
        self._name = options.name or origin.pseudonym
        self._prefix = options.prefix.encode()
        self._running = 0
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
        if self._running >= self._options.max_requests:
            return plain(503, "This gateway is busy: ask again later.", ((b"Retry-After", b"1"),))
        self._running += 1
        try:
            return await self._relay(request)
        finally:
            self._running -= 1

    async def _relay(self, request: web.BaseRequest) -> web.StreamResponse:
        options = self._options
        writer = Writer(request, options.idle_timeout)
        method = request.method.encode()
        try:
            ready = prepared(request, method, self._origin, options, self._name)
            body = self._body(request, ready)
            newer = request.version >= (1, 1)

            def interim(status: int, reason: bytes, fields: Fields) -> None:
                if newer and not writer.transport.is_closing():  # RFC 9110 section 15.2: never to HTTP/1.0
                    writer.transport.write(head(status, reason, end_to_end(fields, _READ).fields))

            asked = Asked(method, ready.target, ready.fields, body, ready.length, interim, ready.upgrade)
            answered = await self._leg.ask(asked)
        except Failure as failure:
            log.info("%s %s: %d: %s", request.method, request.raw_path, failure.status, failure)
            fields = failure.fields if isinstance(failure, Refused) else ()
            answer = plain(failure.status, failure.sentence, fields)
            if failure.status in (400, 408, 413, 501) or not request.content.is_eof():
                answer.force_close()  # what is left of the request is not the next one
            return answer
        try:
            if answered.upgraded is not None:
                return await self._switch(request, writer, answered)
            return await self._answer(request, writer, method, ready, answered)
        finally:
            answered.drop()

    def _body(self, request: web.BaseRequest, ready: Prepared) -> bytes | AsyncIterator[bytes] | None:
        if not ready.has_body:
            return None
        content = request.content
        if content.is_eof() and content.exception() is None and self._options.max_body is None:
            return content.read_nowait()  # it has come with the head: one write takes both on
        return pieces(request, self._options)

    async def _answer(
        self, request: web.BaseRequest, writer: Writer, method: bytes, asked: Prepared, answered: Answered
    ) -> web.StreamResponse:
        status = answered.status
        fields = self._fields(request, asked, answered)
        bodiless = method == b"HEAD" or status in (204, 304)
        chunked = not bodiless and answered.length is None and request.version >= (1, 1)
        until_close = not bodiless and answered.length is None and not chunked
        stays = request.keep_alive and not until_close and (answered.sent or not answered.over)
        if chunked:
            fields.append((b"Transfer-Encoding", b"chunked"))
        elif not bodiless and answered.length is not None:
            fields.append((b"Content-Length", b"%d" % answered.length))
        if not stays:
            fields.append((b"Connection", b"close"))
        elif request.version < (1, 1):
            fields.append((b"Connection", b"keep-alive"))
        first = answered.ready
        data = head(status, answered.reason, fields)
        if bodiless:
            writer.write(data)
            return Relayed(status, stays and answered.sent)
        if chunked and first:
            first = b"%x\r\n%b\r\n" % (len(first), first)
        if answered.over:
            writer.write(data + first + (_last(answered) if chunked else b""))
        else:
            writer.write(data + first)
            try:
                await writer.drained()
                async for piece in answered:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                    await writer.drained()
            except (Failure, TimeoutError) as failure:
                # After the head there is no status any more: only an abort says that this is not all.
                log.info("%s %s: broken off: %s", request.method, request.raw_path, failure)
                writer.abort(reset=until_close)
                return Relayed(status, False, writer.size)
            if chunked:
                writer.write(_last(answered))
        return Relayed(status, stays and answered.sent, writer.size)

    def _fields(self, request: web.BaseRequest, asked: Prepared, answered: Answered) -> Fields:
        fields, read, names = end_to_end(answered.fields, _READ)
        if not names.isdisjoint(_MAPPED):
            fields = [(name, self._mapped(name.lower(), value, request, asked)) for name, value in fields]
        if b"date" not in names:  # RFC 9110 section 6.6.1: who forwards an answer without a Date adds it
            fields.append((b"Date", rfc822_formatted_time().encode()))
        if b"trailer" in read and answered.status != 204 and answered.length is None:
            fields += [(b"Trailer", value) for value in read[b"trailer"]]
        if answered.status == 304 or request.method == "HEAD":  # the length of what was not sent
            fields += [field for field in answered.fields if field[0].lower() == b"content-length"]
        return fields

    def _mapped(self, name: bytes, value: bytes, request: web.BaseRequest, asked: Prepared) -> bytes:
        if name == b"set-cookie":
            return cookie_to(value, self._options.cookie_domain, self._options.cookie_path)
        if name not in _MAPPED:
            return value
        transport = request.transport
        secure = transport is not None and transport.get_extra_info("sslcontext") is not None
        public = self._options.public.encode() or (b"https://" if secure else b"http://") + asked.host
        return location_to(value, self._origin, asked.sent_host, public, self._prefix)

    async def _switch(
        self, request: web.BaseRequest, writer: Writer, answered: Answered
    ) -> web.StreamResponse:
        assert answered.upgraded is not None
        transport, said = answered.upgraded
        fields = end_to_end(answered.fields, _READ).fields
        protocols = [field for field in answered.fields if field[0].lower() == b"upgrade"]
        fields += [(b"Connection", b"Upgrade"), *protocols]
        writer.write(head(HTTPStatus.SWITCHING_PROTOCOLS, answered.reason, fields) + said)
        self._tunnels.add(transport)
        try:
            await tunnel(request, writer.transport, transport)
        finally:
            transport.abort()
            self._tunnels.discard(transport)
        return Relayed(101, False, writer.size)

    async def end_tunnels(self) -> None:
        """End the tunnels: they have no end of their own that a shutdown could wait for."""
        for transport in tuple(self._tunnels):
            transport.abort()

    async def stop(self) -> None:
        """End the leg, and with it every connection to the origin."""
        with contextlib.suppress(Failure):
            await self._leg.close()


def _last(answered: Answered) -> bytes:
    # The end of a chunked body, with the trailers that may go on (RFC 9112 section 7.1.2).
    if not answered.trailers:
        return b"0\r\n\r\n"
    lines = b"".join(b"%b: %b\r\n" % field for field in trailers(answered.trailers))
    return b"0\r\n" + lines + b"\r\n"
