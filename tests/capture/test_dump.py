"""The dump shows every byte: line ends as escapes, binary as hex, and what changes made stable."""

from __future__ import annotations

import pytest

from labs.capture.parser import Message
from labs.show.volatile import DECLARED
from tests.capture.support import FOUND, POST, asks, says, trace

DATE = ("Date", "Mon, 02 Jan 2023 03:04:05 GMT")
SERVER = ("Server", "Python/3.11 aiohttp/3.14.5")
MOVED = says("302 Found", ("Location", "http://127.0.0.1:54321/page"), DATE, SERVER, body=b"moved\n")


def shown(*messages: Message | str, body: int = 256) -> str:
    return trace(*(("front", "client", it) for it in messages)).bytes(body=body)


def test_bytes_shows_line_ends_and_makes_stable_what_it_declares() -> None:
    expected = f"""\
front → client, connection 1
    HTTP/1.1 302 Found\\r\\n
    Location: http://127.0.0.1:<port>/page\\r\\n
    Date: <date>\\r\\n
    Server: Python/<version> aiohttp/<version>\\r\\n
    \\r\\n
    moved\\n

front → client, connection 2
    POST /page HTTP/1.1\\r\\n
    \\r\\n
    order

{DECLARED}"""
    assert shown(MOVED, POST) == expected


def test_what_is_not_replaced_is_not_declared() -> None:
    assert DECLARED not in shown(POST, FOUND)
    assert DECLARED in shown(MOVED)
    assert DECLARED not in trace(("front", "client", MOVED)).lanes("Content-Length")
    lanes = trace(("front", "client", MOVED)).lanes("Date")
    assert lanes.endswith(f"│ Date: <date>   │\n\n{DECLARED}")


@pytest.mark.parametrize(
    "other",
    [
        says("302 Found", ("Location", "http://127.0.0.1:54321/pagE"), DATE, SERVER, body=b"moved\n"),
        says("302 Found", ("Location", "http://127.0.0.2:54321/page"), DATE, SERVER, body=b"moved\n"),
        says("302 Found", ("Location", "http://localhost:54321/page"), DATE, SERVER, body=b"moved\n"),
        says("302 Found", ("Location", "https://127.0.0.1:54321/page"), DATE, SERVER, body=b"moved\n"),
        says("302 Found", ("Location", "http://127.0.0.1:8080/page"), DATE, SERVER, body=b"moved\n"),
        says("303 Found", *MOVED.fields, body=b"moved\n"),
        says("302 found", *MOVED.fields, body=b"moved\n"),
        says("302 Found", *MOVED.fields, body=b"moved\n\n"),
        says("302 Found", *MOVED.fields, body=b"moved\r\n"),
        says("302 Found", *MOVED.fields, body=b"Moved\n"),
        says("302 Found", *MOVED.fields[::-1], body=b"moved\n"),
        says("302 Found", *MOVED.fields, DATE, body=b"moved\n"),
        says("302 Found", *MOVED.fields[:2], ("Server", "Python/3.11"), body=b"moved\n"),
        says("302 Found", *MOVED.fields[:2], ("server", SERVER[1]), body=b"moved\n"),
        says("302 Found", MOVED.fields[0], ("Date", "yesterday"), SERVER, body=b"moved\n"),
        says("302 Found", MOVED.fields[0], ("X-Date", DATE[1]), SERVER, body=b"moved\n"),
        says("302 Found", *MOVED.fields, body=b"moved\n", complete=False),
        says("302 Found", *MOVED.fields, body=b"moved\n", surplus=b"!"),
        says("302 Found", *MOVED.fields, body=b"moved\n", problem="!"),
    ],
)
def test_a_planted_difference_survives(other: Message) -> None:
    assert shown(other) != shown(MOVED)


def test_what_differs_from_run_to_run_does_not() -> None:
    later = ("Date", "Tue, 03 Jan 2023 03:04:05 GMT")
    server = ("Server", "Python/3.13 aiohttp/4.0.0a1")
    again = says("302 Found", ("Location", "http://127.0.0.1:45678/page"), later, server, body=b"moved\n")
    assert shown(again) == shown(MOVED)


def test_a_field_without_a_space_is_made_stable_too() -> None:
    raw = b"HTTP/1.1 200 OK\r\nDate:Mon, 02 Jan 2023 03:04:05 GMT\r\n\r\n"
    assert "Date:<date>\\r\\n" in shown(Message("answer", "HTTP/1.1 200 OK", raw=raw))
    cut = b"HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2023 03:04:05 GMT\r\nServ"
    assert "Date: <date>\\r\\n" in shown(Message("answer", "HTTP/1.1 200 OK", raw=cut, complete=False))
    key = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: abc==\r\n\r\n"
    assert "Sec-WebSocket-Key: <key>\\r\\n" in shown(Message("request", "GET / HTTP/1.1", raw=key))


