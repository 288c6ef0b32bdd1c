"""When everything would be said: counts of round trips are exact, and what cannot be is one sentence."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, web

from labs.capture.distance import MODEL, DistanceError, Schedule, schedule
from labs.capture.message import Message
from labs.capture.recording import Call
from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.town.town import Town

FAR = {("client", "front.test"): 40.0, ("client", "origin.test"): 40.0, ("front.test", "origin.test"): 1.0}


def a(kind: str, label: str) -> Message:
    start = f"GET {label} HTTP/1.1" if kind == "request" else f"HTTP/1.1 {label}"
    return Message(kind, start, (), b"", f"{start}\r\n\r\n".encode())


def trace(*steps: tuple[str, str, Message | str, int], secure: bool = False) -> Trace:
    """Make a trace of (who, whom, message or event, connection); who says the first word has opened it."""
    said = tuple(
        Said(who, whom, None, what, number, order, 0.0)
        if isinstance(what, str)
        else Said(who, whom, what, "", number, order, 0.0)
        for order, (who, whom, what, number) in enumerate(steps)
    )
    openers = {number: Call(who, whom, secure=secure) for who, whom, _, number in reversed(steps)}
    parties = tuple(dict.fromkeys(name for it in said for name in (it.who, it.whom)))
    return Trace(said, parties, tuple(openers[number] for number in sorted(openers)))


ASK, OK = a("request", "/"), a("answer", "200 OK")
HTTP = trace(("client", "front", ASK, 0), ("front", "client", OK, 0))


def times(of: Schedule) -> list[tuple[float, float]]:
    return [(it.left, it.arrived) for it in of.timed]


def test_an_exchange_takes_two_round_trips_and_over_tls_three() -> None:
    far = {("front", "client"): 200}  # in any order
    assert times(HTTP.apart(far)) == [(200, 300), (300, 400)]
    assert HTTP.apart(far).round_trips("client", "front") == 2
    tls = trace(("client", "front", ASK, 0), ("front", "client", OK, 0), secure=True)
    assert tls.apart(far).round_trips("client", "front") == 3


def test_a_kept_connection_saves_a_round_trip() -> None:
    kept = trace(*[("client", "front", ASK, 0), ("front", "client", OK, 0)] * 2)
    new = trace(
        *[("client", "front", ASK, 0), ("front", "client", OK, 0)],
        *[("client", "front", ASK, 1), ("front", "client", OK, 1)],
    )
    far = {("client", "front"): 40}
    assert kept.apart(far).round_trips("client", "front") == 3
    assert new.apart(far).round_trips("client", "front") == 4
    assert [(it.called, it.ready) for it in new.apart(far).openings] == [(0, 40), (80, 120)]


def test_requests_side_by_side_take_the_time_of_one() -> None:
    """The two visitors wait for nobody but the server, each for his own answer."""
    both = trace(
        ("one", "front", ASK, 0), ("two", "front", ASK, 1), ("front", "one", OK, 0), ("front", "two", OK, 1)
    )
    apart = both.apart({("one", "front"): 10, ("two", "front"): 30})
    assert (apart.ends("one"), apart.ends("two")) == (20, 60)
    assert [it.said.who for it in apart.timed] == ["one", "front", "two", "front"]  # as it would be


def test_who_is_refused_hears_it_after_a_round_trip_and_goes_on() -> None:
    refused = trace(("client", "dead", "refused", 0), ("client", "front", ASK, 1), ("front", "client", OK, 1))
    far = {("client", "dead"): 10, ("client", "front"): 40}
    assert times(refused.apart(far)) == [(0, 10), (50, 70), (70, 90)]
    unknown = trace(("client", "dead", "unknown name", 0))
    assert times(unknown.apart({("client", "dead"): 10})) == [(0, 0)]


def test_a_server_that_speaks_first_has_heard_the_call() -> None:
    hello = trace(("server", "client", OK, 0))
    one = schedule(hello.said, hello.parties, [Call("client", "server")], {("client", "server"): 40})
    assert times(one) == [(20, 40)]


def test_who_hears_nothing_ends_at_none() -> None:
    assert trace(("client", "front", ASK, 0)).apart({}).ends("client") == 0
    assert Trace((), ()).apart({}) == Schedule((), (), (), {})


async def ask(redirects: bool) -> Trace:
    async def origin(request: web.Request) -> web.Response:
        return web.Response(text="page")

    async def front(connect: Any, request: web.Request) -> web.Response:
        if redirects:
            raise web.HTTPFound("http://origin.test/")
        async with ClientSession(connector=connect()) as inner, inner.get("http://origin.test/") as answer:
            return web.Response(body=await answer.read())

    async with Town() as town:
        await town.open("origin.test", origin)
        await town.open("front.test", partial(front, partial(town.connector, "front.test")))
        async with (
            ClientSession(connector=town.connector("client")) as client,
            client.get("http://front.test/") as answer,
        ):
            assert await answer.text() == "page"
    return town.trace


async def test_a_redirect_costs_four_round_trips_and_a_proxy_two_and_two_short_ones() -> None:
    assert (await ask(redirects=True)).apart(FAR).ends("client") == 160
    assert (await ask(redirects=False)).apart(FAR).ends("client") == 82


async def test_the_recording_of_a_refusal_can_be_put_apart() -> None:
    async def front(request: web.Request) -> web.Response:
        return web.Response()

    async with Town() as town:
        await town.open("front.test", front)
        await town.close("front.test")
        async with ClientSession(connector=town.connector("client")) as client:
            with pytest.raises(ClientConnectionError):
                await client.get("http://front.test/")
    assert town.trace.apart({("client", "front.test"): 40}).ends("client") == 40


def test_the_lanes_are_to_scale() -> None:
    lanes = str(HTTP.apart({("client", "front"): 40}).lanes(10)).splitlines()
    assert lanes[0].split() == ["client", "front"]
    assert [n for n, line in enumerate(lanes) if "ms   " in line] == [5, 7]  # 40 and 60 ms, below the names
    assert lanes[5].startswith("40 → 60 ms   │──") and lanes[6].startswith(" " * 13 + "│")
    assert lanes[-1] == f"A row is 10 ms. {MODEL}"
    assert max(map(len, str(HTTP.apart({}).lanes()).splitlines()[:-1])) < 50
    long = str(HTTP.apart({("client", "front"): 86_400_000}))
    assert long.count("\n") < 40 and long == repr(HTTP.apart({("client", "front"): 86_400_000}).lanes())


@pytest.mark.parametrize(
    ("distances", "sentence"),
    [
        ({("client", "front"): -1}, "The round trip between client and front is -1 ms: give 0 or more"),
        ({("client", "front"): float("nan")}, "is nan ms: give 0 or more"),
        ({("client", "front"): float("inf")}, "is inf ms: give 0 or more"),
        ({("client", "front"): "40"}, "is '40': give a number of milliseconds"),
        ({("client", "front"): True}, "is True: give a number of milliseconds"),
        ({("client", "frnt"): 40}, "Nobody here is called 'frnt': the parties are client, front"),
        ({("client", "front"): 4, ("front", "client"): 4}, "is given twice: give it once"),
        ({"client": 40}, "A distance is between two parties"),
        (40, "Distances are a dict of round trips in ms"),
    ],
)
def test_what_cannot_be_is_one_sentence(distances: Any, sentence: str) -> None:
    with pytest.raises(DistanceError, match=sentence.replace("(", r"\(")):
        HTTP.apart(distances)


def test_nobody_and_no_distance_are_told() -> None:
    apart = HTTP.apart({})
    with pytest.raises(DistanceError, match="Nobody here is called 'me'"):
        apart.ends("me")
    with pytest.raises(DistanceError, match="Nobody here is called 'me'"):
        apart.round_trips("client", "me")
    with pytest.raises(DistanceError, match="client and front are at no distance: give one"):
        apart.round_trips("client", "front")
    for row in (0, -1):
        with pytest.raises(DistanceError, match="A row is"):
            apart.lanes(row)
