"""What of a request goes on, and what is refused: with aiohttp's parser in C, and with the one in Python."""

import logging

import pytest

from labs.gateway import Options
from tests.gateway.support import GET, LEGS, OK, asking, saying, through, wired

EACH = pytest.mark.parametrize("leg", LEGS)
POST = "POST / HTTP/1.1"
MOVED = saying("Location: http://origin.test/a", "Content-Length: 2", line="HTTP/1.1 302 Found", body=b"ok")

# The status, or two: with the parser in C, and with the one in Python. Where they differ, they refuse for
# different reasons, but each refuses.
REFUSED: dict[str, tuple[int | tuple[int, int], bytes]] = {
    "an empty coding": (400, asking("Transfer-Encoding:", line=POST)),
    "an empty coding of a GET": (400, asking("Transfer-Encoding:")),
    "a coding of spaces": (400, asking("Transfer-Encoding: \t ", line=POST)),
    "a coding that is a comma": (400, asking("Transfer-Encoding: ,", line=POST)),
    "an empty coding and a length": (
        400,
        asking("Transfer-Encoding:", "Content-Length: 2", line=POST, body=b"ok"),
    ),
    "a length and an empty coding": (
        400,
        asking("Content-Length: 2", "Transfer-Encoding:", line=POST, body=b"ok"),
    ),
    "an empty coding behind chunked": (
        400,
        asking("Transfer-Encoding: chunked,", line=POST, body=b"0\r\n\r\n"),
    ),
    "an empty coding in HTTP/1.0": (400, asking("Transfer-Encoding:", line="POST / HTTP/1.0")),
    "chunked in HTTP/1.0": (
        400,
        asking("Transfer-Encoding: chunked", line="POST / HTTP/1.0", body=b"0\r\n\r\n"),
    ),
    "chunked twice": (
        (400, 501),
        asking("Transfer-Encoding: chunked, chunked", line=POST, body=b"0\r\n\r\n"),
    ),
    "chunked twice, in two fields": (
        400,
        asking(*["Transfer-Encoding: chunked"] * 2, line=POST, body=b"0\r\n\r\n"),
    ),
    "a coding in quotes": (400, asking('Transfer-Encoding: "chunked"', line=POST)),
    "identity": (400, asking("Transfer-Encoding: identity", line=POST)),
    "an empty length": (400, asking("Content-Length:", line=POST)),
    "a length twice": (400, asking("Content-Length: 2", "content-length: 2", line=POST, body=b"ok")),
    "a length twice in a list": (400, asking("Content-Length: 2, 2", line=POST, body=b"ok")),
    "a length that nobody counts": (400, asking(f"Content-Length: {'9' * 30}", line=POST)),
    "HTTP/2.0": (505, asking(line="GET / HTTP/2.0")),
    "HTTP/0.9": (505, asking(line="GET / HTTP/0.9")),
    "HTTP/3.0": ((400, 505), asking(line="GET / HTTP/3.0")),
    "HTTP/1.10": (400, asking(line="GET / HTTP/1.10")),
    "http/1.1": (400, asking(line="GET / http/1.1")),
    "HTTP/1.2 without Host": (400, b"GET / HTTP/1.2\r\n\r\n"),
    "a port that is none": (400, b"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"),
    "a port out of range": (400, b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
    "a port of too many digits": (400, b"GET / HTTP/1.1\r\nHost: a:" + b"9" * 5000 + b"\r\n\r\n"),
    "a port and no host": (400, b"GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
    "two ports": (400, b"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"),
    "half of an IPv6 address": (400, b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    "an IPv6 address without brackets": (400, b"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"),
    "a user in Host": (400, b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    "quotes in Host": (400, b'GET / HTTP/1.1\r\nHost: a";for=1.2.3.4\r\n\r\n'),
    "a path in Host": (400, b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    "bytes in Host": (400, b"GET / HTTP/1.1\r\nHost: \xc3\xbc.test\r\n\r\n"),
    "a bad Host beside a whole URL": (400, b"GET http://a/ HTTP/1.1\r\nHost: a:x\r\n\r\n"),
    "a bad Host in HTTP/1.0": (400, b"GET / HTTP/1.0\r\nHost: a:x\r\n\r\n"),
    "a user in the target": (400, asking(line="GET http://u:p@a/ HTTP/1.1")),
    "quotes in the target's host": (400, asking(line='GET http://a";for=1.2.3.4;b="/ HTTP/1.1')),
    "a bad port in the target": (400, asking(line="GET http://a:x/ HTTP/1.1")),
    "a port out of range in the target": (400, asking(line="GET http://a:65536/ HTTP/1.1")),
    "no host in the target": (400, asking(line="GET http:///a HTTP/1.1")),
    "a port and no host in the target": (400, asking(line="GET http://:80/ HTTP/1.1")),
    "another scheme": (400, asking(line="GET ftp://a/ HTTP/1.1")),
    "a fragment": (400, asking(line="GET /a#b HTTP/1.1")),
    "a fragment of a whole URL": (400, asking(line="GET http://a/#b HTTP/1.1")),
    "an authority alone": (400, asking(line="GET a.test:80 HTTP/1.1")),
    "a star": (400, asking(line="GET * HTTP/1.1")),
    "a method that is none": (400, asking(line="G@T / HTTP/1.1")),
    "a folded field": (400, asking("X: a\r\n b")),
    "lines that end in LF": (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    "garbage behind a request": (400, GET + b"\0\r\n\r\n"),
    "bytes in the line of a chunk": (
        400,
        asking("Transfer-Encoding: chunked", line=POST, body=b"2\xff;a=b\r\nok\r\n0\r\n\r\n"),
    ),
    # RFC 9112 section 7.1.1 allows it: see the docstring.
    "spaces in the line of a chunk": (
        400,
        asking("Transfer-Encoding: chunked", line=POST, body=b"2 ;a=b\r\nok\r\n0\r\n\r\n"),
    ),
}


@EACH
@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_malformed_is_one_sentence_in_http_1_1_and_reaches_nobody(
    what: str, leg: str, parser: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    status, asked = REFUSED[what]
    want = status if isinstance(status, int) else status[parser == "Python"]
    got, heard = await through(Options(leg=leg, linger=0.05), asked)
    assert (got.status, heard) == (want, None)
    assert got.start.startswith("HTTP/1.1 ")
    assert (got.field("Server"), got.field("Connection")) == ("gateway", "close")
    told = [record for record in caplog.records if record.name == "labs.gateway"]
    assert len(told) == 1
    assert told[0].exc_info is None or not any(told[0].exc_info)


@EACH
@pytest.mark.parametrize(
    ("asked", "status", "in_python"),
    [
        (asking(line="GET / HTTP/1.2"), 400, "GET / HTTP/1.1"),
        (asking(line="get / HTTP/1.1"), 400, "GET / HTTP/1.1"),
        (asking(line="FOO / HTTP/1.1"), 400, "FOO / HTTP/1.1"),
        (asking(line="GET /\xc3\xbc HTTP/1.1"), 400, "GET /\xc3\xbc HTTP/1.1"),
    ],
    ids=["HTTP/1.2", "a method in lower case", "a method that is nobody's", "UTF-8 in the target"],
)
async def test_what_only_the_parser_in_python_reads_goes_on(
    leg: str, parser: str, asked: bytes, status: int, in_python: str
) -> None:
    """The parser in C refuses it, before any handler: a difference that aiohttp makes."""
    got, heard = await through(Options(leg=leg), asked)
    if parser == "C":
        assert (got.status, heard) == (status, None)
    else:
        assert got.status == 200
        assert heard and wired(heard.start) == in_python


@EACH
@pytest.mark.parametrize(
    ("asked", "host", "location"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", None, "/a"),
        (b"GET / HTTP/1.0\r\nHost:\r\n\r\n", None, "/a"),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", None, "/a"),
        (b"GET / HTTP/1.1\r\nHost: \t\r\n\r\n", None, "/a"),
        (b"GET / HTTP/1.0\r\nHost: b.test\r\n\r\n", "b.test", "http://b.test/a"),
        (b"GET / HTTP/1.1\r\nHost: b.test:\r\n\r\n", "b.test:", "http://b.test:/a"),
        (b"GET / HTTP/1.1\r\nHost: b.test:8080\r\n\r\n", "b.test:8080", "http://b.test:8080/a"),
        (b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "[::1]:8080", "http://[::1]:8080/a"),
        (b"GET http://a.test HTTP/1.1\r\nHost: b.test\r\n\r\n", "a.test", "http://a.test/a"),
        (b"GET HTTP://a.test:80?x HTTP/1.1\r\nHost:\r\n\r\n", "a.test:80", "http://a.test:80/a"),
        (b"GET http://[::1]/ HTTP/1.0\r\n\r\n", "[::1]", "http://[::1]/a"),
    ],
)
async def test_the_host_that_was_asked_for_is_told_and_comes_back_and_an_empty_one_is_none(
    leg: str, parser: str, asked: bytes, host: str | None, location: str
) -> None:
    got, heard = await through(Options(leg=leg), asked, MOVED)
    assert got.field("Location") == location
    assert heard and heard.field("X-Forwarded-Host") == host
    assert heard.field("Host") == "origin.test"


@EACH
@pytest.mark.parametrize(
    ("told", "goes_on"),
    [
        ("3", "2"),
        ("007", "6"),
        ("x", "x"),
        ("-1", "-1"),
        ("", ""),
        ("9" * 5000, "999999999"),
        ("0" * 5000 + "2", "1"),
    ],
    ids=["3", "007", "x", "-1", "nothing", "nines", "zeros"],
)
async def test_max_forwards_is_counted_down_as_far_as_it_is_a_number(
    leg: str, parser: str, told: str, goes_on: str
) -> None:
    _, heard = await through(Options(leg=leg), asking(f"Max-Forwards: {told}", line="OPTIONS / HTTP/1.1"))
    assert heard and heard.field("Max-Forwards") == goes_on


@EACH
@pytest.mark.parametrize(("method", "status"), [("TRACE", 405), ("OPTIONS", 204)])
@pytest.mark.parametrize("told", ["0", "000"])
async def test_max_forwards_of_nothing_ends_here(leg: str, method: str, status: int, told: str) -> None:
    got, heard = await through(Options(leg=leg), asking(f"Max-Forwards: {told}", line=f"{method} / HTTP/1.1"))
    assert (got.status, heard) == (status, None)


@EACH
async def test_a_length_with_many_zeros_is_refused_or_the_number_that_it_is(leg: str) -> None:
    got, _ = await through(Options(leg=leg), asking(f"Content-Length: {'0' * 5000}2", line=POST, body=b"ok"))
    assert got.status == 400
    _, heard = await through(Options(leg=leg), asking("Content-Length: 002", line=POST, body=b"ok"), OK)
    assert heard and (heard.field("Content-Length"), heard.body) == ("2", b"ok")
