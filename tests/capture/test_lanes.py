"""The picture in characters is exact: these texts are what a reader sees, to the character."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest

from labs.capture.lanes import NARROWEST, WIDEST
from labs.capture.parser import Message
from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.show.page import Page
from labs.show.volatile import DECLARED


def asks(start: str, *fields: tuple[str, str], body: bytes = b"") -> Message:
    return message("request", f"{start} HTTP/1.1", fields, body)


def says(start: str, *fields: tuple[str, str], body: bytes = b"", **more: object) -> Message:
    return message("answer", f"HTTP/1.1 {start}", fields, body, **more)


Fields = tuple[tuple[str, str], ...]


def message(kind: str, start: str, fields: Fields, body: bytes, **more: object) -> Message:
    head = "".join([f"{start}\r\n", *(f"{name}: {value}\r\n" for name, value in fields), "\r\n"])
    return Message(kind, start, fields, body, head.encode("latin-1") + body, **more)  # type: ignore[arg-type]


def trace(*steps: tuple[str, str, Message | str]) -> Trace:
    said = tuple(
        Said(who, whom, None, what, n % 2, n, 0.0)
        if isinstance(what, str)
        else Said(who, whom, what, "", n % 2, n, 0.0)
        for n, (who, whom, what) in enumerate(steps)
    )
    return Trace(said, tuple(dict.fromkeys(name for it in said for name in (it.who, it.whom))))


POST, GET = asks("POST /page", body=b"order"), asks("GET /page")
FOUND, OK = says("302 Found", ("Location", "http://origin.test/page")), says("200 OK")


# ── golden texts ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_redirect() -> None:
    shown = trace(
        ("client", "front", POST),
        ("front", "client", FOUND),
        ("client", "origin", GET),
        ("origin", "client", OK),
    ).lanes()
    expected = """\
client            front           origin
│─── POST /page ─▶│               │
│◀── 302 Found ───│               │
│─────────── GET /page ──────────▶│
│◀──────────── 200 OK ────────────│"""
    assert shown == expected


def test_a_proxy() -> None:
    shown = trace(
        ("client", "front", POST),
        ("front", "origin", POST),
        ("origin", "front", OK),
        ("front", "client", OK),
    ).lanes()
    expected = """\
client            front             origin
│─── POST /page ─▶│                 │
│                 │─── POST /page ─▶│
│                 │◀──── 200 OK ────│
│◀──── 200 OK ────│                 │"""
    assert shown == expected


def test_refused_and_nobody() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "origin", "refused"),
        ("front", "client", says("502 Bad Gateway")),
        ("client", "nobody", "unknown name"),
    ).lanes()
    expected = """\
client                 front                   origin          nobody
│───── GET /page ─────▶│                       │               │
│                      │─── connect: refused ─✗│               │
│◀─ 502 Bad Gateway ───│                       │               │
│─────────────────── connect: unknown name ───────────────────✗│"""
    assert shown == expected


def test_closed_and_reset() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "client", "closed"),
        ("client", "front", GET),
        ("front", "client", "reset"),
        ("client", "front", GET),
        ("client", "front", "closed"),
    ).lanes()
    expected = """\
client           front
│── GET /page ──▶│
│✗─── closed ────│
│── GET /page ──▶│
│✗─── reset ─────│
│── GET /page ──▶│
│──── closed ───✗│"""
    assert shown == expected


def test_surplus() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "client", says("200 OK", surplus=b"x" * 23)),
        ("front", "client", says("200 OK", surplus=b"x")),
    ).lanes()
    expected = """\
client                           front
│────────── GET /page ──────────▶│
│◀─ 200 OK + 23 surplus bytes ───│
│◀── 200 OK + 1 surplus byte ────│"""
    assert shown == expected


def test_four_parties() -> None:
    shown = trace(
        ("client", "a", GET),
        ("a", "b", GET),
        ("b", "c", GET),
        ("c", "b", OK),
        ("client", "c", GET),
        ("c", "a", OK),
    ).lanes()
    expected = """\
client           a                b                c
│── GET /page ──▶│                │                │
│                │── GET /page ──▶│                │
│                │                │── GET /page ──▶│
│                │                │◀─── 200 OK ────│
│─────────────────── GET /page ───────────────────▶│
│                │◀──────────── 200 OK ────────────│"""
    assert shown == expected


def test_fields_stand_under_their_arrow() -> None:
    shown = trace(
        ("client", "front", asks("GET /page", ("Cookie", "a=1"), ("cookie", "b=2"))),
        ("front", "client", FOUND),
        ("client", "origin", asks("GET /page", ("Cookie", "a rather long cookie that needs room"))),
        ("origin", "front", says("200 OK", ("Set-Cookie", "in the last column"))),
    ).lanes("Location", "Cookie", "Set-Cookie")
    expected = """\
client                              front                            origin
│──────────── GET /page ───────────▶│                                │
│ Cookie: a=1                       │                                │
│ Cookie: b=2                       │                                │
│◀─────────── 302 Found ────────────│                                │
│ Location: http://origin.test/page │                                │
│──────────────────────────── GET /page ────────────────────────────▶│
│ Cookie: a rather long cookie that needs room                       │
│                                   │◀─────────── 200 OK ────────────│
│                                   │ Set-Cookie: in the last column │"""
    assert shown == expected


def test_what_one_says_to_oneself() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "front", GET),
        ("front", "front", says("508 Loop Detected", ("Via", "front"))),
        ("front", "front", "refused"),
        ("front", "origin", GET),
    ).lanes("Via")
    expected = """\
