"""Two limits, two meanings: `answer_timeout` until there is an answer, `idle_timeout` while nothing moves."""

import asyncio
from typing import cast

import pytest

from labs.gateway import Options
from labs.gateway.clock import Clock, Clocks, Turn
from tests.gateway.conftest import Hand
from tests.gateway.support import GET, LEGS, OK, Line, answer, ok, standing
from tests.gateway.test_tunnel import ASK, YES

PLENTY = 64 << 20  # bytes: far more than every buffer on the way
EACH = pytest.mark.parametrize("leg", LEGS)
EQUAL_AND_NOT = pytest.mark.parametrize(("answers", "moves"), [(0.5, 0.5), (60, 0.5), (0.5, 60)])
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def limits(leg: str, answers: float, moves: float, **more: object) -> Options:
    told = {"leg": leg, "answer_timeout": answers, "idle_timeout": moves, "linger": 0.05, **more}
    return Options(**told)  # type: ignore[arg-type]


async def deaf(line: Line) -> None:
    """Read the head and nothing more."""
    await line.head()
    line.transport.pause_reading()


@EACH
@EQUAL_AND_NOT
async def test_an_origin_that_takes_no_more_of_an_upload_is_given_up_after_the_idle_limit(
    hand: Hand, leg: str, answers: float, moves: float
) -> None:
    async def origin(line: Line) -> None:
        if len(stand.lines) > 1:
            await ok(line)
        await deaf(line)
        await given_up.wait()
        line.transport.resume_reading()
        await line.end()  # the connection is gone, and not only idle

    given_up = asyncio.Event()
    async with standing(origin, limits(leg, answers, moves, max_requests=1)) as stand:
        line = await stand.client()
        line.say(POST.replace(b"5", b"%d" % PLENTY) + bytes(PLENTY))
        await hand.until(Turn.TAKES)
        hand.wind(moves * 0.9)
        hand.wind(moves * 0.2)
        assert (await line.message()).startswith(b"HTTP/1.1 504 ")
        given_up.set()
        line.abort()
        assert (await stand.ask(GET)).status == 200  # there is room for the next one


@EACH
async def test_a_client_that_leaves_while_its_upload_is_held_back_is_noticed_at_the_idle_limit(
    hand: Hand, leg: str
) -> None:
    async def origin(line: Line) -> None:
        if len(stand.lines) > 1:
            await ok(line)
        await deaf(line)
        await given_up.wait()
        line.transport.resume_reading()
        await line.end()

    given_up = asyncio.Event()
    async with standing(origin, limits(leg, 60, 0.5, max_requests=1)) as stand:
        line = await stand.client()
        line.say(POST.replace(b"5", b"%d" % PLENTY) + bytes(PLENTY))
        await hand.until(Turn.TAKES)
        line.abort()
        hand.wind(0.6)
        given_up.set()
        while (await stand.ask(GET)).status != 200:
            pass


