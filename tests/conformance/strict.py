"""A small proxy that does all that the newer checks ask, and can do each thing wrong on purpose."""

import asyncio
import contextlib
import ipaddress
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable

from labs.conformance import Site

FAULTS = {  # what it can do wrong: the checks that must find it
    "one limit for head and body": {"TIME-1", "TIME-2"},
    "a limit for each byte of a head": {"TIME-3"},
    "the origin's limit begins with the request": {"TIME-4", "TIME-6"},
    "no limit for a client that sends": {"TIME-5", "TIME-6"},
    "no limit for a body of the origin": {"TIME-1", "TIME-7"},
    "a stalled body ends well": {"TIME-7"},
    "no limit for an origin that reads": {"TIME-8"},
    "no limit for a client that reads": {"TIME-9"},
    "the head waits for the body": {"LEAVE-5", "STREAM-5"},
    "the answer waits for the request": {"LEAVE-5", "STREAM-5"},
    "a request behind an upgrade is swallowed": {"UPGRADE-10"},
    "426 without Upgrade": {"UPGRADE-11"},
    "426 without Connection": {"UPGRADE-11"},
    "the last field of a name, at the origin": {"FIELD-11", "COOKIE-4"},
    "the last field of a name, at the client": {"FIELD-11"},
    "fields in another order": {"FIELD-11", "COOKIE-4"},
    "underscores": {"FORWARD-8"},
    "the client's X-Real-IP": {"FORWARD-9"},
    "an empty coding is none": {"FRAME-20"},
    "an empty coding is a fault": {"FRAME-20", "ERROR-9"},
    "a refusal keeps its connection": {"FRAME-20"},
    "any coding of an answer": {"FRAME-21"},
    "a space before the colon": {"FRAME-22"},
    "any status": {"FRAME-23"},
    "only CRLF CRLF ends a head": {"FRAME-24"},
    "any port": {"HOST-1", "HOST-8"},
    "no IPv6": {"HOST-2"},
    "any bracket": {"HOST-3", "HOST-8"},
    "any user": {"HOST-4", "HOST-8"},
    "any byte of a name": {"HOST-5", "HOST-8"},
    "an empty host is written": {"HOST-6"},
    "Host wins": {"HOST-7", "HOST-8"},
    "the host of a target may be anything": {"HOST-8"},
    "Forwarded without quotes": {"HOST-9"},
    "any major version": {"VERSION-1"},
    "no minor version": {"VERSION-2"},
    "the origin's version": {"VERSION-3"},
    "refusals of HTTP/1.0": {"VERSION-4"},
    "Location as it came": {"REDIR-5"},
    "Location with the prefix twice": {"REDIR-5"},
    "Path as it came": {"COOKIE-5"},
    "Path with the prefix twice": {"COOKIE-5"},
    "Trailer of an answer": {"TRAILER-3"},
    "Trailer of a request": {"TRAILER-5"},
    "refusals with a traceback": {"ERROR-9"},
}
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
HOP |= {"content-length", "http2-settings"}
TOLD = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
MORE = {"x-real-ip", *(f"x-forwarded-{it}" for it in ("port", "prefix", "server", "ssl"))}
LIMIT = 1 << 20
Pairs = list[tuple[str, str]]


class Refused(Exception):
    """Answer with this status, and end the connection."""


def strict(fault: str = "") -> Callable[[Site], Callable[[], asyncio.Protocol]]:
    """Return what builds the proxy, with one fault of FAULTS or none."""

    def build(site: Site) -> Callable[[], asyncio.Protocol]:
        site.settings.update(site.check.needs)
        proxy = Strict(site, fault)
        return lambda: asyncio.StreamReaderProtocol(StreamReader(LIMIT), proxy.serve)

    assert not fault or fault in FAULTS
    return build


def values(fields: Pairs, name: str) -> list[str]:
    return [value for key, value in fields if key.lower() == name]


