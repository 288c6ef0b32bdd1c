"""The head of an answer, read strictly: what it says of its body and its connection, or why it is none."""

import pytest

from labs.gateway.head import CHUNKED, UNTIL_CLOSE, Head, final, head_of
from labs.gateway.leg import Fields, Malformed


def head(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK", method: bytes = b"GET") -> Head:
    return head_of(b"\r\n".join((start, *lines, b"", b"")), method)


def test_fields_keep_their_bytes_their_case_and_their_place() -> None:
    read = head(b"X-B: \xe9 b\t", b"x-a:1", b"X-B:", start=b"HTTP/1.1 299 Very \xe9")
    assert (read.status, read.reason) == (299, b"Very \xe9")
    assert read.fields == [(b"X-B", b"\xe9 b"), (b"x-a", b"1"), (b"X-B", b"")]
    assert head(start=b"HTTP/1.1 200").reason == head(start=b"HTTP/1.1 200 ").reason == b""


@pytest.mark.parametrize(
    ("lines", "framing"),
    [
        ((b"Content-Length: 5",), 5),
        ((b"Content-Length: 5, 5",), 5),
        ((b"Content-Length: 5", b"content-length: 5"), 5),
        ((b"Transfer-Encoding: Chunked",), CHUNKED),
        ((b"Content-Length: 5", b"Transfer-Encoding: chunked"), CHUNKED),
        ((), UNTIL_CLOSE),
    ],
)
def test_the_framing_is_that_of_rfc_9112_section_6_3(lines: tuple[bytes, ...], framing: int) -> None:
    assert head(*lines).framing == framing
    for start in (b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 103 Early Hints"):
        assert head(*lines, start=start).framing == 0
    assert head(*lines, method=b"HEAD").framing == 0


@pytest.mark.parametrize(
    ("start", "lines", "stays"),
    [
        (b"HTTP/1.1 200 OK", (b"Content-Length: 0",), True),
        (b"HTTP/1.1 200 OK", (b"Content-Length: 0", b"Connection: x, Close"), False),
        (b"HTTP/1.1 200 OK", (b"Transfer-Encoding: chunked",), True),
        (b"HTTP/1.1 200 OK", (), False),
        (b"HTTP/1.1 200 OK", (b"Content-Length: 5", b"Transfer-Encoding: chunked"), False),
        (b"HTTP/1.0 200 OK", (b"Content-Length: 0",), False),
        (b"HTTP/1.0 200 OK", (b"Content-Length: 0", b"Connection: Keep-Alive"), True),
        (b"HTTP/1.0 200 OK", (b"Connection: keep-alive", b"Connection: close"), False),
    ],
)
def test_a_connection_outlives_an_answer_or_not(start: bytes, lines: tuple[bytes, ...], stays: bool) -> None:
    assert head(*lines, start=start).stays is stays


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 two OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/2 200 OK",
        b"http/1.1 200 OK",
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1 200 O\0K",
        b"200 OK",
    ],
)
def test_what_is_no_status_line_is_malformed(start: bytes) -> None:
    with pytest.raises(Malformed, match="not the head of an answer"):
        head(b"Content-Length: 0", start=start)


@pytest.mark.parametrize(
    "line",
    [b"X : 1", b" X: 1", b"X: 1\r\n folded", b"X: a\0b", b"X: a\rb", b"X", b": 1", b"X\xe9: 1", b"X: 1\n"],
)
def test_what_is_no_field_is_malformed(line: bytes) -> None:
    with pytest.raises(Malformed, match="not the head of an answer"):
        head(line)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK", b"HTTP/1.1 204 No Content"])
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((b"Content-Length: two",), "bad Content-Length: b'two'"),
        ((b"Content-Length: +2",), "bad Content-Length"),
        ((b"Content-Length: ",), "bad Content-Length"),
        ((b"Content-Length: 1, 2",), "bad Content-Length: b'1,  2'"),
        ((b"Content-Length: 1", b"Content-Length: 2"), "bad Content-Length"),
        ((b"Content-Length: 1" + b"0" * 18,), "bad Content-Length"),
        ((b"Transfer-Encoding: gzip, chunked",), "a transfer coding that was not asked for"),
        ((b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), "a transfer coding"),
    ],
)
def test_a_framing_that_can_be_read_in_two_ways_is_malformed(
    lines: tuple[bytes, ...], words: str, start: bytes
) -> None:
    with pytest.raises(Malformed, match=words):
        head(*lines, start=start)


def test_chunks_are_none_of_http_1_0() -> None:
    with pytest.raises(Malformed, match=r"Transfer-Encoding in HTTP/1\.0"):
        head(b"Transfer-Encoding: chunked", start=b"HTTP/1.0 200 OK")


def test_a_higher_minor_version_is_read_as_1_1() -> None:
    read = head(b"Content-Length: 0", start=b"HTTP/1.7 200 OK")
    assert read.stays
    assert read.whole == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "plainer"),
    [
        ((b"A: 1", b"Content-Length: 5", b"content-length: 5"), b"A: 1\r\nContent-Length: 5\r\n"),
        ((b"Content-Length: 5, 5", b"A: 1"), b"A: 1\r\nContent-Length: 5\r\n"),
        ((b"Content-Length: 5", b"Transfer-Encoding: chunked"), b"Transfer-Encoding: chunked\r\n"),
    ],
)
def test_what_is_said_twice_stands_in_a_plainer_head_once(lines: tuple[bytes, ...], plainer: bytes) -> None:
    read = head(*lines)
    assert read.whole == b"HTTP/1.1 200 OK\r\n" + plainer + b"\r\n"
    assert b"".join(b"%b: %b\r\n" % field for field in read.fields) == plainer


def test_a_head_that_is_plain_is_left_alone() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length:5\r\n\r\n"
    assert head_of(data, b"GET").whole == data


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_the_final_head_is_found_in_pieces_of_any_size(step: int) -> None:
    hints: list[tuple[int, bytes, Fields]] = []
    data = HINT + HINT + OK + b"ok"
    held, read = b"", None
    for at in range(0, len(data), step):
        read, held = final(held + data[at : at + step], b"GET", 100, lambda *hint: hints.append(hint))
        if read is not None:
            held += data[at + step :]
            break
    assert read and (read.status, held) == (200, b"ok")
    assert hints == [(103, b"Early Hints", [(b"Link", b"<x>")])] * 2


def test_101_is_final() -> None:
    read, rest = final(b"HTTP/1.1 101 Go\r\n\r\nhello", b"GET", 100, lambda *hint: None)
    assert read and (read.status, rest) == (101, b"hello")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.1 200 OK\n", "ends in LF alone"),
        (b"HTTP/1.1 200 OK\r\nX: 1\nY", "ends in LF alone"),
        (b"HTTP/1.1 200 OK\n\nbody", "ends in LF alone"),
        (b"HTTP/1.1 200 OK\nX: 1\n\nbody\r\n\r\n", "not the head of an answer"),
        (b"garbage", "no head of an answer"),
        (b"\r\n", "no head of an answer"),
        (b"HTTP/1.1 200 " + b"x" * 100, "no head of an answer in 100 bytes"),
    ],
)
def test_what_cannot_become_a_head_is_refused_at_once(data: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        final(data, b"GET", 100, lambda *hint: None)


@pytest.mark.parametrize("data", [b"H", b"HTTP/1.", b"HTTP/1.1 200 OK\r", b"HTTP/1.1 200 OK\r\nX", b""])
def test_what_may_become_a_head_is_kept(data: bytes) -> None:
    assert final(data, b"GET", 100, lambda *hint: None) == (None, data)
