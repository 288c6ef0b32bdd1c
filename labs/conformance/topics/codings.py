"""Content codings belong to origin and client: every byte of them, also of the wrong ones."""

import gzip
import zlib

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

CLAUSE = "RFC 9110 section 7.7"
HINT = "Do not decode: ClientSession(auto_decompress=False), and copy the Content-* fields and the ETag."
ZIPPED = gzip.compress(b"a page that is long enough to shrink " * 20, mtime=0)


async def _same(stand: Stand, coding: str, body: bytes) -> None:
    fields = (
        f"Content-Encoding: {coding}",
        'ETag: "v1"',
        "Content-Language: ko",
        "Cache-Control: no-transform",
    )
    heard = await stand.exchange(
        ask("GET /", "Accept-Encoding: gzip, br, own"), say("200 OK", *fields, body=body)
    )
    demand(
        heard.whole.body == body, f"{len(body)} bytes of {coding} arrived as {len(heard.answer.body)} others"
    )
    for line in fields:
        name, _, value = line.partition(": ")
        demand(heard.answer.field(name) == value, f"{name} arrived as {heard.answer.field(name)}")
    length = heard.answer.field("Content-Length")
    demand(length in (None, str(len(body))), f"Content-Length: {length} for {len(body)} bytes")


@check("CODE-1", CLAUSE, "a gzip body passes byte for byte, with its ETag", HINT)
async def _(stand: Stand) -> None:
    await _same(stand, "gzip", ZIPPED)


@check("CODE-2", CLAUSE, "deflate, and a coding that nobody knows, pass byte for byte", HINT)
async def _(stand: Stand) -> None:
    await _same(stand, "deflate", zlib.compress(b"deflated" * 9))
    stand = stand.anew()
    await _same(stand, "own", b"\x00own\xff\r\n")


@check("CODE-3", CLAUSE, "a body that is not in the coding it declares passes byte for byte", HINT)
async def _(stand: Stand) -> None:
    await _same(stand, "gzip", b"this is not gzip")


@check(
    "CODE-4",
    CLAUSE,
    "a request's gzip body passes byte for byte",
    "aiohttp's server decodes request bodies: read them before it does, or drop Content-Encoding.",
)
async def _(stand: Stand) -> None:
    fields = ("Content-Encoding: gzip", "Content-Type: text/plain", f"Content-Length: {len(ZIPPED)}")
    heard = await stand.exchange(ask("POST /", *fields, body=ZIPPED), HELLO)
    demand(heard.asked.field("Content-Encoding") == "gzip", "Content-Encoding was lost")
    demand(heard.asked.body == ZIPPED, f"{len(ZIPPED)} bytes arrived as {len(heard.asked.body)} others")


@check(
    "CODE-5",
    "RFC 9110 section 12.5.3",
    "Accept-Encoding goes on as the client wrote it, and none is invented",
    "Pass it on, and switch the client's own off: skip_auto_headers.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "Accept-Encoding: own;q=0.5, identity"), HELLO)
    got = heard.asked.all("Accept-Encoding")
    demand(got == ("own;q=0.5, identity",), f"the origin heard Accept-Encoding {got}")
    stand = stand.anew()
    heard = await stand.exchange(ask("GET /"), HELLO)
    got = heard.asked.all("Accept-Encoding")
    demand(not got, f"the origin heard an Accept-Encoding that nobody sent: {got}")


@check(
    "CODE-6",
    "RFC 9110 section 14.2",
    "a range and its multipart answer pass untouched",
    "206 is an answer like any other: copy Range, Content-Range, Content-Type and the bytes.",
)
async def _(stand: Stand) -> None:
    part = b"--b\r\nContent-Range: bytes %d-%d/9\r\n\r\n%b\r\n"
    body = part % (0, 0, b"a") + part % (2, 2, b"c") + b"--b--\r\n"
    kind = "multipart/byteranges; boundary=b"
    answer = say("206 Partial Content", f"Content-Type: {kind}", body=body)
    heard = await stand.exchange(ask("GET /", "Range: bytes=0-0,2-2", 'If-Range: "v1"'), answer)
    demand(heard.asked.field("Range") == "bytes=0-0,2-2", "Range was lost or changed")
    demand(heard.asked.field("If-Range") == '"v1"', "If-Range was lost or changed")
    demand((heard.whole.status, heard.answer.body) == (206, body), "the partial answer arrived changed")
    demand(heard.answer.field("Content-Type") == kind, f"Content-Type: {heard.answer.field('Content-Type')}")