def test_line_feeds_alone_are_seen() -> None:
    page = shown(Message("answer", "HTTP/1.1 200 OK", raw=b"HTTP/1.1 200 OK\nX: \0\n\nbody"))
    assert page.split("\n")[1:] == ["    HTTP/1.1 200 OK\\n", "    X: \\x00\\n", "    \\n", "    body"]


def test_the_bytes_of_a_head_can_be_told_from_what_is_shown() -> None:
    values = {
        b"\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4": "한국어",
        b"caf\xc3\xa9": "café",
        b"caf\xe9": r"caf\xe9",
        rb"caf\xe9": r"caf\\xe9",
        b"\xe9 \xed\x95\x9c": r"\xe9 한",
        b"\x00\t\x1b[31m": r"\x00\t\x1b[31m",
        b"\xc2\x85 \x85": r"\xc2\x85 \x85",
        "\u202eabc".encode(): r"\xe2\x80\xaeabc",
        b"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9": "\U0001f468\u200d\U0001f469",
    }
    pages = set()
    for raw, words in values.items():
        page = shown(Message("answer", "HTTP/1.1 200 OK", raw=b"HTTP/1.1 200 OK\r\nX: " + raw + b"\r\n\r\n"))
        assert page.split("\n")[2] == f"    X: {words}\\r\\n"
        pages.add(page)
    assert len(pages) == len(values)


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"한국어 {FAMILY}!", f"한국어 {FAMILY}!"),
        ("e\u0301 \u3000 \U0001fae8", "e\u0301 \u3000 \U0001fae8"),
        ("zero\u200bwidth", r"zero\xe2\x80\x8bwidth"),
        ("\ufeffmark", r"\xef\xbb\xbfmark"),
        (r"a\x1bb", r"a\\x1bb"),
        ("a\tb", "a\tb"),
    ],
)
def test_text_stays_text(text: str, words: str) -> None:
    assert shown(says("200 OK", body=text.encode())).endswith(f"\\r\\n\n    {words}")


@pytest.mark.parametrize("data", [bytes(range(20)), b"caf\xe9", b"a\x1b[31m", b"x" * 300 + b"\xff"])
def test_binary_is_shown_as_hex(data: bytes) -> None:
    lines = shown(says("200 OK", body=data), body=1000).split("\n    \\r\\n\n")[1].split("\n")
    rows = [line[4:51].strip() for line in lines]
    assert bytes.fromhex(" ".join(rows)) == data
    assert all(line[53:].isprintable() and len(line) <= 4 + 47 + 2 + 16 for line in lines)


def test_binary_beyond_what_is_shown_does_not_hide_a_byte() -> None:
    page = shown(says("200 OK", body=b"ab\xffcd" * 100), body=5)
    assert "61 62 ff 63 64" in page and "[and 495 more bytes]" in page


def test_text_is_cut_between_characters() -> None:
    page = shown(says("200 OK", body="äöü".encode()), body=3)
    assert page.endswith("    ä\n    [and 4 more bytes]")
    assert shown(says("200 OK", body=b"abcd"), body=3).endswith("abc\n    [and 1 more byte]")
    assert shown(says("200 OK", body=b"abc"), body=3).endswith("abc")
    assert shown(says("200 OK", body=b"abc"), body=0).endswith("\\r\\n\n    [and 3 more bytes]")


def test_a_boundary_is_made_stable_in_the_body_too() -> None:
    def upload(boundary: str) -> Message:
        body = f"--{boundary}\r\n\r\norder\r\n--{boundary}--\r\n".encode()
        return asks("POST /", ("Content-Type", f"multipart/form-data; boundary={boundary}"), body=body)

    one, two = upload("0123456789abcdef"), upload("fedcba9876543210")
    assert "    --<boundary>\\r\\n\n    \\r\\n\n    order\\r\\n\n    --<boundary>--\\r\\n" in shown(one)
    for limit in range(60):  # wherever the body is cut
        assert shown(one, body=limit) == shown(two, body=limit)
    assert "    order\\r\\n\n    --\n    [and 20 more bytes]" in shown(one, body=35)


def test_what_is_wrong_is_said() -> None:
    assert "[malformed: illegal chunk]" in shown(says("200 OK", problem="illegal chunk", complete=False))
    assert shown(says("200 OK", body=b"ha", complete=False)).endswith("    ha\n    [cut short]")
    page = shown(says("200 OK", surplus=b"too\nmuch"))
    assert page.endswith("    [8 surplus bytes that belong to no message]\n    too\\n\n    much")
    assert "[1 surplus byte that belongs to no message]" in shown(says("200 OK", surplus=b"!"))
    assert shown("refused") == "front → client, connection 1\n    refused"
    assert "\n    81 02 0d 0a" in shown(Message("tunnel", "", raw=b"\x81\x02\r\n\r\nDate: x"))


def test_bytes_of_one_speaker() -> None:
    it = trace(("client", "front", POST), ("front", "client", FOUND))
    assert "POST" in it.bytes(who="client") and "302" not in it.bytes(who="client")
    assert "302" in it.bytes(whom="client") and "POST" not in it.bytes(whom="client")
    assert it.bytes(who="nobody") == "(nothing was said)"
