"""When everything would be said if the parties were far apart: exact times, by causality, from a recording.

Loopback has no round trips, and round trips are most of what a redirect costs. This is a model, and says so.
Whoever speaks has heard what he waits for, and works in no time. A message arrives a flight later, half a
round trip, however long it is. A new connection costs its opener a round trip before its first message (RFC
9293, 3.5), and TLS 1.3 another (RFC 8446, 2). Names are known, nothing is lost, and nobody is short of
bandwidth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labs.capture import lanes
from labs.capture.recording import Call
from labs.capture.said import Said
from labs.show.page import Page

__all__ = ["DistanceError", "Distances", "Opening", "Schedule", "Timed", "schedule"]

Distances: TypeAlias = Mapping[tuple[str, str], float]  # two parties, in any order -> a round trip, in ms
UNMET = ("refused", "unknown name")  # the connection was never there
ROWS = 16  # of the lanes, at most, until the last arrow leaves: unless more leave at about one time
ROUND = [float(f"{m}e{e}") for e in range(-3, 12) for m in (1, 2, 5)]  # milliseconds
MODEL = "A model: each new connection costs a round trip, TLS another; work and bytes cost nothing."


class DistanceError(ValueError):
    """Say in one sentence which distance cannot be, and what to write instead."""


@dataclass(frozen=True)
class Timed:
    """One thing that was said, with when it left and when it arrived, in milliseconds from the first call."""

    said: Said
    left: float
    arrived: float


@dataclass(frozen=True)
class Opening:
    """A connection that came about: when its opener called, and when he could speak, in milliseconds."""

    who: str
    whom: str
    called: float
    ready: float


@dataclass(frozen=True)
class Schedule:
    """Everything that was said, in the order in which it would be, and every opening of a connection."""

    timed: tuple[Timed, ...]
    openings: tuple[Opening, ...]
    parties: tuple[str, ...]
    distances: Distances

    def ends(self, who: str) -> float:
        """Return when `who` hears the last thing, in milliseconds; 0 for who hears nothing.

        Raises DistanceError for nobody.
        """
        _known(who, self.parties)
        return _whole(max((it.arrived for it in self.timed if _ear(it.said) == who), default=0))

    def round_trips(self, who: str, whom: str) -> float:
        """Return how many round trips to `whom` fit into the time until `who` has heard everything.

        Raises DistanceError for nobody, and for two who are at no distance.
        """
        _known(whom, self.parties)
        if not (trip := _between(self.distances, who, whom)):
            raise DistanceError(
                f"{who} and {whom} are at no distance: give one, as in {{({who!r}, {whom!r}): 40}}."
            )
        return _whole(self.ends(who) / trip)

    def lanes(self, row: float | None = None) -> Page:
        """Draw the conversation in characters, to scale: an arrow stands where it leaves, with its times.

        `row` is how many milliseconds a row stands for; without one there are about ROWS. Raises
        DistanceError for one that is not above 0.
        """
        if row is None:
            last = max([it.left for it in self.timed], default=0.0)
            row = next(it for it in ROUND if it * ROWS >= last)
        _is_number(row, "A row")
        if not row:
            raise DistanceError("A row is 0 ms: give more than 0.")
        times, waits, at = [], [], 0
        for it in self.timed:
            times.append(f"{it.left:g} → {it.arrived:g} ms")
            waits.append(max(0, round(it.left / row) - at))
            at += waits[-1] + 1
        drawn = lanes.draw([it.said for it in self.timed], self.parties, times=times, waits=waits)
        return Page(f"{drawn}\n\nA row is {row:g} ms. {MODEL}")

    def __repr__(self) -> str:
        return str(self.lanes())

    def _repr_html_(self) -> str:
        return self.lanes()._repr_html_()


def schedule(
    said: Sequence[Said],
    parties: Sequence[str],
    calls: Sequence[Call],
    distances: Distances,
    servers: Sequence[str] = (),
) -> Schedule:
    """Compute when everything would be said at these distances; two who are not named are at none.

    An answer waits for its request, and for what its speaker has heard since on connections that he opened
    himself. A request waits for the last request that its speaker heard, and for what he has heard since.
    `servers` may stand at a distance though nobody spoke to them. Raises DistanceError for a distance that is
    negative, no number, given twice, or for nobody.
    """
    _must_be(distances, [*dict.fromkeys([*parties, *servers])])
    done: list[Timed] = []
    openings: dict[int, Opening] = {}
    for it in said:
        call = calls[it.connection]
        trip = _between(distances, it.who, it.whom)
        begin = max((other.arrived for other in _awaited(it, done, calls)), default=0.0)
        if it.event in UNMET:  # asked, and told no; an unknown name is asked of nobody who is far away
            done.append(Timed(it, begin, begin + trip * (it.event == "refused")))
            continue
        if it.connection not in openings:
            called = begin if it.who == call.who else 0.0
            ready = called + trip * (2 if call.secure else 1)
            openings[it.connection] = Opening(call.who, call.whom, called, ready)
            if it.who != call.who:  # the server speaks first: it has heard the call, a flight ago
                begin = max(begin, ready - trip / 2)
        left = max(begin, openings[it.connection].ready) if it.who == call.who else begin
        done.append(Timed(it, left, left + trip / 2))
    done.sort(key=lambda it: (it.left, it.said.order))
    return Schedule(tuple(done), tuple(openings.values()), tuple(parties), dict(distances))


def _awaited(it: Said, done: Sequence[Timed], calls: Sequence[Call]) -> Iterator[Timed]:
    """Go through what the speaker must have heard: back to the request that moved him to speak."""
    answers = calls[it.connection].who != it.who
    for other in reversed(done):
        said = other.said
        if _ear(said) != it.who:
            continue
        mine = calls[said.connection].who == it.who
        if mine or said.connection == it.connection or not answers:
            yield other
        if not mine and (said.connection == it.connection or not answers):
            return


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value  # 160, and not 160.0


def _ear(said: Said) -> str:
    return said.who if said.event in UNMET else said.whom  # a failed call is heard by who called


def _between(distances: Distances, a: str, b: str) -> float:
    return distances.get((a, b), distances.get((b, a), 0.0))


def _known(name: str, parties: Sequence[str]) -> None:
    if name not in parties:
        raise DistanceError(
            f"Nobody here is called {name!r}: the parties are {', '.join(parties) or 'none'}."
        )


def _must_be(distances: Distances, parties: Sequence[str]) -> None:
    if not isinstance(distances, Mapping):
        raise DistanceError(
            'Distances are a dict of round trips in ms: write {("client", "front.test"): 40}.'
        )
    for pair, trip in distances.items():
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise DistanceError(
                f'A distance is between two parties, as in ("client", "front.test"): not {pair!r}.'
            )
        for name in pair:
            _known(name, parties)
        between = f"The round trip between {' and '.join(pair)}"
        _is_number(trip, between)
        if pair[0] != pair[1] and pair[::-1] in distances:
            raise DistanceError(f"{between} is given twice: give it once.")


def _is_number(value: object, what: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise DistanceError(f"{what} is {value!r}: give a number of milliseconds.")
    if not 0 <= value < 1e9:
        raise DistanceError(f"{what} is {value} ms: give 0 or more, and less than a thousand million.")
