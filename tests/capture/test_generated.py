"""Any bytes, split anyhow: the same trace, a page and never an exception, columns in line, no byte unseen.

The examples are the same in every run, and no test knows the time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.capture.message import Message, end_of_head
from labs.capture.recording import Event, Piece, Recording
from labs.capture.trace import Trace, told
from labs.show.page import visible
from labs.show.volatile import DECLARED
from labs.show.width import cells, fit, wide, wrap
from tests.capture.support import asks, says, trace

SAME = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=list(HealthCheck),  # some of them know the time
)
H, S = Event.HEARD, Event.SAID

words = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HEAD /h HTTP/1.1\nHost: a\n\n",
        b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\norder",
        b"POST / HTTP/1.1\r\nHost: a\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        b"GET /\xed\x95\x9c HTTP/1.1\r\nX: caf\xe9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\nok",
        b"HTTP/1.1 200 \xec\xa2\x8b\xec\x95\x84\xec\x9a\x94\r\nX: \xe9\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;e=\xff\r\nabc\r\n0\r\nT: \xe9\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=\xff\r\n",
        b"\r\n",
        b"\n\r\n",
        b"\x16\x03\x01",
        b"Date: Mon, 02 Jan 2023 03:04:05 GMT\r\n",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467".encode(),
    ]
)
some_bytes = st.lists(words | st.binary(max_size=20), max_size=4).map(b"".join)
turns = st.lists(st.tuples(some_bytes, some_bytes), max_size=4)
ends = st.sampled_from([None, Event.SERVER_CLOSED, Event.CLIENT_CLOSED, Event.RESET])


def recorded(steps: list[tuple[Event, bytes]], end: Event | None, keep: int = 1 << 20) -> Trace:
    """Record steps of one connection as the tap does: of each direction the first `keep` bytes."""
    recording, room = Recording(keep), {H: keep, S: keep}
    recording.call("client", "origin", host="origin.test", port=81, secure=bool(keep % 2))
    for kind, data in steps:
        kept = data[: room[kind]]
        room[kind] -= len(kept)
        recording.pieces.append(Piece(0, kind, kept, len(data), 0.0))
    if end:
        recording.note(0, end)
    return told(recording)


def steps_of(talk: list[tuple[bytes, bytes]]) -> list[tuple[Event, bytes]]:
    return [(kind, data) for heard, said in talk for kind, data in ((H, heard), (S, said)) if data]


def split(steps: list[tuple[Event, bytes]], chance: Any) -> list[tuple[Event, bytes]]:
    """Cut each step into pieces anywhere."""
    pieces = []
    for kind, data in steps:
        places = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(0, 6)))
        cut = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
        pieces += [(kind, it) for it in cut if it]
    return pieces


def seen(it: Trace) -> list[tuple[object, ...]]:
    return [(one.who, one.whom, one.event, one.message) for one in it.said]


@SAME
@given(turns, ends, st.randoms(use_true_random=False))
def test_any_split_of_the_same_bytes_gives_the_same_trace(
    talk: list[tuple[bytes, bytes]], end: Event | None, chance: Any
) -> None:
    steps = steps_of(talk)
    whole = recorded(steps, end)
    single = [(kind, data[n : n + 1]) for kind, data in steps for n in range(len(data))]
    for pieces in (split(steps, chance), single):
        parts = recorded(pieces, end)
        assert seen(parts) == seen(whole)
        assert (parts.lanes("Host", "X"), parts.bytes()) == (whole.lanes("Host", "X"), whole.bytes())
    for kind, who in ((H, "client"), (S, "origin")):
        messages = [it.message for it in whole.said if it.message and it.who == who]
        crossed = b"".join(data for it, data in steps if it is kind)
        assert b"".join(it.raw + it.surplus for it in messages) == crossed


def views(it: Trace, limit: int) -> list[str]:
    pages = [repr(it), it.lanes("Host", "X", "Content-Type", "Date"), it.bytes(body=limit)]
    return [*pages, *(one.label for one in it.said)]


@SAME
@given(turns, ends, st.integers(0, 120), st.integers(0, 60))
def test_any_bytes_give_a_page_and_never_an_exception(
    talk: list[tuple[bytes, bytes]], end: Event | None, keep: int, limit: int
) -> None:
    for it in (recorded(steps_of(talk), end, keep), recorded(steps_of(talk), end)):
        for page in views(it, limit):
            page.encode("utf-8")  # no half of a character
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)
        json.dumps(it.har(), ensure_ascii=False).encode("utf-8")
        entries = it.har()["log"]["entries"]  # type: ignore[index]
        assert len(entries) == len(it.requests())
    crossed = {kind: sum(len(data) for it, data in steps_of(talk) if it is kind) for kind in (H, S)}
    short = recorded(steps_of(talk), end, keep)
    for kind, who in ((H, "client"), (S, "origin")):
        messages = [it.message for it in short.said if it.message and it.who == who]
        assert sum(len(it.raw) + len(it.surplus) for it in messages) == crossed[kind]
        if crossed[kind] > keep:
            assert any(it.lost for it in messages) and "not recorded further" in short.bytes()


signs = st.sampled_from(
    ["a", "한", "e\u0301", "\u0301", "\U0001f468\u200d\U0001f469", "\u200b", "…", "\x1b", "é", " "]
)
texts = st.lists(signs | st.characters(codec="utf-8"), max_size=12).map("".join)
lines = texts.map(lambda it: re.sub(r"[\r\n]", "", it))


@SAME
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), lines, lines), min_size=1, max_size=5), texts)
def test_columns_stay_in_line(steps: list[tuple[int, int, str, str]], name: str) -> None:
    names = ["client", f"{name}한국", "e\u0301\U0001f468\u200d\U0001f469", "x"]
    makes: list[Callable[..., Message]] = [asks, says]
    steps_ = [
        (names[a], names[b], makes[n % 2](f"GET /{target}" if n % 2 == 0 else f"200 {target}", ("X", value)))
        for n, (a, b, target, value) in enumerate(steps)
    ]
    it = trace(*steps_)
    header, *rows = it.lanes("X").removesuffix(f"\n\n{DECLARED}").split("\n")
    at: list[int] = []
    whole = cells(header)
    begin = 0
    for party in it.parties:
        shown = cells(visible(party))
        at.append(next(x for x in range(begin, len(whole)) if whole[x : x + len(shown)] == shown))
        begin = at[-1] + len(shown)
    for n, said in enumerate(it.said):
        left, right = sorted((it.parties.index(said.who), it.parties.index(said.whom)))
        for row in rows[2 * n : 2 * n + 2]:
            places = cells(row)
            places += [" "] * (at[-1] + 1 - len(places))
            for column, x in enumerate(at):
                if not left < column < right:
                    assert places[x][:1] == "│", f"\n{it.lanes('X')}"
    assert len(rows) == 2 * len(it.said)


@SAME
@given(texts, st.integers(2, 30))
def test_no_sign_is_cut_and_no_line_too_wide(text: str, columns: int) -> None:
    assert "".join(cells(text)) == text
    assert wide(fit(text, columns)) <= max(columns, 0)
    assert all(wide(line) <= columns for line in wrap(text, columns))


ESCAPE = re.compile(r"\\(x([0-9a-f]{2})|.)", re.DOTALL)
NAMED = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}


def unshown(page: str) -> bytes:
    """Give back the bytes from the lines of a block of the dump."""
    data, place = b"", 0
    for found in ESCAPE.finditer(page):
        data += page[place : found.start()].encode()
        data += bytes.fromhex(found[2]) if found[2] else NAMED[found[1]]
        place = found.end()
    return data + page[place:].encode()


@SAME
@given(st.lists(some_bytes | texts.map(str.encode), max_size=3).map(b"\n".join))
def test_the_bytes_of_a_head_can_be_read_from_the_page(lines_: bytes) -> None:
    raw = b"GET / HTTP/1.1\r\n" + re.sub(rb"\n\r?\n", b"\n", re.sub(rb"(?i)date|type", b"", lines_)) + b"\n\n"
    raw = raw[: end_of_head(raw)]
    page = trace(("client", "origin", Message("request", "GET / HTTP/1.1", raw=raw))).bytes()
    shown = "".join(line.removeprefix("    ") for line in page.split("\n")[1:])
    assert unshown(shown) == raw
