"""Bad input: the right status, one plain sentence, the reason in the log, and the gateway goes on."""

import asyncio
import logging
import re

import pytest

from labs.gateway import Options
from labs.town.town import Town
from tests.gateway.faults import by_target, everything, fronted, targets
from tests.gateway.support import LEGS, answer

HOST = b"Host: front.test\r\n"
BAD = {  # what: (status, request)
    "a field over the limit": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 9000 + b"\r\n\r\n"),
    "a line over the limit": (400, b"GET /shop/" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "too many fields": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 200 + b"\r\n"),
    "a body over the limit": (413, b"POST /shop/a HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n\r\nsixsix"),
    "a chunked body over the limit": (
        413,
        b"POST /shop/a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n6\r\nsixsix\r\n0\r\n\r\n",
    ),
    "both lengths": (
        400,
        b"POST /shop/a HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    "two lengths": (
        400,
        b"POST /shop/a HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    ),
    "a length that is no number": (
        400,
        b"POST /shop/a HTTP/1.1\r\n" + HOST + b"Content-Length: +2\r\n\r\nab",
    ),
    "a chunk without a size": (
        400,
        b"POST /shop/a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    ),
    "two Hosts": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + b"Host: other.test\r\n\r\n"),
    "the same Host twice": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    "no Host": (400, b"GET /shop/a HTTP/1.1\r\n\r\n"),
    "a bad Host": (400, b"GET /shop/a HTTP/1.1\r\nHost: a b/c\r\n\r\n"),
    "NUL in a field": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n"),
    "NUL in the target": (400, b"GET /shop/\0 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a bare CR in a field": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n"),
    "a bare CR in the line": (400, b"GET /shop/a\r HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a folded field": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n"),
    "a space before the colon": (400, b"GET /shop/a HTTP/1.1\r\n" + HOST + b"X : a\r\n\r\n"),
    "no HTTP at all": (400, b"\x16\x03\x01\x02\x00\x01\r\n\r\n"),
    "dots out of the prefix": (400, b"GET /shop/../secret HTTP/1.1\r\n" + HOST + b"\r\n"),
    "escaped dots out of the prefix": (400, b"GET /shop/%2e%2E/secret HTTP/1.1\r\n" + HOST + b"\r\n"),
    "escaped slashes out of the prefix": (400, b"GET /shop/..%2fsecret HTTP/1.1\r\n" + HOST + b"\r\n"),
    "backslashes out of the prefix": (400, b"GET /shop/..\\secret HTTP/1.1\r\n" + HOST + b"\r\n"),
    "outside of the prefix": (404, b"GET /shopping HTTP/1.1\r\n" + HOST + b"\r\n"),
    "CONNECT": (405, b"CONNECT origin.test:80 HTTP/1.1\r\nHost: origin.test:80\r\n\r\n"),
    "an unknown coding": (
        (400, 501),
        b"POST /shop/a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
}
INNER = re.compile(rb"127\.0\.0\.1|labs|aiohttp|Python|Traceback|Error|\bb'|File |0x[0-9a-f]{6}")
SENTENCE = re.compile(rb"[A-Z][A-Za-z0-9 ,:'-]+\.\n")
GOOD = b"GET /shop/a HTTP/1.1\r\nHost: front.test\r\nConnection: close\r\n\r\n"


async def tell(town: Town, said: bytes) -> bytes:
    """Send bytes and half-close; return all that is heard."""
    reader, writer = await asyncio.open_connection(*town.address("front.test"))
    try:
        writer.write(said)
        head = b""
        while b"\r\n\r\n" not in head and (piece := await reader.read(1 << 16)):
            head += piece
        writer.write_eof()
        return head + (await everything(reader))[0]
    finally:
        writer.close()


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("what", BAD)
async def test_a_bad_request_gets_its_status_and_one_plain_sentence(
    what: str, leg: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    status, said = BAD[what]
    async with fronted(by_target(), Options(leg=leg, max_body=5, prefix="/shop", linger=0.05)) as town:
        data = await tell(town, said)
        again = await tell(town, GOOD)
        asked = targets(town)
    assert answer(again).body == b"Answer to GET /a HTTP/1.1\n"
    if not what.startswith(("a chunked body", "a chunk without")):  # these are seen when the head has gone on
        assert asked == [b"/a"]
    assert data.count(b"HTTP/1.") == 1
    assert data.startswith(b"HTTP/1.1 ")
    heard = answer(data, b"GET / HTTP/1.1\r\n\r\n")
    assert heard.status in (status if isinstance(status, tuple) else (status,))
    assert SENTENCE.fullmatch(heard.body), heard.body
    assert not INNER.search(heard.body), heard.body
    assert not INNER.search(data), "the answer names the software"
    assert caplog.records, "the log says nothing"
    assert not [it for it in caplog.records if it.exc_info], "a traceback for a client's mistake"


NAMES = [
    "close-before-head",
    "close-in-head",
    "garbage",
    "bad-field",
    "endless-head",
    "bad-length",
    "two-lengths",
]


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", [*NAMES, "stall-before-head", "bad-chunk-size", "close-in-body"])
async def test_a_bad_answer_is_in_the_log_with_its_reason_and_not_with_the_client(
    name: str, leg: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "labs.gateway")
    options = Options(leg=leg, answer_timeout=0.1, idle_timeout=0.1)
    async with fronted(by_target(), options) as town:
        data = await tell(town, GOOD.replace(b"/shop/a", b"/a?fault=" + name.encode()))
    assert not INNER.search(data)
    told = [it.getMessage() for it in caplog.records if it.name == "labs.gateway"]
    assert [it for it in told if f"fault={name}: " in it and len(it.rpartition(": ")[2]) > 3], told