client           front                    origin
│── GET /page ──▶│                        │
│                │ ↺ GET /page            │
│                │ ↺ 508 Loop Detected    │
│                │ Via: front             │
│                │ ✗ connect: refused     │
│                │────── GET /page ──────▶│"""
    assert shown == expected


def test_one_party_alone() -> None:
    assert trace(("front", "front", GET)).lanes() == "front\n│ ↺ GET /page"


def test_wide_names() -> None:
    name = "a name much wider than its column"
    shown = trace(("client", name, GET), (name, "客户", GET), ("客户", "z", GET)).lanes()
    expected = """\
client           a name much wider than its column  客户             z
│── GET /page ──▶│                                  │                │
│                │─────────── GET /page ───────────▶│                │
│                │                                  │── GET /page ──▶│"""
    assert shown == expected


def test_a_long_label_ends_in_dots() -> None:
    target = "/" + "x" * 200
    shown = trace(("client", "front", asks(f"GET {target}")), ("front", "client", FOUND)).lanes()
    names, arrow, answer = shown.split("\n")
    assert re.fullmatch("│─+ GET /x{40,}… ─*▶│", arrow)
    assert len(arrow) == len(answer) == WIDEST + 1 and names.index("front") == WIDEST


def test_a_long_value_ends_in_dots() -> None:
    long = ("X", "y" * 200)
    shown = trace(
        ("client", "front", asks("GET /", long)),
        ("front", "origin", asks("GET /", long)),
        ("front", "front", asks("GET /", long)),
        ("origin", "client", says("200 OK", long)),
        ("origin", "origin", asks("GET /", long)),
    ).lanes("X")
    first, second, third, fourth, fifth = (line for line in shown.split("\n") if "X: y" in line)
    assert re.fullmatch("│ X: y+… │ +│", first) and re.fullmatch("│ +│ X: y+… │", second)
    assert third == second
    assert re.fullmatch("│ X: y{100,}… │", fourth)  # over both columns
    assert re.fullmatch("│ +│ +│ X: y+…", fifth)


def test_control_characters_do_not_break_a_line() -> None:
    said = Message("answer", "HTTP/1.1 200 O\x85K", (("X", "a\0b\rc\x1b"),), problem="!")
    shown = trace(("client", "front", said)).lanes("X")
    assert len(shown.splitlines()) == 3
    assert "200 O·K (malformed)" in shown and "X: a\\x00b\\rc\\x1b" in shown


def test_a_page_is_its_own_text() -> None:
    page = Page("a < b & c")
    assert repr(page) == str(page) == "a < b & c"
    assert "a &lt; b &amp; c</pre>" in page._repr_html_()


# ── any conversation ──────────────────────────────────────────────────────────────────────────────────────


def conversation(chance: random.Random) -> Trace:
    names = ["client", "front.test", "a long name for an origin", "x", "客户端"][: chance.randint(1, 5)]
    steps: list[tuple[str, str, Message | str]] = []
    for n in range(chance.randint(1, 12)):
        field = ("X", "v" * chance.choice([1, 20, 90]))
        whats: list[Message | str] = [
            asks(f"GET /{n}{'x' * chance.choice([0, 9, 80])}", field),
            says(f"{200 + n} OK", field, surplus=b"x" * chance.choice([0, 0, 12])),
            "refused",
            "closed",
        ]
        what = chance.choice(whats)
        steps.append((chance.choice(names), chance.choice(names), what))
    return trace(*steps)


def cells(line: str) -> str:
    """Give a wide character the two places that it takes."""
    return "".join(it + "\0" * (unicodedata.east_asian_width(it) in "WF") for it in line)


def test_lifelines_stand_in_columns_unless_an_arrow_covers_them() -> None:
    chance = random.Random(4)
    for _ in range(300):
        it = conversation(chance)
        names, *lines = it.lanes("X").split("\n")
        at = [cells(names).index(cells(name)) for name in it.parties]
        assert all(b - a >= NARROWEST for a, b in zip(at, at[1:], strict=False))
        rows = iter(lines)
        for said in it.said:
            left, right = sorted((it.parties.index(said.who), it.parties.index(said.whom)))
            fields = [] if said.message is None else said.message.all("X")
            for under in (False, *[True] * len(fields)):
                line = next(rows).ljust(at[-1] + 1)
                for n, x in enumerate(at):
                    if not left < n < right:
                        assert line[x] == "│", f"\n{it.lanes('X')}\n{line!r}"
                assert under == (" X: v" in line)
        assert not list(rows)


def test_every_label_appears() -> None:
    chance = random.Random(5)
    for _ in range(300):
        it = conversation(chance)
        lines = [line for line in it.lanes("X").split("\n")[1:] if " X: " not in line]
        for said, line in zip(it.said, lines, strict=True):
            label = said.label if len(said.label) < 40 else said.label[:40]
            assert f" {label}" in line
            if said.who != said.whom:
                ends = "✗" if said.event else "▶◀"
                assert any(end in line for end in ends)


# ── bytes ─────────────────────────────────────────────────────────────────────────────────────────────────

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
