"""The bytes that the checks send: exactly what is written, with the framing that the check chose."""

import pytest

from labs.capture import parser
from labs.conformance.messages import HELLO, ask, chunked, say


def test_a_request_is_what_is_written() -> None:
    assert (
        ask("GET /a", "X: \xe9", "X: 2") == b"GET /a HTTP/1.1\r\nHost: front.test\r\nX: \xe9\r\nX: 2\r\n\r\n"
    )
    assert ask("GET / HTTP/1.0", host=None) == b"GET / HTTP/1.0\r\n\r\n"
    assert ask("PUT /", body=b"raw").endswith(b"Host: front.test\r\n\r\nraw"), "the framing is the check's"


@pytest.mark.parametrize("field", ["Content-Length: 9", "content-length: 0", "Transfer-Encoding: chunked"])
def test_an_answer_gets_a_length_unless_it_is_framed(field: str) -> None:
    assert say("200 OK", body=b"abc") == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    assert say("200 OK", field, body=b"abc") == f"HTTP/1.1 200 OK\r\n{field}\r\n\r\nabc".encode()
    assert say("204 No Content") == b"HTTP/1.1 204 No Content\r\n\r\n"


def test_chunks_end_unless_they_are_to_be_cut() -> None:
    assert chunked(b"abc", b"0123456789") == b"3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n"
    assert chunked(b"abc", end=False) == b"3\r\nabc\r\n"
    assert chunked(trailers="X: 1\r\n") == b"0\r\nX: 1\r\n\r\n"


def test_a_hello_is_a_whole_answer() -> None:
    asked = ask("GET /")
    (told,) = parser.parse(asked, HELLO, [(0, 0)], True)[1]
    assert (told.message.status, told.message.body, told.message.complete) == (200, b"hello", True)
    assert not told.message.problem and not told.message.surplus