@EACH
async def test_the_head_of_an_answer_may_take_longer_than_the_idle_limit(hand: Hand, leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        await go.wait()
        line.say(OK)

    go = asyncio.Event()
    async with standing(origin, limits(leg, 2, 0.4)) as stand:
        asked = asyncio.create_task(stand.ask(GET))
        await hand.until(Turn.ANSWERS)
        hand.wind(0.8)
        await hand.until(Turn.ANSWERS)
        go.set()
        assert (await asked).status == 200


@EACH
async def test_a_body_may_pause_for_longer_than_the_answer_limit(hand: Hand, leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK[:-1])
        await go.wait()
        line.say(OK[-1:])

    go = asyncio.Event()
    async with standing(origin, limits(leg, 0.4, 2)) as stand:
        line = await stand.client()
        line.say(GET)
        head = await line.head()
        await hand.until(Turn.MOVES)
        hand.wind(0.8)
        await hand.until(Turn.MOVES)
        go.set()
        assert answer(head + await line.reader.readexactly(2)).body == b"ok"


@EACH
async def test_a_body_that_pauses_for_longer_than_the_idle_limit_is_broken_off(hand: Hand, leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK[:-1])
        await line.end()

    async with standing(origin, limits(leg, 60, 0.5)) as stand:
        line = await stand.client()
        line.say(GET)
        head = await line.head()
        await hand.until(Turn.MOVES)
        hand.wind(0.6)
        assert not answer(head + await line.end()).complete


@EACH
async def test_a_head_that_trickles_has_one_limit_for_all_of_it(hand: Hand, leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        for byte in OK[:4]:
            line.say(bytes([byte]))
            await turn.acquire()
        await line.end()

    turn = asyncio.Semaphore(0)
    async with standing(origin, limits(leg, 1, 60)) as stand:
        asked = asyncio.create_task(stand.ask(GET))
        await hand.until(Turn.ANSWERS)
        for _ in range(4):
            hand.wind(0.3)
            turn.release()
            for _ in range(20):
                await asyncio.sleep(0)
        assert (await asked).status == 504


@EACH
async def test_interim_answers_do_not_put_off_the_end_of_the_answer_limit(hand: Hand, leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(b"HTTP/1.1 102 Processing\r\n\r\n")
        await line.end()

    async with standing(origin, limits(leg, 1, 60)) as stand:
        line = await stand.client()
        line.say(GET)
        await hand.until(Turn.ANSWERS)
        hand.wind(1.1)
        await line.reader.readuntil(b"HTTP/1.1 504 ")


@EACH
@EQUAL_AND_NOT
async def test_a_client_that_pauses_in_its_upload_is_no_origin_that_is_slow(
    hand: Hand, leg: str, answers: float, moves: float
) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        assert await line.reader.readexactly(2) == b"he"
        half.set()
        assert await line.reader.readexactly(3) == b"llo"
        line.say(OK)

    half = asyncio.Event()
    async with standing(origin, limits(leg, answers, moves)) as stand:
        line = await stand.client()
        line.say(POST + b"he")
        await half.wait()
        await hand.until(Turn.SENDS)
        hand.wind(moves * 0.9)
        await hand.until(Turn.SENDS)
        line.say(b"llo")
        assert answer(await line.message()).status == 200


@EACH
@EQUAL_AND_NOT
@pytest.mark.parametrize("said", [b"", b"he"])
async def test_a_client_that_stops_in_its_upload_gets_408_whatever_the_answer_limit_is(
    hand: Hand, leg: str, answers: float, moves: float, said: bytes
) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        await line.end()

    async with standing(origin, limits(leg, answers, moves)) as stand:
        line = await stand.client()
        line.say(POST + said)
        await hand.until(Turn.SENDS)
        hand.wind(moves * 1.1)
        assert (await line.message()).startswith(b"HTTP/1.1 408 ")


@EACH
async def test_the_answer_limit_begins_with_the_last_of_the_request(hand: Hand, leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        heard.set()
        await go.wait()
        line.say(OK)

    heard, go = asyncio.Event(), asyncio.Event()
    async with standing(origin, limits(leg, 1, 60)) as stand:
        line = await stand.client()
        line.say(POST)
        await hand.until(Turn.SENDS)
        hand.wind(50)
        line.say(b"hello")
        await heard.wait()
        await hand.until(Turn.ANSWERS)
        hand.wind(0.9)
        await hand.until(Turn.ANSWERS)
        go.set()
        assert answer(await line.message()).status == 200


async def test_an_origin_that_is_asked_whether_to_go_on_has_to_answer() -> None:
    """With Expect it is the origin that is waited for, until it says 100; then it is the client."""
    clock, now = made(answer_timeout=1, idle_timeout=5)
    clock.uploads(expects=True)
    clock.begun(transport())
    clock.sends()
    assert (clock.turn, clock.failure.status) == (Turn.ANSWERS, 504)
    clock.continued()
    assert (clock.turn, clock.failure.status, clock.deadline) == (Turn.SENDS, 408, now[0] + 5)
    clock.takes()
    clock.sends()
    assert clock.turn is Turn.SENDS


@EACH
async def test_where_the_client_waits_for_100_and_none_comes_the_origin_is_too_slow(
    hand: Hand, leg: str
) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        await line.end()

    async with standing(origin, limits(leg, 1, 60)) as stand:
        line = await stand.client()
        line.say(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        if leg == "direct":
            await hand.until(Turn.ANSWERS)
            hand.wind(1.1)
            assert (await line.message()).startswith(b"HTTP/1.1 504 ")
        else:  # here the gateway says 100 itself, so it is the client's turn
            await line.head()
            await hand.until(Turn.SENDS)
            hand.wind(61)
            assert (await line.message()).startswith(b"HTTP/1.1 408 ")


@EACH
async def test_a_client_that_does_not_read_its_answer_is_given_up_after_the_idle_limit(
    hand: Hand, leg: str
) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(OK.replace(b"2\r\n\r\nok", b"%d\r\n\r\n" % PLENTY) + bytes(PLENTY))
        await line.end()
        gone.set()

    gone = asyncio.Event()
    async with standing(origin, limits(leg, 60, 0.5)) as stand:
        line = await stand.client()
        line.transport.pause_reading()
        line.say(GET)
        await hand.until(Turn.MOVES)
        hand.wind(0)  # what waits is noted
        hand.wind(0.6)
        await gone.wait()
        line.transport.resume_reading()
        assert not answer(await line.end()).complete


@EACH
async def test_a_client_that_asks_and_asks_and_reads_nothing_fills_no_memory_and_is_given_up(
    hand: Hand, leg: str
) -> None:
    async def origin(line: Line) -> None:
        while True:
            await line.message()
            heard.append(b"")
            line.say(OK.replace(b"2\r\n\r\nok", b"50000\r\n\r\n") + bytes(50_000))

    heard: list[bytes] = []
    async with standing(origin, limits(leg, 60, 0.5)) as stand:
        line = await stand.client()
        line.transport.pause_reading()
        line.say(GET * 2000)
        await hand.until(Turn.MOVES)
        assert len(heard) < 1000
        hand.wind(0)
        hand.wind(0.6)
        line.transport.resume_reading()
        await line.end()


@EACH
@pytest.mark.parametrize("moving", ["upload", "answer"])
async def test_what_moves_in_one_direction_keeps_the_other_alive(hand: Hand, leg: str, moving: str) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        line.say(CHUNKED + b"1\r\n0\r\n")
        for _ in range(4):
            if moving == "upload":
                await line.reader.readuntil(b"1\r\nx\r\n")
            else:
                await turn.acquire()
                line.say(b"1\r\ny\r\n")
            passed.release()
        line.say(b"0\r\n\r\n")

    turn, passed = asyncio.Semaphore(0), asyncio.Semaphore(0)
    async with standing(origin, limits(leg, 60, 0.5)) as stand:
        line = await stand.client()
        line.say(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        head = await line.reader.readuntil(b"1\r\n0\r\n")
        for _ in range(4):
            await hand.until(Turn.MOVES)
            hand.wind(0.4)
            if moving == "upload":
                line.say(b"1\r\nx\r\n")
                await passed.acquire()
            else:
                turn.release()
                head += await line.reader.readuntil(b"1\r\ny\r\n")
        assert (head + await line.reader.readuntil(b"0\r\n\r\n")).endswith(b"\r\n0\r\n\r\n")


@EACH
async def test_after_the_head_a_stalled_upload_is_broken_off_when_nothing_moves(hand: Hand, leg: str) -> None:
    async def origin(line: Line) -> None:
        await line.head()
        line.say(CHUNKED)
        await line.end()

    async with standing(origin, limits(leg, 60, 0.5)) as stand:
        line = await stand.client()
        line.say(POST)
        head = await line.head()
        await hand.until(Turn.MOVES)
        hand.wind(0.6)
        assert head + await line.end() == head


@EACH
@pytest.mark.parametrize("deaf_one", ["client", "origin"])
async def test_a_tunnel_may_be_silent_but_what_is_written_to_it_must_be_taken(
    hand: Hand, leg: str, deaf_one: str
) -> None:
    async def origin(line: Line) -> None:
        await line.message()
        line.say(YES)
        assert await line.reader.readexactly(2) == b"hi"
        if deaf_one == "client":
            line.say(bytes(PLENTY))
        else:
            line.transport.pause_reading()
        deaf.set()
        await over.wait()
        line.transport.resume_reading()
        await line.end()

    deaf, over = asyncio.Event(), asyncio.Event()
    async with standing(origin, limits(leg, 60, 0.5)) as stand:
        line = await stand.client()
        line.say(ASK)
        await line.head()
        await hand.until(Turn.MOVES)
        for _ in range(3):
            hand.wind(0.4)
        line.transport.pause_reading()
        line.say(b"hi")
        await deaf.wait()
        if deaf_one == "origin":
            line.say(bytes(PLENTY))
        await hand.until(Turn.MOVES)
        hand.wind(0)
        hand.wind(0.6)
        await hand.ended()
        over.set()
        line.transport.resume_reading()
        await line.end()


async def test_the_loop_looks_at_the_clocks_and_stops_when_there_are_none() -> None:
    clocks = Clocks(Options(idle_timeout=0.02))
    clock = clocks.start(transport())
    clock.uploads(expects=False)
    clock.sends()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()
    assert clock.ended()
    assert clock.failure.status == 408
    clocks.stop(clock)
    while clocks._timer is not None:  # noqa: ASYNC110  it has nothing to look at, and ends by itself
        await asyncio.sleep(0.001)
    assert len(clocks) == 0


def transport(*waits: int) -> asyncio.Transport:
    """Return a transport in which `waits` bytes wait, one number after the other, the last for good."""
    left = list(waits or (0,))

    class Holding(asyncio.Transport):
        def get_write_buffer_size(self) -> int:
            return left.pop(0) if len(left) > 1 else left[0]

    return Holding()


class Ended:
    """Stands for the task of an exchange, which is cancelled once at most."""

    def cancel(self) -> None:
        assert not vars(self).setdefault("cancelled", False)
        self.cancelled = True


def made(client: asyncio.Transport | None = None, **limits: float) -> tuple[Clock, list[float]]:
    """Return a clock and its time."""
    now = [100.0]
    options = Options(**limits)  # type: ignore[arg-type]
    clock = Clock(options, client or transport(), lambda: now[0])
    clock.task = cast("asyncio.Task[None]", Ended())
    return clock, now


def looked(clock: Clock, now: list[float], *steps: float) -> list[bool]:
    """Let time pass in steps, and tell after each whether the time was over."""
    out = []
    for step in steps:
        now[0] += step
        clock.look(now[0])
        out.append(clock.over)
    return out


async def test_what_is_still_being_sent_does_not_take_from_the_answers_time() -> None:
    clock, now = made(answer_timeout=3, idle_timeout=2)
    clock.begun(transport(90, 60, 30, 0))
    assert looked(clock, now, 1, 1, 1) == [False, False, False]
    assert clock.turn is Turn.TAKES
    assert looked(clock, now, 1) == [False]
    assert (clock.turn, clock.deadline) == (Turn.ANSWERS, now[0] + 3)
    assert looked(clock, now, 2, 1) == [False, True]
    assert clock.failure.status == 504


async def test_an_origin_that_takes_nothing_is_given_up_though_its_answer_would_have_more_time() -> None:
    clock, now = made(answer_timeout=50, idle_timeout=2)
    clock.begun(transport(90))
    assert looked(clock, now, 1, 1, 1) == [False, False, True]
    assert clock.failure.status == 504


@pytest.mark.parametrize("who", ["client", "origin"])
async def test_who_reads_slowly_is_not_who_does_not_read(who: str) -> None:
    slow, idle = transport(90, 89, 88, 88), transport()
    clock, now = made(slow if who == "client" else idle, answer_timeout=50, idle_timeout=2)
    clock.begun(slow if who == "origin" else idle)
    clock.answered()
    assert looked(clock, now, 1.5, 1.5, 1.5, 1.5) == [False] * 4
    assert looked(clock, now, 1) == [True]
    assert clock.failure.status == 502


async def test_what_is_over_stays_what_it_was() -> None:
    clock, now = made(answer_timeout=2, idle_timeout=2)
    clock.uploads(expects=False)
    clock.begun(transport())
    clock.sends()
    assert looked(clock, now, 2) == [True]
    clock.takes()
    clock.answered()
    assert clock.failure.status == 408
    assert looked(clock, now, 9) == [True]  # it is ended once


async def test_connecting_has_no_limit_here() -> None:
    clock, now = made(answer_timeout=2, idle_timeout=2)
    assert looked(clock, now, 1e9) == [False]
