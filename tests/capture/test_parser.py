"""Bytes become messages: whatever is malformed is shown, and no byte is lost."""

from __future__ import annotations

import random

import h11
import pytest

from labs.capture import parser
from labs.capture.message import Latin1, octets
from labs.capture.parser import Message

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read(*turns: tuple[bytes, bytes], ended: bool = True) -> tuple[list[Message], list[Message]]:
    """Read a connection of (piece heard, what is said then); check that no byte is lost or counted twice."""
    heard, said, boundaries = b"", b"", []
    for asked, answered in turns:
        if asked:
            boundaries.append((len(heard), len(said)))
        heard, said = heard + asked, said + answered
    both = parser.parse(heard, said, boundaries, ended)
    for spoken, stream in zip(both, (heard, said), strict=True):
        assert b"".join(it.message.raw + it.message.surplus for it in spoken) == stream
        assert all(stream[it.begin : it.end] == it.message.raw for it in spoken)
    return [it.message for it in both[0]], [it.message for it in both[1]]


def answers(said: bytes, asked: bytes = GET, *, ended: bool = True) -> list[Message]:
    return read((asked, said), ended=ended)[1]


def request(heard: bytes) -> Message:
    (only,) = read((heard, b""))[0]
    return only


def answer(said: bytes, asked: bytes = GET, *, ended: bool = True) -> Message:
    (only,) = answers(said, asked, ended=ended)
    return only


# ── what is well made ─────────────────────────────────────────────────────────────────────────────────────


def test_a_request_with_a_length() -> None:
    it = request(b"POST /a%20b?c=d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\norder")
    assert (it.kind, it.method, it.target, it.version) == ("request", "POST", "/a%20b?c=d", "HTTP/1.1")
    assert (it.body, it.complete, it.problem, it.surplus) == (b"order", True, "", b"")
    assert (it.status, it.reason) == (0, "")


def test_an_answer_with_a_length() -> None:
    it = answer(b"HTTP/1.1 404 Not quite found\r\nContent-Length: 2\r\n\r\nno")
    assert (it.kind, it.status, it.reason, it.version) == ("answer", 404, "Not quite found", "HTTP/1.1")
    assert (it.method, it.target, it.body, it.complete) == ("", "", b"no", True)


def test_chunks_with_extensions_and_trailers() -> None:
    said = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nDigest: x\r\nDigest: y\r\n\r\n"
    )
    it = answer(said)
    assert (it.body, it.raw, it.trailers) == (b"abcde", said, (("Digest", "x"), ("Digest", "y")))
    assert (it.complete, it.problem) == (True, "")
    it = request(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
    assert (it.body, it.complete) == (b"x", True)


def test_fields_keep_order_case_and_repeats() -> None:
    said = (
        b"HTTP/1.1 200 OK\r\nX-b: 1\r\nSet-Cookie: a=1\r\nx-B:2 \r\nSET-COOKIE: b=2\r\nEmpty:\r\n"
        b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n"
    )
    it = answer(said)
    assert it.fields == (
        ("X-b", "1"),
        ("Set-Cookie", "a=1"),
        ("x-B", "2"),
        ("SET-COOKIE", "b=2"),
        ("Empty", ""),
        ("Content-Length", "0"),
        ("Content-Length", "0"),
    )
    assert it.all("set-cookie") == ("a=1", "b=2") and it.field("X-B") == "1"
    assert it.field("Nowhere") is None and it.all("Nowhere") == ()


def test_values_are_as_written() -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\nX: caf\xe9\r\nFold: a\r\n  b\r\n\r\n0\r\n\r\n"
    it = answer(said)
    assert it.fields == (("Transfer-Encoding", "CHUNKED"), ("X", "café"), ("Fold", "a b"))
    assert it.complete and not it.problem


@pytest.mark.parametrize(
    ("raw", "value", "latin"),
    [
        (b"\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4", "한국어", False),
        (b"caf\xc3\xa9", "café", False),
        (b"caf\xe9", "café", True),
        (b"\xe9 \xed\x95\x9c", "é \xed\x95\x9c", True),  # as a whole it is no UTF-8
        (b"plain", "plain", False),
    ],
)
def test_a_value_is_utf_8_where_it_is_else_latin_1(raw: bytes, value: str, latin: bool) -> None:
    said = b"HTTP/1.1 200 " + raw + b"\r\nX: " + raw + b"\r\nFold: a\r\n " + raw
    it = answer(said + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " + raw + b"\r\n\r\n")
    assert (it.reason, it.field("X"), it.field("Fold")) == (value, value, f"a {value}")
    assert it.trailers == (("T", value),) and it.complete and not it.problem
    for seen in (it.field("X"), it.field("Fold"), it.trailers[0][1], it.start):
        assert isinstance(seen, Latin1) == latin
    assert octets(it.field("X") or "") == raw and octets(it.trailers[0][1]) == raw


def test_without_a_length_the_close_ends_the_body() -> None:
    said = b"HTTP/1.1 200 OK\r\n\r\nto the end"
    assert (answer(said).body, answer(said).complete) == (b"to the end", True)
    cut = answer(said, ended=False)
    assert (cut.body, cut.complete, cut.problem) == (b"to the end", False, "")


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK"),
        (GET, b"HTTP/1.1 204 No Content"),
        (GET, b"HTTP/1.1 304 Not Modified"),
    ],
)
def test_some_answers_have_no_body_whatever_their_length_says(asked: bytes, start: bytes) -> None:
    head = start + b"\r\nContent-Length: 9\r\n\r\n"
    first, second = read((asked, head), (GET, OK))[1]
    assert (first.raw, first.body, first.complete) == (head, b"", True)
    assert second.body == b"ok"
    assert answer(head + b"body").surplus == b"body" if b"200" not in start else True