class Strict:
    """Serve one exchange after the other, each on a new connection to the origin."""

    def __init__(self, site: Site, fault: str) -> None:
        self.site, self.fault = site, fault
        self.patience: float = site.settings.get("patience", 60.0)
        self.idle: float = site.settings.get("idle", 60.0)
        self.prefix: str = site.settings.get("prefix", "")
        if fault == "one limit for head and body":
            self.patience = self.idle = min(self.patience, self.idle)

    def limit(self, fault: str) -> float | None:
        return None if self.fault == fault else self.idle

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        status = b""
        try:
            while await self.exchange(reader, writer):
                pass
        except Refused as error:
            status = str(error).encode()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass
        except Exception:
            status = b"500"
        if status:
            version = b"HTTP/1.0" if self.fault == "refusals of HTTP/1.0" else b"HTTP/1.1"
            body = b"Traceback" if self.fault == "refusals with a traceback" else b""
            head = b"%b %b No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
            writer.write(head % (version, status, len(body), body))
            if self.fault == "a refusal keeps its connection":
                await reader.read()
            with contextlib.suppress(OSError, TimeoutError):
                writer.write_eof()
                async with asyncio.timeout(self.idle):
                    while await reader.read(LIMIT):  # an unread rest would reset the connection
                        pass
        writer.close()

    async def exchange(self, reader: StreamReader, writer: StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        start = re.fullmatch(rf"({TOKEN}) (\S+) HTTP/(\d)\.(\d)", lines[0])
        if start is None:
            raise Refused(400)
        method, target, major, minor = start.groups()
        if major != "1" and self.fault != "any major version":
            raise Refused(505)
        if minor not in "01" and self.fault == "no minor version":
            raise Refused(400)
        fields = self.fields(lines[1:], "", 400)
        host, path = self.where(target, fields, major + minor)
        framing = self.framing(fields)
        head = self.onward(method, path, host, fields, framing)
        up, there = await asyncio.open_connection(*await self.site.dial("origin.test", 80), limit=LIMIT)
        if self.fault != "the head waits for the body" or not framing:
            there.write(head)
            head = b""
        upload = asyncio.ensure_future(self.upload(reader, framing, head, there))
        answer = asyncio.ensure_future(self.head(up))
        try:
            wait = self.patience if self.fault == "the origin's limit begins with the request" else None
            both = [upload] if self.fault == "the answer waits for the request" else [upload, answer]
            done, _ = await asyncio.wait(both, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise Refused(504)
            if answer not in done:
                await upload
                each = self.fault == "a limit for each byte of a head"
                await asyncio.wait([answer], timeout=None if each else self.patience)
                if not answer.done():
                    raise Refused(504)
            version, status, told = await answer
            upgrade = bool(values(fields, "upgrade"))
            close = "close" in values(fields, "connection") or minor == "0" or not upload.done()
            close = close or (upgrade and self.fault != "a request behind an upgrade is swallowed")
            close = await self.relay(up, writer, version, status, told, host, minor == "0", close)
            if upgrade and not close:
                await reader.readuntil(b"\r\n\r\n")
            return not close
        finally:
            upload.cancel()
            answer.cancel()
            await asyncio.gather(upload, answer, return_exceptions=True)
            there.transport.abort()

    def fields(self, lines: list[str], space: str, status: int) -> Pairs:
        found = [
            re.fullmatch(rf"({TOKEN}){space}:[ \t]*([^\0-\x08\x0a-\x1f\x7f]*?)[ \t]*", it) for it in lines
        ]
        if not all(found):
            raise Refused(status)
        return [(it[1], it[2]) for it in found if it]

    def where(self, target: str, fields: Pairs, version: str) -> tuple[str, str]:
        hosts = values(fields, "host")
        if len(hosts) > 1 or (not hosts and version != "10"):
            raise Refused(400)
        host, path = "".join(hosts), target
        absolute = re.fullmatch("http://([^/?#]*)(.*)", target)
        anything = self.fault == "the host of a target may be anything"
        if absolute is not None:
            path = absolute[2] or "/"
            host = host if self.fault == "Host wins" else absolute[1]
            if not host and not anything:
                raise Refused(400)
        elif not target.startswith("/"):
            raise Refused(400)
        if not self.grammatical(host) and not (absolute and anything):
            raise Refused(400)
        if not path.startswith(self.prefix + "/"):
            raise Refused(404)
        return host, path[len(self.prefix) :]

    def grammatical(self, host: str) -> bool:
        if self.fault == "any user":
            host = host.rpartition("@")[2]
        if host.startswith("[") and self.fault == "any bracket":
            return True
        port = ":.*" if self.fault == "any port" else ":[0-9]*"
        name = r"([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
        name = r"[^:@\[\]]*" if self.fault == "any byte of a name" else name
        if found := re.fullmatch(rf"\[(.*)\]({port})?", host):
            with contextlib.suppress(ValueError):
                return bool(ipaddress.IPv6Address(found[1])) and self.fault != "no IPv6"
        return re.fullmatch(f"{name}({port})?", host) is not None

    def framing(self, fields: Pairs) -> str:
        codings, lengths = values(fields, "transfer-encoding"), values(fields, "content-length")
        coding = ", ".join(codings)
        if self.fault == "an empty coding is a fault" and codings:
            [it for it in coding.split(",") if it.strip()][-1]  # IndexError
        if self.fault == "an empty coding is none" and not coding.strip(","):
            codings = []
        if codings:
            if coding.lower() != "chunked" or lengths:
                raise Refused(400)
            return "chunked"
        if len(lengths) > 1 or not re.fullmatch("[0-9]*", "".join(lengths)) or lengths == [""]:
            raise Refused(400)
        return "".join(lengths)

    def onward(self, method: str, path: str, host: str, fields: Pairs, framing: str) -> bytes:
        named = {it.strip().lower() for it in ",".join(values(fields, "connection")).split(",")}
        drop = HOP | named | TOLD | MORE | {"host"}
        if self.fault == "Trailer of a request":
            drop -= {"trailer"}
        if self.fault == "the client's X-Real-IP":
            drop -= MORE
        spelled = [
            (name.lower() if self.fault == "underscores" else name.lower().replace("_", "-"))
            for name, _ in fields
        ]
        kept = [it for it, name in zip(fields, spelled, strict=True) if name not in drop]
        kept = self.repeats(kept, "origin")
        quoted = (
            host if re.fullmatch(TOKEN, host) or self.fault == "Forwarded without quotes" else f'"{host}"'
        )
        told = [("Host", "origin.test"), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", host)]
        told += [("Forwarded", f"for=127.0.0.1;host={quoted}"), ("Connection", "close")]
        return written(f"{method} {path} HTTP/1.1", kept + told + frame(framing))

    def repeats(self, fields: Pairs, where: str) -> Pairs:
        if self.fault == f"the last field of a name, at the {where}":
            return list({name.lower(): (name, value) for name, value in fields}.values())
        return fields[::-1] if self.fault == "fields in another order" else fields

    async def upload(self, reader: StreamReader, framing: str, head: bytes, there: StreamWriter) -> None:
        limit = self.limit("no limit for a client that sends")
        try:
            async for piece in pieces(reader, framing, limit):
                there.write(head + coded(piece, framing))
                head = b""
                await within(self.limit("no limit for an origin that reads"), there.drain(), Refused(504))
            there.write(head + coded(b"", framing))
        except TimeoutError:
            raise Refused(408) from None

    async def head(self, up: StreamReader) -> tuple[str, str, Pairs]:
        try:
            raw = await self.lines(up)
        except EOFError:
            raise Refused(502) from None
        start, *lines = raw.decode("latin-1").rstrip("\r\n").replace("\r\n", "\n").split("\n")
        code = r"\S+" if self.fault == "any status" else "[1-5][0-9]{2}"
        found = re.fullmatch(rf"(HTTP/1\.[01]) ({code}( .*)?)", start)
        if found is None:
            raise Refused(502)
        if self.fault == "a space before the colon":
            return found[1], found[2], [tuple(it.split(":", 1)) for it in lines]  # type: ignore[misc]
        return found[1], found[2], self.fields(lines, "[ \t]*", 502)

    async def lines(self, up: StreamReader) -> bytes:
        if self.fault == "only CRLF CRLF ends a head":
            return await up.readuntil(b"\r\n\r\n")
        raw = b""
        while not re.search(rb"\n\r?\n", raw):
            raw += await up.readexactly(1)
        return raw

    async def relay(
        self,
        up: StreamReader,
        writer: StreamWriter,
        version: str,
        status: str,
        fields: Pairs,
        host: str,
        old: bool,
        close: bool,
    ) -> bool:
        coding = ", ".join(values(fields, "transfer-encoding"))
        if (
            values(fields, "transfer-encoding")
            and coding != "chunked"
            and self.fault != "any coding of an answer"
        ):
            raise Refused(502)
        framing = "chunked" if "chunked" in coding else "".join(values(fields, "content-length"))
        own = "" if framing == "chunked" and old else framing
        drop = HOP - {"trailer"} if self.fault == "Trailer of an answer" else HOP
        kept = [(name, self.mapped(name, it, host)) for name, it in fields if name.lower() not in drop]
        kept = self.repeats(kept, "client") + frame(own)
        close = close or not own
        if status.startswith("426") and self.fault != "426 without Upgrade":
            kept += [("Upgrade", ", ".join(values(fields, "upgrade")))]
            kept += [("Connection", "upgrade")] * (self.fault != "426 without Connection")
        kept += [("Connection", "close")] * close
        version = version if self.fault == "the origin's version" else "HTTP/1.1"
        writer.write(written(f"{version} {status}", kept))
        try:
            async for piece in pieces(up, framing or "end", self.limit("no limit for a body of the origin")):
                writer.write(coded(piece, own))
                await within(self.limit("no limit for a client that reads"), writer.drain(), EOFError())
            writer.write(coded(b"", own))
        except (TimeoutError, EOFError, Refused) as error:
            if isinstance(error, TimeoutError) and self.fault == "a stalled body ends well":
                writer.write(coded(b"", own))
                return True
            writer.transport.abort()
        return close

    def mapped(self, name: str, value: str, host: str) -> str:
        if name.lower() == "location":
            outer = "" if not host and self.fault != "an empty host is written" else f"http://{host}"
            if value.startswith("http://origin.test/"):
                return outer + self.under(value.removeprefix("http://origin.test"), "Location")
            return self.under(value, "Location")
        if name.lower() == "set-cookie":
            return re.sub("(?<=; Path=)[^;]*", lambda it: self.under(it[0], "Path"), value)
        return value

    def under(self, path: str, what: str) -> str:
        inside = path.startswith(self.prefix + "/") and self.fault != f"{what} with the prefix twice"
        if self.fault == f"{what} as it came" or inside or not path.startswith("/") or path.startswith("//"):
            return path
        return self.prefix + path


def frame(framing: str) -> Pairs:
    if framing == "chunked":
        return [("Transfer-Encoding", "chunked")]
    return [("Content-Length", framing)] if framing else []


def written(start: str, fields: Pairs) -> bytes:
    return "".join(f"{it}\r\n" for it in [start, *(f"{name}: {value}" for name, value in fields), ""]).encode(
        "latin-1"
    )


def coded(piece: bytes, framing: str) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if framing == "chunked" else piece


async def within(limit: float | None, waits: object, error: Exception) -> None:
    try:
        async with asyncio.timeout(limit):
            await waits  # type: ignore[misc]
    except TimeoutError:
        raise error from None


async def pieces(reader: StreamReader, framing: str, limit: float | None) -> AsyncIterator[bytes]:
    """Go through a body by its framing: "chunked", a length, "end" for the end of the connection, or ""."""
    if framing == "chunked":
        while True:
            async with asyncio.timeout(limit):
                line = await reader.readuntil(b"\r\n")
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}(;.*)?\r\n", line):
                raise Refused(400)
            left = int(line.partition(b";")[0], 16)
            if not left:
                while line != b"\r\n":
                    async with asyncio.timeout(limit):
                        line = await reader.readuntil(b"\r\n")
                return
            async for piece in pieces(reader, str(left), limit):
                yield piece
            if await reader.readexactly(2) != b"\r\n":
                raise Refused(400)
    left = int(framing) if framing.isdigit() else LIMIT * LIMIT * (framing == "end")
    while left:
        async with asyncio.timeout(limit):
            piece = await reader.read(min(left, 1 << 16))
        if not piece:
            if framing == "end":
                return
            raise EOFError
        left -= len(piece)
        yield piece
