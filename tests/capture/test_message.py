"""One definition of where a head ends, for all who ask."""

import pytest

from labs.capture.message import Message, end_of_head
from labs.capture.parser import parse
from labs.capture.recording import Event, Recording
from labs.capture.trace import told


@pytest.mark.parametrize(
    ("raw", "head"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nx\r\n\r\ny", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (b"GET / HTTP/1.1\nHost: a\n\nx\n\ny", b"GET / HTTP/1.1\nHost: a\n\n"),  # RFC 9112 section 2.2
        (b"GET / HTTP/1.1\nHost: a\n\r\nx", b"GET / HTTP/1.1\nHost: a\n\r\n"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\nx", b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
        (b"\r\n\r\nGET / HTTP/1.1\r\n\r\nx", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    ],
)
def test_a_head_ends_with_its_empty_line(raw: bytes, head: bytes) -> None:
    assert end_of_head(raw) == len(head)
    message = Message("request", "GET / HTTP/1.1", raw=raw)
    assert (message.head, message.framed) == (head, raw[len(head) :])


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n\r\nGET / HTTP/1.1\r\n"]
)
def test_a_head_that_does_not_end_is_all_there_is(raw: bytes) -> None:
    assert end_of_head(raw) is None
    message = Message("request", "", raw=raw, complete=False)
    assert (message.head, message.framed) == (raw, b"")


def test_a_tunnel_has_no_head() -> None:
    message = Message("tunnel", "", body=b"a\r\n\r\nb", raw=b"a\r\n\r\nb")
    assert (message.head, message.framed) == (b"", b"a\r\n\r\nb")


def test_the_parser_the_dump_and_the_har_see_the_same_head() -> None:
    head = b"\r\n\r\nPOST / HTTP/1.1\nHost: a\nContent-Length: 2\n\n"
    ((spoken,), _) = parse(head + b"xy", b"", [(0, 0)], False)
    assert spoken.message.head == head and spoken.message.framed == spoken.message.body == b"xy"
    assert spoken.message.field("Content-Length") == "2"
    recording = Recording()
    recording.note(recording.call("client", "a"), Event.HEARD, head + b"xy")
    trace = told(recording)
    assert r"Content-Length: 2\n" in trace.bytes().splitlines()[-3]
    (entry,) = trace.har()["log"]["entries"]  # type: ignore[index]
    assert (entry["request"]["headersSize"], entry["request"]["bodySize"]) == (len(head), 2)