def test_interim_answers_come_before_the_final_one() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    first, second, third, fourth = read((GET, b"HTTP/1.1 100 Continue\r\n\r\n" + hints + OK), (GET, OK))[1]
    assert [it.status for it in (first, second, third, fourth)] == [100, 103, 200, 200]
    assert [it.interim for it in (first, second, third)] == [True, True, False]
    assert second.field("Link") == "</a>" and third.body == b"ok"


def test_an_upgrade_is_followed_by_a_tunnel() -> None:
    asked = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    said = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    requests, told = read((asked, said + b"\x81\x02hi"), (b"\x81\x82\0\0\0\0HI", b"\x88\0"))
    assert [it.kind for it in requests] == ["request", "tunnel"]
    assert [it.kind for it in told] == ["answer", "tunnel"]
    assert (told[0].status, told[0].interim, told[0].complete) == (101, False, True)
    assert (requests[1].raw, told[1].raw) == (b"\x81\x82\0\0\0\0HI", b"\x81\x02hi\x88\0")


def test_a_declined_upgrade_is_no_tunnel() -> None:
    asked = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    requests, told = read((asked, OK), (b"what is this\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert [it.kind for it in requests] == ["request", "request"] and requests[1].problem
    assert [it.status for it in told] == [200, 400]


@pytest.mark.parametrize("name", [b"Connection", b"Upgrade"])
def test_an_answer_is_read_whatever_bytes_its_request_has_there(name: bytes) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: a\r\n" + name + b": \xff\r\n\r\n"
    assert answer(OK, asked).body == b"ok"


def test_connect_makes_a_tunnel_only_if_it_is_granted() -> None:
    asked = b"CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\n\r\n"
    requests, told = read((asked, b"HTTP/1.1 200 OK\r\n\r\n"), (GET, OK))
    assert [it.kind for it in requests] == ["request", "tunnel"] and requests[1].raw == GET
    assert [it.kind for it in told] == ["answer", "tunnel"] and told[1].raw == OK
    assert told[0].complete
    requests, told = read((asked, b"HTTP/1.1 200 OK\r\n\r\n"), (b"\r\nhello", b""))
    assert [it.raw for it in requests] == [asked, b"\r\nhello"]
    denied = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"
    requests, told = read((asked, denied), (GET, OK))
    assert [it.kind for it in requests + told] == ["request"] * 2 + ["answer"] * 2


def test_pipelined_requests_in_one_piece() -> None:
    asked = [b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(3)]
    requests, told = read((b"".join(asked), OK + OK + OK))
    assert [it.target for it in requests] == ["/0", "/1", "/2"]
    assert [it.body for it in told] == [b"ok"] * 3 and not any(it.surplus for it in told)


def test_a_head_between_pipelined_requests_is_read_as_one() -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    told = read((GET + head + GET, OK + OK.removesuffix(b"ok") + OK))[1]
    assert [it.body for it in told] == [b"ok", b"", b"ok"]


def test_a_connection_that_is_kept_alive() -> None:
    requests, told = read(*[(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n, OK) for n in range(9)])
    assert [it.target for it in requests] == [f"/{n}" for n in range(9)]
    assert [it.body for it in told] == [b"ok"] * 9


def test_the_answer_may_come_before_the_body() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
    requests, told = read((head, b"HTTP/1.1 100 Continue\r\n\r\n"), (b"ab", OK), (b"cd", b""), (GET, OK))
    assert [it.body for it in requests] == [b"abcd", b""]
    assert [it.status for it in told] == [100, 200, 200] and not any(it.surplus for it in told)


def test_http_1_0() -> None:
    asked = b"GET / HTTP/1.0\r\n\r\n"
    it = answer(b"HTTP/1.0 200 OK\r\n\r\nall", asked)
    assert (it.version, it.body, it.complete) == ("HTTP/1.0", b"all", True)


def test_line_feeds_alone_end_lines() -> None:
    it = request(b"GET /page HTTP/1.1\nHost: a\n\n")
    assert (it.target, it.field("Host"), it.problem) == ("/page", "a", "")


def test_empty_lines_before_a_request_are_no_request() -> None:
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
    (first, second), told = read((b"\r\n" + post + b"\r\n\r\n", OK), (GET + b"\r\n", OK))
    assert (first.raw, first.start, first.surplus) == (b"\r\n" + post, "POST / HTTP/1.1", b"\r\n\r\n")
    assert (second.raw, second.problem, second.surplus) == (GET, "", b"\r\n")
    assert [it.body for it in told] == [b"ok", b"ok"]


# ── what is not ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "heard",
    [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / page HTTP/1.1\r\nHost: a\r\n\r\n",
        b"G\xc9T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_a_malformed_request_is_shown_as_it_is(heard: bytes) -> None:
    requests, told = read((heard, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
    assert [(it.raw, bool(it.problem), it.complete) for it in requests] == [(heard, True, False)]
    assert requests[0].start == heard.partition(b"\n")[0].rstrip(b"\r").decode("latin-1")
    assert "bytearray" not in requests[0].problem
    assert [(it.status, it.problem) for it in told] == [(400, "")]


@pytest.mark.parametrize(
    "said",
    [
        b"220 mail.test ESMTP\r\n",
        b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\0\1\2\3",
    ],
)
def test_a_malformed_answer_is_shown_as_it_is(said: bytes) -> None:
    it = answer(said)
    assert (it.kind, it.raw, bool(it.problem), it.complete) == ("answer", said, True, False)
    assert it.status in (0, 200)


def test_the_fields_of_a_malformed_message_are_shown() -> None:
    it = request(b"GET / HTTP/1.1\r\nA: 1\r\nno colon\r\nB: 2\r\n\r\n")
    assert it.fields == (("A", "1"), ("B", "2")) and it.problem


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_two_lengths_are_read_and_named(end: bytes) -> None:
    fields = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    post = b"POST / HTTP/1.1\r\nHost: a\r\n" + fields
    requests, told = read((post + end, b"HTTP/1.1 200 OK\r\n" + fields), (GET, OK))
    for it in (requests[0], told[0]):
        assert (it.body, it.complete, it.problem) == (b"x", True, parser.TWO_LENGTHS)
    assert (requests[1].raw, told[1].body) == (GET, b"ok")


def test_a_client_that_goes_on_after_a_malformed_request_is_heard() -> None:
    bare = b"GET /bare HTTP/1.1\r\n\r\n"  # no Host, which h11 refuses and many servers take
    requests, told = read((bare, OK), (bare[:9], b""), (bare[9:], OK), (GET, OK))
    assert [it.target for it in requests] == ["/bare", "/bare", "/"]
    assert [bool(it.problem) for it in requests] == [True, True, False]
    assert [it.body for it in told] == [b"ok"] * 3 and not any(it.surplus for it in told)


def test_a_malformed_answer_ends_where_the_next_can_begin() -> None:
    bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nrubbish\r\n"
    first, second = read((GET, bad), (GET, OK))[1]
    assert (first.raw, first.body, bool(first.problem)) == (bad, b"ab", True)
    assert (second.body, second.problem) == (b"ok", "")


def test_a_malformed_interim_answer_takes_its_turn() -> None:
    bad = b"HTTP/1.1 103 Early Hints\r\nX: a\0b\r\n\r\n"
    first, second = read((GET, bad), (GET, OK))[1]
    assert (first.raw, first.interim, bool(first.problem), second.body) == (bad, False, True, b"ok")


def test_a_body_never_holds_bytes_of_the_next_message() -> None:
    bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n18\r\nab"  # promises 24 bytes, gives two
    first, second = read((GET, bad), (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"))[1]
    assert (first.raw, first.body) == (bad, b"ab") and first.problem
    assert second.body == b"no"


def test_what_the_client_adds_after_an_answer_need_not_be_a_request() -> None:
    bad = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n"
    (it,), told = read((bad, b"HTTP/1.1 400 Bad Request\r\n\r\n"), (b"hello\r\n0\r\n\r\n", b""))
    assert it.raw == bad + b"hello\r\n0\r\n\r\n" and [it.status for it in told] == [400]


# ── surplus ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_longer_than_it_says() -> None:
    first, second = read((GET, OK + b"ay, then"), (GET, OK))[1]
    assert (first.body, first.surplus, first.complete, first.problem) == (b"ok", b"ay, then", True, "")
    assert (second.body, second.surplus) == (b"ok", b"")


def test_surplus_at_the_end_of_a_connection() -> None:
    assert answer(OK + b"ay").surplus == b"ay"
    assert answers(OK + b"HTTP/1.1 408 Request Timeout\r\n\r\n")[0].surplus.startswith(b"HTTP/1.1 408")


def test_surplus_that_comes_in_a_write_of_its_own() -> None:
    first, second = read((GET, OK), (b"", b"too much"), (GET, OK))[1]
    assert (first.surplus, second.body) == (b"too much", b"ok")


def test_an_answer_that_nobody_asked_for() -> None:
    requests, told = read((b"", OK))
    assert requests == [] and [it.body for it in told] == [b"ok"]


# ── cut short ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize(
    ("said", "body"),
    [
        (b"HTT", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Le", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", b"half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n", b"half"),
    ],
)
def test_an_answer_cut_short_is_not_malformed(said: bytes, body: bytes, ended: bool) -> None:
    it = answer(said, ended=ended)
    assert (it.raw, it.body, it.complete, it.problem) == (said, body, False, "")


@pytest.mark.parametrize("heard", [b"G", b"\xc9 / HTTP", b"GET / HTTP/1.1\r\nHo", b"\r\n", GET[:-2]])
def test_a_request_cut_short(heard: bytes) -> None:
    (it,), (told,) = read((heard, OK))
    assert (it.raw, it.complete, it.problem, told.body) == (heard, False, "", b"ok")


def test_words_that_a_start_line_does_not_have_are_empty() -> None:
    it = request(b"rubbish\r\n\r\n")
    assert (it.method, it.target, it.version) == ("rubbish", "", "")
    assert (answer(b"rubbish\r\n\r\n").reason, answer(b"rubbish\r\n\r\n").version) == ("", "")
    assert Message("answer", "HTTP/1.1 " + "9" * 5000).status == 0
    assert Message("tunnel", "").method == Message("tunnel", "").version == ""


# ── many streams ──────────────────────────────────────────────────────────────────────────────────────────


def framed(chance: random.Random, head: bytes) -> bytes:
    body = chance.randbytes(chance.choice([0, 1, 7, 300]))
    if chance.random() < 0.5:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    cut = chance.randint(0, len(body))
    chunks = b"".join(b"%x;e=1\r\n%b\r\n" % (len(it), it) for it in (body[:cut], body[cut:]) if it)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nT: 1\r\n\r\n"


def exchange(chance: random.Random) -> tuple[bytes, bytes]:
    method = chance.choice([b"GET", b"HEAD", b"POST", b"DELETE"])
    asked = framed(chance, method + b" /%d HTTP/1.1\r\nHost: a\r\n" % chance.randint(0, 99))
    status = chance.choice([b"200 OK", b"204 No Content", b"304 Not Modified", b"302 Found", b"500 Oh"])
    said = framed(chance, b"HTTP/1.1 " + status + b"\r\nX: y\r\nx: Z\r\n")
    if method == b"HEAD" or status[:3] in (b"204", b"304"):
        said = said.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return asked, b"HTTP/1.1 100 Continue\r\n\r\n" * chance.randint(0, 1) + said


def pieces(chance: random.Random, turns: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    cut: list[tuple[bytes, bytes]] = []
    for heard, said in turns:
        at = sorted(chance.randint(0, len(heard)) for _ in range(chance.randint(0, 4)))
        cut += [(heard[a:b], b"") for a, b in zip([0, *at], [*at, len(heard)], strict=True)]
        cut.append((b"", said))
    return cut


def test_every_well_made_stream_is_read_as_it_was_written() -> None:
    chance = random.Random(20)
    for _ in range(150):
        turns = [exchange(chance) for _ in range(chance.randint(1, 6))]
        surplus = [chance.choice([b"", b"", b"surplus"]) for _ in turns]
        longer = [(heard, said + more) for (heard, said), more in zip(turns, surplus, strict=True)]
        requests, told = read(*pieces(chance, longer))
        assert [it.raw for it in requests] == [heard for heard, _ in turns]
        finals = [it for it in told if not it.interim]
        assert [it.surplus for it in finals] == surplus
        assert b"".join(it.raw for it in told) == b"".join(said for _, said in turns)
        assert all(it.complete and not it.problem for it in requests + told)


def test_pieces_make_no_difference() -> None:
    chance = random.Random(21)
    for _ in range(40):
        turns = [exchange(chance) for _ in range(3)]
        single = [(heard[n : n + 1], b"") for heard, _ in turns for n in range(len(heard))]
        whole = read(*turns)
        assert read(*pieces(chance, turns)) == whole
        bytewise = []
        for heard, said in turns:
            bytewise += [(bytes([it]), b"") for it in heard] + [(b"", said)]
        assert len(bytewise) == len(single) + 3 and read(*bytewise) == whole


def test_no_damage_loses_a_byte() -> None:
    chance = random.Random(22)
    damaged = 0
    for _ in range(300):
        turns = []
        for heard, said in (exchange(chance) for _ in range(3)):
            both = [bytearray(heard), bytearray(said)]
            for stream in both:
                for _ in range(chance.randint(0, 2)):
                    place = chance.randrange(len(stream))
                    stream[place : place + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 2))
            turns.append((bytes(both[0]), bytes(both[1])))
        requests, told = read(*pieces(chance, turns), ended=chance.random() < 0.5)  # checks that none is lost
        damaged += any(it.problem for it in requests + told)
    assert damaged > 100


# ── much ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_big_body_is_fed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    receive = h11.Connection.receive_data

    def counted(reader: h11.Connection, data: bytes) -> None:
        fed.append(len(data))
        receive(reader, data)

    monkeypatch.setattr(h11.Connection, "receive_data", counted)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    for size in (1 << 20, 10 << 20):
        fed.clear()
        said = head % size + bytes(size)
        assert len(answer(said).body) == size
        assert sum(fed) == len(said) + len(GET) and len(fed) < 30


def test_many_messages_cost_what_they_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    receive = h11.Connection.receive_data

    def counted(reader: h11.Connection, data: bytes) -> None:
        fed.append(len(data))
        receive(reader, data)

    monkeypatch.setattr(h11.Connection, "receive_data", counted)
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n" + bytes(6000)
    read(*[(GET, said)] * 300)
    few = sum(fed)
    fed.clear()
    read(*[(GET, said)] * 1200)
    assert sum(fed) < 6 * few  # four times as many cost four times as much, and not sixteen times
