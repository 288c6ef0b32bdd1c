"""When everything would be said if the parties were far apart: exact times, by causality, from a recording.

Loopback has no round trips, and round trips are most of what a redirect costs. This is a model, and it says so:
whoever speaks has heard what he waits for, and works in no time; a message arrives a flight later, half a round
trip, however long it is. A new connection costs its opener a round trip before its first message (RFC 9293,
3.5), and TLS 1.3 another (RFC 8446, 2). Names are known, nothing is lost, and nobody is short of bandwidth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labs.capture.said import Said
from labs.show.page import Page

__all__ = ["DistanceError", "Distances", "Schedule", "Timed", "schedule"]

Distances: TypeAlias = Mapping[
    tuple[str, str], float
]  # two parties, in any order -> a round trip, in milliseconds


class DistanceError(ValueError):
    """Say in one sentence which distance cannot be, and what to write instead."""


@dataclass(frozen=True)
class Timed:
    """One thing that was said, with when it left and when it arrived, in milliseconds from the first one."""

    said: Said
    left: float
    arrived: float


@dataclass(frozen=True)
class Schedule:
    """Everything that was said, in the order of the recording, with its times; `distances` made them."""

    timed: tuple[Timed, ...]
    parties: tuple[str, ...]
    distances: Distances

    def ends(self, who: str) -> float:
        """Return when `who` hears the last thing, in milliseconds; 0 for who hears nothing."""
        return max((it.arrived for it in self.timed if _ear(it.said) == who), default=0.0)

    def round_trips(self, who: str, whom: str) -> float:
        """Return how many round trips to `whom` fit into the time until `who` has heard everything."""
        return self.ends(who) / _between(self.distances, who, whom)

    def lanes(self) -> Page:
        """List what was said with its times: when it left, when it arrived, who to whom, and its words."""
        rows = [("left", "arrived", "from", "to", "")]
        for it in self.timed:
            said = it.said
            what = f"connect: {said.label}" if said.event in UNMET else said.label
            rows.append((f"{it.left:g} ms", f"{it.arrived:g} ms", said.who, said.whom, what))
        wide = [max(len(row[n]) for row in rows) for n in range(4)]
        return Page("\n".join(_row(row, wide) for row in rows))

    def __repr__(self) -> str:
        return str(self.lanes())

    def _repr_html_(self) -> str:
        return self.lanes()._repr_html_()


UNMET = ("refused", "unknown name")  # the connection was never there


def schedule(
    said: Sequence[Said],
    parties: Sequence[str],
    calls: Sequence[tuple[str, str]],
    distances: Distances,
    secure: frozenset[int] = frozenset(),
) -> Schedule:
    """Compute when everything would be said at these distances; a pair that is not named is at none.

    `calls` are (who, whom) of every connection, `secure` the numbers of those under TLS. An answer waits for
    its request, and for what its speaker has heard since on connections that he opened himself. A request
    waits for the last request that its speaker heard, and for what he has heard since. Raise DistanceError for
    a distance that is negative, or for nobody.
    """
    _must_be(distances, parties)
    done: list[Timed] = []
    ready: dict[int, float] = {}  # connection -> when its opener may speak on it
    for it in said:
        opener = calls[it.connection][0]
        trip = _between(distances, it.who, it.whom)
        begin = max((other.arrived for other in _awaited(it, done, calls)), default=0.0)
        if it.event == "unknown name":
            done.append(Timed(it, begin, begin))
            continue
        if it.event == "refused":  # asked, and told no
            done.append(Timed(it, begin, begin + trip))
            continue
        if it.connection not in ready:
            called = begin if it.who == opener else 0.0
            ready[it.connection] = called + trip * (2 if it.connection in secure else 1)
            if it.who != opener:  # the server speaks first: it has heard the call, a flight ago
                begin = max(begin, ready[it.connection] - trip / 2)
        left = max(begin, ready[it.connection]) if it.who == opener else begin
        done.append(Timed(it, left, left + trip / 2))
    return Schedule(tuple(done), tuple(parties), dict(distances))


def _awaited(it: Said, done: Sequence[Timed], calls: Sequence[tuple[str, str]]) -> Iterator[Timed]:
    """Go through what the speaker must have heard: back to the request that moved him to speak."""
    answers = calls[it.connection][0] != it.who
    for other in reversed(done):
        said = other.said
        if _ear(said) != it.who:
            continue
        mine = calls[said.connection][0] == it.who
        if mine or said.connection == it.connection or not answers:
            yield other
        if not mine and (said.connection == it.connection or not answers):
            return


def _ear(said: Said) -> str:
    return said.who if said.event in UNMET else said.whom  # a failed call is heard by who called


def _between(distances: Distances, a: str, b: str) -> float:
    return distances.get((a, b), distances.get((b, a), 0.0))


def _must_be(distances: Distances, parties: Sequence[str]) -> None:
    for pair, trip in distances.items():
        for name in pair:
            if name not in parties:
                there = ", ".join(parties)
                raise DistanceError(f"Nobody here is called {name!r}: the parties are {there}.")
        if not trip >= 0:
            raise DistanceError(f"The round trip between {' and '.join(pair)} is {trip} ms: give 0 or more.")
        if pair[0] != pair[1] and pair[::-1] in distances:
            raise DistanceError(f"The distance between {' and '.join(pair)} is given twice: give it once.")


def _row(row: tuple[str, ...], wide: Sequence[int]) -> str:
    left, arrived, who, whom, what = row
    return f"{left:>{wide[0]}}  {arrived:>{wide[1]}}   {who:{wide[2]}}  {whom:{wide[3]}}  {what}".rstrip()
