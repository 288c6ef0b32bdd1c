"""Who said what to whom, in order; and what happened where nothing was said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

import pytest
from aiohttp import ClientError, ClientSession

from labs.capture.parser import Message
from labs.capture.part import NotKept, Part, kept
from labs.capture.recording import Event, Piece, Recording
from labs.capture.said import Said
from labs.capture.trace import Trace, told
from labs.town.town import Town

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"


def recorded(*steps: tuple[int, Event, bytes], calls: tuple[tuple[str, str], ...]) -> Trace:
    recording = Recording()
    for who, whom in calls:
        recording.call(who, whom)
    for connection, kind, data in steps:
        recording.note(connection, kind, data)
    return told(recording)


def one(*steps: tuple[Event, bytes]) -> Trace:
    return recorded(*[(0, *step) for step in steps], calls=(("client", "origin"),))


def words(trace: Trace) -> list[str]:
    return [f"{it.who} > {it.whom}: {it.label}" for it in trace.said]


H, S = Event.HEARD, Event.SAID


# ── what the recording does not hold ──────────────────────────────────────────────────────────────────────

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("kept", "label", "words"),
    [
        (b"8\r\n1234", "200 OK (not recorded further)", "[not recorded further]"),
        (b"8\r\n12345678\r\n8\r", "200 OK (not recorded further)", "[not recorded further]"),
        (b"?\r\n1234", "200 OK (malformed)", "[malformed: "),
    ],
)
def test_a_message_that_was_not_kept_is_not_malformed(kept: bytes, label: str, words: str) -> None:
    recording = Recording()
    recording.call("client", "origin")
    recording.note(0, H, GET % 1)
    recording.note(0, S, CHUNKED)
    recording.pieces.append(Piece(0, S, kept, 99, 0.0))  # the rest was counted only
    trace = told(recording)
    assert [it.label for it in trace.said] == ["GET /1", label]
    assert words in repr(trace.bytes(who="origin")) and not trace.answers()[0].complete


MIB = 1 << 20
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n" + bytes(range(1, 251)) + b"x" * 50


def limited(keep: int, *steps: tuple[Event, bytes]) -> Trace:
    """Record steps of one connection as the tap does: of each direction the first `keep` bytes."""
    recording, room = Recording(keep), {H: keep, S: keep}
    recording.call("client", "origin")
    for kind, data in steps:
        kept = data[: room.get(kind, 0)]
        recording.pieces.append(Piece(0, kind, kept, len(data), 0.0))
        room[kind] = room.get(kind, 0) - len(kept)
    return told(recording)


ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n" + b"to the end" * 9
UPLOAD = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n" + b"u" * 200
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
TALKS = [
    [(H, GET % 1), (S, LONG), (H, GET % 2), (S, OK)],
    [(H, GET % 1), (S, CHUNKED + b"12c\r\n" + b"c" * 300 + b"\r\n0\r\n\r\n"), (H, GET % 2), (S, OK)],
    [(H, GET % 1), (S, ENDLESS[:40]), (S, ENDLESS[40:]), (Event.SERVER_CLOSED, b"")],
    [(H, UPLOAD), (S, OK), (H, UPLOAD), (S, OK + b"and surplus" * 9), (H, GET % 3), (S, OK)],
    [(H, UPLOAD[:99]), (S, b"HTTP/1.1 100 Continue\r\n\r\n"), (H, UPLOAD[99:]), (S, LONG[:200])],
    [(H, UPGRADE), (S, SWITCHED + b"hello" * 20), (H, b"\x81\x00" * 40), (S, b"bye")],
    [(H, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), (S, LONG[:42]), (H, GET % 2), (S, LONG), (S, b"!" * 60)],
]


def bytes_of(some: bytes) -> int | None:
    return some.size if isinstance(some, Part) else len(some)


@pytest.mark.parametrize("talk", TALKS)
def test_whatever_is_told_of_what_was_not_kept_is_true(talk: list[tuple[Event, bytes]]) -> None:
    truth = limited(1 << 20, *talk)
    assert not any(it.message and it.message.lost for it in truth.said)
    lost, asked = 0, sum(len(data) for it, data in talk if it is H)
    for keep in range(sum(len(data) for _, data in talk)):
        trace = limited(keep, *talk)
        whole = {(it.order, it.message.start): it.message for it in truth.said if it.message}
        for it in trace.said:
            message = it.message
            if message is None:
                continue
            true = whole.get((it.order, message.start))
            if not message.lost:
                assert true and message == (true if keep >= asked else replace(true, surplus=message.surplus))
                continue
            lost += 1
            if message.headless or message.kind == "tunnel":
                continue
            if true is None:  # surplus, which nobody can tell from an answer without the requests
                assert keep < asked and not message.problem
                continue
            assert (message.kind, message.fields) == (true.kind, true.fields)
            assert message.complete <= true.complete and not message.problem
            assert len(message.raw) == len(true.raw)
            assert len(message.surplus) == len(true.surplus) or keep < asked
            assert bytes_of(message.body) in (None, len(true.body))
            assert true.body.startswith(kept(message.body))
            assert "not recorded further" in it.label or isinstance(message.surplus, Part)
        crossed = {H: 0, S: 0}
        for it in trace.said:
            if it.message:
                kind = H if it.who == "client" else S
                crossed[kind] += len(it.message.raw) + len(it.message.surplus)
        assert crossed == {kind: sum(len(data) for it, data in talk if it is kind) for kind in (H, S)}
    assert lost > 99


def test_an_answer_that_was_counted_is_lost_and_complete() -> None:
    (answer,) = limited(99, (H, GET % 1), (S, LONG)).answers()
    assert (answer.lost, answer.complete, answer.status, len(answer.body)) == (True, True, 200, 300)
    (short,) = limited(99, (H, GET % 1), (S, LONG[:-1])).answers()
    assert (short.lost, short.complete, len(short.body)) == (True, False, 299)


def test_two_bodies_that_differ_beyond_what_was_kept_are_not_equal() -> None:
    one, other = (limited(99, (H, GET % 1), (S, LONG[:-1] + it)) for it in (b"1", b"2"))
    with pytest.raises(NotKept, match="the answer lies in the others"):
        assert one.answers()[0].body == other.answers()[0].body
    with pytest.raises(NotKept):
        assert one == other
    with pytest.raises(NotKept):
        assert one.answers() == other.answers()


def test_a_head_that_was_not_kept_is_no_head() -> None:
    trace = limited(300, (H, GET % 1), (S, LONG), (H, GET % 2), (S, OK))
    second = trace.answers()[1]
    assert (
        second.headless and not second.interim and trace.said[-1].label == "40 bytes (not recorded further)"
    )
    asks: list[Callable[[], object]] = [
        lambda: second.status,
        lambda: second.reason,
        lambda: second.version,
        lambda: second.field("X"),
        lambda: second.all("X"),
        lambda: second.method,
        lambda: second.target,
    ]
    for question in asks:
        with pytest.raises(
            NotKept, match="The head of this answer crossed after all that the recording keeps"
        ):
            question()


def test_the_answer_to_a_request_that_was_not_kept_may_be_whole() -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    steps = [(H, UPLOAD), (S, OK), (H, head), (S, LONG[:42])]
    first, second = limited(99, *steps).answers()
    assert (first.lost, second.lost, second.complete) == (False, True, False)
    assert "[not recorded further]" in limited(99, *steps).bytes(who="origin")
    assert limited(99, *steps).said[-1].label == "200 OK (not recorded further)"
    assert not limited(999, *steps).answers()[1].lost


@pytest.mark.parametrize("keep", [0, 20, 60, 300])
def test_every_view_marks_what_was_not_kept(keep: int) -> None:
    trace = limited(keep, (H, GET % 1), (S, LONG), (S, b"more" * 99))
    for page in (trace.lanes("Content-Length"), trace.bytes(who="origin")):
        assert "not recorded further" in page and "\0" not in page
    archive = json.dumps(trace.har())
    assert "not recorded further" in archive and "\\u0000" not in archive
    (entry,) = trace.har()["log"]["entries"]  # type: ignore[index]
    content, response = entry["response"]["content"], entry["response"]
    if keep == 0:
        assert (entry["request"]["method"], entry["request"]["url"]) == ("", "http://origin/")
        return
    assert entry["request"]["method"] == "GET" if keep > 40 else not entry["request"]["method"]
    assert (response["status"], content["size"]) == ((200, 300) if keep > 40 else (0, 0))
    assert "text" not in content if keep > 40 else response["comment"] == "not recorded further"
    assert response["bodySize"] == (300 if keep > 40 else -1)


def test_an_upload_that_was_not_kept_is_marked_in_the_archive() -> None:
    (entry,) = limited(99, (H, UPLOAD), (S, OK)).har()["log"]["entries"]  # type: ignore[index]
    assert entry["request"]["postData"] == {
        "mimeType": "",
        "text": "",
        "comment": f"not recorded further: {99 - len(UPLOAD) + 200} bytes of it were kept",
    }
    assert entry["request"]["bodySize"] == 200


def test_what_was_not_kept_costs_nothing() -> None:
    recording = Recording(MIB)
    recording.call("client", "origin")
    recording.note(0, H, GET % 1)
    recording.note(0, S, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
    recording.note(0, S, b"x" * MIB)
    for _ in range(1023):
        recording.pieces.append(Piece(0, S, b"", MIB, 0.0))
    tracemalloc.start()
    try:
        trace = told(recording)
        pages = [trace.lanes(), trace.bytes(), json.dumps(trace.har())]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(trace.answers()[0].body) == 1 << 30 and peak < 16 * MIB
    assert all(len(it) < 3000 for it in pages)


# ── order, parties, filters ───────────────────────────────────────────────────────────────────────────────


def proxied() -> Trace:
    return recorded(
        (0, Event.OPENED, b""),
        (0, H, GET % 1),
        (1, Event.OPENED, b""),
        (1, H, GET % 2),
        (1, S, OK),
        (0, S, OK),
        (1, H, GET % 3),
        (1, S, OK),
        (2, Event.REFUSED, b""),
        (3, Event.UNKNOWN_NAME, b""),
        calls=(("client", "front"), ("front", "origin"), ("front", "dead"), ("client", "nobody")),
    )


def test_messages_stand_in_the_order_of_the_recording() -> None:
    trace = proxied()
    assert words(trace) == [
        "client > front: GET /1",
        "front > origin: GET /2",
        "origin > front: 200 OK",
        "front > client: 200 OK",
        "front > origin: GET /3",
        "origin > front: 200 OK",
        "front > dead: refused",
        "client > nobody: unknown name",
    ]
    assert [it.order for it in trace.said] == sorted(it.order for it in trace.said)
    assert [it.connection for it in trace.said] == [0, 1, 1, 0, 1, 1, 2, 3]
    assert trace.parties == ("client", "front", "origin", "dead", "nobody")


def test_filters() -> None:
    trace = proxied()
    assert [it.target for it in trace.requests()] == ["/1", "/2", "/3"]
    assert [it.target for it in trace.requests(who="front")] == ["/2", "/3"]
    assert [it.target for it in trace.requests(whom="front")] == ["/1"]
    assert trace.requests(who="client", whom="origin") == ()
    assert len(trace.answers()) == 3
    assert len(trace.answers(who="origin")) == len(trace.answers(whom="front")) == 2
    assert len(trace.answers(who="front", whom="client")) == 1
    assert trace.events() == ("refused", "unknown name")
    assert trace.events(who="front") == ("refused",) and trace.events(whom="nobody") == ("unknown name",)
    assert trace.connections() == 2  # a refused one is not opened
    assert trace.connections(who="client") == trace.connections(whom="origin") == 1
    assert trace.connections(who="front", whom="dead") == 0


def test_a_message_stands_where_it_begins() -> None:
    trace = recorded(
        (0, H, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"),
        (1, H, GET % 1),
        (0, H, b"ok"),
        (1, S, OK),
        (0, S, OK[:10]),
        (0, S, OK[10:]),
        calls=(("client", "a"), ("client", "b")),
    )
    assert [(it.whom, it.order) for it in trace.said] == [("a", 0), ("b", 1), ("client", 3), ("client", 4)]


def test_pipelined_requests_stand_before_their_answers() -> None:
    trace = one((H, GET % 1 + GET % 2), (S, OK + OK))
    assert words(trace) == [
        "client > origin: GET /1",
        "client > origin: GET /2",
        "origin > client: 200 OK",
        "origin > client: 200 OK",
    ]


def test_time_is_not_compared() -> None:
    message = Message("request", "GET / HTTP/1.1")
    assert Said("a", "b", message, "", 0, 0, 1.0) == Said("a", "b", message, "", 0, 0, 2.0)
    assert Said("a", "b", message, "", 0, 0, 1.0) != Said("a", "b", message, "", 0, 1, 1.0)
    assert proxied() == proxied()


def test_nothing_was_said() -> None:
    trace = recorded(calls=())
    assert trace == Trace((), ())
    assert repr(trace) == trace.lanes() == trace.bytes() == "(nothing was said)"
    assert json.dumps(trace.har())


def test_a_trace_shows_its_lanes() -> None:
    trace = proxied()
    assert repr(trace) == trace.lanes() and trace._repr_html_() == trace.lanes()._repr_html_()


@pytest.mark.parametrize("some", [b"", b"zz"])
def test_what_was_not_kept_is_counted(some: bytes) -> None:
    head = b"Host: a\r\nContent-Length: 9\r\n\r\n"
    recording = Recording()
    recording.call("client", "origin")
    for kind, start in ((H, b"POST / HTTP/1.1\r\n"), (S, b"HTTP/1.1 200 OK\r\n")):
        recording.note(0, kind, start + head)
        recording.pieces.append(Piece(0, kind, some, 9, 0.0))
    trace = told(recording)
    for it in trace.requests() + trace.answers():
        assert it.complete and it.lost and len(it.body) == 9 and it.body[: len(some)] == some
        assert b"\0" not in it.head
        with pytest.raises(NotKept, match=f"the first {len(some)} of 9, and the answer lies in the others"):
            assert it.body == some + bytes(9 - len(some))


# ── how a connection ends ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (Event.SERVER_CLOSED, "origin > client: closed"),
        (Event.CLIENT_CLOSED, "client > origin: closed"),
        (Event.RESET, "origin > client: reset"),
    ],
)
def test_an_end_without_an_answer(end: Event, said: str) -> None:
    assert words(one((H, GET % 1), (end, b""))) == ["client > origin: GET /1", said]
    half = one((H, GET % 1), (S, HALF), (end, b""))
    assert words(half)[1:] == ["origin > client: 200 OK (cut short)", said]
    assert words(one((H, GET % 1), (S, OK), (H, GET % 2), (end, b"")))[-1] == said
    assert words(one((H, GET % 1), (S, b"HTTP/1.1 100 Continue\r\n\r\n"), (end, b"")))[-1] == said


@pytest.mark.parametrize("end", [Event.SERVER_CLOSED, Event.CLIENT_CLOSED, Event.RESET])
def test_an_end_after_the_answer_is_no_event(end: Event) -> None:
    assert one((H, GET % 1), (S, OK), (end, b"")).events() == ()
    assert one((Event.OPENED, b""), (end, b"")).said == ()


def test_the_first_end_is_told() -> None:
    both = one((H, GET % 1), (Event.CLIENT_CLOSED, b""), (Event.SERVER_CLOSED, b""))
    assert words(both)[1:] == ["client > origin: closed"]


def test_a_running_connection_is_no_event() -> None:
    assert one((H, GET % 1)).events() == ()


def test_an_upgrade_is_an_answer() -> None:
    asked = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    said = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert one((H, asked), (S, said), (Event.SERVER_CLOSED, b"")).events() == ()
    assert one((H, asked), (S, said + b"hello"), (Event.CLIENT_CLOSED, b"")).events() == ()


def test_only_the_server_ends_a_body_without_a_length() -> None:
    endless = (S, b"HTTP/1.1 200 OK\r\n\r\nabc")
    (whole,) = one((H, GET % 1), endless, (Event.SERVER_CLOSED, b"")).answers()
    (cut,) = one((H, GET % 1), endless, (Event.CLIENT_CLOSED, b"")).answers()
    (lost,) = one((H, GET % 1), endless, (Event.RESET, b"")).answers()
    half_closed = one((H, GET % 1), (Event.CLIENT_CLOSED, b""), endless, (Event.SERVER_CLOSED, b""))
    assert (whole.complete, cut.complete, lost.complete) == (True, False, False)
    assert half_closed.answers()[0].complete and half_closed.events() == ()


# ── on real traffic ───────────────────────────────────────────────────────────────────────────────────────


class Raw(asyncio.Protocol):
    """A server that does one thing when it hears something."""

    def __init__(self, act: Callable[[asyncio.Transport], None] | None) -> None:
        self._act = act

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        assert self._act, "it was to be closed"
        self._act(self._transport)


def visit(act: Callable[[asyncio.Transport], None] | None, *, name: str = "origin.test") -> Trace:
    async def go() -> Trace:
        async with Town() as town:
            await town.open("origin.test", lambda: Raw(act))
            if act is None:
                await town.close("origin.test")
            async with ClientSession(connector=town.connector("client")) as client:
                with contextlib.suppress(ClientError):
                    async with client.post(f"http://{name}/page") as answer:
                        await answer.read()
        return town.trace

    return asyncio.run(go())


def test_refused() -> None:
    trace = visit(None)
    assert words(trace) == ["client > origin.test: refused"]
    assert trace.connections() == 0


def test_unknown_name() -> None:
    trace = visit(lambda it: it.close(), name="nobody.test")
    assert words(trace) == ["client > nobody.test: unknown name"]


def test_closed_without_an_answer() -> None:
    trace = visit(lambda it: it.close())
    assert words(trace) == ["client > origin.test: POST /page", "origin.test > client: closed"]


def test_reset() -> None:
    assert words(visit(lambda it: it.abort()))[1:] == ["origin.test > client: reset"]


def test_cut_short() -> None:
    def half(transport: asyncio.Transport) -> None:
        transport.write(HALF)
        transport.close()

    cut, closed = words(visit(half))[1:]
    assert cut == "origin.test > client: 200 OK (cut short)" and closed == "origin.test > client: closed"


def test_the_client_leaves() -> None:
    async def go() -> Trace:
        arrived, left = asyncio.Event(), asyncio.Event()

        class Silent(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                arrived.set()

            def connection_lost(self, error: Exception | None) -> None:
                left.set()

        async with Town() as town:
            await town.open("origin.test", Silent)
            async with ClientSession(connector=town.connector("client")) as client:
                task = asyncio.create_task(client.get("http://origin.test/"))
                await arrived.wait()
                task.cancel()
                await asyncio.wait([task])
            await left.wait()
        return town.trace

    assert words(asyncio.run(go())) == ["client > origin.test: GET /", "client > origin.test: closed"]


# ── much ──────────────────────────────────────────────────────────────────────────────────────────────────


class Counted(list[object]):
    """A list that counts how often an element is taken from it."""

    taken = 0

    def __iter__(self) -> Iterator[object]:
        for it in super().__iter__():
            self.taken += 1
            yield it


def test_a_thousand_connections_are_read_in_one_go() -> None:
    recording = Recording()
    for number in range(1000):
        recording.call("client", "origin")
        for kind, data in ((Event.OPENED, b""), (H, GET % number), (S, OK), (Event.SERVER_CLOSED, b"")):
            recording.note(number, kind, data)
    recording.pieces = Counted(recording.pieces)  # type: ignore[assignment]
    trace = told(recording)
    assert [it.target for it in trace.requests()] == [f"/{n}" for n in range(1000)]
    assert trace.connections() == 1000
    assert recording.pieces.taken <= 2 * len(recording.pieces)  # type: ignore[attr-defined]
