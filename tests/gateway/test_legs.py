"""The two legs side by side: each line of a table does the same on both, or is in the gateway's docstring."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import labs.gateway
from labs.capture.parser import Message
from labs.gateway import Options
from tests.gateway.support import GET, LEGS, OK, Line, answer, asking, request, saying, standing, wired

HEADING = "What the session leg does otherwise"
SAME = object()  # what both legs do


@dataclass(frozen=True)
class Case:
    """One line: what is asked and said, what to look at, and what is to be seen there.

    `session` is what the session leg does where it differs, and `line` the begin of the line of the docstring
    that says so.
    """

    what: str
    asked: bytes
    said: bytes
    see: Callable[[Message, Message | None], object]
    both: object
    session: object = SAME
    line: str = ""


def status(got: Message, heard: Message | None) -> object:
    return got.status


def body(got: Message, heard: Message | None) -> object:
    return got.status, got.body, got.complete


def of_answer(*names: str) -> Callable[[Message, Message | None], object]:
    return lambda got, heard: [(name, wired(it)) for name, it in got.fields if name in names]


def of_request(*names: str) -> Callable[[Message, Message | None], object]:
    return lambda got, heard: heard and [(name, wired(it)) for name, it in heard.fields if name in names]


def target(got: Message, heard: Message | None) -> object:
    return heard and heard.target


def chunked(data: bytes, *fields: str) -> bytes:
    return saying(*fields, "Transfer-Encoding: chunked", body=data)


def ok(*fields: str, line: str = "HTTP/1.1 200 OK") -> bytes:
    return saying(*fields, "Content-Length: 2", line=line, body=b"ok")


HEAD = asking(line="HEAD / HTTP/1.1")
POST = "POST / HTTP/1.1"
LAST = b"0\r\n\r\n"
ANSWERED = 200, b"ok", True
EMPTY = 200, b"", True
CASES = (
    # The head of an answer.
    Case("lines that end in LF", GET, b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", status, 502),
    Case("one line that ends in LF", GET, ok().replace(b"OK\r\n", b"OK\n"), status, 502),
    Case("LF and a body with CRLF", GET, b"HTTP/1.1 200 OK\nX: y\n\nok\r\n\r\n", status, 502),
    Case("an empty line first", GET, b"\r\n" + OK, status, 502),
    Case("a folded field", GET, ok("X: a\r\n b"), status, 502),
    Case("a space before the colon", GET, saying("Content-Length : 2", body=b"ok"), status, 502),
    Case("a tab before the colon", GET, ok("X\t: 1"), status, 502),
    Case("NUL in a field", GET, ok("X: a\0b"), status, 502),
    Case("no name", GET, ok(": a"), status, 502),
    Case("no colon", GET, ok("a"), status, 502),
    Case("status 099", GET, ok(line="HTTP/1.1 099 OK"), status, 502),
    Case("status 000", GET, ok(line="HTTP/1.1 000 OK"), status, 502),
    Case("status 20", GET, ok(line="HTTP/1.1 20 OK"), status, 502),
    Case("status 999", GET, ok(line="HTTP/1.1 999 OK"), status, 999),
    Case("no reason", GET, ok(line="HTTP/1.1 200"), body, ANSWERED),
    Case("two spaces", GET, ok(line="HTTP/1.1  200 OK"), status, 502),
    Case("HTTP/1.0", GET, ok(line="HTTP/1.0 200 OK"), body, ANSWERED),
    Case("HTTP/1.2", GET, ok(line="HTTP/1.2 200 OK"), body, ANSWERED),
    Case("HTTP/2.0", GET, ok(line="HTTP/2.0 200 OK"), status, 502),
    Case("another case", GET, ok(line="http/1.1 200 OK"), status, 502),
    Case("200 fields", GET, ok(*["X: y"] * 200), of_answer("X"), [("X", "y")] * 200),
    Case("obs-text", GET, ok("X: \xff"), of_answer("X"), [("X", "\xff")]),
    # How the body is framed.
    Case("a coding", GET, saying("Transfer-Encoding: gzip", body=b"xx"), status, 502),
    Case(
        "two codings", GET, saying("Transfer-Encoding: gzip, chunked", body=b"1\r\nx\r\n" + LAST), status, 502
    ),
    Case("identity", GET, ok("Transfer-Encoding: identity"), status, 502),
    Case("no coding", GET, ok("Transfer-Encoding:"), status, 502),
    Case("chunked in HTTP/1.0", GET, chunked(b"2\r\nok\r\n" + LAST).replace(b"1.1", b"1.0"), status, 502),
    Case("Chunked", GET, saying("Transfer-Encoding: Chunked", body=b"2\r\nok\r\n" + LAST), body, ANSWERED),
    Case("one length twice", GET, ok("Content-Length: 2"), body, ANSWERED),
    Case("one length twice in a list", GET, saying("Content-Length: 2, 2", body=b"ok"), body, ANSWERED),
    Case(
        "one length twice, to HEAD",
        HEAD,
        ok("content-length: 2")[:-2],
        of_answer("Content-Length"),
        [("Content-Length", "2")],
    ),
    Case("two lengths", GET, ok("Content-Length: 3"), status, 502),
    Case("a length that is none", GET, saying("Content-Length: x"), status, 502),
    Case("chunks and a length", GET, chunked(b"2\r\nok\r\n" + LAST, "Content-Length: 9"), body, ANSWERED),
    Case("until close", GET, saying(body=b"ok"), body, ANSWERED),
    Case("until close in HTTP/1.0", GET, saying(line="HTTP/1.0 200 OK", body=b"ok"), body, ANSWERED),
    # What is too much.
    Case("a body to HEAD", HEAD, ok(), body, EMPTY),
    Case("chunks to HEAD", HEAD, chunked(b"2\r\nok\r\n" + LAST), body, EMPTY),
    Case("a body with 204", GET, ok(line="HTTP/1.1 204 No Content"), body, (204, b"", True)),
    Case("a body with 304", GET, ok(line="HTTP/1.1 304 Not Modified"), body, (304, b"", True)),
    Case("bytes behind a body", GET, OK + b"more", body, ANSWERED),
    Case("an answer behind a body", GET, OK + OK, body, ANSWERED),
    Case("bytes behind chunks", GET, chunked(b"2\r\nok\r\n" + LAST + b"more"), body, ANSWERED),
    Case("an answer behind chunks", GET, chunked(b"2\r\nok\r\n" + LAST + OK), body, ANSWERED),
    Case("bytes behind no body", GET, saying("Content-Length: 0", body=b"more"), body, EMPTY),
    # Chunks.
    Case("an extension", GET, chunked(b'2;a="b;c"\r\nok\r\n' + LAST), body, ANSWERED),
    Case("spaces around an extension", GET, chunked(b"2 ; a = b\r\nok\r\n" + LAST), body, ANSWERED),
    Case("a space behind a size", GET, chunked(b"2 \r\nok\r\n" + LAST), body, ANSWERED),
    Case("zeros before a size", GET, chunked(b"00000000000000000002\r\nok\r\n" + LAST), body, ANSWERED),
    Case("LF behind a size", GET, chunked(b"2\nok\r\n" + LAST), status, 502),
    Case("LF behind a chunk", GET, chunked(b"2\r\nok\n" + LAST), status, 502),
    Case("LF behind the last size", GET, chunked(b"2\r\nok\r\n0\n\r\n"), status, 502),
    Case("a long extension", GET, chunked(b"2;" + b"e" * 5000 + b"\r\nok\r\n" + LAST), status, 502),
    Case("NUL in an extension", GET, chunked(b"2;\0\r\nok\r\n" + LAST), status, 502),
    Case("a sign", GET, chunked(b"+2\r\nok\r\n" + LAST), status, 502),
    Case("a size with 0x", GET, chunked(b"0x2\r\nok\r\n" + LAST), status, 502),
    Case("a size that nobody counts", GET, chunked(b"f" * 17 + b"\r\nok\r\n" + LAST), status, 502),
    Case("a space before a size", GET, chunked(b" 2\r\nok\r\n" + LAST), status, 502),
    Case("a chunk that is too long", GET, chunked(b"2\r\nokk\r\n" + LAST), status, 502),
    Case("a bad trailer", GET, chunked(b"2\r\nok\r\n0\r\nX : 1\r\n\r\n"), status, 502),
    Case("a folded trailer", GET, chunked(b"2\r\nok\r\n0\r\nX: 1\r\n y\r\n\r\n"), status, 502),
    Case("no size behind a chunk", GET, chunked(b"2\r\nok\r\n") + OK, status, 502),
    # What goes on of a request.
    Case(
        "Cookie twice",
        asking("Cookie: a=1", "Cookie: b=2"),
        OK,
        of_request("Cookie"),
        [("Cookie", "a=1"), ("Cookie", "b=2")],
    ),
    Case("an empty field", asking("X:"), OK, of_request("X"), [("X", "")]),
    Case("UTF-8", asking("X: \xc3\xbc"), OK, of_request("X"), [("X", "\xc3\xbc")]),
    Case(
        "a body of a GET",
        asking("Content-Length: 2", body=b"ok"),
        OK,
        of_request("Content-Length"),
        [("Content-Length", "2")],
    ),
    Case(
        "a POST of nothing",
        asking("Content-Length: 0", line=POST),
        OK,
        of_request("Content-Length"),
        [("Content-Length", "0")],
    ),
    Case(
        "Upgrade with 426",
        GET,
        ok("Upgrade: x/1", line="HTTP/1.1 426 No"),
        of_answer("Upgrade", "Connection"),
        [("Upgrade", "x/1"), ("Connection", "Upgrade")],
    ),
    Case("Trailer without trailers", GET, ok("Trailer: X"), of_answer("Trailer"), []),
    # What the docstring names.
    Case(
        "103",
        GET,
        saying("Link: <x>", "Content-Length: 0", line="HTTP/1.1 103 Early Hints") + OK,
        status,
        103,
        200,
        "Interim answers",
    ),
    Case(
        "an expectation",
        asking("Expect: x"),
        OK,
        of_request("Expect"),
        [("Expect", "x")],
        [],
        "Expect",
    ),
    Case(
        "trailers",
        asking("TE: trailers"),
        chunked(b"2\r\nok\r\n0\r\nX: 1\r\n\r\n", "Trailer: X"),
        lambda got, heard: (got.trailers, got.field("Trailer"), heard and heard.field("TE")),
        ((("X", "1"),), "X", "trailers"),
        ((), None, None),
        "Trailers",
    ),
    Case("OPTIONS *", asking(line="OPTIONS * HTTP/1.1"), OK, status, 200, 501, "OPTIONS *"),
    Case("OPTIONS http://a", asking(line="OPTIONS http://a HTTP/1.1"), OK, target, "*", None, "OPTIONS *"),
    Case("a question mark", asking(line="GET /a? HTTP/1.1"), OK, target, "/a?", "/a", "A question mark"),
    Case("Latin-1", asking("X: \xfc"), OK, of_request("X"), [("X", "\xfc")], [("X", "\xc3\xbc")], "Bytes"),
    Case(
        "no length",
        asking(line="DELETE / HTTP/1.1"),
        OK,
        of_request("Content-Length"),
        [],
        [("Content-Length", "0")],
        "No body",
    ),
    Case(
        "two spellings",
        asking("Cookie: a=1", "cookie: b=2", "COOKIE: c=3"),
        OK,
        of_request("Cookie", "cookie", "COOKIE"),
        [("Cookie", "a=1"), ("cookie", "b=2"), ("COOKIE", "c=3")],
        [("Cookie", "a=1"), ("Cookie", "b=2"), ("Cookie", "c=3")],
        "Two spellings",
    ),
)


async def seen(case: Case, leg: str) -> object:
    """Return what there is to be seen of a case."""
    heard: list[bytes] = []

    async def origin(line: Line) -> None:
        heard.append(await line.message())
        line.say(case.said)
        if b"length" in case.said.lower() or b"chunked" in case.said.lower():
            await line.end()

    # The limits are nets: no case waits for one.
    async with standing(origin, Options(leg=leg, answer_timeout=60, idle_timeout=60, linger=0.05)) as stand:
        line = await stand.client()
        line.say(case.asked)
        said = await line.message(case.asked.partition(b" ")[0])
    return case.see(answer(said, case.asked), request(heard[0]) if heard else None)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
async def test_each_leg_does_what_the_table_says(case: Case, leg: str, parser: str) -> None:
    differs = leg == "session" and case.session is not SAME
    assert await seen(case, leg) == (case.session if differs else case.both)


@pytest.mark.parametrize("leg", LEGS)
async def test_only_the_direct_leg_has_the_option_retry(leg: str) -> None:
    """The line "Retrying" of the docstring."""

    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK)
        await line.message()

    async with standing(origin, Options(leg=leg, retry=True)) as stand:
        assert (await stand.ask(GET)).status == 200
        assert (await stand.ask(GET)).status == (200 if leg == "direct" else 502)


def named() -> list[str]:
    """Return how each line of the docstring begins that names a difference."""
    text = labs.gateway.__doc__ or ""
    part = text[text.index(HEADING) :].split("\n\n")[1]
    return re.findall(r"^\* ([^:]+):", part, re.MULTILINE)


def test_the_docstring_names_each_difference_and_no_other() -> None:
    held = {case.line for case in CASES if case.line} | {"Retrying"}
    assert sorted(named()) == sorted(held)


def test_a_line_of_the_table_that_names_a_difference_is_one() -> None:
    for case in CASES:
        assert bool(case.line) == (case.session is not SAME), case.what
        assert case.session != case.both, case.what
