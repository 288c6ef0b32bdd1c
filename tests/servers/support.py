"""What the tests of faults share: each fault as it shows on the wire."""

import asyncio
import gzip

from labs.capture.recording import Event
from labs.town.town import Town
from tests.support import kinds

BODY = b"Answer to GET /a HTTP/1.1\n"
TYPE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
OF_26 = TYPE + b"Content-Length: 26\r\n"
GOOD = OF_26 + b"\r\n" + BODY
STOLEN = TYPE + b"Content-Length: 31\r\n\r\nThis answer belongs to nobody.\n"
CHUNKED = TYPE + b"Transfer-Encoding: chunked\r\n\r\n1a\r\n"
GZIP = gzip.compress(BODY, mtime=0)[:23]
EARLY = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n"
WIRE = {  # what the first answer looks like, and how the connection is then
    "close-at-once": (b"", "closed"),
    "reset-at-once": (b"", "reset"),
    "stall-at-once": (b"", "open"),
    "early-answer": (EARLY + b"\r\nEarly\n", "open"),
    "early-close": (EARLY + b"Connection: close\r\n\r\nEarly\n", "closed"),
    "close-in-request": (b"", "closed"),
    "reset-in-request": (b"", "reset"),
    "stall-in-request": (b"", "open"),
    "close-before-head": (b"", "closed"),
    "reset-before-head": (b"", "reset"),
    "stall-before-head": (b"", "open"),
    "close-in-head": (TYPE[:-9], "closed"),
    "reset-in-head": (TYPE[:-9], "reset"),
    "stall-in-head": (TYPE[:-9], "open"),
    "garbage": (b"\x16\x03\x01\x00 garbage\r\n\r\n", "open"),
    "bad-status": (b"HTTP/1.1 two OK\r\n\r\n", "open"),
    "bad-field": (OF_26 + b"X-Bad: a\0b\r\n\r\n" + BODY, "open"),
    "endless-head": (OF_26 + b"X-Long: " + b"x" * (1 << 20) + b"\r\n\r\n" + BODY, "open"),
    "bad-length": (TYPE + b"Content-Length: two\r\n\r\n12", "open"),
    "two-lengths": (OF_26 + b"Content-Length: 1\r\n\r\n" + BODY, "open"),
    "length-and-chunks": (
        TYPE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n" + BODY + b"\r\n0\r\n\r\n",
        "open",
    ),
    "close-in-body": (OF_26 + b"\r\n" + BODY[:13], "closed"),
    "reset-in-body": (OF_26 + b"\r\n" + BODY[:13], "reset"),
    "stall-in-body": (OF_26 + b"\r\n" + BODY[:13], "open"),
    "close-in-chunk": (CHUNKED + BODY[:13], "closed"),
    "reset-in-chunk": (CHUNKED + BODY[:13], "reset"),
    "stall-in-chunk": (CHUNKED + BODY[:13], "open"),
    "close-between-chunks": (CHUNKED + BODY + b"\r\n", "closed"),
    "reset-between-chunks": (CHUNKED + BODY + b"\r\n", "reset"),
    "stall-between-chunks": (CHUNKED + BODY + b"\r\n", "open"),
    "close-until-close": (TYPE + b"\r\n" + BODY[:13], "closed"),
    "reset-until-close": (TYPE + b"\r\n" + BODY[:13], "reset"),
    "stall-until-close": (TYPE + b"\r\n" + BODY[:13], "open"),
    "length-too-long": (GOOD.replace(b"26", b"36"), "open"),
    "length-too-short": (GOOD + b"ten more.\n", "open"),
    "bad-chunk-size": (CHUNKED + BODY + b"\r\nzz\r\nmore\r\n", "open"),
    "bad-chunk-end": (CHUNKED + BODY + b"\r\n2\r\nmore\r\n0\r\n\r\n", "open"),
    "bad-gzip": (OF_26 + b"Content-Encoding: gzip\r\n\r\n" + BODY, "open"),
    "gzip-cut": (TYPE + b"Content-Length: 23\r\nContent-Encoding: gzip\r\n\r\n" + GZIP, "open"),
    "slow": (GOOD, "open"),
    "surplus": (GOOD + STOLEN, "open"),
    "close-after-answer": (GOOD, "closed"),
    "reset-after-answer": (GOOD, "reset"),
    "close-at-second": (GOOD, "open"),
    "reset-at-second": (GOOD, "open"),
    "stall-at-second": (GOOD, "open"),
}
GET = b"GET /a HTTP/1.1\r\nHost: origin.test\r\n\r\n"


async def ending(reader: asyncio.StreamReader, town: Town) -> str:
    """Say how a connection is after its last byte. Without a gate, all was done before that byte came."""
    if not {Event.SERVER_CLOSED, Event.RESET} & set(kinds(town)):
        return "open"
    try:
        assert await reader.read() == b""
    except ConnectionResetError:
        return "reset"
    return "closed"
